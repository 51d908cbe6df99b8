"""A record -> what took the time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..events.events import (
    Certified,
    ExposureTaken,
    FlatDarkTaken,
    ImageArrived,
    ImageSetClosed,
    Stage,
    StageReached,
    TrialFlatTaken,
)
from ..plan import Action
from ..record import Job, Record
from ..tables.products import PRODUCTS, ImageType
from .reading.exposed import duration

__all__ = ["Kind", "Span", "joined", "sentences", "spans"]


_MOST = 300
"""Spans of a kind in a row that are shown one by one."""

_AND = "; and "


class Kind(StrEnum):
    """What a span is."""

    EXPOSURE = "exposure"
    DISCARDED = "discarded"
    ARRIVAL = "arrival"
    WAIT = "wait"
    JOB = "job"
    FAILED = "failed"
    ABORTED = "aborted"
    CERTIFIED = "certified"


@dataclass(frozen=True)
class Span:
    """Something that took time."""

    row: str  #: What it belongs to, e.g. ``TAKE BIAS``.
    kind: Kind  #: What it is.
    #: Seconds from the beginning of the record.
    begin: float
    end: float
    text: str  #: What it was, in words.

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


def spans(record: Record) -> tuple[Span, ...]:
    """Lay out a run: exposures, arrivals, jobs, waits and certifications.

    Returns
    -------
    `tuple` [`Span`]
        Rows in the order in which they begin.
    """
    found = [*_exposures(record), *_arrivals(record), *_jobs(record), *_certifications(record)]
    first: dict[str, float] = {}
    for span in found:
        first[span.row] = min(first.get(span.row, span.begin), span.begin)
    order = {row: place for place, row in enumerate(sorted(first, key=lambda row: first[row]))}
    return tuple(sorted(found, key=lambda span: (order[span.row], span.begin)))


def joined(found: Sequence[Span], length: float) -> tuple[Span, ...]:
    """Join spans that are drawn on the same pixels anyway, where there are very many.

    Parameters
    ----------
    found : sequence of `Span`
        What happened, row by row.
    length : `float`
        Length of the run, seconds.

    Returns
    -------
    `tuple` [`Span`]
        Of each kind in a row at most some hundred.
    """
    many = {key for key, n in Counter((span.row, span.kind) for span in found).items() if n > _MOST}
    shown: list[Span] = []
    places: dict[tuple[str, Kind], int] = {}
    counts: Counter[int] = Counter()
    for span in found:
        key = span.row, span.kind
        place = places.get(key)
        if key in many and place is not None and span.end - shown[place].begin < length / _MOST:
            before = shown[place]
            counts[place] += 1
            text = f"{before.text.partition(_AND)[0]}{_AND}{counts[place]} more, the last one {span.text}"
            shown[place] = replace(before, end=max(before.end, span.end), text=text)
        else:
            places[key] = len(shown)
            shown.append(span)
    return tuple(shown)


def _exposures(record: Record) -> Iterator[Span]:
    begin: dict[str, float] = {}
    for entry in record.entries:
        now = entry.loop - record.begun_loop
        match entry.event:
            case StageReached(product, Stage.TAKING):
                begin[product] = now
            case ExposureTaken(image_type, exposure, seconds, discarded):
                kind = Kind.DISCARDED if discarded else Kind.EXPOSURE
                text = f"{image_type} {exposure}, {seconds:g} s{', discarded' if discarded else ''}"
                yield Span(f"TAKE {image_type}", kind, begin.get(image_type, now), now, text)
                begin[image_type] = now
            case TrialFlatTaken(exposure, seconds):
                flats = ImageType.FLAT
                text = f"{flats} {exposure}, {seconds:g} s, test flat"
                yield Span(f"TAKE {flats}", Kind.DISCARDED, begin.get(flats, now), now, text)
                begin[flats] = now
            case FlatDarkTaken(exposure, seconds):
                text = f"dark {exposure} of a flat's {seconds:g} s"
                since = begin.get("FLAT-DARK", max(begin.values(), default=now))
                yield Span("TAKE FLAT-DARK", Kind.EXPOSURE, since, now, text)
                begin["FLAT-DARK"] = now


def _arrivals(record: Record) -> Iterator[Span]:
    """Return when the last detector of each kept exposure arrived, and the wait after the last exposure."""
    taken: dict[int, tuple[ImageType, float]] = {}
    arrived: dict[int, float] = {}
    last: dict[ImageType, float] = {}
    closed: list[tuple[ImageSetClosed, float]] = []
    for entry in record.entries:
        now = entry.loop - record.begun_loop
        match entry.event:
            case ExposureTaken(image_type, exposure, _, discarded):
                last[image_type] = now
                if not discarded:
                    taken[exposure] = image_type, now
            case ImageArrived(exposure, _, 0):
                arrived[exposure] = now
            case ImageSetClosed() as event:
                closed.append((event, now))
    for exposure, (image_type, begin) in taken.items():
        if exposure in arrived:
            end = max(arrived[exposure], begin)
            text = f"{image_type} {exposure} complete in the OODS {duration(end - begin)} after it was taken"
            yield Span(f"ARRIVE {image_type}", Kind.ARRIVAL, begin, end, text)
    for event, end in closed:
        begin = last.get(event.image_type, end)
        lost = len(event.left_out_exposures)
        text = f"waited {duration(end - begin)} for the OODS after the last {event.image_type}" + (
            f"; {lost} exposures left out" if lost else ""
        )
        yield Span(f"ARRIVE {event.image_type}", Kind.WAIT, begin, end, text)


def _jobs(record: Record) -> Iterator[Span]:
    closed = {
        entry.event.image_type: entry.loop - record.begun_loop
        for entry in record.entries
        if isinstance(entry.event, ImageSetClosed)
    }
    for job in record.jobs:
        begin = job.submitted.loop - record.begun_loop
        end = record.seconds if job.ended is None else job.ended.loop - record.begun_loop
        product = PRODUCTS.get(job.step.product)
        images = product.images if product is not None else ()
        ready = max((closed[image_type] for image_type in images if image_type in closed), default=begin)
        if begin - ready > 0 and not job.state.earlier:
            text = f"{job.step} waited {duration(begin - ready)} for its input calibrations (its images had arrived)"
            yield Span(str(job.step), Kind.WAIT, ready, begin, text)
        outcome = job.result.words if job.result else "running when the record ends"
        again = f", submitted again as OCPS job {job.job_id}" if job.state.earlier else ""
        text = f"{job.step}{again}: {duration(end - begin)}, {outcome}"
        yield Span(str(job.step), _kind(record, job), begin, end, text)


def _kind(record: Record, job: Job) -> Kind:
    """Return how a job is drawn: one that the script ended itself is a consequence, not a failure."""
    if job.aborted:
        return Kind.ABORTED
    return Kind.JOB if job.result is None or (job.completed and _passed(record, job)) else Kind.FAILED


def _passed(record: Record, job: Job) -> bool:
    """Return whether a verification passed; a completed job of any other step has."""
    verdict = record.state.product(job.step.product).verdict
    return job.step.action is not Action.VERIFY or verdict is None or verdict.passed


def _certifications(record: Record) -> Iterator[Span]:
    for entry in record.entries:
        if isinstance(entry.event, Certified):
            now = entry.loop - record.begun_loop
            yield Span("CERTIFY", Kind.CERTIFIED, now, now, f"{entry.event.product} certified")


def sentences(record: Record) -> str:
    """Report in a sentence or two what took the time."""
    shown = spans(record)
    taking = [s for s in shown if s.kind in (Kind.EXPOSURE, Kind.DISCARDED)]
    jobs = [s for s in shown if s.kind in (Kind.JOB, Kind.FAILED, Kind.ABORTED)]
    ended = record.state.ended is not None
    text = f"The {'run took' if ended else 'record covers'} {duration(record.seconds)}"
    if not taking:
        return f"{text}; no image was taken."
    first, last = min(s.begin for s in taking), max(s.end for s in taking)
    after = (
        f"the {'run ended' if ended else 'record ends'} {duration(record.seconds - last)} after the last one."
    )
    text = f"{text}. The camera took images for {duration(last - first)}; {after}"
    if not jobs:
        return text
    longest, final = max(jobs, key=lambda s: s.seconds), max(jobs, key=lambda s: s.end)
    text = f"{text} The longest job was {longest.row} ({duration(longest.seconds)})"
    return f"{text}; the last to end was {final.row}." if ended else f"{text}."
