"""What a butler knows of exposures and their raw images."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import RepositoryError
from .connection import ButlerConnection, exposure_and_detector
from .exposures import exposure_records, have_visits
from .files import without_file
from .levels import raw_signal
from .patience import patient
from .records import ExposureRecord, Signal

__all__ = ["RawReader"]


class RawReader(ButlerConnection):
    """A connection through which exposures are looked up; made from the URI of the repository."""

    @patient
    def exposures(self, instrument: str, exposures: Collection[int]) -> tuple[ExposureRecord, ...]:
        """See `Repository`."""
        return exposure_records(self._open(), instrument, exposures)

    @patient
    def have_visits(self, instrument: str, flats: Collection[int]) -> bool | None:
        """See `Repository`."""
        return have_visits(self._open(), instrument, flats)

    @patient
    def ingested(self, instrument: str, exposures: Collection[int]) -> frozenset[tuple[int, int]]:
        """See `Repository`."""
        refs = self._raws(instrument, "exposure IN (wanted)", {"wanted": sorted(exposures)})
        return frozenset(map(exposure_and_detector, refs))

    @patient
    def stored(
        self, instrument: str, exposures: Collection[int], detectors: Collection[int]
    ) -> frozenset[tuple[int, int]]:
        """See `Repository`; the files are only looked for, all at the same time."""
        bind = {"wanted": sorted(exposures), "some": sorted(detectors)}
        refs = self._raws(instrument, "exposure IN (wanted) AND detector IN (some)", bind)
        lost = {ref.id for ref in without_file(self._open(), refs)}
        return frozenset(exposure_and_detector(ref) for ref in refs if ref.id not in lost)

    @patient
    def level(self, instrument: str, exposure: int, detector: int) -> Signal:
        """See `Repository`."""
        bind = {"wanted": exposure, "one": detector}
        refs = self._raws(instrument, "exposure = wanted AND detector = one", bind)
        if not refs:
            raise RepositoryError(f"{instrument} exposure {exposure} has no raw image of detector {detector}")
        with self._open().getURI(refs[0]).as_local() as file:
            return raw_signal(file.ospath)
