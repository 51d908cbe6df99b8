"""Configuration -> exposures to take and steps with their prerequisites. Pure.

The graph of steps is the section "Order" of the decisions: the camera takes images in sequence and never waits
for processing; GENERATE, VERIFY and CERTIFY of every product run beside it as soon as what they need is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from .config import CalibrationsConfig
from .products import PRODUCTS, ImageType, Product, made_from_closure

__all__ = ["Action", "Exposure", "ExposureSet", "Plan", "Step", "StepId", "build"]

JOB_SECONDS = 30.0
"""Estimated seconds an OCPS job takes before it looks at its first image."""

IMAGE_SECONDS = 4.0
"""Estimated seconds of one process of an OCPS job for one image of one detector."""


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


@dataclass(frozen=True)
class Step:
    """One piece of processing and what must have happened before it starts.

    Attributes
    ----------
    id : `StepId`
        Its name.
    images : `tuple` [`ImageType`]
        Sets that must have arrived in the OODS.
    after : `tuple` [`StepId`]
        Steps that must have succeeded. If one of them does not, this one is cancelled, even while it runs.
    once_over : `tuple` [`StepId`]
        Steps that must have ended, one way or another.
    """

    id: StepId
    images: tuple[ImageType, ...]
    after: tuple[StepId, ...]
    once_over: tuple[StepId, ...] = ()

    @property
    def product(self) -> Product:
        """Record of the product."""
        return PRODUCTS[self.id.product]


@dataclass(frozen=True)
class Exposure:
    """One exposure to take.

    Attributes
    ----------
    image_type : `ImageType`
        BIAS, DARK or FLAT.
    exposure_time : `float`
        Seconds.
    discarded : `bool`
        Is it taken only to settle the detectors?
    """

    image_type: ImageType
    exposure_time: float
    discarded: bool


@dataclass(frozen=True)
class ExposureSet:
    """Exposures of one type.

    Attributes
    ----------
    image_type : `ImageType`
        BIAS, DARK or FLAT.
    exposures : `tuple` [`Exposure`]
        What to take, in order, the discarded ones first.
    taken : `tuple` [`int`]
        Exposures that exist already and are used instead of taking any.
    """

    image_type: ImageType
    exposures: tuple[Exposure, ...] = ()
    taken: tuple[int, ...] = ()

    @property
    def n_discarded(self) -> int:
        """Number of exposures that are discarded."""
        return sum(exposure.discarded for exposure in self.exposures)

    @property
    def n_kept(self) -> int:
        """Number of exposures that are used."""
        return len(self.taken) or len(self.exposures) - self.n_discarded

    def __str__(self) -> str:
        n = len(self.taken) or len(self.exposures)
        name = self.image_type.name.lower() if n == 1 else self.image_type.plural
        discarded = f" (first {self.n_discarded} discarded)" if self.n_discarded else ""
        return f"{n} {name}{discarded}"


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes
    ----------
    sets : `tuple` [`ExposureSet`]
        Exposures, in the order they are taken.
    steps : `tuple` [`Step`]
        Processing, every step after those it depends on.
    camera_seconds : `float`
        Exposure, readout and waiting time of all exposures.
    seconds : `float`
        Estimated duration: the camera's time and the processing that cannot overlap with it.
    """

    sets: tuple[ExposureSet, ...]
    steps: tuple[Step, ...]
    camera_seconds: float
    seconds: float

    @property
    def products(self) -> tuple[str, ...]:
        """Products of the run in the order of the table: those with images or with a step."""
        names = {str(s.image_type) for s in self.sets} | {step.id.product for step in self.steps}
        return tuple(name for name in PRODUCTS if name in names)

    @property
    def n_checkpoints(self) -> int:
        """Number of checkpoints of a run without failures: the set-up, two for each set, and the end of taking."""
        taken = sum(not images.taken for images in self.sets)
        return (1 + 2 * taken if taken else 0) + 1

    def step(self, step_id: StepId) -> Step | None:
        """Give the step of that name, or None if the run has none."""
        return next((step for step in self.steps if step.id == step_id), None)

    def dependents(self, failed: Iterable[StepId]) -> tuple[StepId, ...]:
        """Give the steps that cannot succeed any more when these do not.

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
        """Give the steps that must not go on when this product has failed its verification.

        They are all steps of products made from it and, generating, its own remaining ones: nothing is ever
        certified that was made from something that failed.
        """
        heirs = {name for name in self.products if product in made_from_closure(name)}
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
        """Give the plan without the steps of a product from which nothing is made."""
        return replace(self, steps=tuple(step for step in self.steps if step.id.product != product))

    def worth_taking(self, image_type: ImageType, lost: Collection[StepId]) -> bool:
        """Say whether images of a type still serve a step that is not lost.

        A run without any step for a type was asked for its images alone: they are always worth taking.
        """
        served = [step.id for step in self.steps if image_type in step.images]
        return not served or any(step not in lost for step in served)


def build(
    config: CalibrationsConfig, *, n_detectors: int, read_out_time: float = 2.0, shutter_time: float = 1.0
) -> Plan:
    """Make the plan of a run.

    Parameters
    ----------
    config : `CalibrationsConfig`
        Checked configuration.
    n_detectors : `int`
        Number of detectors asked for.
    read_out_time, shutter_time : `float`
        Of the camera, seconds.

    Returns
    -------
    `Plan`
        The plan.
    """
    sets = tuple(_exposure_set(config, ImageType(name)) for name in config.image_types)
    steps = _steps(config, [exposure_set.image_type for exposure_set in sets])
    taking = [
        sum(
            exposure.exposure_time
            + read_out_time
            + (shutter_time if exposure.image_type is ImageType.FLAT else 0.0)
            + config.wait_between_exposures
            for exposure in exposure_set.exposures
        )
        for exposure_set in sets
    ]
    seconds = _estimate(sets, taking, steps, n_detectors, config.n_processes)
    return Plan(sets, steps, camera_seconds=sum(taking), seconds=seconds)


def _exposure_set(config: CalibrationsConfig, image_type: ImageType) -> ExposureSet:
    if config.exposures is not None and (taken := getattr(config.exposures, image_type.name)):
        return ExposureSet(image_type, taken=tuple(taken))
    images = config.image_set(image_type)
    exposures = (Exposure(image_type, time, i < images.n_discard) for i, time in enumerate(images.times))
    return ExposureSet(image_type, tuple(exposures))


def _steps(config: CalibrationsConfig, taken: Sequence[ImageType]) -> tuple[Step, ...]:
    """Make the steps in the order of the product table, which is an order of their dependencies."""
    generating = config.generate_calibrations
    extras = {"DEFECTS": config.do_defects, "PTC": config.do_ptc}
    extras["GAIN"] = config.do_gain_from_flat_pairs and not config.do_ptc and ImageType.FLAT in taken
    steps: list[Step] = []
    for product in PRODUCTS.values():
        is_image_type = product.name in ImageType.__members__
        if (is_image_type and ImageType(product.name) not in taken) or not extras.get(product.name, True):
            continue
        present = {step.id for step in steps}
        made = generating or not is_image_type
        if made:
            steps.append(_generate(product, present, wait=config.wait_for_certification))
        if product.verify and config.do_verify:
            after = (StepId(Action.GENERATE, product.name),) if generating else ()
            steps.append(Step(StepId(Action.VERIFY, product.name), product.images, after))
        if made and product.certified:
            steps.append(_certify(product, {step.id for step in steps}))
    return tuple(steps)


def _generate(product: Product, present: Collection[StepId], *, wait: bool) -> Step:
    """Make the step that generates a product from the fresh products among those it is made from."""
    action = Action.CERTIFY if wait else Action.GENERATE
    after = tuple(step for name in product.made_from if (step := StepId(action, name)) in present)
    return Step(StepId(Action.GENERATE, product.name), product.images, after)


def _certify(product: Product, present: Collection[StepId]) -> Step:
    """Make the step that certifies a product.

    It comes after everything the product was made from is certified, and after its verification. A product that
    has none waits for the verdict on the images it was made from: a bad one cancels it (`Plan.spoiled`).
    """
    own = (StepId(Action.GENERATE, product.name), StepId(Action.VERIFY, product.name))
    images = () if product.verify else tuple(StepId(Action.VERIFY, str(name)) for name in product.images)
    origins = tuple(StepId(Action.CERTIFY, name) for name in made_from_closure(product.name))
    after = tuple(step for step in (*own, *origins) if step in present)
    once_over = tuple(step for step in images if step in present)
    return Step(StepId(Action.CERTIFY, product.name), (), after, once_over)


def _estimate(
    sets: Sequence[ExposureSet],
    taking: Sequence[float],
    steps: Sequence[Step],
    n_detectors: int,
    n_processes: int,
) -> float:
    """Estimate the seconds from the first exposure to the end of the longest chain of processing."""
    there: dict[ImageType, float] = {}
    now = 0.0
    for exposure_set, seconds in zip(sets, taking, strict=True):
        now += seconds
        there[exposure_set.image_type] = now
    n_images = {s.image_type: s.n_kept for s in sets}
    done: dict[StepId, float] = {}
    for step in steps:
        start = max(
            [there[i] for i in step.images if i in there] + [done[s] for s in step.after], default=0.0
        )
        images = sum(n_images.get(image_type, 0) for image_type in step.images)
        work = IMAGE_SECONDS * images * n_detectors / n_processes
        done[step.id] = start + (0.0 if step.id.action is Action.CERTIFY else JOB_SECONDS + work)
    return max([now, *done.values()])
