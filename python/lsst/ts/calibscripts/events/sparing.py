"""Which exposures and detectors of a set to leave out, so that no image is missing among the rest. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate

__all__ = ["LeftOut", "least_left_out"]

_EXACT = 10
"""Number of exposures that lack images of the same detectors up to which every choice among them is compared."""


@dataclass(frozen=True)
class LeftOut:
    """Exposures and detectors that are left out together."""

    exposures: frozenset[int] = frozenset()
    detectors: frozenset[int] = frozenset()

    def __or__(self, other: LeftOut) -> LeftOut:
        """Return what both leave out."""
        return LeftOut(self.exposures | other.exposures, self.detectors | other.detectors)


def least_left_out(
    exposures: Sequence[int], detectors: Sequence[int], missing: Collection[tuple[int, int]]
) -> LeftOut | None:
    """Choose what to leave out of a set that lacks images: the choice that keeps most images.

    Parameters
    ----------
    missing : collection of (`int`, `int`)
        Exposure and detector of every image that is missing.

    Returns
    -------
    `LeftOut` or `None`
        More than half of the exposures and of the detectors are kept, and no image of these is missing. Of equal
        choices, the one with most detectors. None where there is no such choice.
    """
    lost: dict[int, frozenset[int]] = {}
    for exposure, detector in missing:
        lost[exposure] = lost.get(exposure, frozenset()) | {detector}
    forced = _forced(exposures, detectors, lost)
    rest = {e: found - forced.detectors for e, found in lost.items() if e not in forced.exposures}
    # Number of exposures left out -> the choice with the fewest detectors. Groups that share no detector are
    # independent of each other, so each adds its own choices.
    best = {len(forced.exposures): forced}
    for group in _groups({e: found for e, found in rest.items() if found}):
        of_group = _fewest_detectors(_choices(group))
        best = _fewest_detectors(one | other for one in best.values() for other in of_group.values())

    def kept(choice: LeftOut) -> tuple[int, int]:
        n_detectors = len(detectors) - len(choice.detectors)
        return (len(exposures) - len(choice.exposures)) * n_detectors, n_detectors

    allowed = (
        choice
        for choice in best.values()
        if 2 * len(choice.exposures) < len(exposures) and 2 * len(choice.detectors) < len(detectors)
    )
    return max(allowed, key=kept, default=None)


def _forced(exposures: Sequence[int], detectors: Sequence[int], lost: dict[int, frozenset[int]]) -> LeftOut:
    """Return what must be left out: to keep one of these would cost half of the others."""
    without = {d: sum(d in found for found in lost.values()) for d in detectors}
    return LeftOut(
        frozenset(e for e in exposures if 2 * len(lost.get(e, ())) >= len(detectors)),
        frozenset(d for d in detectors if 2 * without[d] >= len(exposures)),
    )


def _groups(lost: dict[int, frozenset[int]]) -> list[dict[int, frozenset[int]]]:
    """Sort exposures into groups: two that lack an image of the same detector are in the same."""
    groups: list[dict[int, frozenset[int]]] = []
    for exposure, found in lost.items():
        touched = [group for group in groups if any(found & other for other in group.values())]
        joined = reduce(lambda one, other: one | other, touched, {exposure: found})
        groups = [group for group in groups if group not in touched] + [joined]
    return groups


def _choices(group: dict[int, frozenset[int]]) -> list[LeftOut]:
    """Return what can be left out of a group, the fewest exposures first: of each, itself or the detectors it lacks.

    In a group too large to compare every choice, the exposures that lack the most images go first.
    """
    worst_first = sorted(group, key=lambda exposure: (-len(group[exposure]), exposure))
    if len(group) > _EXACT:
        lacking = accumulate(
            (group[e] for e in reversed(worst_first)), frozenset.union, initial=frozenset[int]()
        )
        choices = [
            LeftOut(frozenset(worst_first[: len(group) - kept]), detectors)
            for kept, detectors in enumerate(lacking)
        ]
    else:
        choices = [LeftOut()]
        for exposure in worst_first:
            either = (LeftOut(exposures=frozenset({exposure})), LeftOut(detectors=group[exposure]))
            choices = [choice | part for choice in choices for part in either]
    return sorted(choices, key=lambda choice: len(choice.exposures))


def _fewest_detectors(choices: Iterable[LeftOut]) -> dict[int, LeftOut]:
    """Keep for each number of exposures the choice with the fewest detectors."""
    best: dict[int, LeftOut] = {}
    for choice in choices:
        number = len(choice.exposures)
        if number not in best or len(choice.detectors) < len(best[number].detectors):
            best[number] = choice
    return best
