"""Exposures that exist -> a selection of them for each calibration; pure.

There is no perfect algorithm for this: the result is a proposal, which a person may edit, and the verification is
to find what is wrong with it (introduction to calibration production, 2024-04-02).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...config import groups_of_times, same_time
from ...ground.text import columns, exposure_range
from ...repository.production_records import Frame
from ...tables.products import PRODUCTS, ImageType, Product
from .naming import filter_label
from .rules import State, mixed_states, pairs_among, sets_of, wrong_types
from .selection import ExposureChoice

__all__ = ["Choice", "Wanted", "choose", "table"]

_ABOUT = 1.25
"""A set that is larger than asked for by no more than this factor is taken whole."""


@dataclass(frozen=True)
class Wanted:
    """What exposures are to be selected for."""

    products: tuple[str, ...]  #: BIAS, DARK, FLAT, DEFECTS, PTC.
    number: int = 20  #: About how many exposures are the input of a calibration.
    filters: tuple[str, ...] = ()  #: Physical filters or bands of flats; all where it is empty.
    reasons: Mapping[str, str] = field(default_factory=dict)  #: Product -> observation_reason.
    exposure_times: Mapping[str, float] = field(default_factory=dict)  #: Product -> exposure time, seconds.
    every: int = 5  #: Every Nth exposure of other days goes into the verification sample.

    def takes(self, product: str, frame: Frame) -> bool:
        """Return whether this exposure may be selected for the product."""
        time = self.exposure_times.get(product)
        return (
            self.reasons.get(product, frame.reason) == frame.reason
            and (time is None or same_time(time, frame.exposure_time))
            and (
                frame.image_type != ImageType.FLAT
                or not self.filters
                or bool({frame.physical_filter, frame.band} & {*self.filters})
            )
        )


@dataclass(frozen=True)
class Choice:
    """What was selected, and what is to be said about it."""

    choices: tuple[ExposureChoice, ...]
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """Exposures of one set that a product could be made from."""

    frames: tuple[Frame, ...]
    score: float


def choose(
    wanted: Wanted,
    frames: Sequence[Frame],
    others: Sequence[Frame],
    states: Mapping[int, State],
) -> Choice:
    """Select exposures.

    Parameters
    ----------
    frames : sequence of `Frame`
        All exposures of the days that calibrations are made from.
    others : sequence of `Frame`
        Exposures of other days, for verification.
    states : mapping [`int`, mapping]
        Header keywords of the biases, darks and flats among them.

    Returns
    -------
    `Choice`
        For each product, flats in each filter, the largest set about as large as wanted, without its first
        exposure. A product with no set that will do is a problem.
    """
    chooser = _Chooser(wanted, sets_of(frames), others, states)
    for name in PRODUCTS:
        if name in wanted.products:
            chooser.add(PRODUCTS[name])
    return Choice(tuple(chooser.choices), tuple(chooser.remarks), tuple(chooser.problems))


class _Chooser:
    def __init__(
        self,
        wanted: Wanted,
        sets: Sequence[tuple[Frame, ...]],
        others: Sequence[Frame],
        states: Mapping[int, State],
    ) -> None:
        self._wanted, self._sets, self._others, self._states = wanted, sets, others, states
        self.choices: list[ExposureChoice] = []
        self.remarks: list[str] = []
        self.problems: list[str] = []

    def add(self, product: Product) -> None:
        """Select the exposures for a product."""
        if len(product.images) > 1:
            self._add_of_several(product)
        elif product.by_filter:
            self._add_filters(product)
        else:
            self._add(product, product.label, None)

    def _add_filters(self, product: Product) -> None:
        bands = {
            frame.physical_filter: frame.band
            for frames in self._sets
            for frame in frames
            if frame.image_type == ImageType.FLAT and self._wanted.takes(product.name, frame)
        }
        if not bands:
            self.problems.append(f"{product.label}: no flats were found")
        counts = Counter(bands.values())
        for name, band in sorted(bands.items()):
            label = f"{product.label}-{filter_label(name, band, alone=counts[band] == 1)}"
            self._add(product, label, name)

    def _add_of_several(self, product: Product) -> None:
        """Use the exposures of its images already selected: defects are found in what those are made into."""
        used = [
            next((c for c in self.choices if c.product.name == str(image_type)), None)
            for image_type in product.images
        ]
        if None in used:
            images = " and ".join(f"a {image_type.lower()}" for image_type in product.images)
            self.problems.append(f"{product.label}: need {images}; select these, too")
            return
        exposures = tuple(exposure for choice in used if choice is not None for exposure in choice.generate)
        self.choices.append(ExposureChoice(product.label, exposures))

    def _add(self, product: Product, label: str, physical_filter: str | None) -> None:
        refused: list[str] = []
        best: _Candidate | None = None
        for frames in self._sets:
            candidate = self._candidate(product, frames, physical_filter)
            if candidate is None or (best is not None and candidate.score <= best.score):
                continue
            reasons = self._refusals(product, candidate.frames)
            refused += [f"{label}: refused {_ids(candidate.frames)}: {reason}" for reason in reasons]
            best = best if reasons else candidate
        if best is None:
            self.problems += refused or [f"{label}: no set of suitable exposures on these days"]
            return
        self.remarks += refused
        if not product.paired and len(best.frames) < self._wanted.number:
            self.remarks.append(
                f"{label}: only {len(best.frames)} exposures instead of {self._wanted.number}"
            )
        sample = tuple(sorted({*self._sample(product, best.frames)}))
        choice = ExposureChoice(label, tuple(f.id for f in best.frames), sample, physical_filter)
        self.choices.append(choice if product.always_verified else replace(choice, verify=()))

    def _refusals(self, product: Product, frames: Sequence[Frame]) -> list[str]:
        states = {frame.id: self._states[frame.id] for frame in frames if frame.id in self._states}
        types = {frame.image_type for frame in frames}
        return [*wrong_types(product, frames, states), *mixed_states(types, states)]

    def _candidate(
        self, product: Product, frames: Sequence[Frame], physical_filter: str | None
    ) -> _Candidate | None:
        """Return what a set has to offer: never its first exposure, with charge from while the camera was idle."""
        fits = [
            frame
            for frame in frames[1:]
            if frame.image_type in product.images
            and self._wanted.takes(product.name, frame)
            and physical_filter in (None, frame.physical_filter)
        ]
        if product.pairs is not None:
            pairs = pairs_among(fits)
            # A curve needs pairs at many levels: that counts before their number.
            score = len(groups_of_times(first.exposure_time for first, _ in pairs)) + len(pairs) / 1000
            kept = [frame for pair in pairs for frame in pair]
            return _Candidate(tuple(kept), score) if len(pairs) >= product.pairs.number else None
        if product.by_filter and fits:
            # Consistent illumination: those of the most frequent exposure time.
            times = max(groups_of_times(frame.exposure_time for frame in fits), key=len)
            fits = [frame for frame in fits if frame.exposure_time in times]
        if len(fits) > self._wanted.number * _ABOUT:
            fits = fits[: self._wanted.number]
        return _Candidate(tuple(fits), len(fits)) if fits else None

    def _sample(self, product: Product, used: Sequence[Frame]) -> Iterator[int]:
        """Return a verification sample: first exposures, others of these days, and some of other days."""
        taken = {frame.id for frame in used}
        days = {frame.day_obs for frame in used}
        of_days = [frame for frames in self._sets for frame in frames if frame.day_obs in days]
        yield from (f.id for f in self._alike(product, used, of_days) if f.id not in taken)
        yield from (f.id for f in self._alike(product, used, self._others)[:: self._wanted.every])

    def _alike(self, product: Product, used: Sequence[Frame], frames: Iterable[Frame]) -> list[Frame]:
        """Return those exposures that a calibration should fit: same type, camera state and, flats, light."""
        first = used[0]
        states = {frame.id: self._states.get(frame.id, {}) for frame in used}

        def fits(frame: Frame) -> bool:
            together = {**states, frame.id: self._states.get(frame.id, {})}
            return (
                frame.image_type == first.image_type
                and self._wanted.takes(product.name, frame)
                and (
                    not product.by_filter
                    or (
                        frame.physical_filter == first.physical_filter
                        and same_time(frame.exposure_time, first.exposure_time)
                    )
                )
                and not wrong_types(product, [frame], self._states)
                and not mixed_states([first.image_type], together)
            )

        return [frame for frame in frames if fits(frame)]


def table(choices: Iterable[ExposureChoice], frames: Mapping[int, Frame]) -> str:
    """Show a selection as a table: what is made, from how many exposures, which, and what else verifies it."""
    rows = [("product", "exposures", "seconds", "generate", "verify also")]
    rows += [
        (
            choice.label,
            str(len(choice.generate)),
            _seconds({frames[id].exposure_time for id in choice.generate if id in frames}),
            _short(choice.generate),
            f"{len(choice.verify)}: {_short(choice.verify)}" if choice.verify else "-",
        )
        for choice in choices
    ]
    return "\n".join(columns(rows))


def _seconds(times: Collection[float]) -> str:
    ends = dict.fromkeys(f"{round(group[0], 2):g}" for group in groups_of_times(times))
    return "..".join([*ends][:1] + [*ends][1:][-1:])


def _short(exposures: Sequence[int]) -> str:
    """Write exposures as ranges, the first few of them."""
    parts = exposure_range(exposures).split(", ")
    return ", ".join(parts[:3]) + (f" and {len(parts) - 3} more ranges" if len(parts) > 3 else "")


def _ids(frames: Sequence[Frame]) -> str:
    return exposure_range(frame.id for frame in frames)
