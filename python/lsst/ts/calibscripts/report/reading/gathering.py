"""What the jobs of a run left in the butler -> evidence. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from ...errors import describe
from ...plan import Action, StepId
from ...repository import Repository
from ...repository.archive import Archive
from ...repository.levels import NOMINAL_GAIN, NOMINAL_NOISE
from ...tables.products import PRODUCTS, Content, Product, holding
from ...verification import Verdict
from ...verification import reading as acceptance
from .adapters import curves_of, defects_of, image_of, nominal_of
from .changes import read_changes
from .evidence import Change, Curve, Defects, Evidence, Grid, Image, Nominal, PairGain, Verification
from .exposed import Exposed, Levels
from .grids import make_grid

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["ALL_IMAGES", "Question", "gather", "judged"]

ALL_IMAGES = (
    *(f"combined {product.label}" for product in holding(Content.IMAGES)),
    *(f"corrected {product.label}" for product in holding(Content.IMAGES) if product.always_verified),
)
"""Images of a report: combined calibrations, and exposures that were corrected with them."""

T = TypeVar("T")
_OfAmplifiers: TypeAlias = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Question:
    """What is to be read."""

    instrument: str  #: Butler instrument name.
    runs: Mapping[StepId, str]  #: Step -> RUN with its outputs.
    #: Product -> failed tests of one type per detector that fail an exposure.
    thresholds: Mapping[str, int] = field(default_factory=dict)
    #: Product -> exposures that were to be verified; those of the statistics where it is not there.
    exposures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: Product -> detectors whose images were verified; all of the statistics where it is not there.
    detectors: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: Detectors asked for, of which more than half must be left; empty where that is unknown.
    asked: tuple[int, ...] = ()
    #: Products that the run could not judge: a report does not know better what is certified.
    unjudged: frozenset[str] = frozenset()
    #: Product -> RUNs of the calibrations that it was compared with.
    previous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Images to read, some of `ALL_IMAGES`; they are what takes the time.
    images: tuple[str, ...] = ALL_IMAGES


def gather(archive: Archive, question: Question) -> Evidence:
    """Read what a report shows; what cannot be read is said and left out.

    Parameters
    ----------
    question : `Question`
        What to read.
    """
    reader = _Reader(archive, question)
    verifications = tuple(v for name in PRODUCTS if (v := reader.verification(PRODUCTS[name])) is not None)
    curves = reader.attempt("The photon transfer curve", reader.curves) or ()
    gains = reader.attempt("The gains of flat pairs", reader.gains) or ()
    seen = {e for v in verifications if v.grid for e in v.grid.exposures} | {
        e for g in gains for e in g.exposures
    }
    exposures = reader.attempt("The exposures", lambda: reader.exposures(seen)) or {}
    flats = next((v.grid for v in verifications if v.product == "FLAT"), None)
    return Evidence(
        verifications=verifications,
        curves=curves,
        gains=gains,
        nominal=reader.attempt("The nominal gains", reader.nominal) or Nominal(),
        exposures=exposures,
        levels=() if flats is None else _levels(flats, exposures),
        defects=reader.attempt("The defects", reader.defects) or (),
        images=tuple(reader.images(verifications)),
        changes=reader.attempt("The calibrations before these", reader.changes) or (),
        problems=tuple(dict.fromkeys(reader.problems)),
    )


def judged(repository: Repository, question: Question, product: Product, names: Mapping[int, str]) -> Verdict:
    """Judge a verification, by the question that the script asks and the function it asks. Blocks.

    Parameters
    ----------
    repository : `Repository`
        Where the statistics are.
    question : `Question`
        With the RUN of the verification.
    names : mapping [`int`, `str`]
        Full names of all detectors of the instrument.
    """
    run = question.runs[StepId(Action.VERIFY, product.name)]
    detectors = question.detectors.get(product.name)
    asked = acceptance.Verification(
        product=product,
        run=run,
        exposures=question.exposures.get(product.name),
        detectors=None if detectors is None else [names.get(i, str(i)) for i in question.asked or detectors],
        known=names,
        processed=detectors or (),
        threshold=question.thresholds.get(product.name, acceptance.THRESHOLD),
    )
    verdict = acceptance.verdict_on(asked, lambda: repository.statistics(run, product.statistics))
    if verdict.judged and product.name in question.unjudged:
        return asked.failed("the run could not read its statistics, though they can be read now")
    return verdict


def _levels(flats: Grid, known: Mapping[int, Exposed]) -> tuple[Levels, ...]:
    """Return the levels of the flats."""
    if "MEAN" not in flats.values:
        return ()
    unknown = Exposed(float("nan"), "")
    means = flats.values["MEAN"].reshape(len(flats.exposures), -1)
    return tuple(
        Levels(
            exposure=exposure,
            seconds=known.get(exposure, unknown).seconds,
            physical_filter=known.get(exposure, unknown).physical_filter,
            level=float(np.nanmedian(row)),
            spread=float(np.nanstd(row)),
        )
        for exposure, row in zip(flats.exposures, means, strict=True)
        if np.isfinite(row).any()
    )


class _Reader:
    """Reads the parts of the evidence."""

    def __init__(self, archive: Archive, question: Question) -> None:
        self._archive = archive
        self._question = question
        self._names = archive.names(question.instrument)
        self.problems: list[str] = []

    def attempt(self, what: str, read: Callable[[], T]) -> T | None:
        """Read something; where that fails, report it and return None."""
        try:
            return read()
        except Exception as error:
            # Whatever the butler or a formatter raises: the rest of the report is still worth having.
            self.problems.append(f"{what} cannot be read: {describe(error)}")
            return None

    def _run(self, action: Action, product: str) -> str | None:
        return self._question.runs.get(StepId(action, product))

    def verification(self, product: Product) -> Verification | None:
        """Judge a verification again, by the rule of the scripts, and read its statistics."""
        run = self._run(Action.VERIFY, product.name)
        if run is None:
            return None
        verdict = judged(self._archive, self._question, product, self._names)
        grid = None
        if not verdict.thresholds.by_detector:
            grid = self.attempt(f"The statistics of {product.name}", lambda: self._grid(run, product))
        return Verification(
            product.name,
            run,
            verdict,
            grid,
            internal=self._run(Action.GENERATE, product.name) is not None,
        )

    def _grid(self, run: str, product: Product) -> Grid | None:
        of_detectors = self._archive.details(run, product.statistics[2])
        return make_grid(of_detectors, self._names) if of_detectors else None

    def curves(self) -> tuple[Curve, ...]:
        """Read the photon transfer curve."""
        return tuple(
            curve
            for ref in self._refs_holding(Content.CURVES)
            for curve in curves_of(self._archive.get(ref), self._name_of(ref))
        )

    def gains(self) -> tuple[PairGain, ...]:
        """Read the gains of pairs of flats."""
        return tuple(
            PairGain(self._names.get(w.detector, str(w.detector)), w.exposures, w.gain, w.noise, w.noise_unit)
            for product in holding(Content.GAINS)
            if (
                run := self._run(Action.GENERATE, product.name) or self._run(Action.GENERATE, product.part_of)
            )
            for w in self._archive.gains(run, product.dataset_types)
        )

    def exposures(self, exposures: Collection[int]) -> dict[int, Exposed]:
        """Read times and filters of exposures."""
        records = self._archive.exposures(self._question.instrument, exposures)
        return {r.id: Exposed(r.exposure_time, r.physical_filter) for r in records}

    def nominal(self) -> Nominal:
        """Read nominal gains and read noises from the headers of processed images, one for each detector."""
        gains: _OfAmplifiers = {}
        noises: _OfAmplifiers = {}
        for product in ("FLAT", "DARK", "BIAS"):
            run = self._run(Action.VERIFY, product)
            refs = self._archive.refs(run, PRODUCTS[product].corrected) if run else ()
            for ref in {int(ref.dataId["detector"]): ref for ref in refs}.values():
                image, name = self._archive.get(ref), self._name_of(ref)
                for found, keyword in ((gains, NOMINAL_GAIN), (noises, NOMINAL_NOISE)):
                    found.update({(name, a): value for a, value in nominal_of(image, keyword).items()})
            if refs:
                break
        return Nominal(gains, noises)

    def defects(self) -> tuple[Defects, ...]:
        """Read the defects of each detector."""
        refs = self._refs_holding(Content.BOXES)
        return tuple(defects_of(self._archive.get(ref), self._name_of(ref)) for ref in refs)

    def _refs_holding(self, content: Content) -> list[DatasetRef]:
        """Return what the generation jobs wrote of some content, by detector."""
        refs = [
            ref
            for product in holding(content)
            if (run := self._run(Action.GENERATE, product.name))
            for ref in self._archive.refs(run, product.dataset_type)
        ]
        return sorted(refs, key=lambda ref: int(ref.dataId["detector"]))

    def images(self, verifications: Sequence[Verification]) -> Iterator[Image]:
        """Read combined images and the residuals of the exposure that is worst."""
        for title in self._question.images:
            kind, _, name = title.partition(" ")
            refs = self._refs_of_images(kind, name.upper(), verifications)
            n_detectors = len(refs)
            for ref in sorted(refs, key=lambda r: int(r.dataId["detector"])):
                yield from self._image(ref, title, n_detectors)

    def _refs_of_images(
        self, kind: str, product: str, verifications: Sequence[Verification]
    ) -> list[DatasetRef]:
        if kind == "combined":
            run = self._run(Action.GENERATE, product)
            refs = self._archive.refs(run, PRODUCTS[product].dataset_type) if run else []
            return list({int(ref.dataId["detector"]): ref for ref in refs}.values())
        verification = next((v for v in verifications if v.product == product), None)
        if verification is None:
            return []
        exposure = _worst(verification)
        refs = self._archive.refs(verification.run, PRODUCTS[product].corrected)
        return [ref for ref in refs if int(ref.dataId["exposure"]) == exposure]

    def changes(self) -> tuple[Change, ...]:
        """Read combined images and those that were valid before them, and compare them."""
        runs = {
            product: (run, before)
            for product, before in self._question.previous.items()
            if f"combined {product.lower()}" in self._question.images
            and (run := self._run(Action.GENERATE, product))
        }
        return tuple(read_changes(self._archive, runs, self._names))

    def _image(self, ref: DatasetRef, title: str, n_detectors: int) -> Iterator[Image]:
        def read() -> Image:
            exposure = int(ref.dataId["exposure"]) if "exposure" in ref.dataId else None
            return image_of(self._archive.get(ref), title, self._name_of(ref), n_detectors, exposure)

        found = self.attempt(f"The {title} of {self._name_of(ref)}", read)
        if found is not None:
            yield found

    def _name_of(self, ref: DatasetRef) -> str:
        detector = int(ref.dataId["detector"])
        return self._names.get(detector, str(detector))


def _worst(verification: Verification) -> int | None:
    """Return the exposure with the most failed tests; the middle one where none failed."""
    grid = verification.grid
    if grid is None or not grid.exposures:
        return None
    failed = grid.failed_tests().sum(axis=1)
    place = int(np.argmax(failed)) if failed.any() else len(grid.exposures) // 2
    return grid.exposures[place]
