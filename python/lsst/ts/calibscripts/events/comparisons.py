"""How the calibrations of a run compare with those that were valid before, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..ground.text import counted, listed
from ..verification.differences import BEYOND, Difference

__all__ = ["Compared", "comparison_advice", "comparison_line"]

_MOST_NAMED = 8
"""Detectors that a line names."""


@dataclass(frozen=True)
class Compared:
    """A product was compared with what was valid before it was certified."""

    product: str
    #: RUNs of the calibrations that were valid before; empty where there were none.
    previous: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()  #: By detector, of those that have a calibration before.
    moved: tuple[str, ...] = ()  #: Amplifiers that are farther from it than is allowed.
    required: bool = False  #: Is the product only certified if it has not moved?
    alone: tuple[str, ...] = ()  #: Detectors, of those with a new calibration, that have none before.
    #: Why they, or some detectors, could not be compared; empty where they were, and where there was nothing before.
    problem: str = ""

    @property
    def withheld(self) -> bool:
        """Is the product not to be certified because of this?"""
        return self.required and bool(self.moved or self.problem)


def comparison_line(compared: Compared) -> str:
    """Report a comparison in one line.

    Parameters
    ----------
    compared : `Compared`
        The comparison.

    Returns
    -------
    `str`
        E.g. ``BIAS compared with that in LATISS/calib/reference/run: level -0.1 to 0.2 sigma, ...``.
    """
    if compared.problem and not compared.differences:
        return f"{compared.product} was not compared with the calibration before it: {compared.problem}."
    if not compared.previous:
        return f"{compared.product} was compared with nothing: no calibration of its type was valid before."
    numbers = ", ".join(_numbers(compared.differences))
    result = _moved(compared) if compared.moved else "No amplifier has moved."
    line = f"{compared.product} compared with that in {listed(compared.previous)}: {numbers}. {result}"
    if compared.problem:
        line = f"{line} Not compared: {compared.problem}."
    return f"{line} No calibration before: {_some(compared.alone)}." if compared.alone else line


def comparison_advice(compared: Compared) -> str:
    """Return what becomes of a calibration that has moved though it need not stay, and what to do; empty for others.

    Parameters
    ----------
    compared : `Compared`
        The comparison.
    """
    if compared.required or not compared.moved:
        return ""
    return (
        f" Verification does not see this: {compared.product} is certified if it passes. Look at the difference on "
        "the page of the report. If nothing was changed on purpose, mark it bad (`calibscripts decide bad-master`) "
        "and report it to the calibration scientists; compare_with_previous: require would wait for them."
    )


def _numbers(differences: tuple[Difference, ...]) -> Iterator[str]:
    if any(difference.appeared for difference in differences):
        yield _defects(differences)
        return
    gains = any(difference.gain_ratio for difference in differences)
    if shift := _range(differences, "shift"):
        yield f"{'gain' if gains else 'level'} {shift[0]:+.2g} to {shift[1]:+.2g} sigma"
    for name in ("gain_ratio", "noise_ratio"):
        if ratio := _range(differences, name):
            yield f"{name.replace('_', ' ')} {ratio[0]:.4g} to {ratio[1]:.4g}"
    if scatter := _range(differences, "scatter"):
        yield f"scatter {scatter[0]:.3g} to {scatter[1]:.3g} of the expected"
    if beyond := _range(differences, "beyond"):
        yield f"up to {beyond[1]:.2%} of the pixels beyond {BEYOND:g} sigma"


def _defects(differences: tuple[Difference, ...]) -> str:
    new, gone = (sum(sum(getattr(each, name)) for each in differences) for name in ("appeared", "vanished"))
    counts = f"{counted(new, 'pixel')} new, {counted(gone, 'pixel')} no longer a defect"
    part, where = max(
        (part or 0.0, f"{each.detector} {name}")
        for each in differences
        for part, name in zip(each.beyond, each.amplifiers, strict=True)
    )
    return f"{counts}, most side by side in {where}: {part:.2%} of its pixels" if part else counts


def _range(differences: Iterable[Difference], name: str) -> tuple[float, float] | None:
    values = [value for each in differences for value in getattr(each, name) if value is not None]
    return (min(values), max(values)) if values else None


def _moved(compared: Compared) -> str:
    by_detector: dict[str, list[str]] = {}
    for name in compared.moved:
        detector, _, amplifier = name.partition(" ")
        by_detector.setdefault(detector, []).append(amplifier)
    sizes = {difference.detector: len(difference.amplifiers) for difference in compared.differences}
    places = [
        f"{detector} all {len(found)} amplifiers"
        if len(found) == sizes.get(detector)
        else f"{detector} {', '.join(found)}"
        for detector, found in by_detector.items()
    ]
    return f"MOVED: {_some(places)}."


def _some(places: Sequence[str]) -> str:
    more = f" and {counted(len(places) - _MOST_NAMED, 'more detector')}" if len(places) > _MOST_NAMED else ""
    return f"{'; '.join(places[:_MOST_NAMED])}{more}"
