"""What goes wrong in a run, what must come of it, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lsst.ts.calibscripts.events.events import Event, JobStarted
from lsst.ts.calibscripts.record import Record
from lsst.ts.calibscripts.sal import Domain, ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job, Phase
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome
from lsst.ts.calibscripts.testing.memory import Trouble, Verification
from lsst.ts.calibscripts.verification import Verdict

__all__ = [
    "ALL",
    "COMCAM",
    "CONFIG",
    "DETECTORS",
    "DONE",
    "EXTERNAL",
    "FAILED",
    "FILTERS",
    "ONLY_BIAS",
    "STOPPED",
    "Case",
    "Deed",
    "Played",
    "Present",
    "of_readers",
]

DETECTORS = (0, 1, 2)
"""Detectors that the cameras with several of them read out."""

FILTERS = {"LATISS": "SDSSr_65mm~empty", "LSSTComCam": "r_03", "LSSTCam": "r_57"}
CONFIG: Mapping[str, Any] = {
    "script_mode": "BIAS_DARK_FLAT",
    "generate_calibrations": True,
    "do_defects": True,
    "do_ptc": True,
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 5,
    "n_flat": 6,
    "exp_times_flat": [1, 1, 2, 2, 4, 4],
}
"""All five products, from four exposures of each type, six of the flats, and one to be discarded."""

SMALL: Mapping[str, Any] = {
    "script_mode": "BIAS",
    "generate_calibrations": True,
    "n_bias": 3,
    # What is valid before are images of a few pixels.
    "compare_with_previous": "off",
}
"""What is asked for on a repository on disk."""

DONE, FAILED, STOPPED = ScriptState.DONE, ScriptState.FAILED, ScriptState.STOPPED
ALL = ("BIAS", "DARK", "FLAT", "DEFECTS", "PTC")
EXTERNAL = {"generate_calibrations": False, "do_defects": False, "do_ptc": False}
ONLY_BIAS = {"script_mode": "BIAS", "do_defects": False, "do_ptc": False}
COMCAM: dict[str, Any] = {"instrument": "LSSTComCam"}

_OF_READERS = re.compile("python read queue|Ignoring old topic sample|No new end readout event")
_ABORTED = re.compile(r"OCPS job (\w+) was aborted")
_REFUSED = re.compile(r"OCPS job (\w+) could not be aborted")
_FINAL = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED})


def of_readers(message: str) -> bool:
    """Return whether a remote or the camera class says it, which log under the script's name: of lost samples."""
    return _OF_READERS.search(message) is not None


@dataclass(frozen=True)
class Present:
    """What somebody has certified into the daily collection before."""

    dataset_type: str
    begin: str | None = "2000-01-01"
    end: str | None = "2040-01-01"
    detectors: tuple[int, ...] = DETECTORS
    physical_filter: str | None = None


@dataclass(frozen=True)
class Deed:
    """What somebody does when something has happened.

    Attributes
    ----------
    after : `str`
        E.g. ``DARK 2 taken``, ``GENERATE DARK started``, ``BIAS judged``, ``BIAS certified``.
    component, commands : `str`, `tuple` [`str`]
        Component, and the commands it is sent.
    """

    after: str
    component: str
    commands: tuple[str, ...] = ("disable", "standby")


