"""The one place through which a run is reported, and which knows what it has done so far."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..errors import TransitionError
from ..events.events import Event, Failed, LevelMeasured, Observer, StageReached, Warned
from ..events.folding import fold
from ..events.stages import ENDS, TRANSITIONS, Stage
from ..events.state import RunState

__all__ = ["Journal"]


class Journal:
    """Reports what happens: to the log of the script and to its observers; keeps the state that it adds up to.

    Parameters
    ----------
    log : `logging.Logger`
        Log of the script.
    observers : sequence of `Observer`
        Called with every event.
    """

    def __init__(self, log: logging.Logger, observers: Sequence[Observer]) -> None:
        self.log = log
        #: The run so far: the fold of every event that was reported. Frozen, so that any thread may read it.
        self.state = RunState()
        self._observers = observers
        self._topics: set[str] = set()

    def report(self, event: Event) -> None:
        """Add an event to the run, and pass it to the observers."""
        self.state = fold(self.state, event)
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                # Whoever only looks on must not harm the run.
                self.log.exception(f"An observer failed on {event}")

    def advance(self, product: str, stage: Stage) -> None:
        """Move a product to its next stage.

        A product that has ended stays so: a step of it may go on though it cannot be certified any more.

        Raises
        ------
        TransitionError
            If the stage does not follow from the present one.
        """
        present = self.state.product(product).stage
        if present in ENDS:
            return
        if stage not in TRANSITIONS[present]:
            raise TransitionError(f"{product} cannot go from {present} to {stage}")
        self.report(StageReached(product, stage))

    def end(self, product: str, stage: Stage) -> None:
        """End a product as FAILED or CANCELLED, unless it has ended already."""
        if stage in TRANSITIONS[self.state.product(product).stage]:
            self.advance(product, stage)

    def measured(self, exposure: int, level: float, log_level: int = logging.INFO) -> None:
        """Log the level of a flat, ADU; one that was measured before is not logged again."""
        known = self.state.exposures.get(exposure)
        if known is None or known.level is None:
            self.log.log(log_level, f"Flat {exposure}: {level:.0f} ADU, overscan subtracted.")
            self.report(LevelMeasured(exposure, level))

    def warn(self, message: str, level: int = logging.WARNING, *, in_full: str = "") -> None:
        """Log a warning, in full where there is more to say, and keep it for the summary."""
        self.log.log(level, in_full or message)
        self.keep_warning(message)

    def warn_once(self, topic: str, message: str) -> None:
        """Log a warning and keep it for the summary, unless there was one of this topic in the run already."""
        if topic not in self._topics:
            self._topics.add(topic)
            self.warn(message)

    def keep_warning(self, message: str) -> None:
        """Keep a warning that has been logged already for the summary."""
        self.report(Warned(message))

    def fail(self, message: str) -> None:
        """Log a failure, and keep it for the end: the script will not end DONE."""
        self.log.error(message)
        self.keep_failure(message)

    def keep_failure(self, message: str) -> None:
        """Keep a failure that is logged elsewhere for the end."""
        self.report(Failed(message))
