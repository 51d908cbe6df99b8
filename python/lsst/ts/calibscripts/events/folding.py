"""Events -> the state of their run. Pure, and as cheap for the ten-thousandth event as for the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from itertools import groupby
from typing import Any, TypeVar, assert_never

from ..tables.products import ImageType
from .events import (
    CertificationRefused,
    Certified,
    Compared,
    DatasetsMade,
    Doubtful,
    Ended,
    Event,
    ExposuresAdopted,
    ExposureTaken,
    ExposureTimesRead,
    Failed,
    FilterFound,
    FlatDarkTaken,
    FlatEvent,
    FlatTimeFound,
    ImageArrived,
    ImageEvent,
    ImageSetClosed,
    JobEnded,
    JobStarted,
    JobSubmitted,
    LevelMeasured,
    Opposed,
    OutputsFound,
    Planned,
    PlannedSet,
    ProductEvent,
    ReferenceFound,
    SetGivenUp,
    Stage,
    StageReached,
    StepEnded,
    StepEvent,
    TooFewPairs,
    TrialFlatTaken,
    Verdicted,
    Warned,
)
from .parts import ExposureState, SetState, StepState
from .state import RunState

__all__ = ["fold", "state_of"]

K = TypeVar("K")
V = TypeVar("V")


def state_of(events: Iterable[Event], before: RunState | None = None) -> RunState:
    """Return the state of a run from its events.

    Parameters
    ----------
    events : iterable of `Event`
        In the order in which they happened.
    before : `RunState`, optional
        The state before the first of them; that of a run that has not begun by default.
    """
    state = before or RunState()
    for arriving, group in groupby(events, key=lambda event: isinstance(event, ImageArrived)):
        some = tuple(group)
        state = _fold_arrivals(state, some) if arriving else reduce(fold, some, state)
    return state


def fold(state: RunState, event: Event) -> RunState:
    """Return the state of a run after one more event.

    Parameters
    ----------
    state : `RunState`
        The state before it, which is not changed.
    event : `Event`
        What has happened.
    """
    if isinstance(event, ImageEvent):
        return _fold_images(state, event)
    if isinstance(event, StepEvent):
        return _fold_step(state, event)
    if isinstance(event, ProductEvent):
        return _fold_product(state, event)
    match event:
        case Planned():
            return _fold_plan(state, event)
        case ReferenceFound():
            return replace(state, references=(*state.references, event))
        case Warned() | Failed():
            return replace(state, messages=(*state.messages, event))
        case Ended():
            return replace(state, ended=event)
        case _:
            assert_never(event)


def _fold_plan(state: RunState, event: Planned) -> RunState:
    """Lay out what is to be done; what is known already is kept."""
    sets = {
        images.image_type: replace(_set(state, images.image_type), planned=images) for images in event.sets
    }
    steps = {step_id: state.step(step_id) for step_id in event.steps}
    return replace(
        state,
        sets={**sets, **_others(state.sets, sets)},
        steps={**steps, **_others(state.steps, steps)},
        made_from=event.made_from,
    )


def _fold_images(state: RunState, event: ImageEvent) -> RunState:
    match event:
        case ExposureTaken():
            images, new = _set(state, event.image_type), (event.exposure,)
            taken = {"discarded": images.discarded + new} if event.discarded else {"kept": images.kept + new}
            state = _with_exposure(state, event.exposure, exposure_time=event.exposure_time)
            return _with_set(state, event.image_type, begun=True, **taken)
        case FlatDarkTaken():
            state = _with_exposure(state, event.exposure, exposure_time=event.exposure_time)
            return replace(state, flat_darks=(*state.flat_darks, event.exposure))
        case ExposuresAdopted():
            return _with_set(state, event.image_type, begun=True, kept=event.exposures)
        case ExposureTimesRead():
            for exposure, seconds in zip(event.exposures, event.exposure_times, strict=True):
                state = _with_exposure(state, exposure, exposure_time=seconds)
            return state
        case ImageArrived():
            return _fold_arrivals(state, (event,))
        case ImageSetClosed():
            return _with_set(state, event.image_type, closed=event)
        case SetGivenUp():
            return _with_set(state, event.image_type, given_up=event)
        case LevelMeasured() | TooFewPairs() | FilterFound() | TrialFlatTaken() | FlatTimeFound():
            return _fold_flats(state, event)
        case _:
            assert_never(event)


def _fold_flats(state: RunState, event: FlatEvent) -> RunState:
    match event:
        case LevelMeasured():
            return _with_exposure(state, event.exposure, level=event.level)
        case TooFewPairs():
            return _with_set(state, ImageType.FLAT, lacking_pairs=True)
        case FilterFound():
            return replace(state, physical_filter=event.physical_filter)
        case TrialFlatTaken():
            tests = (*_set(state, ImageType.FLAT).tests, event.exposure)
            state = _with_exposure(state, event.exposure, exposure_time=event.exposure_time)
            return _with_set(state, ImageType.FLAT, begun=True, tests=tests)
        case FlatTimeFound():
            return _with_set(state, ImageType.FLAT, time_found=event)
        case _:
            assert_never(event)


def _fold_arrivals(state: RunState, events: Iterable[Event]) -> RunState:
    """Note good images and bad ones; of each the last word counts.

    Of each exposure of a large camera some hundred arrive one after another: they are noted together.
    """
    noted: dict[int, tuple[int, int]] = {}
    for event in events:
        if isinstance(event, ImageArrived):
            if event.exposure not in noted:
                known = state.exposures.get(event.exposure, ExposureState())
                noted[event.exposure] = known.detectors, known.bad_detectors
            good, bad = noted[event.exposure]
            bit = 1 << event.detector
            noted[event.exposure] = (
                (good & ~bit, bad | bit) if event.status_code else (good | bit, bad & ~bit)
            )
    for exposure, (good, bad) in noted.items():
        state = _with_exposure(state, exposure, detectors=good, bad_detectors=bad)
    return state


def _fold_step(state: RunState, event: StepEvent) -> RunState:
    return replace(state, steps=_having(state.steps, event.step, _step_after(state.step(event.step), event)))


def _step_after(step: StepState, event: StepEvent) -> StepState:
    match event:
        case JobSubmitted():
            earlier = () if step.request is None else (*step.earlier, replace(step, earlier=()))
            return StepState(step.id, request=event, earlier=earlier)
        case JobStarted():
            return replace(step, job_id=event.job_id)
        case JobEnded():
            return replace(step, job=event)
        case OutputsFound():
            return replace(step, outputs=event)
        case DatasetsMade():
            return replace(step, datasets=event.datasets)
        case StepEnded():
            return replace(step, ended=event)
        case _:
            assert_never(event)


def _fold_product(state: RunState, event: ProductEvent) -> RunState:
    match event:
        case StageReached():
            generated = state.product(event.product).generated or event.stage is Stage.GENERATED
            state = _with_product(state, event.product, stage=event.stage, generated=generated)
            if event.stage is Stage.TAKING and event.product in ImageType.__members__:
                return _with_set(state, ImageType(event.product), begun=True)
            return state
        case Verdicted():
            return _with_product(state, event.product, verdict=event)
        case Compared():
            return _with_product(state, event.product, compared=event)
        case Certified():
            return _with_product(state, event.product, certified=event)
        case Doubtful():
            return _with_product(state, event.product, doubtful=event)
        case CertificationRefused():
            return _with_product(state, event.product, refused=event)
        case Opposed():
            return _with_product(state, event.product, opposed=event)
        case _:
            assert_never(event)


def _having(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return {**mapping, key: value}


def _others(mapping: Mapping[K, V], known: Mapping[K, V]) -> Mapping[K, V]:
    return {key: value for key, value in mapping.items() if key not in known}


def _set(state: RunState, image_type: ImageType) -> SetState:
    return state.sets.get(image_type, SetState(PlannedSet(image_type, 0)))


def _with_set(state: RunState, image_type: ImageType, **changes: Any) -> RunState:
    return replace(state, sets=_having(state.sets, image_type, replace(_set(state, image_type), **changes)))


def _with_product(state: RunState, name: str, **changes: Any) -> RunState:
    return replace(state, products=_having(state.products, name, replace(state.product(name), **changes)))


def _with_exposure(state: RunState, exposure: int, **changes: Any) -> RunState:
    known = state.exposures.get(exposure, ExposureState())
    return replace(state, exposures=state.exposures.having(exposure, replace(known, **changes)))
