"""What happens in a run: its configuration, what goes wrong, and what the operator does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lsst.ts.calibscripts.summit.faults.faults import FAULTS, Fault, parse_fault
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.testing.memory import Alteration, Trouble, Verification

__all__ = [
    "DETECTORS",
    "EARLIER",
    "FILTERS",
    "INTRUDED",
    "Earlier",
    "FilterChange",
    "Intruder",
    "Lost",
    "Operator",
    "Scenario",
    "TemporaryFault",
]

DETECTORS = (0, 1, 2, 3, 4)
"""Detectors that the camera of LSSTComCam reads out here."""

FILTERS = {
    "LATISS": {"SDSSr_65mm": "SDSSr_65mm~empty", "SDSSg_65mm": "SDSSg_65mm~empty"},
    "LSSTComCam": {"r_03": "r_03", "g_01": "g_01"},
}
"""Filters that are used here, that in the beam at the start first, and what the butler calls them."""

EARLIER = 20260917_00000
"""Exposures of the night before have ids above this one."""


@dataclass(frozen=True)
class TemporaryFault(Fault):
    """A fault that ends after some of its strikes."""

    strikes: int = 0
    _reported: list[int] = field(default_factory=list, compare=False, repr=False)

    def hits(self, kind: str, number: int = 1) -> bool:
        if not super().hits(kind, number):
            return False
        self._reported.append(number)
        return len(self._reported) <= self.strikes


@dataclass(frozen=True)
class Lost:
    """Of a detector, the images that never arrive: so many ``count`` after the first ``after`` exposures."""

    detector: int
    after: int
    count: int


@dataclass(frozen=True)
class _LostDetectors(Fault):
    """Detectors that fail for a while."""

    lost: tuple[Lost, ...] = ()
    _seen: Counter[str] = field(default_factory=Counter, compare=False, repr=False)

    def hits(self, kind: str, number: int = 1) -> bool:
        self._seen[kind] += 1
        return any(
            str(one.detector) == kind and one.after < self._seen[kind] <= one.after + one.count
            for one in self.lost
        )


@dataclass(frozen=True)
class FilterChange:
    """Somebody changes the filter behind the script's back, and perhaps back again."""

    after: str  #: Image type after so many exposures of which it is done.
    number: int = 1  #: How many.
    back_after: float | None = None  #: Seconds until it is changed back; None for never.


@dataclass(frozen=True)
class Earlier:
    """An exposure that was taken before."""

    #: What the butler knows of it.
    image_type: str
    exposure_time: float
    physical_filter: str
    level: float = 5000.0  #: Signal, ADU.
    detectors: tuple[int, ...] = DETECTORS  #: Detectors of which images were ingested.


@dataclass(frozen=True, repr=False)
class Operator:
    """What somebody does to the script while it runs."""

    stop: str = ""  #: ``command`` sends stop, ``signal`` ends the process as SIGTERM does; empty for nothing.
    #: When: so many seconds after the journal has that many entries, of a kind or of any.
    at: int = 0
    after: str = ""
    delay: float = 0.0
    #: Regular expressions.
    stop_checkpoint: str = ""
    pause_checkpoint: str = ""
    resume_after: float = 10.0  #: Seconds from a pause to the command resume.

    def __repr__(self) -> str:
        usual = Operator()
        told = {name: value for name, value in vars(self).items() if value != getattr(usual, name)}
        return f"Operator({', '.join(f'{name}={value!r}' for name, value in told.items())})"


INTRUDED = ("1960-01-01", "2040-01-01")
"""Validity range of what an intruder certifies."""


@dataclass(frozen=True)
class Intruder:
    """Somebody else who certifies into the same collection while the script runs."""

    dataset_type: str
    at: int