@dataclass(frozen=True, eq=False)
class Case:
    """One row of the table: what goes wrong, and what must come of it.

    Attributes
    ----------
    event : `str`
        Section of the table.
    what : `str`
        What goes wrong, in words.
    state : `ScriptState`
        How the script must end.
    says : `tuple` [`str`]
        Key words of what the script says of it, in this order.
    certified : `tuple` [`str`]
        Products that must be certified.
    aborted : `tuple` [`str`]
        Steps whose jobs the script must have had aborted; where the OCPS refused, that is said.
    images : `int` or `None`
        Number of images that must have been taken; None for all.
    images_unknown : `int`
        How many of them the script cannot know of.
    instrument : `str`
        LATISS, LSSTComCam or LSSTCam.
    config : mapping
        What differs from `CONFIG`, on a repository from `SMALL`.
    faults : `tuple` [`str`]
        What misbehaves at the summit, as `soak.scenarios.Scenario` takes it.
    stop : `str`
        Checkpoint at which the queue was told to stop the script.
    deeds : `tuple` [`Deed`]
        What somebody does.
    before : coroutine function or `None`
        What somebody does before the script is run.
    seconds, verifications, writes_not, without_gains, exit_codes, shifts
        How jobs go, by the name of their pipeline.
    verifiers : `tuple` [`str`]
        Products beside the combined images that the installed cp_verify can verify, e.g. ``Ptc``.
    troubles : `tuple` [`Trouble`]
        What goes wrong with the butler in memory.
    references : `tuple` [`str`]
        Dataset types with reference calibrations.
    references_end : `str` or `None`
        Until when they are valid; None is for ever.
    present : `tuple` [`Present`]
        What is certified already.
    on_repository : `bool`
        Is it played on a butler repository on disk?
    block_id : `str`
        BLOCK that the queue says the script belongs to.
    """

    event: str
    what: str
    state: ScriptState
    says: tuple[str, ...] = ()
    certified: tuple[str, ...] = ()
    aborted: tuple[str, ...] = ()
    images: int | None = None
    images_unknown: int = 0
    instrument: str = "LATISS"
    config: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    stop: str = ""
    deeds: tuple[Deed, ...] = ()
    before: Callable[[Domain], Awaitable[None]] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    verifications: Mapping[str, Verification] = field(default_factory=dict)
    writes_not: Mapping[str, frozenset[int]] = field(default_factory=dict)
    without_gains: frozenset[str] = frozenset()
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    shifts: Mapping[str, float] = field(default_factory=dict)
    verifiers: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    references: tuple[str, ...] = ("bias", "dark", "flat")
    references_end: str | None = None
    present: tuple[Present, ...] = ()
    on_repository: bool = False
    block_id: str = ""

    @property
    def id(self) -> str:
        """Short name of the test."""
        return re.sub(r"\W+", "-", f"{self.event}-{self.what}").strip("-").lower()

    @property
    def asked(self) -> dict[str, Any]:
        """The configuration."""
        several = {} if self.instrument == "LATISS" else {"detectors": list(DETECTORS)}
        return {**(SMALL if self.on_repository else CONFIG), **several, **self.config}


@dataclass(frozen=True)
class Played:
    """How a run went.

    Attributes
    ----------
    outcome : `Outcome`
        How it ended.
    log : `tuple` [`LogLine`]
        What LOVE has shown.
    events : `tuple` [`Event`]
        What was reported to observers.
    jobs : `tuple` [`Job`]
        Jobs of the OCPS when the script had ended.
    n_configured : `int`
        Number of lines in the log when the script was configured.
    images : `int`
        Number of images that were taken.
    certified : `tuple` [`str`]
        Products whose datasets of this run are in the daily collection, as the butler says.
    while_in : `frozenset` [`ScriptState`]
        States of the script at the moments of certification, where the butler is in memory.
    leaked : `tuple` [`str`]
        Tasks that were left, and errors that nobody was informed of.
    judged : mapping [`str`, `Verdict`]
        Verdicts that a report of the run has.
    record : `Record` or `None`
        What was recorded of it; None where the script was never run.
    """

    outcome: Outcome
    log: tuple[LogLine, ...]
    events: tuple[Event, ...]
    jobs: tuple[Job, ...]
    n_configured: int
    images: int
    certified: tuple[str, ...]
    while_in: frozenset[ScriptState]
    leaked: tuple[str, ...]
    judged: Mapping[str, Verdict]
    record: Record | None

    @property
    def aborted(self) -> tuple[str, ...]:
        """Steps whose jobs the script had aborted, or asked to."""
        steps = {event.job_id: str(event.step) for event in self.events if isinstance(event, JobStarted)}
        phases = {job.job_id: job.phase for job in self.jobs}
        text = "\n".join(line.message for line in self.log)
        done = [steps[id] for id in _ABORTED.findall(text) if phases[id] is Phase.ABORTED]
        refused = [f"{steps[id]} (refused)" for id in _REFUSED.findall(text)]
        return tuple(sorted({*done, *refused}))

    @property
    def running(self) -> tuple[str, ...]:
        """Jobs that ran on when the script had ended."""
        return tuple(job.name for job in self.jobs if job.phase not in _FINAL)

    @property
    def summary(self) -> str:
        """The summary in the log."""
        return next((m for line in self.log if re.match(r"\S+ ends [A-Z]+: ", m := line.message)), "")

    @property
    def reason(self) -> tuple[str, ...]:
        """The sentences of the reason of the final state."""
        return tuple(self.outcome.reason.removeprefix("Error in run: ").splitlines())

    @property
    def warnings(self) -> tuple[str, ...]:
        """First lines of the warnings and errors in the log while the script ran, each once."""
        lines = (
            line.message.splitlines()[0]
            for line in self.log[self.n_configured :]
            if line.level_name in ("WARNING", "ERROR")
        )
        return tuple(dict.fromkeys(line for line in lines if not of_readers(line)))
