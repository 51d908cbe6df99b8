"""Pictures of how a run goes, drawn from the tables that the scripts themselves go by."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from calibdoc.drawing import Arrow, Box, Drawing, Frame
from lsst.ts.calibscripts.events.stages import TRANSITIONS, Stage
from lsst.ts.calibscripts.plan import Action, Plan, Step

__all__ = ["edges", "stage_ranks", "stages", "steps"]

_ROWS = ["TAKE", *Action]


def stage_ranks(transitions: Mapping[Stage, frozenset[Stage]] = TRANSITIONS) -> dict[Stage, int]:
    """Give the length of the longest way to each stage from the first one.

    Parameters
    ----------
    transitions : mapping
        Which stage may follow which.

    Returns
    -------
    `dict` [`Stage`, `int`]
        Without the ends that can follow every stage.
    """
    ranks = {stage: 0 for stage in transitions if stage not in _ends(transitions)}
    for _ in ranks:
        for stage in ranks:
            for later in transitions[stage] & ranks.keys():
                ranks[later] = max(ranks[later], ranks[stage] + 1)
    return ranks


def _ends(transitions: Mapping[Stage, frozenset[Stage]]) -> frozenset[Stage]:
    """Give the stages that can follow every stage that is not a last one."""
    return frozenset.intersection(*(later for later in transitions.values() if later))


def stages(transitions: Mapping[Stage, frozenset[Stage]] = TRANSITIONS) -> Drawing:
    """Draw the stages of a product and which may follow which.

    Parameters
    ----------
    transitions : mapping
        Which stage may follow which.

    Returns
    -------
    `Drawing`
        The stages from left to right; below them, the ends that can follow all those in the frame.
    """
    ranks = stage_ranks(transitions)
    boxes: dict[str, Box] = {
        stage: Box(stage, 66 + 122 * rank, 110, width=96) for stage, rank in ranks.items()
    }
    arrows: list[Arrow | Frame] = []
    above: list[tuple[int, int]] = []
    for stage in sorted(ranks, key=ranks.__getitem__):
        for later in sorted(transitions[stage] & ranks.keys(), key=ranks.__getitem__):
            arrows.append(_between_stages(boxes[stage], boxes[later], (ranks[stage], ranks[later]), above))
    open_stages = [boxes[stage] for stage in ranks if transitions[stage]]
    frame = Frame(8, 14, max(box.x for box in open_stages) + 58, 182)
    ends = sorted(_ends(transitions))
    for index, end in enumerate(ends):
        x = (frame.left + frame.right) * (index + 1) / (len(ends) + 1)
        boxes[end] = Box(end, x, 240, width=96)
        arrows.append(Arrow((x, frame.bottom), boxes[end].side("top")))
    width = max(box.x for box in boxes.values()) + 60
    title = "Stages of a product: " + "; ".join(
        f"{stage} to {', '.join(sorted(later))}" for stage, later in transitions.items() if later
    )
    return Drawing(width, 264, title, boxes, [frame, *arrows])


def _between_stages(begin: Box, end: Box, ranks: tuple[int, int], above: list[tuple[int, int]]) -> Arrow:
    """Connect neighbours directly, others with a bow: above, unless it would cross one that is there."""
    first, last = ranks
    if last - first == 1:
        return Arrow(begin.side("right"), end.side("left"))
    crossing = any(a < first < b < last or first < a < last < b for a, b in above)
    if not crossing:
        above.append(ranks)
    side, sign = ("bottom", 1) if crossing else ("top", -1)
    (x1, y1), (x2, y2) = begin.side(side), end.side(side)
    bow = sign * 28 * (last - first)
    return Arrow((x1, y1), (x2, y2), ((x1 + 20, y1 + bow), (x2 - 20, y2 + bow)))


def edges(plan: Plan) -> list[tuple[str, str]]:
    """Give what each step waits for, without what follows from the rest.

    Parameters
    ----------
    plan : `Plan`
        A plan.

    Returns
    -------
    `list` [`tuple` [`str`, `str`]]
        Earlier and later step, by their texts; images are ``TAKE BIAS`` and so on.
    """
    needs = {str(step.id): _needs(step) for step in plan.steps}

    def origins(name: str) -> set[str]:
        direct = needs.get(name, ())
        return set(direct).union(*(origins(earlier) for earlier in direct))

    return [
        (earlier, name)
        for name, direct in needs.items()
        for earlier in direct
        if not any(earlier in origins(other) for other in direct)
    ]


def _needs(step: Step) -> tuple[str, ...]:
    return (*(f"TAKE {image_type}" for image_type in step.images), *map(str, step.after))


def steps(plan: Plan) -> Drawing:
    """Draw the steps of a plan and what each waits for.

    Parameters
    ----------
    plan : `Plan`
        A plan.

    Returns
    -------
    `Drawing`
        One column for each product and one row for each action; dashed, the order in which images are taken.
    """
    taken = [f"TAKE {images.image_type}" for images in plan.sets]
    names = [*taken, *(str(step.id) for step in plan.steps)]
    rows = [row for row in _ROWS if any(name.startswith(row) for name in names)]
    columns = list(plan.products)
    boxes = {}
    for name in names:
        action, product = name.split()
        x, y = 70 + 152 * columns.index(product), 26 + 92 * rows.index(action)
        boxes[name] = Box(name, x, y, width=136)
    sequence = [_between_steps(boxes[a], boxes[b], dashed=True) for a, b in itertools.pairwise(taken)]
    found = edges(plan)
    arrows = [_between_steps(boxes[earlier], boxes[later]) for earlier, later in found]
    title = "Steps of a run: " + "; ".join(f"{later} after {earlier}" for earlier, later in found)
    bottom = max(box.y for box in boxes.values())
    bows = any(isinstance(arrow, Arrow) and arrow.begin[1] > bottom for arrow in arrows)
    height = bottom + (52 if bows else 24)
    return Drawing(152 * len(columns), height, title, boxes, [*sequence, *arrows])


def _between_steps(begin: Box, end: Box, *, dashed: bool = False) -> Arrow:
    """Connect downwards, or along a row: directly to the neighbour, else with a bow below the row; or upwards."""
    if begin.y == end.y and end.x - begin.x < 1.5 * begin.width:
        return Arrow(begin.side("right"), end.side("left"), dashed=dashed)
    if begin.y == end.y:
        (x1, y1), (x2, y2) = begin.side("bottom"), end.side("bottom")
        return Arrow((x1 + 20, y1), (x2 - 20, y2), ((x1 + 50, y1 + 34), (x2 - 50, y2 + 34)), dashed)
    if begin.y > end.y:
        (x1, y1), (x2, y2) = begin.side("right"), end.side("left")
        return Arrow((x1, y1 - 8), (x2, y2 + 8), ((x1 + 20, y1 - 8), (x2 - 20, y2 + 8)), dashed)
    (x1, y1), (x2, y2) = begin.side("bottom"), end.side("top")
    aside = 0 if x1 == x2 else (18 if x2 > x1 else -18)
    middle = (y1 + y2) / 2
    return Arrow((x1 + aside, y1), (x2 - aside, y2), ((x1 + aside, middle), (x2 - aside, middle)), dashed)
