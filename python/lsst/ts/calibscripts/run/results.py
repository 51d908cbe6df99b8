"""What a run has done so far, and the one place through which it is reported."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..events.events import Certified, Event, Failed, LevelMeasured, Observer, Warned
from ..events.images import ImageSet
from ..plan import ExposureSet, StepId
from ..tables.products import ImageType
from ..verification import Verdict

__all__ = ["Journal", "Results", "Taken"]


@dataclass
class Taken:
    """Exposures of a set so far.

    Attributes
    ----------
    images : `ExposureSet`
        What the plan says of the set.
    all : `list` [`int`]
        Exposures, the discarded ones first.
    """

    images: ExposureSet
    all: list[int] = field(default_factory=list)

    @property
    def discarded(self) -> tuple[int, ...]:
        """Exposures that are never used."""
        return tuple(self.all[: self.images.n_discarded])

    @property
    def kept(self) -> tuple[int, ...]:
        """Exposures to process."""
        return tuple(self.all[self.images.n_discarded :])


@dataclass
class Results:
    """What a run has done so far; the summary is written from it.

    Attributes
    ----------
    taken : `dict` [`ImageType`, `Taken`]
        Exposures.
    times : `dict` [`int`, `float`]
        Exposure -> exposure time, seconds: as asked for, and as the butler has it once it was looked up there.
    levels : `dict` [`int`, `float`]
        Flat -> its level, ADU, of those that were measured.
    physical_filter : `str` or `None`
        Filter that the flats are to have; None as long as it is unknown.
    lacking_pairs : `bool`
        Were the flats that arrived too few pairs for a step that was asked for?
    images : `dict` [`ImageType`, `ImageSet`]
        What of them arrived.
    jobs, runs : `dict` [`StepId`, `str`]
        OCPS job of a step, and the RUN with its outputs.
    detectors : `dict` [`StepId`, `tuple` [`int`, ...]]
        Detectors a step has processed.
    verdicts : `dict` [`str`, `Verdict`]
        Verdict on each image type that was verified.
    certified : `dict` [`str`, `Certified`]
        Products that are certified.
    warnings, failures : `list` [`str`]
        One sentence each.
    doubtful : `str` or `None`
        Collection into which something may have been certified; whether is unknown.
    refusing : `str` or `None`
        Collection into which something could not be certified, most likely since it holds something else.
    """

    taken: dict[ImageType, Taken] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)
    levels: dict[int, float] = field(default_factory=dict)
    physical_filter: str | None = None
    lacking_pairs: bool = False
    images: dict[ImageType, ImageSet] = field(default_factory=dict)
    jobs: dict[StepId, str] = field(default_factory=dict)
    runs: dict[StepId, str] = field(default_factory=dict)
    detectors: dict[StepId, tuple[int, ...]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    certified: dict[str, Certified] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    doubtful: str | None = None
    refusing: str | None = None

    def collection(self, step_id: StepId) -> str | None:
        """Return the collection of a step's job, as shown to an observer."""
        return f"u/ocps/{self.jobs[step_id]}" if step_id in self.jobs else None


@dataclass(frozen=True)
class Journal:
    """Reports what happens: the log of the script, its observers, and the results.

    Attributes
    ----------
    log : `logging.Logger`
        Log of the script.
    observers : sequence of `Observer`
        Called with every event.
    results : `Results`
        Keeps warnings and failures.
    """

    log: logging.Logger
    observers: Sequence[Observer]
    results: Results

    def tell(self, event: Event) -> None:
        """Pass an event to the observers."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception:
                # Whoever only looks on must not harm the run.
                self.log.exception(f"An observer failed on {event}")

    def measured(self, exposure: int, level: float) -> None:
        """Log the level of a flat, ADU; one that was measured before is not logged again."""
        if exposure not in self.results.levels:
            self.results.levels[exposure] = level
            self.log.info(f"Flat {exposure}: {level:.0f} ADU, overscan subtracted.")
            self.tell(LevelMeasured(exposure, level))

    def warn(self, message: str, level: int = logging.WARNING, *, in_full: str = "") -> None:
        """Log a warning, in full where there is more to say, and keep it for the summary."""
        self.log.log(level, in_full or message)
        self.keep_warning(message)

    def keep_warning(self, message: str) -> None:
        """Keep a warning that has been logged already for the summary."""
        self.results.warnings.append(message)
        self.tell(Warned(message))

    def fail(self, message: str) -> None:
        """Log a failure, and keep it for the end: the script will not end DONE."""
        self.log.error(message)
        self.keep_failure(message)

    def keep_failure(self, message: str) -> None:
        """Keep a failure that is logged elsewhere for the end."""
        self.results.failures.append(message)
        self.tell(Failed(message))
