"""Which calibrations a run reads that it does not make itself, how old they are, and how that is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..ground.text import detectors_of, listed
from ..ground.time_range import ALWAYS, TimeRange

__all__ = ["ReferenceFound", "references_line"]


@dataclass(frozen=True)
class ReferenceFound:
    """Jobs of the run read calibrations of a type from a RUN, which the run does not make itself."""

    dataset_type: str
    run: str
    physical_filter: str | None = None  #: The filter they are needed in; None where any will do.
    detectors: tuple[int, ...] = ()  #: Detectors they are for; empty where they are for all asked for.
    #: Validity range, TAI; None is open. Both are where they are not certified.
    begin: str | None = None
    end: str | None = None
    written: str | None = None  #: Day on which the oldest was written, UTC; None where that is unknown.
    age: int | None = None  #: Days from then to the run.
    age_max: float | None = None  #: Days above which there is a warning; None for never.

    @property
    def old(self) -> bool:
        """Are they older than ``reference_age_max``?"""
        return self.age is not None and self.age_max is not None and self.age > self.age_max

    @property
    def name(self) -> str:
        """What they are, e.g. ``flat in SDSSr_65mm~empty``."""
        return f"{self.dataset_type}{f' in {self.physical_filter}' if self.physical_filter else ''}"

    @property
    def validity(self) -> str:
        """How long they are valid, in words."""
        validity = TimeRange.of(self.begin, self.end)
        return "not limited in time" if validity == ALWAYS else f"valid {validity}"

    @property
    def text(self) -> str:
        """All of it, as an observer reads it."""
        which = f" for {detectors_of(self.detectors)}" if self.detectors else ""
        written = "" if self.written is None else f", written {self.written} ({self.age} days ago)"
        return f"{self.name}{which}: {self.run}, {self.validity}{written}"


def references_line(references: Collection[ReferenceFound]) -> str:
    """Report in one line what a run reads, and how old it is.

    Parameters
    ----------
    references : collection of `ReferenceFound`
        One at least.

    Returns
    -------
    `str`
        E.g. ``bias, dark and flat in r_03, written 3 to 412 days before the run; older than 400 days: dark``.
    """
    names = listed([*dict.fromkeys(found.name for found in references)])
    ages = sorted(found.age for found in references if found.age is not None)
    if not ages:
        return f"{names}; when they were written is unknown"
    span = " to ".join(f"{days}" for days in dict.fromkeys((ages[0], ages[-1])))
    written = f"written {span} days before the run" if ages[-1] else "written on the day of the run"
    old = dict.fromkeys(f"{found.name} ({found.age} days)" for found in references if found.old)
    limit = next((found.age_max for found in references if found.old), None)
    too_old = f"; older than {limit:g} days: {listed([*old])}" if limit is not None else ""
    return f"{names}, {written}{too_old}"
