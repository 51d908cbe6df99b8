"""A configuration, and what its run had taken -> the configuration that continues from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import yaml

from ..tables.products import switched
from .exposure_ids import written_exposures
from .fields import ScriptMode

__all__ = ["Resumption", "resuming"]

_MODES = get_args(ScriptMode)


@dataclass(frozen=True)
class Resumption:
    """How to go on from a run that did not come to its end.

    Attributes
    ----------
    config : `dict`
        The configuration.
    taken_anew : `tuple` [`str`]
        Image types of which it takes images.
    mode_without : `str` or `None`
        The script_mode with which it would take none; None where there is no such mode, or it takes none anyway.
    left_out : `tuple` [`str`]
        Properties that must be left out in that mode.
    """

    config: dict[str, Any]
    taken_anew: tuple[str, ...] = ()
    mode_without: str | None = None
    left_out: tuple[str, ...] = ()

    def sentence(self, words: Mapping[str, str]) -> str:
        """Report which images the configuration takes, ending before a colon.

        Parameters
        ----------
        words : mapping [`str`, `str`]
            Image type -> what is taken of it, e.g. ``21 flats (first 1 discarded)``.
        """
        if not self.taken_anew:
            return "With this configuration no image is taken"
        taken = " and ".join(words[name] for name in self.taken_anew)
        if self.mode_without is None:
            return f"With this configuration {taken} are taken"
        without = f" and without {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"With this configuration {taken} are taken; with script_mode: {self.mode_without}{without} instead, no "
            "image is taken"
        )

    def text(self) -> str:
        """Return the configuration as YAML, with ranges of exposures."""
        exposures = self.config.get("exposures", {})
        written = {name: written_exposures(ids) for name, ids in exposures.items()}
        config = {**self.config, **({"exposures": written} if written else {})}
        return yaml.safe_dump(config, default_flow_style=None, width=1_000_000).rstrip()


def resuming(
    given: Mapping[str, Any],
    image_types: Sequence[str],
    exposures: Mapping[str, Sequence[int]],
    certified_into: str | None,
) -> Resumption:
    """Return the configuration that processes the images of a run that did not come to its end.

    Parameters
    ----------
    given : mapping
        What the user set.
    image_types : sequence of `str`
        Image types of the run.
    exposures : mapping [`str`, sequence of `int`]
        Image type -> kept exposures, of the sets that were taken completely; the others are taken anew.
    certified_into : `str` or `None`
        Collection into which something was certified already; what remains goes into another one, since the same
        type of calibration cannot be certified again for the same validity range.

    Returns
    -------
    `Resumption`
        The configuration, and what it takes.
    """
    config = {name: value for name, value in given.items() if name != "exposures"}
    complete = {name: list(ids) for name in image_types if (ids := exposures.get(name))}
    if complete:
        config["exposures"] = complete
    if certified_into is not None:
        config["calib_collection"] = f"{certified_into}.resumed"
    anew = tuple(name for name in image_types if name not in complete)
    mode = "_".join(name for name in image_types if name in complete)
    if not anew or mode not in _MODES:
        return Resumption(config, anew)
    left_out = tuple(
        switch.name for _, switch in switched() if given.get(switch.name) and mode not in switch.modes
    )
    return Resumption(config, anew, mode, left_out)
