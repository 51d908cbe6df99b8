"""The state of a run -> what to do next, and the configuration that resumes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml

from ..config import ScriptMode, written_exposures
from ..tables.products import ImageType, switched
from .events import RunOutcome, Verdicted
from .state import RunState

__all__ = ["TO_RESUME", "Resumption", "next_steps", "resumption", "to_resume"]

TO_RESUME = "To resume with these images, queue the script with the configuration"

_MODES = get_args(ScriptMode)
_SEARCH = ("flat_counts_target", "flat_counts_tolerance", "flat_times_scale")
"""Properties that have an exposure time looked for."""


@dataclass(frozen=True)
class Resumption:
    """How to resume a run that did not come to its end."""

    config: dict[str, Any]  #: The configuration.
    taken: tuple[str, ...] = ()  #: What it takes, in words, e.g. ``21 flats (first 1 discarded)``.
    #: The script_mode with which it would take none; None where there is no such mode, or it takes none
    #: anyway.
    mode_without: str | None = None
    left_out: tuple[str, ...] = ()  #: Properties that must be left out in that mode.

    @property
    def sentence(self) -> str:
        """Which images the configuration takes, without a full stop."""
        if not self.taken:
            return "With this configuration no image is taken"
        taken = f"With this configuration {' and '.join(self.taken)} are taken"
        if self.mode_without is None:
            return taken
        without = f" and without {', '.join(self.left_out)}" if self.left_out else ""
        return f"{taken}; with script_mode: {self.mode_without}{without} instead, no image is taken"

    @property
    def text(self) -> str:
        """The configuration as YAML, with ranges of exposures."""
        config = {
            name: _in_ranges(value) if name == "exposures" else value for name, value in self.config.items()
        }
        return yaml.safe_dump(config, default_flow_style=None, width=1_000_000).rstrip()


def _in_ranges(exposures: Any) -> Any:
    """Write lists of exposures as ranges; what a user wrote otherwise stays as it is."""
    if isinstance(exposures, dict):
        return {name: _in_ranges(ids) for name, ids in exposures.items()}
    plain = isinstance(exposures, list) and all(type(exposure) is int for exposure in exposures)
    return written_exposures(exposures) if plain else exposures


def next_steps(state: RunState, *, running: bool = False) -> tuple[str, ...]:
    """Report what to do after a run, before it is resumed; see `to_resume` for that.

    Parameters
    ----------
    state : `RunState`
        The run.
    running : `bool`, optional
        Is it known that its script still runs?

    Returns
    -------
    `tuple` [`str`]
        One sentence each; none where nothing is to be done.
    """
    return tuple(_next_steps(state, running))


def _next_steps(state: RunState, running: bool) -> Iterator[str]:
    failed = _failed(state)
    for verdict in failed:
        yield (
            f"{verdict.product}: look at the failed tests in {verdict.collection}, and at the images, before it is "
            "taken again."
        )
    for name in (withheld := _withheld(state)):
        yield f"{name}: look at how it differs from the one before, and certify it by a decision where it is right."
    for name, decision in (opposed := _opposed(state)).items():
        yield (
            f"{name}: not certified because of decision {decision}, made during the run. If that is right, take the "
            f"images again; if not, withdraw it and certify {name} by a decision."
        )
    if running:
        return
    if state.outcome is RunOutcome.UNFINISHED:
        yield "The record has no end: the script still runs, or it was killed. Check in LOVE whether it still runs."
    elif state.failures and not (failed or withheld or opposed or state.certified or state.doubtful):
        yield "Fix the failures listed above, then queue the script or its BLOCK again."


def to_resume(state: RunState, given: Mapping[str, Any]) -> Resumption | None:
    """Return how to resume a run, where that is worth offering.

    Parameters
    ----------
    state : `RunState`
        The run.
    given : mapping
        Configuration as the user wrote it.

    Returns
    -------
    `Resumption` or `None`
        None where all is done, where a verification failed, a calibration was withheld or a decision stands against
        one (somebody must look at that first), and where the run has no images that can be used.
    """
    taken = any(images.begun and _offered(state, kind) for kind, images in state.sets.items())
    looked_at = _failed(state) or _withheld(state) or _opposed(state)
    if state.is_complete or not taken or looked_at:
        return None
    return resumption(state, given)


def _failed(state: RunState) -> list[Verdicted]:
    """Return the verdicts of what failed its verification, unless a decision has certified it."""
    certified = state.certified
    return [verdict for name, verdict in state.verdicts.items() if verdict.failed and name not in certified]


def _withheld(state: RunState) -> list[str]:
    """Return the products that were not certified because of how they compare with those before."""
    found = ((name, product.compared) for name, product in state.products.items() if not product.certified)
    return [name for name, compared in found if compared is not None and compared.withheld]


def _opposed(state: RunState) -> dict[str, str]:
    """Return the products that were not certified, and the decision because of which they were not."""
    found = ((name, product.opposed) for name, product in state.products.items() if not product.certified)
    return {name: opposed.decision for name, opposed in found if opposed is not None}


def resumption(state: RunState, given: Mapping[str, Any]) -> Resumption:
    """Return how to process the images of a run that did not come to its end.

    Parameters
    ----------
    state : `RunState`
        The run.
    given : mapping
        Configuration as the user wrote it.

    Returns
    -------
    `Resumption`
        What the user set, with ``exposures``: of each image type whose set was taken completely the exposures that
        were kept, without those that never arrived. A set that was not complete, was given up, has failed its
        verification or lacks pairs of flats is taken again. Where something was certified already, or could not be,
        ``calib_collection`` is a new one, since it is not possible to certify the same type of calibration in the
        same collection with the same validity range. A run that ended before it had a plan is repeated as it was.
    """
    if not state.sets:
        return Resumption(dict(given))
    offered = {
        image_type: exposures for image_type in state.sets if (exposures := _offered(state, image_type))
    }
    config = {name: value for name, value in given.items() if name != "exposures"}
    if offered:
        config["exposures"] = {str(image_type): list(ids) for image_type, ids in offered.items()}
    if ImageType.FLAT in offered and state.sets[ImageType.FLAT].time_found is not None:
        config = _with_times_found(state, config)
    if into := _taken_collection(state):
        config["calib_collection"] = f"{into}.resumed"
    taken = tuple(str(images.planned) for name, images in state.sets.items() if name not in offered)
    mode = "_".join(offered)
    if not taken or mode not in _MODES:
        return Resumption(config, taken)
    left_out = tuple(
        switch.name for _, switch in switched() if given.get(switch.name) and mode not in switch.modes
    )
    return Resumption(config, taken, mode, left_out)


def _with_times_found(state: RunState, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the exposure times that the flats have, and nothing to look for."""
    flats = state.sets[ImageType.FLAT].kept
    times = [round(time, 3) for exposure in flats if (time := state.times.get(exposure)) is not None]
    kept = {name: value for name, value in config.items() if name not in _SEARCH}
    return {**kept, "exp_times_flat": times[0] if len({*times}) == 1 else times}


def _offered(state: RunState, image_type: ImageType) -> tuple[int, ...]:
    """Return the exposures of a set that can be processed; none if they have failed their verification."""
    if any(verdict.product == image_type for verdict in _failed(state)):
        return ()
    images = state.sets[image_type]
    bad = {exposure for exposure, _ in state.taken_back([images])}
    left = tuple(exposure for exposure in images.offered if exposure not in bad)
    # As of a set that has just arrived: more than half.
    return left if len(left) > len(bad) else ()


def _taken_collection(state: RunState) -> str | None:
    """Return the collection into which something was, may have been or could not be certified."""
    collections = (
        *(certified.collection for certified in state.certified.values()),
        *(doubtful.collection for doubtful in state.doubtful),
        *(refused.collection for refused in state.refused),
    )
    return next(iter(collections), None)
