"""Looks for the exposure time with which flats have the level that is asked for, by test flats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ...config import same_time
from ...errors import FlatLevelError, NoAnswerError, describe
from ...events.events import FlatTimeFound
from ...plan import Exposure, ExposureSet, FlatGoal
from ...plan.exposure_time import Found, NotFound, Obstacle, Trial, TryTime, jump, next_test, rounded
from ...preflight.window import read_signal
from ...record import last_flat_time, record_directory
from ...repository import Repository, Signal
from ...tables.instruments import INSTRUMENTS, Light
from ...tables.products import ImageType
from ..context import RunContext
from .arrivals import Arrivals

__all__ = ["FlatSearch"]

LAG, LAG_PERIOD = 10.0, 2.0
"""How long, and how often, the level of a test flat is looked for that was announced, seconds: its commit may take
longer than an event."""

LOOK_TIMEOUT = 5.0
"""Longest wait for what earlier runs have found, seconds."""

_ADVICE = {
    Obstacle.BRIGHT: "Check filter and lamp, or ask for a higher flat_counts_target.",
    Obstacle.UNSTEADY: "Let the lamp become warm (15 minutes), or widen flat_counts_tolerance.",
    Obstacle.UNREAD: "Check the raw images in the repository.",
}
"""What to do; where it is too dark the camera says it."""


@dataclass
class FlatSearch:
    """Looks for the exposure time of the flats of a run."""

    context: RunContext  #: The run.
    arrivals: Arrivals  #: Knows what has arrived in the OODS.
    images: ExposureSet  #: The flats.
    goal: FlatGoal  #: The level they are to have.
    #: Takes a test flat with an exposure time (s) and a note for its headers; returns its id.
    take: Callable[[float, str], Awaitable[int]]
    wanted: Callable[[], bool]  #: Returns whether anything still needs the flats.
    _guess: float | None = field(default=None, init=False)
    _found: FlatTimeFound | None = field(default=None, init=False)

    async def timed(self, exposure: Exposure) -> Exposure:
        """Return an exposure with its time; test flats are taken before the first one that is kept.

        Parameters
        ----------
        exposure : `Exposure`
            The exposure as it was planned.

        Raises
        ------
        FlatLevelError
            If no exposure time will do.
        """
        if self._guess is None:
            self._guess = await self._first_guess()
        if self._found is None and not exposure.discarded:
            await self._find(self._guess)
        longest = self._guess if self._found is None else self._found.exposure_time
        return replace(
            exposure, exposure_time=rounded(exposure.exposure_time / self.images.longest * longest)
        )

    @property
    def note(self) -> str:
        """What the headers of the flats say of their exposure time."""
        return "" if self._found is None else self._found.text

    async def _first_guess(self) -> float:
        """Return the exposure time (s) of the first test: what earlier runs found, or that of the configuration."""
        physical_filter = self.context.state.physical_filter
        if physical_filter is None:
            return self.images.longest
        found = None
        with suppress(TimeoutError):
            # The camera waits; a record of a million lines that nobody has read yet is not worth a minute of it.
            async with asyncio.timeout(LOOK_TIMEOUT):
                found = await asyncio.to_thread(_last_time, self.context.spec.instrument, physical_filter)
        if found is None:
            return self.images.longest
        seconds = rounded(found.exposure_time * self.goal.target / found.level)
        self.context.journal.log.info(
            f"First guess of the flats' exposure time: {seconds:g} s, from what was last found in {physical_filter}: "
            f"{found.text}."
        )
        return seconds

    async def _find(self, guess: float) -> None:
        """Take test flats until one has the level, or nothing needs the flats any more."""
        trials: list[Trial] = []
        while self.wanted():
            match next_test(self.goal, guess, trials):
                case TryTime(seconds):
                    trials.append(await self._try(seconds, len(trials) + 1))
                    self._report_jump(trials)
                case Found(seconds, level):
                    await self._keep(seconds, level, len(trials))
                    return
                case NotFound() as reason:
                    raise self._error(reason)

    async def _try(self, seconds: float, number: int) -> Trial:
        """Take a test flat and read its level; that it has none is left to the others.

        Raises
        ------
        FlatLevelError
            If the butler does not answer: the camera would wait as long for the next one.
        """
        spec, journal = self.context.spec, self.context.journal
        exposure = await self.take(seconds, f"test flat {number} for {self.goal.target:.0f} ADU")
        detector = min(spec.detectors)
        found = await self.arrivals.wait([exposure], [detector], spec.config.oods_timeout)
        signal: Signal | str = "it did not arrive in the OODS"
        if found.exposures:
            try:
                signal = await self._signal(exposure, seconds, detector)
            except NoAnswerError as error:
                raise FlatLevelError(
                    f"The level of test flat {number}, {exposure}, is unknown: {describe(error)}. No flats are taken."
                ) from error
        if isinstance(signal, str):
            journal.warn(f"Test flat {number}, {exposure}, {seconds:g} s: its level is unknown: {signal}.")
            return Trial(seconds, None)
        journal.measured(exposure, signal.level)
        return Trial(seconds, signal.level)

    async def _signal(self, exposure: int, seconds: float, detector: int) -> Signal | str:
        """Return the signal of a test flat that was announced, or why it is unknown."""
        asked = self.context.spec.instrument, exposure, seconds, detector
        deadline = asyncio.get_running_loop().time() + LAG
        while True:
            signal = await self.context.repository.ask(_signal_of, *asked)
            if signal is not None:
                return signal
            if asyncio.get_running_loop().time() >= deadline:
                return "the butler does not have it"
            await asyncio.sleep(LAG_PERIOD)

    def _report_jump(self, trials: list[Trial]) -> None:
        if jumped := jump(self.goal, trials):
            before, after = jumped
            self.context.journal.warn_once(
                "flats jump",
                f"The level of the test flats jumps: {before.text}, then {after.text}. The lamp is still becoming "
                "warm, or something moves: the flats may drift, too. Give a lamp 15 minutes before flats are taken.",
            )

    async def _keep(self, seconds: float, level: float, number: int) -> None:
        factor, physical_filter = seconds / self.images.longest, self.context.state.physical_filter
        found = FlatTimeFound(seconds, level, self.goal.target, number, factor, physical_filter)
        self._found = found
        self.context.journal.report(found)
        scaled = f"; the listed times are multiplied by {factor:.4g}" if self.goal.scales else ""
        self.context.journal.log.info(f"Exposure time of the flats: {found.text}{scaled}.")
        if n := sum(exposure.exposure_time * factor < rounded(0) for exposure in self.images.exposures):
            self.context.journal.warn(
                f"Flats: {n} of {len(self.images.exposures)} scaled exposure times would be shorter than "
                f"{rounded(0):g} s and are taken with that."
            )
        await self.context.checkpoints.reach(f"Flats: {found.text}")

    def _error(self, found: NotFound) -> FlatLevelError:
        advice = _ADVICE.get(found.why)
        if advice is None:
            record = INSTRUMENTS.get(self.context.spec.instrument)
            light = record.light if record else Light()
            advice = f"Lamp off, dome off the screen? {light.too_dark}"
        return FlatLevelError(
            f"The flats do not reach flat_counts_target, {self.goal.text}: {found.reason}. "
            f"No flats are taken. {advice}"
        )


def _signal_of(
    repository: Repository, instrument: str, exposure: int, seconds: float, detector: int
) -> Signal | str | None:
    """Return the signal of a test flat, or why it is unknown; None as long as the butler does not have it. Blocks.

    Somebody else's image does not say anything.
    """
    try:
        records = repository.exposures(instrument, [exposure])
        there = repository.ingested(instrument, [exposure])
    except Exception as error:
        # Whatever is wrong there: another test flat will do.
        return describe(error)
    for record in records:
        strange = record.image_type not in (ImageType.FLAT, "UNKNOWN")
        if strange or not same_time(record.exposure_time, seconds):
            return f"the butler has it as {record.image_type} of {record.exposure_time:g} s"
    if (exposure, detector) not in there:
        return None
    return read_signal(repository, instrument, exposure, [detector])


def _last_time(instrument: str, physical_filter: str) -> FlatTimeFound | None:
    try:
        return last_flat_time(record_directory(), instrument, physical_filter)
    except OSError:
        # Without records the configuration has the first guess.
        return None
