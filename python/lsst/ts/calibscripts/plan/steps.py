"""What a run does, as frozen records: exposures to take, and steps with their prerequisites."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ..tables.bootstraps import RECORDS
from ..tables.products import ImageType, Product
from .exposure_time import FlatGoal

__all__ = ["Action", "Exposure", "ExposureSet", "Plan", "Step", "StepId", "closure", "images_in_words"]


class Action(StrEnum):
    """What a step does with a product."""

    GENERATE = "GENERATE"
    VERIFY = "VERIFY"
    CERTIFY = "CERTIFY"


@dataclass(frozen=True, order=True)
class StepId:
    """Name of a step; its text is what the log says, e.g. ``GENERATE DARK``."""

    action: Action
    product: str

    def __str__(self) -> str:
        return f"{self.action} {self.product}"

    @classmethod
    def read(cls, name: str) -> StepId:
        """Return the step of a name, e.g. ``GENERATE DARK``.

        Raises
        ------
        ValueError
            If its first word is not an action, or no product follows.
        """
        action, _, product = name.partition(" ")
        if action not in Action.__members__ or not product.strip():
            raise ValueError(f"{name!r} is not the name of a step")
        return cls(Action(action), product)


@dataclass(frozen=True)
class Step:
    """One piece of processing and what must have happened before it starts."""

    id: StepId  #: Its name.
    images: tuple[ImageType, ...]  #: Sets that must have arrived in the OODS.
    #: Steps that must have succeeded. If one of them does not, this one is cancelled, even while it runs.
    after: tuple[StepId, ...]
    once_over: tuple[StepId, ...] = ()  #: Steps that must have ended, one way or another.
    #: Products of the same run that its job reads. It reads everything else from collections.
    reads: tuple[str, ...] = ()

    @property
    def product(self) -> Product:
        """Record of the product."""
        return RECORDS[self.id.product]


@dataclass(frozen=True)
class Exposure:
    """One exposure to take."""

    image_type: ImageType  #: BIAS, DARK or FLAT.
    exposure_time: float  #: Seconds.
    discarded: bool  #: Is it taken only to settle the detectors?


@dataclass(frozen=True)
class ExposureSet:
    """Exposures of one type."""

    image_type: ImageType  #: BIAS, DARK or FLAT.
    exposures: tuple[Exposure, ...] = ()  #: What to take, in order, the discarded ones first.
    taken: tuple[int, ...] = ()  #: Exposures that exist already and are used instead of taking any.
    #: Exposure times, seconds, that these may have; empty where the user set none.
    times: tuple[float, ...] = ()
    seconds: float = 0.0  #: Camera's time for those that are taken.
    #: Level that flats are to have: the exposure times are the first guess. None where they are taken with these.
    goal: FlatGoal | None = None

    @property
    def longest(self) -> float:
        """Longest exposure time among those that are taken, seconds: flats of it are to reach the goal."""
        return max((exposure.exposure_time for exposure in self.exposures), default=0.0)

    @property
    def n_discarded(self) -> int:
        """Number of exposures that are discarded."""
        return sum(exposure.discarded for exposure in self.exposures)

    @property
    def n_kept(self) -> int:
        """Number of exposures that are used."""
        return len(self.taken) or len(self.exposures) - self.n_discarded

    def __str__(self) -> str:
        return images_in_words(self.image_type, len(self.taken) or len(self.exposures), self.n_discarded)


def images_in_words(image_type: ImageType, number: int, n_discarded: int) -> str:
    """Write a set of images as an observer says it, e.g. ``21 flats (first 1 discarded)``.

    Parameters
    ----------
    image_type : `ImageType`
        BIAS, DARK or FLAT.
    number : `int`
        All exposures.
    n_discarded : `int`
        How many of them, the first ones, are never used.
    """
    discarded = f" (first {n_discarded} discarded)" if n_discarded else ""
    return f"{image_type.counted(number)}{discarded}"


@dataclass(frozen=True)
class Plan:
    """What a run does."""

    sets: tuple[ExposureSet, ...]  #: Exposures, in the order they are taken.
    steps: tuple[Step, ...]  #: Processing, every step after those it depends on.
    seconds: float  #: Estimated duration: the camera's time and the processing that cannot overlap with it.
    #: Products that the user has asked for by name: without them the run has not done what it was to do.
    insisted: frozenset[str] = frozenset()
    flat_darks: ExposureSet | None = None  #: Darks that are taken after the sets, and that no job reads.

    @property
    def camera_seconds(self) -> float:
        """Exposure, readout and waiting time of all exposures."""
        after = self.flat_darks.seconds if self.flat_darks else 0.0
        return sum(images.seconds for images in self.sets) + after

    @property
    def n_exposures(self) -> int:
        """Number of exposures that are taken."""
        after = len(self.flat_darks.exposures) if self.flat_darks else 0
        return sum(len(images.exposures) for images in self.sets) + after

    def image_set(self, image_type: ImageType) -> ExposureSet | None:
        """Return the set of an image type, or None if the run has none."""
        return next((images for images in self.sets if images.image_type is image_type), None)

    @property
    def products(self) -> tuple[str, ...]:
        """Products of the run in the order of the table: those with images or with a step."""
        names = {str(s.image_type) for s in self.sets} | {step.id.product for step in self.steps}
        return tuple(name for name in RECORDS if name in names)

    @property
    def n_checkpoints(self) -> int:
        """Number of checkpoints of a run without failures.

        They are the set-up, two for each set that is taken, one more where an exposure time is looked for, the end of
        taking, and the end of the run.
        """
        taken = [2 + (images.goal is not None) for images in self.sets if not images.taken]
        after = 2 if self.flat_darks else 0
        return (1 + sum(taken) + after if taken else 0) + 2

    def step(self, step_id: StepId) -> Step | None:
        """Return the step of that name, or None if the run has none."""
        return next((step for step in self.steps if step.id == step_id), None)

    def origins(self, product: str) -> tuple[str, ...]:
        """Return the inputs of a product that this run makes, direct and indirect, in the plan's order."""
        graph = {step.id.product: step.reads for step in self.steps if step.id.action is Action.GENERATE}
        found = closure(product, graph)
        return tuple(name for name in graph if name in found)

    def fresh(self, step: Step) -> tuple[str, ...]:
        """Return the products of this run whose RUNs are inputs of a job, in the plan's order.

        They are those it reads, and those that these were made from.
        """
        made = [other.id.product for other in self.steps if other.id.action is Action.GENERATE]
        wanted = {*step.reads, *(origin for name in step.reads for origin in self.origins(name))}
        return tuple(name for name in made if name in wanted)

    def dependents(self, failed: Iterable[StepId]) -> tuple[StepId, ...]:
        """Return the steps that cannot succeed any more when these do not.

        Parameters
        ----------
        failed : iterable of `StepId`
            Steps that failed.

        Returns
        -------
        `tuple` [`StepId`]
            All that depend on one of them, directly or indirectly, without the failed ones themselves, in the
            order of the plan.
        """
        start = frozenset(failed)
        lost = set(start)
        for step in self.steps:
            if lost.intersection(step.after):
                lost.add(step.id)
        return tuple(step.id for step in self.steps if step.id in lost - start)

    def spoiled(self, product: str) -> tuple[StepId, ...]:
        """Return the steps that must not go on when this product has failed its verification.

        They are all steps of products made from it and, generating, its own remaining ones: nothing is ever
        certified that was made from something that failed.
        """
        heirs = {name for name in self.products if product in self.origins(name)}
        made_here = self.step(StepId(Action.GENERATE, product)) is not None
        verdict = StepId(Action.VERIFY, product)
        uncertifiable = {
            *self.dependents([verdict]),
            *(step.id for step in self.steps if verdict in step.once_over),
        }
        return tuple(
            step.id
            for step in self.steps
            if (made_here and step.id.product in heirs) or step.id in uncertifiable
        )

    def without(self, product: str) -> Plan:
        """Return the plan without the steps of a product from which nothing is made."""
        return replace(self, steps=tuple(step for step in self.steps if step.id.product != product))

    def worth_taking(self, image_type: ImageType, lost: Collection[StepId]) -> bool:
        """Return whether images of a type still serve a step that is not lost.

        A run without any step for a type was asked for its images alone: they are always worth taking.
        """
        served = [step.id for step in self.steps if image_type in step.images]
        return not served or any(step not in lost for step in served)


def closure(product: str, graph: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the inputs of a product, direct and indirect.

    Parameters
    ----------
    graph : mapping
        The inputs of each product.
    """
    found: set[str] = set()
    waiting = [*graph.get(product, ())]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return frozenset(found)
