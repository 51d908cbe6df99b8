"""What is to be certified, and what stands in its way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ..ground.text import detectors_of
from ..ground.time_range import ALWAYS, TimeRange

__all__ = ["Certification", "Conflict", "other_filter", "replaced", "without_file"]


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


def replaced(run: str, wanted: Certification, present: Mapping[str, int]) -> str:
    """Report which datasets of a RUN are not those that its job wrote; empty where all are, or that is unknown.

    Parameters
    ----------
    present : mapping [`str`, `int`]
        Identifiers of the datasets that the RUN has now -> their detectors.
    """
    others = {detector for dataset, detector in present.items() if dataset not in wanted.datasets}
    if not (wanted.datasets and others):
        return ""
    return (
        f"{run} no longer holds the {wanted.dataset_type} that the job wrote for {detectors_of(others)}: it has been "
        "replaced since. Find out by whom, then process the exposures again with the property exposures"
    )


def without_file(run: str, wanted: Certification, detectors: Collection[int]) -> str:
    """Report that datasets that are to be certified cannot be read."""
    return (
        f"the file of {wanted.dataset_type} of {detectors_of(detectors)} in {run} is missing or empty, though the "
        "butler lists it; what cannot be read is not certified"
    )


def other_filter(run: str, wanted: Certification, filters: Iterable[str]) -> str:
    """Report that a RUN holds a product in another filter than it is to be certified for."""
    found = " and ".join(sorted(filters))
    return f"{run}: expected {wanted.dataset_type} in {wanted.physical_filter}, found {found}"


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
