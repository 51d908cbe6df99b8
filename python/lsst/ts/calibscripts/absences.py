"""What of a set has not arrived: asks the butler before it counts as missing, and reports what is left out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from . import report
from .config import CalibrationsConfig
from .errors import describe
from .images import Arrivals, ImageSet
from .products import ImageType
from .repository import Repository
from .results import Journal, Taken
from .threads import OneThread

__all__ = ["Absences"]

NAMES_SHOWN = 5
"""Number of unknown names of detectors that are listed."""


@dataclass(frozen=True)
class Absences:
    """Finds and reports what has not arrived.

    Attributes
    ----------
    instrument : `str`
        Butler instrument name.
    config : `CalibrationsConfig`
        Configuration.
    arrivals : `Arrivals`
        Knows what has arrived in the OODS.
    repository : `Repository`
        The butler.
    thread : `OneThread`
        The thread in which the butler is called.
    journal : `Journal`
        Takes what is reported.
    """

    instrument: str
    config: CalibrationsConfig
    arrivals: Arrivals
    repository: Repository
    thread: OneThread
    journal: Journal

    async def look_for(self, image_type: ImageType, kept: Sequence[int]) -> bool:
        """Ask the butler for images of which no event came, since the middleware can lose one.

        Returns
        -------
        `bool`
            Whether the butler has any of them; they have arrived then.
        """
        unannounced = self.arrivals.unannounced(kept)
        if not unannounced:
            return False
        exposures = sorted({exposure for exposure, _ in unannounced})
        try:
            ingested = await self.thread(self.repository.ingested, self.instrument, exposures)
        except Exception as error:
            # What was announced still counts; the rest is left out as if it had not arrived.
            self.journal.warn(
                f"The {image_type.plural} that did not arrive could not be looked up in the butler: "
                f"{describe(error)}."
            )
            return False
        found = unannounced & ingested
        if found:
            self.arrivals.add_unannounced(found)
            self.journal.warn(
                f"{image_type.name}: no imageInOODS came for {report.counted(len(found), 'image')} of "
                f"{report.exposures_of(exposure for exposure, _ in found)}, but the butler has "
                f"{'it: it is' if len(found) == 1 else 'them: they are'} used.{self._strange_names(kept)}"
            )
        return bool(found)

    def report(self, taken: Taken, found: ImageSet) -> None:
        """Report what is left out of a set, and keep it for the end."""
        name = taken.images.image_type.name
        for arrival in self.arrivals.bad(taken.kept):
            self.journal.log.error(
                f"{name} {arrival.exposure} of detector {arrival.detector} was not ingested: "
                f"status {arrival.status_code}, {arrival.description}"
            )
        if lost := found.left_out_exposures:
            one = len(lost) == 1
            which = f"{report.exposures_of(lost)}{self._of_detectors(taken, found)}"
            text = f"{name} {which} {self._why(taken, lost, one=one)} and {'is' if one else 'are'} left out."
            self.journal.warn(text, logging.ERROR)
        if found.left_out_detectors and found.complete:
            which = report.detectors_of(found.left_out_detectors)
            left_out = "it is" if len(found.left_out_detectors) == 1 else "they are"
            self.journal.fail(
                f"{name}: images of {which} {self._why(taken, taken.kept, one=False)}; {left_out} left out, and the "
                "rest was processed."
            )

    def _of_detectors(self, taken: Taken, found: ImageSet) -> str:
        """Name the detectors of which the exposures that are left out lack an image, unless it is all of them."""
        if taken.images.taken:
            return ""
        lacking = {d for e in found.left_out_exposures for d in self.arrivals.lacking(e)}
        named = lacking.intersection(found.detectors)
        return "" if len(named) == len(found.detectors) else f" of {report.detectors_of(named)}"

    def given_up(self, taken: Taken, found: ImageSet) -> str:
        """Say that too little of a set is left."""
        n_detectors = len(found.detectors) + len(found.left_out_detectors)
        return (
            f"Only {len(found.exposures)} of {taken.images.image_type.counted(len(taken.kept))} and "
            f"{len(found.detectors)} of {report.counted(n_detectors, 'detector')} are there: the set is given up."
            f"{self._strange_names(taken.kept)} Look at the OODS; what is ingested later can still be processed with "
            "the property exposures."
        )

    def _strange_names(self, exposures: Sequence[int]) -> str:
        """Say which names the events of exposures had that are not names of detectors."""
        names = self.arrivals.unknown_names(exposures)
        if not names:
            return ""
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return (
            f" Events came with names that are not names of detectors of {self.instrument} in {self.config.repo}: "
            f"{', '.join(names[:NAMES_SHOWN])}{more}."
        )

    def _why(self, taken: Taken, exposures: Sequence[int], *, one: bool) -> str:
        if taken.images.taken:
            return "is not in the repository" if one else "are not in the repository"
        if refused := self.arrivals.bad(exposures):
            was = "was" if one else "were"
            return f"{was} not ingested (status {refused[0].status_code}, {refused[0].description})"
        return f"did not arrive within oods_timeout ({self.config.oods_timeout:g} s)"
