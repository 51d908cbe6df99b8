"""Which images of a set are used, from what has arrived of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .sparing import LeftOut, least_left_out

__all__ = ["ImageSet", "judge"]


@dataclass(frozen=True)
class ImageSet:
    """What has arrived of a set once no further arrival is waited for."""

    #: Those that are used.
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    #: Those that are not.
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
    """Decide which exposures and detectors of a set are used, as "When something else fails" says.

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
        What is used.
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
