"""Waits for imageInOODS, per exposure and detector.

Arrivals are collected from the first exposure on: an image may be announced before the camera class has
returned its exposure id, or long after the next type has begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ...config import camera_of, exposure_id
from ...events.events import ImageArrived
from ...events.images import ImageSet, judge
from ...ground.text import one_line
from ...repository import Detector

__all__ = ["Arrivals", "detector_finder"]

DESCRIPTION = 300
"""Number of characters that are kept of what the OODS says of an image."""

UNANNOUNCED = "in the butler, though no imageInOODS came"
"""What an arrival says that the butler alone knows of."""


class Arrivals:
    """Collects imageInOODS events; set `note` as the callback of the event.

    Parameters
    ----------
    detector_of : callable
        Returns the detector of a raft and a sensor, None for names that the camera does not have.
    asked : collection of `int`
        Detectors asked for; arrivals of others are ignored.
    observer : callable
        Called with each arrival of a detector that was asked for.
    prefix : `str` or `None`, optional
        With which letters the names of the camera's images begin; None where that is unknown.
    """

    def __init__(
        self,
        detector_of: Callable[[str, str], int | None],
        asked: Collection[int],
        observer: Callable[[ImageArrived], None],
        prefix: str | None = None,
    ) -> None:
        self._prefix = prefix
        self._detector_of = detector_of
        self._asked = frozenset(asked)
        self._observer = observer
        self._good: set[tuple[int, int]] = set()
        self._bad: dict[tuple[int, int], ImageArrived] = {}
        self._unknown: dict[int, set[str]] = {}
        self._open: list[tuple[set[tuple[int, int]], asyncio.Event]] = []

    async def note(self, data: Any) -> None:
        """Read one sample of imageInOODS; anything that is not an image of ours is ignored."""
        exposure, detector = exposure_id(data.obsid), self._detector_of(data.raft, data.sensor)
        if exposure is None or self._prefix not in (None, camera_of(data.obsid)):
            # Another camera's image may have the number of one of ours.
            return
        if detector is None:
            self._unknown.setdefault(exposure, set()).add(f"{data.raft}_{data.sensor}")
        elif detector in self._asked:
            self._arrive(
                ImageArrived(
                    exposure, detector, int(data.statusCode), one_line(data.description, DESCRIPTION)
                )
            )

    def add_unannounced(self, images: Iterable[tuple[int, int]]) -> None:
        """Take images as arrived, exposure and detector of each, that the butler has though no event came."""
        for exposure, detector in sorted(images):
            self._arrive(ImageArrived(exposure, detector, 0, UNANNOUNCED))

    def _arrive(self, arrival: ImageArrived) -> None:
        key = (arrival.exposure, arrival.detector)
        if arrival.status_code == 0:
            self._good.add(key)
            self._bad.pop(key, None)
        else:
            # The last word counts.
            self._good.discard(key)
            self._bad[key] = arrival
        self._observer(arrival)
        for missing, done in self._open:
            missing.discard(key)
            if not missing:
                done.set()

    def bad(self, exposures: Iterable[int]) -> tuple[ImageArrived, ...]:
        """Return the arrivals with a bad status code of these exposures."""
        wanted = set(exposures)
        return tuple(self._bad[key] for key in sorted(self._bad) if key[0] in wanted)

    def announced(self, exposures: Iterable[int]) -> dict[tuple[int, int], bool]:
        """Return which images of these exposures an event came of, exposure and detector -> whether it is good."""
        wanted = set(exposures)
        good = {key: True for key in self._good if key[0] in wanted}
        return good | {key: False for key in self._bad if key[0] in wanted}

    def unknown_names(self, exposures: Iterable[int]) -> tuple[str, ...]:
        """Return the names in the events of these exposures that the camera has no detector of."""
        return tuple(sorted({name for exposure in exposures for name in self._unknown.get(exposure, ())}))

    def unannounced(self, exposures: Iterable[int]) -> frozenset[tuple[int, int]]:
        """Return exposure and detector of the images of which no event came, neither a good nor a bad one."""
        asked = {(exposure, detector) for exposure in exposures for detector in self._asked}
        return frozenset(asked - self._good - self._bad.keys())

    def lacking(self, exposure: int) -> frozenset[int]:
        """Return the detectors asked for of which an exposure has no good image."""
        return frozenset(detector for detector in self._asked if (exposure, detector) not in self._good)

    async def wait(self, exposures: Sequence[int], detectors: Sequence[int], timeout: float) -> ImageSet:
        """Wait until every detector of every exposure has been announced, at most ``timeout`` seconds.

        Returns
        -------
        `ImageSet`
            What has arrived then.
        """
        known = self._good | self._bad.keys()
        missing = {(e, d) for e in exposures for d in detectors} - known
        if missing:
            done = asyncio.Event()
            entry = (missing, done)
            self._open.append(entry)
            try:
                async with asyncio.timeout(timeout):
                    await done.wait()
            except TimeoutError:
                # What has not come is left out by the set that is returned.
                pass
            finally:
                self._open.remove(entry)
        return judge(exposures, detectors, self._good)


def detector_finder(
    known: Iterable[Detector], asked: Collection[int], n_detectors: int
) -> Callable[[str, str], int | None]:
    """Return what finds the detector of a raft and a sensor, None for names that the camera does not have.

    Parameters
    ----------
    known : iterable of `Detector`
        All detectors of the instrument.
    asked : collection of `int`
        Detectors asked for.
    n_detectors : `int`
        Number of detectors that the camera has; any name is that of its only one.
    """
    numbers = {(detector.raft, detector.sensor): detector.id for detector in known}
    only = next(iter(asked)) if len(asked) == n_detectors == 1 else None
    return lambda raft, sensor: numbers.get((raft, sensor)) if only is None else only
