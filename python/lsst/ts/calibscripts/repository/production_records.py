"""What a production asks of a butler repository, and the records it is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..ground.time_range import ALWAYS, TimeRange

__all__ = ["STATE_KEYWORDS", "Association", "Exposed", "Frame"]

STATE_KEYWORDS = ("IMGTYPE", "SEQNAME", "SEQFILE", "ODP", "AP0_RC", "TEMP_SET", "FILTER", "GRATING")
"""Header keywords that say how the camera was set up for an exposure."""


@dataclass(frozen=True)
class Frame:
    """An exposure that exists, as the butler knows it."""

    #: Exposure, observing day and number within it.
    id: int
    day_obs: int
    seq_num: int
    image_type: str  #: ``observation_type`` in capitals.
    reason: str  #: ``observation_reason``.
    exposure_time: float  #: Seconds.
    #: What was in the beam.
    physical_filter: str
    band: str = ""
    taken: TimeRange = ALWAYS  #: When it was taken; open where that is unknown.


@dataclass(frozen=True)
class Association:
    """A dataset in a CALIBRATION collection."""

    dataset_type: str  #: E.g. ``bias``.
    dataset: str  #: Its identifier (UUID).
    run: str  #: RUN it is in.
    collection: str  #: CALIBRATION collection.
    data_id: Mapping[str, str]  #: Its required dimensions.
    #: Validity range, TAI, half open; None is open.
    begin: datetime | None
    end: datetime | None

    @property
    def validity(self) -> TimeRange:
        """The validity range."""
        return TimeRange(self.begin, self.end)

    @property
    def key(self) -> tuple[str, ...]:
        """Dataset type and data identifier, for comparing."""
        return (self.dataset_type, *(f"{name}={value}" for name, value in sorted(self.data_id.items())))


@dataclass(frozen=True)
class Exposed:
    """An exposure whose calibrations are looked for."""

    instrument: str  #: Butler instrument name.
    exposure: int  #: The exposure.
    detectors: tuple[int, ...]
    collection: str  #: Where calibrations are looked for.
