"""The images of a run, for the list on its page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..events.events import PlannedSet
from ..events.parts import SetState
from ..ground.text import exposure_range
from ..record import Record
from ..tables.products import ImageType
from .contents import Account
from .reading.evidence import Evidence
from .reading.exposed import Exposed, filters_of, times_of

__all__ = ["ImageList", "image_lists"]


@dataclass(frozen=True)
class ImageList:
    """The images of one type."""

    image_type: str  #: BIAS, DARK or FLAT; FLAT-DARK for darks of the flats' exposure times.
    #: Ranges of exposure ids; empty where there are none.
    kept: str
    discarded: str
    left_out: str
    n_kept: int  #: How many were kept.
    #: Exposure times and filters; empty where they are unknown.
    seconds: str
    filters: str
    existing: bool  #: Were they taken by another run?
    #: Exposure id, exposure time, what became of it, and failed tests, of each.
    rows: tuple[tuple[str, str, str, str], ...]


def image_lists(account: Account) -> tuple[ImageList, ...]:
    """List the images of a report: those of its record, else those that were verified."""
    record, evidence = account.record, account.evidence
    known = dict(evidence.exposures) | (_recorded(record, evidence) if record else {})
    bad = {exposure: decision.signed for exposure, decision in account.bad.items()}
    lists = [_image_list(taken, known, evidence, bad) for taken in _sets(account)]
    if record is not None and record.state.flat_darks:
        lists.append(_flat_darks(record.state.flat_darks, known))
    return tuple(lists)


def _sets(account: Account) -> Iterator[SetState]:
    if account.record is not None:
        yield from (images for images in account.record.state.sets.values() if images.begun)
        return
    for verification in account.evidence.verifications:
        exposures = verification.verdict.exposures
        if exposures:
            yield SetState(PlannedSet(ImageType(verification.product), len(exposures)), kept=tuple(exposures))


def _recorded(record: Record, evidence: Evidence) -> dict[int, Exposed]:
    """Return what the record says of exposures: their times; their filters are the butler's."""
    known = evidence.exposures
    return {
        exposure: Exposed(seconds, known[exposure].physical_filter if exposure in known else "")
        for exposure, seconds in record.state.times.items()
    }


def _flat_darks(exposures: tuple[int, ...], known: Mapping[int, Exposed]) -> ImageList:
    """List the darks that were taken after the flats."""
    return ImageList(
        image_type="FLAT-DARK",
        kept=exposure_range(exposures),
        discarded="",
        left_out="",
        n_kept=len(exposures),
        seconds=times_of(exposures, known),
        filters="",
        existing=False,
        rows=tuple((str(e), f"{known[e].seconds:g}", "read by no job", "") for e in exposures),
    )


def _image_list(
    taken: SetState, known: Mapping[int, Exposed], evidence: Evidence, bad: Mapping[int, str]
) -> ImageList:
    verification = evidence.verification(taken.image_type)
    counts = {} if verification is None else verification.verdict.counts
    use = {
        **dict.fromkeys(taken.discarded, "discarded"),
        **dict.fromkeys(taken.tests, "test flat"),
        **dict.fromkeys(taken.used, "used"),
        **dict.fromkeys(taken.left_out, "left out"),
    }
    return ImageList(
        image_type=taken.image_type,
        kept=exposure_range(taken.used),
        discarded=exposure_range(taken.discarded) if taken.discarded else "",
        left_out=exposure_range(taken.left_out) if taken.left_out else "",
        n_kept=len(taken.used),
        seconds=times_of(taken.used, known),
        filters=filters_of(taken.used, known) if taken.image_type is ImageType.FLAT else "",
        existing=taken.existing,
        rows=tuple(
            (
                str(exposure),
                f"{known[exposure].seconds:g}" if exposure in known else "",
                f"{use[exposure]}; {bad[exposure]}" if exposure in bad else use[exposure],
                ", ".join(f"{test} {n}" for test, n in counts.get(exposure, {}).items()),
            )
            for exposure in sorted(use)
        ),
    )
