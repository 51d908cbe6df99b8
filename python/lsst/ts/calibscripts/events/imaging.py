"""What happens to the images of a run, as typed events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..plan import ExposureSet, images_in_words
from ..tables.products import ImageType
from .images import ImageSet
from .outcomes import StepName

__all__ = [
    "ExposureTaken",
    "ExposureTimesRead",
    "ExposuresAdopted",
    "FilterFound",
    "FlatDarkTaken",
    "FlatEvent",
    "FlatTimeFound",
    "ImageArrived",
    "ImageEvent",
    "ImageSetClosed",
    "LevelMeasured",
    "PlannedSet",
    "SetGivenUp",
    "TooFewPairs",
    "TrialFlatTaken",
]


@dataclass(frozen=True)
class PlannedSet:
    """Images of one type that a run is to take."""

    image_type: ImageType  #: BIAS, DARK or FLAT.
    #: Exposures to use, and those before them that are never used.
    n_kept: int
    n_discarded: int = 0
    existing: tuple[int, ...] = ()  #: Exposures that exist already and are used instead of taking any.

    @classmethod
    def of(cls, images: ExposureSet) -> PlannedSet:
        """Return the set of a plan without its single exposures."""
        return cls(images.image_type, images.n_kept, images.n_discarded, images.taken)

    def __str__(self) -> str:
        if self.existing:
            # How many would be taken instead is not part of the plan.
            return f"new {self.image_type.plural}"
        return images_in_words(self.image_type, self.n_kept + self.n_discarded, self.n_discarded)


@dataclass(frozen=True)
class ExposureTaken:
    """The camera has taken an exposure; times in seconds."""

    image_type: ImageType
    exposure: int
    exposure_time: float
    discarded: bool


@dataclass(frozen=True)
class FlatDarkTaken:
    """The camera has taken a dark of an exposure time (seconds) of the flats, which is in no set: no job reads it."""

    exposure: int
    exposure_time: float


@dataclass(frozen=True)
class ExposuresAdopted:
    """Exposures that exist already are used instead of taking any."""

    image_type: ImageType
    exposures: tuple[int, ...]


@dataclass(frozen=True)
class ExposureTimesRead:
    """The butler has returned the exposure times (seconds) of exposures, which replace those asked for."""

    exposures: tuple[int, ...]
    exposure_times: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.exposures) != len(self.exposure_times):
            raise ValueError(
                f"{len(self.exposures)} exposures have {len(self.exposure_times)} exposure times"
            )


@dataclass(frozen=True)
class ImageArrived:
    """An image of one detector was announced by the OODS; ``status_code`` 0 is good."""

    exposure: int
    detector: int
    status_code: int
    description: str = ""


@dataclass(frozen=True)
class LevelMeasured:
    """The signal of a flat was measured: median of the image less that of the overscan, ADU."""

    exposure: int
    level: float


@dataclass(frozen=True)
class TrialFlatTaken:
    """The camera has taken a flat only to see its level; its time is in seconds."""

    exposure: int
    exposure_time: float


@dataclass(frozen=True)
class FlatTimeFound:
    """The exposure time with which flats have the level that is asked for is known."""

    exposure_time: float  #: Seconds; of a list of times that of the longest.
    level: float  #: Level of the last test flat, ADU.
    target: float  #: Level that was asked for, ADU.
    n_tests: int  #: How many test flats were taken.
    factor: float  #: By what the exposure times of the configuration are multiplied.
    physical_filter: str | None  #: Filter of the flats, None where it is unknown.

    @property
    def text(self) -> str:
        """The result as an observer reads it."""
        tests = f"{self.n_tests} test flat{'' if self.n_tests == 1 else 's'}"
        return f"{self.exposure_time:g} s for {self.target:.0f} ADU ({self.level:.0f} ADU seen, {tests})"


@dataclass(frozen=True)
class FilterFound:
    """The physical_filter that the flats are to have is known; None where it cannot be known."""

    physical_filter: str | None


@dataclass(frozen=True)
class ImageSetClosed:
    """No further arrival of a set is awaited: what of it is used, and what is not."""

    image_type: ImageType
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    left_out_exposures: tuple[int, ...] = ()
    left_out_detectors: tuple[int, ...] = ()

    @classmethod
    def of(cls, image_type: ImageType, found: ImageSet) -> ImageSetClosed:
        """Return the event that reports what of a set is used."""
        left_out = found.left_out_exposures, found.left_out_detectors
        return cls(image_type, found.exposures, found.detectors, *left_out)

    @property
    def found(self) -> ImageSet:
        """What of the set is used, and what is not."""
        return ImageSet(self.exposures, self.detectors, self.left_out_exposures, self.left_out_detectors)


@dataclass(frozen=True)
class SetGivenUp:
    """Nothing of a set is used by its run, which takes no further images of it."""

    image_type: ImageType
    reason: str


@dataclass(frozen=True)
class TooFewPairs:
    """The flats that can be used make too few pairs for a step: they are not offered to another run."""

    step: StepName


FlatEvent: TypeAlias = LevelMeasured | TooFewPairs | FilterFound | TrialFlatTaken | FlatTimeFound
ImageEvent: TypeAlias = (
    ExposureTaken
    | FlatDarkTaken
    | ExposuresAdopted
    | ExposureTimesRead
    | ImageArrived
    | ImageSetClosed
    | SetGivenUp
    | FlatEvent
)
