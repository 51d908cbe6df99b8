"""Configuration -> plan: which exposures, which steps, what each step waits for, and how long it all takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..config import CalibrationsConfig, PropertyNames
from ..tables.products import PRODUCTS, ImageType, Product, made_from_closure, switched
from .steps import Action, Exposure, ExposureSet, Plan, Step, StepId

__all__ = [
    "IMAGE_SECONDS",
    "JOB_SECONDS",
    "READ_OUT_SECONDS",
    "SHUTTER_SECONDS",
    "build",
    "job_seconds",
]

READ_OUT_SECONDS = 2.0
"""Seconds a camera takes to read an image out, where it does not say so."""

SHUTTER_SECONDS = 1.0
"""Seconds a camera's shutter takes for one image, where it does not say so."""

JOB_SECONDS = 30.0
"""Estimated seconds an OCPS job takes before it looks at its first image."""

IMAGE_SECONDS = 4.0
"""Estimated seconds of one process of an OCPS job for one image of one detector."""


def build(
    config: CalibrationsConfig,
    *,
    n_detectors: int,
    read_out_time: float = READ_OUT_SECONDS,
    shutter_time: float = SHUTTER_SECONDS,
    given: Mapping[str, Any] = MappingProxyType({}),
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
    given : mapping
        What the user set: exposure times among it are required of exposures that exist already.

    Returns
    -------
    `Plan`
        The plan.
    """
    sets = tuple(_exposure_set(config, ImageType(name), given) for name in config.image_types)
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
    insisted = frozenset(product.name for product, switch in switched() if given.get(switch.name) is True)
    return Plan(sets, steps, camera_seconds=sum(taking), seconds=seconds, insisted=insisted)


def _exposure_set(config: CalibrationsConfig, image_type: ImageType, given: Mapping[str, Any]) -> ExposureSet:
    images = config.image_set(image_type)
    if taken := config.of(image_type).taken:
        # A bias has no time that could be asked for; a default says nothing of images that exist.
        asked = image_type is ImageType.BIAS or given.get(PropertyNames.of(image_type).times) is not None
        return ExposureSet(image_type, taken=taken, times=images.times if asked else ())
    exposures = (Exposure(image_type, time, i < images.n_discard) for i, time in enumerate(images.times))
    return ExposureSet(image_type, tuple(exposures))


def _steps(config: CalibrationsConfig, taken: Sequence[ImageType]) -> tuple[Step, ...]:
    """Make the steps in the order of the product table, which is an order of their dependencies."""
    generating = config.generate_calibrations
    steps: list[Step] = []
    for product in _products(config, taken):
        present = {step.id for step in steps}
        made = generating or product.switch is not None
        if made:
            steps.append(_generate(product, present, wait=config.wait_for_certification))
        if product.verify and config.do_verify:
            after = (StepId(Action.GENERATE, product.name),) if generating else ()
            steps.append(Step(StepId(Action.VERIFY, product.name), product.images, after))
        if made and product.certified:
            steps.append(_certify(product, {step.id for step in steps}))
    return tuple(steps)


def _products(config: CalibrationsConfig, taken: Sequence[ImageType]) -> tuple[Product, ...]:
    """Return the products of a run: those that have their images and are not switched off."""
    switched_on = config.switched_on
    wanted = [
        product
        for product in PRODUCTS.values()
        if set(product.images) <= set(taken) and (product.switch is None or product in switched_on)
    ]
    names = {product.name for product in wanted}
    return tuple(product for product in wanted if product.part_of not in names)


def _generate(product: Product, present: Collection[StepId], *, wait: bool) -> Step:
    """Make the step that generates a product from the fresh products among its inputs."""
    action = Action.CERTIFY if wait else Action.GENERATE
    after = tuple(step for name in product.made_from if (step := StepId(action, name)) in present)
    return Step(StepId(Action.GENERATE, product.name), product.images, after)


def _certify(product: Product, present: Collection[StepId]) -> Step:
    """Make the step that certifies a product.

    It comes after all inputs of the product are certified, and after its verification. A product that
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
        done[step.id] = start + _job_seconds(n_images, step, n_detectors, n_processes)
    return max([now, *done.values()])


def job_seconds(plan: Plan, step: Step, n_detectors: int, n_processes: int) -> float:
    """Estimate the seconds of a step's job.

    Parameters
    ----------
    plan : `Plan`
        The plan.
    step : `Step`
        One of its steps.
    n_detectors, n_processes : `int`
        Numbers of detectors and of processes of the job.

    Returns
    -------
    `float`
        Seconds; 0 for a step without a job.
    """
    return _job_seconds({s.image_type: s.n_kept for s in plan.sets}, step, n_detectors, n_processes)


def _job_seconds(n_images: Mapping[ImageType, int], step: Step, n_detectors: int, n_processes: int) -> float:
    if step.id.action is Action.CERTIFY:
        return 0.0
    images = sum(n_images.get(image_type, 0) for image_type in step.images)
    return JOB_SECONDS + IMAGE_SECONDS * images * n_detectors / n_processes
