"""Waits for imageInOODS, per exposure and detector.

Arrivals are collected from the first exposure on: an image may be announced before the camera class has
returned its exposure id, or long after the next type has begun.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .config import exposure_id
from .products import ImageType
from .progress import ImageArrived, ImageSetClosed
from .sparing import LeftOut, least_left_out

__all__ = ["Arrivals", "ImageSet", "closing", "judge"]


@dataclass(frozen=True)
class ImageSet:
    """What is there of a set once no further arrival is waited for.

    Attributes
    ----------
    exposures, detectors : `tuple` [`int`]
        Those that go on.
    left_out_exposures, left_out_detectors : `tuple` [`int`]
        Those that do not.
    complete : `bool`
        Is it enough to go on with: more than half of the exposures and of the detectors?
    """

    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    left_out_exposures: tuple[int, ...]
    left_out_detectors: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Are more than half of the kept exposures and of the detectors there?"""
        return len(self.exposures) > len(self.left_out_exposures) and len(self.detectors) > len(
            self.left_out_detectors
        )


def judge(
    exposures: Sequence[int], detectors: Sequence[int], arrived: Collection[tuple[int, int]]
) -> ImageSet:
    """Decide which exposures and detectors of a set go on, as "When something else fails" says.

    An exposure has arrived when all detectors asked for have; one that has not is left out. A detector missing
    in more than half of the set is left out instead. Where this would leave half of the set or less, as a few
    images lost here and there do to a camera with many detectors, each costs its exposure or its detector,
    whichever loses fewer images.

    Parameters
    ----------
    exposures, detectors : sequence of `int`
        Kept exposures of the set and detectors asked for.
    arrived : collection of (`int`, `int`)
        Exposure and detector of every good arrival.

    Returns
    -------
    `ImageSet`
        What goes on.
    """
    missing = {(e, d) for e in exposures for d in detectors} - set(arrived)
    lost = Counter(detector for _, detector in missing)
    # A set of which nothing came has lost its exposures, not its detectors.
    bad = frozenset(d for d in detectors if 2 * lost[d] > len(exposures))
    bad = bad if len(bad) < len(detectors) else frozenset()
    by_exposures = LeftOut(frozenset(e for e, d in missing if d not in bad), bad)
    found = _without(exposures, detectors, by_exposures)
    if found.complete or (least := least_left_out(exposures, detectors, missing)) is None:
        return found
    return _without(exposures, detectors, least)


def _without(exposures: Sequence[int], detectors: Sequence[int], left_out: LeftOut) -> ImageSet:
    return ImageSet(
        tuple(e for e in exposures if e not in left_out.exposures),
        tuple(d for d in detectors if d not in left_out.detectors),
        tuple(e for e in exposures if e in left_out.exposures),
        tuple(d for d in detectors if d in left_out.detectors),
    )


def may_go_on_with(kept: Sequence[int], n_planned: int, closed: ImageSet | None) -> tuple[int, ...]:
    """Return the exposures of a set that a later run may process: nothing of what was refused or given up.

    Parameters
    ----------
    kept : sequence of `int`
        Exposures of the set that were taken and not discarded, or that existed already.
    n_planned : `int`
        How many there were to be.
    closed : `ImageSet` or `None`
        What went on of the set; None where the run ended before that was known.
    """
    if closed is not None:
        return closed.exposures if closed.complete else ()
    return tuple(kept) if len(kept) == n_planned else ()


def closing(image_type: ImageType, found: ImageSet) -> ImageSetClosed:
    """Return the event that says what of a set goes on."""
    left_out = found.left_out_exposures, found.left_out_detectors
    return ImageSetClosed(image_type.name, found.exposures, found.detectors, *left_out)


UNANNOUNCED = "in the butler, though no imageInOODS came"
"""What an arrival says that the butler alone knows of."""


class Arrivals:
    """Collects imageInOODS events; give `note` to the event as its callback.

    Parameters
    ----------
    detector_of : callable
        Returns the detector of a raft and a sensor, None for names that the camera does not have.
    asked : collection of `int`
        Detectors asked for; arrivals of others are ignored.
    observer : callable
        Is told each arrival of a detector that was asked for.
    """

    def __init__(
        self,
        detector_of: Callable[[str, str], int | None],
        asked: Collection[int],
        observer: Callable[[ImageArrived], None],
    ) -> None:
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
        if exposure is None:
            return
        if detector is None:
            self._unknown.setdefault(exposure, set()).add(f"{data.raft}_{data.sensor}")
        elif detector in self._asked:
            self._arrive(ImageArrived(exposure, detector, int(data.statusCode), str(data.description)))

    def add_unannounced(self, images: Iterable[tuple[int, int]]) -> None:
        """Take images as arrived, exposure and detector of each, that the butler has though no event came."""
        for exposure, detector in sorted(images):
            self._arrive(ImageArrived(exposure, detector, 0, UNANNOUNCED))

    def _arrive(self, arrival: ImageArrived) -> None:
        key = (arrival.exposure, arrival.detector)
        if arrival.status_code == 0:
            self._good.add(key)
            self._bad.pop(key, None)
        elif key not in self._good:
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

    def judge(self, exposures: Sequence[int]) -> ImageSet:
        """Return which of these exposures, and which detectors, go on with what has arrived by now."""
        return judge(exposures, sorted(self._asked), self._good)

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
