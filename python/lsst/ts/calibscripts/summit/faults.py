"""Named misbehaviour of the simulated summit, switched on by keyword.

A fault that is switched on is its record from `FAULTS`, with other parameters where they were given
(``image-missing:of=DARK,at=3,count=2``). What a fault does follows from these and from the number of the
exposure or job alone, so that the same run misbehaves in the same way again.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import ConfigurationError

__all__ = ["FAULTS", "Fault", "Faults", "parse_fault"]


@dataclass(frozen=True)
class Fault:
    """One misbehaviour and its parameters.

    Attributes
    ----------
    name : `str`
        What it is switched on by.
    description : `str`
        One sentence for ``--list-faults``.
    of : `str`
        What is hit: an image type, a pipeline (``cpBias``), a component or a detector's id; empty for any.
    at : `int`
        The first exposure or job that is hit, counted from 1 within its image type or pipeline.
    count : `int`
        How many are hit one after another.
    delay : `float`
        Seconds, of the event loop, for faults that are about time.
    """

    name: str
    description: str
    of: str = ""
    at: int = 1
    count: int = 1
    delay: float = 0.0

    def hits(self, kind: str, number: int = 1) -> bool:
        """Say whether the fault strikes.

        Parameters
        ----------
        kind : `str`
            Image type, pipeline, component or detector's id.
        number : `int`
            Number of the exposure or job of that kind, counted from 1.
        """
        return self.of in ("", kind) and self.at <= number < self.at + self.count


class Faults(Mapping[str, Fault]):
    """The faults that are switched on, by name.

    Parameters
    ----------
    faults : iterable of `Fault` or `str`
        Records, or texts as `parse_fault` takes them.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or parameter.
    """

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        records = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        self._faults = {fault.name: fault for fault in records}

    def __getitem__(self, name: str) -> Fault:
        return self._faults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def hits(self, name: str, kind: str = "", number: int = 1) -> bool:
        """Say whether a fault is switched on and strikes.

        Parameters
        ----------
        name : `str`
            One of `FAULTS`.
        kind : `str`
            Image type, pipeline, component or detector's id.
        number : `int`
            Number of the exposure or job of that kind, counted from 1.
        """
        return name in self._faults and self._faults[name].hits(kind, number)


def parse_fault(text: str) -> Fault:
    """Read a fault with its parameters.

    Parameters
    ----------
    text : `str`
        ``name`` or ``name:parameter=value,...`` with the parameters ``of``, ``at``, ``count`` and ``delay``.

    Returns
    -------
    fault : `Fault`
        The record of the table with what was given.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or parameter, or a value that is no number where one is needed.
    """
    name, _, given = text.partition(":")
    if name not in FAULTS:
        near = difflib.get_close_matches(name, FAULTS)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ConfigurationError([f"There is no fault {name!r}.{hint} --list-faults shows them all."])
    changes: dict[str, str | int | float] = {}
    for part in filter(None, given.split(",")):
        parameter, _, value = part.partition("=")
        if parameter not in _PARAMETERS:
            raise ConfigurationError(
                [f"Fault {name} has no parameter {parameter!r}, only {', '.join(_PARAMETERS)}."]
            )
        try:
            changes[parameter] = _PARAMETERS[parameter](value)
        except ValueError:
            raise ConfigurationError([f"Fault {name}: {parameter} is {value!r}; write a number."]) from None
    return dataclasses.replace(FAULTS[name], **changes)  # type: ignore[arg-type]


_PARAMETERS: Mapping[str, Callable[[str], str | int | float]] = MappingProxyType(
    {"of": str, "at": int, "count": int, "delay": float}
)

_ALL = 1_000_000

_TABLE = (
    Fault("component-standby", "a component is in STANDBY from the start", of="ATCamera"),
    Fault("component-fault", "a component is in FAULT from the start", of="OCPS:1"),
    Fault(
        "dome-misaligned",
        "the encoder of a dome has lost three degrees; homing the dome cures it",
        of="ATDome",
    ),
    Fault("lamp-not-lit", "the lamp does not light at an attempt; all five are count=5", of="ATWhiteLight"),
    Fault(
        "filter-stuck",
        "the filter is said to be changed, but another one stays in the beam",
        of="ATSpectrograph",
    ),
    Fault("exposure-rejected", "the camera rejects an exposure command", of="BIAS", at=2),
    Fault("camera-fault", "the camera goes to FAULT instead of exposing", of="BIAS", at=2),
    Fault(
        "exposure-foreign",
        "somebody else's image is begun between our command and our image",
        of="BIAS",
        at=2,
    ),
    Fault("exposure-repeated", "the camera tells the name of the image before once more", of="BIAS", at=2),
    Fault("image-missing", "an image never arrives in the OODS", of="BIAS", at=2),
    Fault("image-unannounced", "an image is ingested, but the OODS's events of it get lost", of="BIAS", at=2),
    Fault("image-late", "images arrive late, after the next type has begun", of="BIAS", at=2, delay=10.0),
    Fault("image-duplicated", "images are announced twice", count=_ALL),
    Fault("image-status-1", "the ingestion of an image fails: statusCode 1", of="BIAS", at=2),
    Fault("image-foreign", "images of somebody else are announced before each of ours", count=_ALL),
    Fault("detector-missing", "no image of one detector ever arrives", of="0", count=_ALL),
    Fault(
        "detectors-renamed",
        "the OODS announces images with names of detectors that the camera does not have",
        of="BIAS",
        count=_ALL,
    ),
    Fault("oods-fault", "the OODS goes to FAULT and ingests nothing more", of="BIAS", at=2),
    Fault("job-error", "a job ends with exit code 1", of="cpBias"),
    Fault("job-aborted", "somebody aborts a job: exit code 255, then a second result", of="cpBias"),
    Fault("job-slow", "a job takes longer", of="cpBias", delay=10.0),
    Fault("command-rejected", "the OCPS rejects an execute command", of="cpBias"),
    Fault("no-acknowledgement", "an execute command is never acknowledged", of="cpBias"),
    Fault("job-id-repeated", "the OCPS starts no job and tells the id of an earlier one", of="cpDark"),
    Fault("ocps-fault", "the OCPS goes to FAULT while a job runs", of="cpBias"),
    Fault("result-before-ack", "a job's result comes before the job id is acknowledged", count=_ALL),
    Fault("result-never", "a job's result is lost though its command completes", of="cpBias"),
    Fault("results-swapped", "results of concurrent jobs come in the opposite order", count=_ALL, delay=10.0),
    Fault("results-foreign", "results of other clients come before and after ours", count=_ALL),
    Fault("result-not-json", "the text of a result is not JSON", count=_ALL),
    Fault("outputs-missing", "a job succeeds but its outputs are not there", of="cpBias"),
    Fault("statistics-missing", "there are no statistics", of="verifyBias"),
    Fault("statistics-damaged", "the files of the statistics are damaged", of="verifyBias"),
    Fault(
        "verification-fails-majority", "all amplifiers have become noisier: verification fails", count=_ALL
    ),
    Fault(
        "verification-fails-some",
        "three amplifiers have become noisier: verification passes, with failures",
        count=_ALL,
    ),
    Fault(
        "noise-two-sided",
        "cp_verify is that of before March 2023, whose NOISE test fails for too little noise, too",
        count=_ALL,
    ),
    Fault("conflict-before", "the daily collection holds a calibration of the type already", of="bias"),
    Fault(
        "conflict-during", "somebody certifies into the daily collection while the run is on", of="verifyBias"
    ),
    Fault("repository-unreachable", "the repository cannot be reached from the start"),
    Fault("repository-lost", "the repository vanishes during the run", of="verifyBias"),
    Fault(
        "repository-locked", "somebody else writes to the database for a while", of="verifyBias", delay=5.0
    ),
    *(
        Fault(
            f"script-{what}-{stage}",
            f"the script is {what} while it is {stage}",
            of=kind,
            at=at,
            delay=2.0 if what == "paused" else 0.0,
        )
        for what in ("stopped", "paused")
        for stage, kind, at in (
            ("taking", "BIAS", 2),
            ("generating", "cpBias", 1),
            ("verifying", "verifyBias", 1),
            ("certifying", "verifyBias", 1),
        )
    ),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _TABLE})
"""All of them by name."""
