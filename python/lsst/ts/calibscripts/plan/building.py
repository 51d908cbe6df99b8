"""Configuration -> plan: which exposures, which steps, what each step waits for, and how long it all takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..config import CalibrationsConfig, PropertyNames
from ..tables.bootstraps import BOOTSTRAPS, RECORDS
from ..tables.products import PRODUCTS, ImageType, Product, switched
from .exposure_time import FlatGoal
from .ordering import NOT_KNOWN, Order, Reads, arranged, order
from .steps import Action, Exposure, ExposureSet, Plan, Step, StepId

__all__ = [
    "IMAGE_SECONDS",
    "JOB_SECONDS",
    "READ_OUT_SECONDS",
    "SHUTTER_SECONDS",
    "build",
    "follow",
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
    n_detectors : `int`
        Number of detectors asked for.
    read_out_time, shutter_time : `float`
        Of the camera, seconds.
    given : mapping
        What the user set: exposure times among it are required of exposures that exist already.
    """
    sets = tuple(
        _timed(_exposure_set(config, ImageType(name), given), config, read_out_time, shutter_time)
        for name in config.image_types
    )
    flat_darks = _flat_darks(config, sets)
    if flat_darks is not None:
        flat_darks = _timed(flat_darks, config, read_out_time, shutter_time)
    insisted = frozenset(product.name for product, switch in switched() if given.get(switch.name) is True)
    return follow(Plan(sets, (), 0.0, insisted, flat_darks), config, NOT_KNOWN, n_detectors)


def follow(
    plan: Plan,
    config: CalibrationsConfig,
    reads: Reads,
    n_detectors: int,
    also: Collection[StepId] = (),
) -> Plan:
    """Let the steps of a plan follow what the pipelines read.

    Parameters
    ----------
    reads : mapping
        Products that the jobs read; of jobs of which that is not known the table of products says it.
    n_detectors : `int`
        Number of detectors asked for.
    also : collection of `StepId`, optional
        Steps among them that not every installation can do: bootstraps, and verifications of other products than
        combined images.
    """
    steps = _steps(config, [images.image_type for images in plan.sets], reads, also)
    seconds = _estimate(plan.sets, steps, n_detectors, config.n_processes)
    return replace(plan, steps=steps, seconds=max(seconds, plan.camera_seconds))


def _timed(
    images: ExposureSet, config: CalibrationsConfig, read_out_time: float, shutter_time: float
) -> ExposureSet:
    """Return a set with the camera's time for it."""
    shutter = shutter_time if images.image_type is ImageType.FLAT else 0.0
    each = read_out_time + shutter + config.wait_between_exposures
    return replace(images, seconds=sum(exposure.exposure_time + each for exposure in images.exposures))


def _exposure_set(config: CalibrationsConfig, image_type: ImageType, given: Mapping[str, Any]) -> ExposureSet:
    images = config.image_set(image_type)
    if taken := config.of(image_type).taken:
        # A bias has no time that could be asked for; a default says nothing of images that exist.
        asked = image_type is ImageType.BIAS or given.get(PropertyNames.of(image_type).times) is not None
        return ExposureSet(image_type, taken=taken, times=images.times if asked else ())
    exposures = (Exposure(image_type, time, i < images.n_discard) for i, time in enumerate(images.times))
    return ExposureSet(image_type, tuple(exposures), goal=_goal(config, image_type))


def _goal(config: CalibrationsConfig, image_type: ImageType) -> FlatGoal | None:
    if image_type is not ImageType.FLAT or config.flat_counts_target is None:
        return None
    scales = isinstance(config.of(image_type).times, tuple)
    return FlatGoal(config.flat_counts_target, config.flat_counts_tolerance, scales)


def _flat_darks(config: CalibrationsConfig, sets: Sequence[ExposureSet]) -> ExposureSet | None:
    """Return the darks that are taken after the flats: so many of each different exposure time of these."""
    flats = [e for images in sets if images.image_type is ImageType.FLAT for e in images.exposures]
    times = dict.fromkeys(exposure.exposure_time for exposure in flats if not exposure.discarded)
    darks = tuple(Exposure(ImageType.DARK, time, False) for time in times for _ in range(config.n_flat_dark))
    return ExposureSet(ImageType.DARK, darks) if darks else None


def _steps(
    config: CalibrationsConfig, taken: Sequence[ImageType], reads: Reads, also: Collection[StepId]
) -> tuple[Step, ...]:
    """Make the steps: in the order of the product table, but each after those it waits for."""
    bootstraps = [b for name, b in BOOTSTRAPS.items() if StepId(Action.GENERATE, name) in also]
    products = [*bootstraps, *_products(config, taken)]
    made = [p.name for p in products if config.generate_calibrations or p.switch or p in bootstraps]
    reading = order(made, reads, wait=config.wait_for_certification)
    steps: list[Step] = []
    for product in products:
        if product.name in made:
            steps.append(_generate(product, reading))
        if config.do_verify and (product.always_verified or StepId(Action.VERIFY, product.name) in also):
            steps.append(_verify(product, reading))
    present = {step.id for step in steps}
    steps += [_certify(p, reading, present) for p in products if p.name in made and p.certified]
    table = list(RECORDS)
    return arranged(sorted(steps, key=lambda step: table.index(step.id.product)))


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


def _generate(product: Product, reading: Order) -> Step:
    """Make the step that generates a product from the fresh products among its inputs."""
    reads = reading.made_from[product.name]
    after = tuple(
        StepId(Action.CERTIFY if reading.wait and RECORDS[name].certified else Action.GENERATE, name)
        for name in reads
    )
    return Step(StepId(Action.GENERATE, product.name), product.images, after, reads=reads)


def _verify(product: Product, reading: Order) -> Step:
    """Make the step that verifies a product; it waits for what it reads, as far as nothing it waits for does."""
    reads = reading.verified_with.get(product.name, ())
    implied = {origin for name in reads for origin in reading.origins(name)}
    after = tuple(StepId(Action.GENERATE, name) for name in reads if name not in implied)
    images = product.images if product.verify is None else product.verify.images
    return Step(StepId(Action.VERIFY, product.name), images, after, reads=reads)


def _certify(product: Product, reading: Order, present: Collection[StepId]) -> Step:
    """Make the step that certifies a product.

    It comes after all inputs of the product are certified, and after its verification. It waits for the verdicts on
    the products it was verified with, or, of a product without verification, on the images it was made from: a bad
    one cancels it (`Plan.spoiled`).
    """
    name = product.name
    own = [StepId(action, name) for action in (Action.GENERATE, Action.VERIFY)]
    origins = [other for other in reading.made_from if other in reading.origins(name)]
    certified = [StepId(Action.CERTIFY, other) for other in origins if RECORDS[other].certified]
    verdicts = [StepId(Action.VERIFY, other) for other in reading.judged_by(product)]
    return Step(
        StepId(Action.CERTIFY, name),
        (),
        (*(step for step in own if step in present), *certified),
        tuple(step for step in verdicts if step in present),
    )


def _estimate(
    sets: Sequence[ExposureSet],
    steps: Sequence[Step],
    n_detectors: int,
    n_processes: int,
) -> float:
    """Estimate the seconds from the first exposure to the end of the longest chain of processing."""
    there: dict[ImageType, float] = {}
    now = 0.0
    for exposure_set in sets:
        now += exposure_set.seconds
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
