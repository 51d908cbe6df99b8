"""The state of a run: all that its events say of it, as frozen data.

The script keeps one while it runs, and its record is read into the same one. Summary, configuration to resume,
report, history and display are functions of it, so that no two of them can say two things about one run. `fold` makes
it, event by event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..ground.persistent import NumberedMapping
from ..plan import Action, StepId
from ..plan.steps import closure
from ..tables.bootstraps import RECORDS, everything_before
from ..tables.products import PRODUCTS, ImageType
from .events import (
    CertificationRefused,
    Certified,
    Doubtful,
    Ended,
    Failed,
    Message,
    ReferenceFound,
    RunOutcome,
    Stage,
    Verdicted,
    Warned,
)
from .parts import FINISHED, ExposureState, ProductState, SetState, StepStanding, StepState

__all__ = ["RunState"]


@dataclass(frozen=True)
class RunState:
    """What a run has done so far."""

    #: Exposure -> what is known of it; also of exposures that the camera has not returned yet.
    exposures: NumberedMapping[ExposureState] = field(default_factory=NumberedMapping)
    #: Images, in the order in which they are taken.
    sets: Mapping[ImageType, SetState] = field(default_factory=dict)
    steps: Mapping[StepId, StepState] = field(default_factory=dict)  #: Steps, in the order of the plan.
    #: Products of the run that the job of each product reads, where the record holds it.
    made_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Calibrations that the jobs read and that the run does not make itself.
    references: tuple[ReferenceFound, ...] = ()
    #: Products that have reached a stage or have a verdict.
    products: Mapping[str, ProductState] = field(default_factory=dict)
    physical_filter: str | None = None  #: Filter that the flats are to have; None as long as it is unknown.
    messages: tuple[Message, ...] = ()  #: One sentence each.
    flat_darks: tuple[int, ...] = ()  #: Darks that were taken after the flats, and that no job reads.
    ended: Ended | None = None  #: How the run ended; None while it goes on, or where it was killed.

    @property
    def outcome(self) -> RunOutcome:
        """DONE, FAILED or STOPPED; UNFINISHED where the run still goes on, or was killed."""
        return RunOutcome.UNFINISHED if self.ended is None else self.ended.state

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, one sentence each."""
        return tuple(event.message for event in self.messages if isinstance(event, Failed))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the observer was warned of, one sentence each."""
        return tuple(event.message for event in self.messages if isinstance(event, Warned))

    @property
    def exposures_taken(self) -> frozenset[int]:
        """Exposures that the run has taken itself, also those that are discarded, test flats and flat-darks."""
        sets = (images for images in self.sets.values() if not images.existing)
        return frozenset(e for images in sets for e in images.taken + images.tests).union(self.flat_darks)

    @property
    def times(self) -> Mapping[int, float]:
        """Exposure -> exposure time, seconds, as far as it is known."""
        return {e: s.exposure_time for e, s in self.exposures.items() if s.exposure_time is not None}

    @property
    def stages(self) -> Mapping[str, Stage]:
        """Product -> the last stage it has reached."""
        return {name: self.products[name].stage for name in self._product_names}

    @property
    def verdicts(self) -> Mapping[str, Verdicted]:
        """Product -> what its verification said."""
        found = ((name, self.products[name].verdict) for name in self._product_names)
        return {name: verdict for name, verdict in found if verdict is not None}

    @property
    def certified(self) -> Mapping[str, Certified]:
        """Product -> where it is certified."""
        found = ((name, self.products[name].certified) for name in self._product_names)
        return {name: certified for name, certified in found if certified is not None}

    @property
    def doubtful(self) -> tuple[Doubtful, ...]:
        """What may be certified, though it is unknown."""
        found = (self.products[name].doubtful for name in self._product_names)
        return tuple(doubtful for doubtful in found if doubtful is not None)

    @property
    def refused(self) -> tuple[CertificationRefused, ...]:
        """What the butler did not certify."""
        found = (self.products[name].refused for name in self._product_names)
        return tuple(refused for refused in found if refused is not None)

    @property
    def standings(self) -> Mapping[StepId, StepStanding]:
        """How each step stands, in the order of the plan."""
        return {step_id: self.standing(step_id) for step_id in self.steps}

    @property
    def is_complete(self) -> bool:
        """Is everything done that was asked for, so that nothing is left to resume?"""
        if self.outcome is RunOutcome.DONE:
            return True
        # What was certified by a decision is done, whatever its verification said.
        left = {s for step_id, s in self.standings.items() if step_id.product not in self.certified}
        return self.ended is not None and bool(self.steps) and FINISHED.issuperset(left)

    def arrivals(self, image_type: ImageType) -> Mapping[int, frozenset[int]]:
        """Return for each exposure of a set that is kept the detectors whose image has arrived and is good."""
        kept = self.sets[image_type].kept if image_type in self.sets else ()
        return {exposure: self.exposures[exposure].arrived for exposure in kept if exposure in self.exposures}

    def n_images(self, image_type: ImageType) -> int:
        """Return how many images of single detectors are there of the exposures of a set that are kept.

        Of exposures that exist already no arrival is announced: they count as soon as the butler was asked.
        """
        images = self.sets.get(image_type)
        if images is not None and images.existing and images.closed is not None:
            return len(images.closed.exposures) * len(images.closed.detectors)
        return sum(map(len, self.arrivals(image_type).values()))

    def made_before(self, product: str) -> tuple[str, ...]:
        """Return the inputs of a product, direct and indirect, that this run makes itself."""
        return tuple(n for n in self.origins(product) if StepId(Action.GENERATE, n) in self.steps)

    def sets_behind(self, product: str) -> tuple[SetState, ...]:
        """Return the sets that a product, and what of this run it was made from, were made from."""
        types = {kind for name in (product, *self.made_before(product)) for kind in RECORDS[name].images}
        return tuple(images for kind, images in self.sets.items() if kind in types)

    def taken_back(self, sets: Iterable[SetState]) -> frozenset[tuple[int, int]]:
        """Return exposure and detector of the images of sets that are used, though the OODS calls them bad since."""
        return frozenset(
            (exposure, detector)
            for images in sets
            if images.closed is not None
            for exposure in self.exposures.keys() & images.closed.exposures
            for detector in self.exposures[exposure].bad.intersection(images.closed.detectors)
        )

    def step(self, step_id: StepId) -> StepState:
        """Return the state of a step; one that the run does not have was not started."""
        return self.steps.get(step_id, StepState(step_id))

    def product(self, name: str) -> ProductState:
        """Return the state of a product; one that the run does not have is waiting."""
        return self.products.get(name, ProductState())

    def origins(self, product: str) -> tuple[str, ...]:
        """Return the inputs of a product, direct and indirect, in the order of the table.

        Where the record does not hold what the jobs read, the table of products says it.
        """
        if product not in self.made_from:
            return tuple(everything_before(product)) if product in RECORDS else ()
        found = closure(product, self.made_from)
        return tuple(name for name in RECORDS if name in found)

    def standing(self, step_id: StepId) -> StepStanding:
        """Return how a step stands; after the end of the run none is running."""
        step = self.step(step_id)
        if self.ended is None or step.ended is not None:
            return step.standing
        return step.interrupted if step.job_id else StepStanding.NOT_STARTED

    @property
    def _product_names(self) -> list[str]:
        """Products in the order of the table; those of other versions last."""
        others = (name for name in self.products if name not in PRODUCTS)
        return [*(name for name in PRODUCTS if name in self.products), *others]
