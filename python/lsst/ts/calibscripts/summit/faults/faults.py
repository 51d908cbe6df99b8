"""Named misbehaviour of the simulated summit, switched on by keyword.

A fault that is switched on is its record from `FAULTS`, with other options where they were set
(``image-missing:of=DARK,at=3,count=2``). What a fault does follows from these and from the number of the
exposure or job alone, so that the same run misbehaves in the same way again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from ...errors import ConfigurationError
from .fault import ALL, Fault, Target, nearest, with_options

__all__ = ["FAULTS", "Fault", "Faults", "Target", "parse_fault"]


_MANY = 50


class Faults(Mapping[str, Fault]):
    """The faults that are switched on, by name, and which of them have acted.

    Parameters
    ----------
    faults : iterable of `Fault` or `str`
        Records, or texts as `parse_fault` takes them.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or option.
    """

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        records = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        self._faults = {fault.name: fault for fault in records}
        self._acted: set[str] = set()

    def __getitem__(self, name: str) -> Fault:
        return self._faults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def hits(self, name: str, kind: str | None = None, number: int = 1) -> bool:
        """Return whether a fault is switched on and strikes; if so, it has acted.

        Parameters
        ----------
        name : `str`
            One of `FAULTS`.
        kind : `str` or `None`
            Image type, pipeline, component or detector's id; None where it does not matter.
        number : `int`
            Number of the exposure or job of that kind, counted from 1.
        """
        if name not in self._faults:
            return False
        fault = self._faults[name]
        if not fault.hits(fault.of if kind is None else kind, number):
            return False
        self._acted.add(name)
        return True

    @property
    def idle(self) -> tuple[Fault, ...]:
        """Those that have not acted yet."""
        return tuple(fault for name, fault in self._faults.items() if name not in self._acted)

    def check(self, names: Mapping[Target, Collection[str]]) -> None:
        """Refuse faults that could never act.

        Parameters
        ----------
        names : mapping
            What can be hit, for each kind of target.

        Raises
        ------
        lsst.ts.calibscripts.errors.ConfigurationError
            If what one of them names is not there.
        """
        problems = [
            f"Fault {fault.name}: unknown {fault.target.noun} {fault.of!r} in this rehearsal."
            f"{nearest(fault.of, known) or _those_of(known)}"
            for fault in self._faults.values()
            if (known := names.get(fault.target, ())) and fault.of and fault.of not in known
        ]
        if problems:
            raise ConfigurationError(problems)


def _those_of(known: Collection[str]) -> str:
    return f" Known are {', '.join(known)}." if len(known) < _MANY else ""


def parse_fault(text: str) -> Fault:
    """Read a fault with its options.

    Parameters
    ----------
    text : `str`
        ``name`` or ``name:option=value,...`` with some of the options ``of``, ``at``, ``count`` and ``delay``.

    Returns
    -------
    fault : `Fault`
        The record of the table with what was set.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or option, or a value that it cannot have.
    """
    name, _, given = text.partition(":")
    if name not in FAULTS:
        raise ConfigurationError(
            [f"Unknown fault {name!r}.{nearest(name, FAULTS)} --list-faults shows them all."]
        )
    return with_options(FAULTS[name], given)


_TABLE = (
    Fault("component-standby", "a component is in STANDBY from the start", Target.COMPONENT, of="ATCamera"),
    Fault("component-fault", "a component is in FAULT from the start", Target.COMPONENT, of="OCPS:1"),
    Fault(
        "dome-misaligned",
        "the encoder of a dome has lost three degrees; homing the dome cures it",
        Target.NOTHING,
        of="ATDome",
    ),
    Fault(
        "lamp-not-lit",
        "the lamp does not light at an attempt; all five are count=5",
        Target.ATTEMPTS,
        of="ATWhiteLight",
    ),
    Fault(
        "filter-stuck",
        "the filter is said to be changed, but another one stays in the beam",
        Target.NOTHING,
        of="ATSpectrograph",
    ),
    Fault("exposure-rejected", "the camera rejects an exposure command", Target.IMAGES, of="BIAS", at=2),
    Fault("camera-fault", "the camera goes to FAULT instead of exposing", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "exposure-foreign",
        "somebody else's image is begun between our command and our image",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "exposure-foreign-alike",
        "somebody else's image of the same type is begun between our command and our image, exposed longer by delay",
        Target.IMAGES,
        of="DARK",
        at=2,
        delay=25.0,
    ),
    Fault(
        "exposure-longer",
        "the camera exposes longer than commanded, by delay",
        Target.IMAGES,
        of="DARK",
        at=2,
        delay=1.0,
    ),
    Fault(
        "shutter-measured",
        "headers hold the time that the shutter was measured to be open: up to 4 ms more than asked for",
        Target.IMAGES,
        of="FLAT",
        count=ALL,
    ),
    Fault("filter-changed", "somebody changes the filter before an exposure", Target.IMAGES, of="DARK", at=2),
    Fault(
        "image-not-ingested",
        "an image is announced, but is not in the repository",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "exposure-repeated",
        "the camera reports the name of the previous image once more",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault("image-missing", "an image never arrives in the OODS", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "image-unannounced",
        "an image is ingested, but the OODS's events of it get lost",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "image-late",
        "images arrive late, after the next type has begun",
        Target.IMAGES,
        of="BIAS",
        at=2,
        delay=10.0,
    ),
    Fault("image-duplicated", "images are announced twice", Target.IMAGES, count=ALL),
    Fault("image-status-1", "the ingestion of an image fails: statusCode 1", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "image-foreign",
        "images of somebody else are announced before each of ours",
        Target.IMAGES,
        count=ALL,
    ),
    Fault("detector-missing", "no image of one detector ever arrives", Target.DETECTOR, of="0", count=ALL),
    Fault(
        "detectors-renamed",
        "the OODS announces images with names of detectors that the camera does not have",
        Target.IMAGES,
        of="BIAS",
        count=ALL,
    ),
    Fault("oods-fault", "the OODS goes to FAULT and ingests nothing more", Target.IMAGES, of="BIAS", at=2),
    Fault("job-error", "a job ends with exit code 1", Target.JOBS, of="cpBias"),
    Fault(
        "job-aborted", "somebody aborts a job: exit code 255, then a second result", Target.JOBS, of="cpBias"
    ),
    Fault("job-slow", "a job takes longer", Target.JOBS, of="cpBias", delay=10.0),
    Fault("command-rejected", "the OCPS rejects an execute command", Target.JOBS, of="cpBias"),
    Fault("no-acknowledgement", "an execute command is never acknowledged", Target.JOBS, of="cpBias"),
    Fault(
        "job-id-repeated",
        "the OCPS starts no job and returns the id of an earlier one",
        Target.JOBS,
        of="cpDark",
    ),
    Fault("ocps-fault", "the OCPS goes to FAULT while a job runs", Target.JOBS, of="cpBias"),
    Fault(
        "result-before-ack", "a job's result comes before the job id is acknowledged", Target.JOBS, count=ALL
    ),
    Fault("result-never", "a job's result is lost though its command completes", Target.JOBS, of="cpBias"),
    Fault(
        "results-swapped",
        "results of concurrent jobs come in the opposite order",
        Target.JOBS,
        count=ALL,
        delay=10.0,
    ),
    Fault("results-foreign", "results of other clients come before and after ours", Target.JOBS, count=ALL),
    Fault("result-not-json", "the text of a result is not JSON", Target.JOBS, count=ALL),
    Fault("outputs-missing", "a job succeeds but its outputs are missing", Target.JOBS, of="cpBias"),
    Fault("statistics-missing", "the statistics are missing", Target.JOBS, of="verifyBias"),
    Fault("statistics-damaged", "the files of the statistics are damaged", Target.JOBS, of="verifyBias"),
    Fault(
        "verification-fails-majority",
        "all amplifiers have become noisier: verification fails",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "verification-fails-some",
        "three amplifiers have become noisier: verification passes, with failures",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "noise-two-sided",
        "cp_verify is that of before March 2023, whose NOISE test fails for too little noise, too",
        Target.JOBS,
        count=ALL,
    ),
    Fault(
        "conflict-before",
        "the daily collection holds a calibration of the type already",
        Target.DATASETS,
        of="bias",
    ),
    Fault(
        "conflict-during",
        "somebody certifies into the daily collection while the run is on",
        Target.JOBS,
        of="verifyBias",
    ),
    Fault("repository-unreachable", "the repository cannot be reached from the start", Target.NOTHING),
    Fault("repository-lost", "the repository vanishes during the run", Target.JOBS, of="verifyBias"),
    Fault(
        "repository-locked",
        "somebody else writes to the database for a while",
        Target.JOBS,
        of="verifyBias",
        delay=5.0,
    ),
    *(
        Fault(
            f"script-{what}-{stage}",
            f"the script is {what} while it is {stage}",
            Target.IMAGES if stage == "taking" else Target.JOBS,
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
