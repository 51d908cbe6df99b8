"""What of a set has not arrived: asks the butler before it counts as missing, and reports what is left out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import describe
from ...events.images import ImageSet
from ...events.parts import SetState
from ...ground.text import counted, detectors_of, exposures_of, first_few, images_of
from ...tables.products import ImageType
from ..context import RunContext
from .arrivals import Arrivals

__all__ = ["Absences"]

NAMES_SHOWN = 5
"""Number of unknown names of detectors that are listed."""


@dataclass(frozen=True)
class Absences:
    """Finds and reports what has not arrived."""

    context: RunContext  #: The run.
    arrivals: Arrivals  #: Knows what has arrived in the OODS.

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
            ingested = await self.context.repository.ingested(self.context.spec.instrument, exposures)
        except Exception as error:
            # What was announced still counts; the rest is left out as if it had not arrived.
            self.context.journal.warn(
                f"The {image_type.plural} that did not arrive could not be looked up in the butler: "
                f"{describe(error)}."
            )
            return False
        found = unannounced & ingested
        if found:
            self.arrivals.add_unannounced(found)
            self.context.journal.warn(
                f"{image_type.name}: no imageInOODS came for {counted(len(found), 'image')} of "
                f"{exposures_of(exposure for exposure, _ in found)}, but the butler has "
                f"{'it: it is' if len(found) == 1 else 'them: they are'} used.{self._strange_names(kept)}"
            )
        return bool(found)

    def report(self, taken: SetState, found: ImageSet, unfit: Mapping[str, Sequence[int]]) -> None:
        """Report what is left out of a set, and keep it for the end.

        Parameters
        ----------
        found : `ImageSet`
            What of it is used.
        unfit : mapping [`str`, sequence of `int`]
            Why exposures are left out although they were taken -> which; the others have not arrived.
        """
        name = taken.image_type.name
        for (status, description), bad in self._refused(taken.kept).items():
            refusal = _refusal(len(bad), status, description)
            self.context.journal.log.error(f"{name} {images_of(bad)} {refusal}")
        for why, exposures in unfit.items():
            which = f"{name} {exposures_of(exposures)}"
            self.context.journal.warn(
                f"{which} {_for(len(exposures), 'are')} left out: {why}.", logging.ERROR
            )
        known = {exposure for exposures in unfit.values() for exposure in exposures}
        missing: dict[str, list[int]] = {}
        for exposure in found.left_out_exposures:
            if exposure not in known:
                missing.setdefault(self._why(taken, [exposure]), []).append(exposure)
        for why, lost in missing.items():
            which = f"{exposures_of(lost)}{self._of_detectors(taken, found, lost)}"
            text = f"{name} {which} {_for(len(lost), why)} and {_for(len(lost), 'are')} left out."
            self.context.journal.warn(text, logging.ERROR)
        if found.left_out_detectors and found.complete:
            which = detectors_of(found.left_out_detectors)
            left_out = "it is" if len(found.left_out_detectors) == 1 else "they are"
            self.context.journal.fail(
                f"{name}: images of {which} {self._why(taken, taken.kept)}; {left_out} left out, and the "
                "rest was processed."
            )

    def _refused(self, exposures: Sequence[int]) -> dict[tuple[int, str], list[tuple[int, int]]]:
        """Return which images, exposure and detector, the OODS refused, by status and description.

        One message for all of a kind: a full disk refuses thousands, and the log is paced.
        """
        refused: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for arrival in self.arrivals.bad(exposures):
            key = arrival.status_code, arrival.description
            refused.setdefault(key, []).append((arrival.exposure, arrival.detector))
        return refused

    def _of_detectors(self, taken: SetState, found: ImageSet, exposures: Sequence[int]) -> str:
        """Name the detectors of which the exposures that are left out lack an image, unless it is all of them."""
        if taken.existing:
            return ""
        lacking = {d for e in exposures for d in self.arrivals.lacking(e)}
        named = lacking.intersection(found.detectors)
        return "" if len(named) in (0, len(found.detectors)) else f" of {detectors_of(named)}"

    def given_up(self, taken: SetState, found: ImageSet, unfit: Mapping[str, Sequence[int]]) -> str:
        """Report that too little of a set is left; ``unfit`` as of `report`."""
        n_detectors = len(found.detectors) + len(found.left_out_detectors)
        why = "; ".join(f"{exposures_of(exposures)}: {reason}" for reason, exposures in unfit.items())
        oods = " Look at the OODS; what is ingested later can still be processed with the property exposures."
        left = (
            f"Only {len(found.exposures)} of {taken.image_type.counted(len(taken.kept))} and "
            f"{len(found.detectors)} of {counted(n_detectors, 'detector')}"
        )
        names = self._strange_names(taken.kept)
        if why:
            return f"{left} can be used: the set is given up ({why}).{names}"
        refused = "; ".join(
            f"{counted(len(bad), 'image')} {_refusal(len(bad), status, description)}"
            for (status, description), bad in self._refused(taken.kept).items()
        )
        why = f" ({refused})" if refused else ""
        return f"{left} have arrived: the set is given up{why}.{names}{oods}"

    def _strange_names(self, exposures: Sequence[int]) -> str:
        """Report which names the events of exposures had that are not names of detectors."""
        names = self.arrivals.unknown_names(exposures)
        if not names:
            return ""
        spec = self.context.spec
        return (
            f" Events came with names that are not names of detectors of {spec.instrument} in {spec.config.repo}: "
            f"{first_few(names, NAMES_SHOWN)}."
        )

    def _why(self, taken: SetState, exposures: Sequence[int]) -> str:
        """Report in the plural why images of exposures are missing."""
        if taken.existing:
            return "are not in the repository"
        if refused := self.arrivals.bad(exposures):
            return f"were not ingested (status {refused[0].status_code}, {refused[0].description})"
        if not any(self.arrivals.lacking(exposure) for exposure in exposures):
            return "were announced by the OODS, but are not in the repository"
        return f"did not arrive within oods_timeout ({self.context.config.oods_timeout:g} s)"


def _refusal(number: int, status: int, description: str) -> str:
    """Report why the OODS refused a number of images."""
    return f"{_for(number, 'were')} not ingested: status {status}, {description}"


def _for(number: int, text: str) -> str:
    """Return a text that is written in the plural as it reads of a number of things."""
    if number != 1:
        return text
    return " ".join({"are": "is", "were": "was"}.get(word, word) for word in text.split(" "))
