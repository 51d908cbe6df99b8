"""What is to be certified, and what stands in its way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..ground.text import detectors_of
from ..ground.time_range import ALWAYS, TimeRange

__all__ = ["Candidate", "Certification", "Conflict", "lacking_file", "unfit"]


@dataclass(frozen=True)
class Certification:
    """What is to be certified, and for how long."""

    product: str  #: Name of the product.
    instrument: str  #: Butler instrument name.
    dataset_type: str  #: Dataset type of the product.
    collection: str  #: CALIBRATION collection.
    validity: TimeRange  #: Validity range.
    detectors: tuple[int, ...]  #: Detectors to certify.
    physical_filter: str | None = None  #: Filter of a flat where it is known; None for every filter there is.
    #: Identifiers of what the job wrote for it; empty where they are unknown.
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A dataset of a RUN that may be certified."""

    dataset: str  #: Its identifier.
    detector: int  #: Its detector.
    physical_filter: str | None = None  #: Its filter; None of a type that has none.


def unfit(run: str, wanted: Certification, present: Collection[Candidate]) -> str:
    """Report why what a RUN holds must not be certified; empty where it may.

    Parameters
    ----------
    present : collection of `Candidate`
        What it holds of that type, for the detectors that are wanted.
    """
    kind, again = wanted.dataset_type, "process the exposures again with the property exposures"
    if lost := {*wanted.detectors} - {each.detector for each in present}:
        return f"{run} holds no {kind} for {detectors_of(lost)}: where it was removed, {again}"
    filters = {each.physical_filter for each in present if each.physical_filter is not None}
    if wanted.physical_filter and filters - {wanted.physical_filter}:
        return f"{run}: expected {kind} in {wanted.physical_filter}, found {' and '.join(sorted(filters))}"
    others = {each.detector for each in present if each.dataset not in wanted.datasets}
    if wanted.datasets and others:
        return (
            f"{run} no longer holds the {kind} that the job wrote for {detectors_of(others)}: it has been replaced "
            f"since. Find out by whom, then {again}"
        )
    return ""


def lacking_file(run: str, wanted: Certification, detectors: Collection[int]) -> str:
    """Report that datasets that are to be certified cannot be read."""
    return (
        f"the file of {wanted.dataset_type} of {detectors_of(detectors)} in {run} is missing, empty or cut off, "
        "though the butler lists it; what cannot be read is not certified"
    )


@dataclass(frozen=True)
class Conflict:
    """What stands in the way of a certification."""

    wanted: Certification  #: What is to be certified.
    validity: TimeRange = ALWAYS  #: Validity range of what is certified already, as the butler has it.
    detectors: tuple[int, ...] = ()  #: Detectors it is certified for, of those wanted.
    kind: str = ""  #: Kind of the collection, where nothing at all can be certified into it; else empty.
    #: Is ``validity`` from the beginning of the first to the end of the last of more ranges than can be
    #: named?
    many: bool = False

    def __str__(self) -> str:
        wanted = self.wanted
        if self.kind:
            return (
                f"calib_collection {wanted.collection} is a {self.kind} collection, so {wanted.product} cannot be "
                "certified into it: set calib_collection to a CALIBRATION collection, or to one that does not exist "
                "yet."
            )
        return (
            f"{wanted.collection} already holds {self.what} {self.valid}, which overlaps "
            f"{wanted.validity}: set another calib_collection, or other "
            "certify_calib_begin_date and certify_calib_end_date."
        )

    @property
    def what(self) -> str:
        """Dataset type, filter and detectors, e.g. ``flat in r_57 (detectors 0, 1)``."""
        of_filter = f" in {self.wanted.physical_filter}" if self.wanted.physical_filter else ""
        return f"{self.wanted.dataset_type}{of_filter} ({self.where})"

    @property
    def where(self) -> str:
        """The detectors, as an observer reads them."""
        return detectors_of(self.detectors)

    @property
    def valid(self) -> str:
        """When it is valid, as an observer reads it."""
        return f"valid in many ranges within {self.range}" if self.many else f"valid {self.range}"

    @property
    def range(self) -> TimeRange:
        """The validity range of what is certified already.

        The butler keeps no date before 1970: where both ranges begin there, it is the date that the user set.
        """
        begin, end = self.wanted.validity.begin, self.validity.end
        same = self.validity.begin is None and self.wanted.validity.kept.begin is None
        return TimeRange(begin if same else self.validity.begin, end)