@dataclass(frozen=True, repr=False)
class Scenario:
    """One whole run."""

    instrument: str = "LATISS"  #: LATISS or LSSTComCam.
    config: Mapping[str, Any] = field(default_factory=dict)  #: Configuration of the script.
    #: How long jobs take, by the name of their pipeline; 5 s where it is not given.
    job_seconds: Mapping[str, float] = field(default_factory=dict)
    #: What statistics say, by the name of the pipeline; passes where it is not given.
    verifications: Mapping[str, Verification] = field(default_factory=dict)
    #: Detectors for which jobs write nothing though they end well, by the name of the pipeline.
    writes_not: Mapping[str, frozenset[int]] = field(default_factory=dict)
    #: What misbehaves at the summit, as `lsst.ts.calibscripts.summit.faults.faults.parse_fault` reads it; the
    #: parameter ``strikes`` makes it temporary.
    faults: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()  #: What goes wrong with the butler.
    latency: float = 0.0  #: Seconds before a call of the butler begins.
    #: Dataset types there are reference calibrations of.
    references: tuple[str, ...] = ("bias", "dark", "flat")
    #: Dataset types that ``calib_collection`` holds already, and their validity ranges.
    present: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    operator: Operator = Operator()  #: What somebody does.
    intruder: Intruder | None = None  #: What somebody else certifies.
    lost: tuple[Lost, ...] = ()  #: Detectors whose images do not arrive for a while.
    #: What the butler gets to know of images otherwise than they were asked for.
    alterations: tuple[Alteration, ...] = ()
    filter_change: FilterChange | None = None  #: What somebody does to the filter.
    earlier: Mapping[int, Earlier] = field(default_factory=dict)  #: Exposures that exist already, by id.
    #: How far the masters of a pipeline are from those before, in units of the noise of both, by its name.
    shifts: Mapping[str, float] = field(default_factory=dict)
    unready: str = ""  #: What of LATISS is not ready for flats: ``shutter`` or ``dome``.
    age: float | None = None  #: Days since the reference calibrations were written; None where it is unknown.
    resumes: bool = False  #: Is what a run offers at its end made the configuration of a second one?

    def __repr__(self) -> str:
        usual = Scenario()
        told = {name: value for name, value in vars(self).items() if value != getattr(usual, name)}
        return f"Scenario({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    @property
    def detectors(self) -> tuple[int, ...]:
        """Detectors asked for."""
        return tuple(self.config.get("detectors") or (0,))

    @property
    def fault_names(self) -> frozenset[str]:
        """Names of the faults."""
        return frozenset(text.partition(":")[0] for text in self.faults)

    @property
    def butler_seconds(self) -> float:
        """How long the butler may hold up a run at most, seconds."""
        return 100 * self.latency + sum(t.seconds * min(t.count, 100) for t in self.troubles)

    def certified_first(self, job: Job) -> bool:
        """Return whether the butler of a job prefers certified calibrations to those in RUNs."""
        faults = (fault for fault in self.summit_faults() if fault.name == "certified-preferred")
        return any(fault.hits(job.name, job.number) for fault in faults)

    def option(self, name: str, default: Any) -> Any:
        """Return a property of the configuration or its documented default."""
        return self.config.get(name, default)

    @property
    def hides_inputs(self) -> bool:
        """Can a run not see which calibrations its jobs have used? A warning says so."""
        return any(trouble.call == "inputs_used" for trouble in self.troubles)

    def summit_faults(self) -> list[Fault]:
        """Return the records of the faults, new ones each time."""
        faults = [_fault(text) for text in self.faults]
        if self.lost:
            faults.append(_LostDetectors(**vars(FAULTS["detector-missing"]), lost=self.lost))
        return faults


def _fault(text: str) -> Fault:
    strikes = re.search(r",?strikes=(\d+)", text)
    if strikes is None:
        return parse_fault(text)
    fault = parse_fault(text.replace(strikes[0], "").replace(":,", ":"))
    return TemporaryFault(**{**vars(fault), "strikes": int(strikes[1])})
