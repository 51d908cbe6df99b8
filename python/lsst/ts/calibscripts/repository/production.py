"""A butler repository as a production needs it: exposures, how they were taken, and what its jobs wrote."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import RepositoryError, describe
from ..ground.time_range import ALWAYS
from .deployment import DeployedRepository
from .exposures import recorded
from .production_records import STATE_KEYWORDS, Frame
from .validity import taken_at

__all__ = ["ProductionRepository"]


class ProductionRepository(DeployedRepository):  # numpydoc ignore=PR02
    """A butler repository that calibrations are produced in.

    Parameters
    ----------
    uri : `str`
        Any butler URI, or the path of a butler configuration.
    """

    def instruments(self) -> tuple[str, ...]:
        """Return the names of the instruments."""
        records = self._open().query_dimension_records("instrument", explain=False)
        return tuple(sorted(str(record.name) for record in records))

    def frames(self, instrument: str, days: Collection[int]) -> tuple[Frame, ...]:
        """Return all exposures of some observing days, in order."""
        if not days:
            return ()
        butler = self._open()
        bands = {
            record.name: str(record.band or "")
            for record in butler.query_dimension_records(
                "physical_filter", instrument=instrument, explain=False
            )
        }
        records = recorded(butler, instrument, "exposure.day_obs", days)
        return tuple(sorted((_frame(r, bands) for r in records), key=lambda frame: frame.id))

    def days(self, instrument: str, first: int, last: int) -> tuple[int, ...]:
        """Return the observing days between two (YYYYMMDD, both included) on which there are exposures."""
        records = self._open().query_dimension_records(
            "day_obs",
            instrument=instrument,
            where="day_obs >= first AND day_obs <= last",
            bind={"first": first, "last": last},
            explain=False,
            limit=None,
        )
        return tuple(sorted(int(record.id) for record in records))

    def days_of(self, instrument: str, exposures: Collection[int]) -> frozenset[int]:
        """Return the observing days of those exposures that are known."""
        records = recorded(self._open(), instrument, "exposure", exposures)
        return frozenset(int(record.day_obs) for record in records)

    def states(self, instrument: str, exposures: Collection[int], detector: int) -> dict[int, dict[str, str]]:
        """Read how the camera was set up, from the primary headers of raw images of one detector."""
        from astropy.io import fits

        refs = self._raws(
            instrument,
            "exposure IN (wanted) AND detector = one",
            {"wanted": sorted(exposures), "one": detector},
        )
        butler, found = self._open(), {}
        for ref in refs if exposures else ():
            try:
                with butler.getURI(ref).as_local() as local:
                    header = fits.getheader(local.ospath)
            except Exception as error:
                raise RepositoryError(
                    f"The header of {instrument} exposure {ref.dataId['exposure']} cannot be read: "
                    f"{describe(error)}"
                ) from error
            found[int(ref.dataId["exposure"])] = {
                key: str(header[key]) for key in STATE_KEYWORDS if header.get(key) not in (None, "")
            }
        return found

    def ingest_dates(self, run: str, dataset_type: str) -> tuple[Any, ...]:
        """Return when the datasets of a type in a RUN were written, as the database knows it."""
        if not self._refs(run, dataset_type):
            return ()
        name = f"{dataset_type}.ingest_date"
        with self._open().query() as query:
            found = query.join_dataset_search(dataset_type, run).general([], name, find_first=False)
            return tuple(row[name] for row in found)

    def processed(self, run: str) -> frozenset[int]:
        """Return the exposures that a RUN has any dataset of."""
        butler = self._open()
        names = butler.collections.get_info(run, include_summary=True).dataset_types or ()
        return frozenset(
            int(ref.dataId["exposure"])
            for name in names
            if "exposure" in butler.get_dataset_type(name).dimensions
            and not name.endswith(("_log", "_metadata"))
            for ref in self._refs(run, name)
        )


def _frame(record: Any, bands: Mapping[str, str]) -> Frame:
    return Frame(
        id=int(record.id),
        day_obs=int(record.day_obs),
        seq_num=int(record.seq_num),
        image_type=str(record.observation_type or "").upper(),
        reason=str(record.observation_reason or ""),
        exposure_time=float(record.exposure_time or 0.0),
        physical_filter=str(record.physical_filter),
        band=bands.get(record.physical_filter, ""),
        taken=taken_at(record.timespan) or ALWAYS,
    )
