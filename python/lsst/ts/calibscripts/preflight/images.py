"""What is wrong with images that exist already, and were named in the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..config import CalibrationsConfig
from ..ground.text import exposure_range, exposures_of
from ..ocps.requests import different_times
from ..plan import Action, ExposureSet, Plan, StepId
from ..tables.products import ImageType, switched
from .examining import Asked, Examined
from .window import Window

__all__ = ["existing_set", "exposure_problems", "pair_problems"]


def existing_set(
    config: CalibrationsConfig, images: ExposureSet, instrument: str, detectors: Sequence[int]
) -> Asked:
    """Return what the exposures of a set that exists already are to be."""
    flats = images.image_type is ImageType.FLAT
    return Asked(
        images.image_type,
        images.taken,
        tuple(detectors),
        times=dict.fromkeys(images.taken, images.times),
        physical_filter=_asked_filter(config) if flats else (),
        window=Window.of(config, instrument, existing=True) if flats else None,
        existing=True,
    )


def _asked_filter(config: CalibrationsConfig) -> tuple[str | None, ...]:
    """Return what `filter_fits` compares a filter with; what is named by the number of a slot is not compared."""
    names = tuple(name if isinstance(name, str) else None for name in config.light_path.values())
    return names if any(names) else ()


def exposure_problems(instrument: str, asked: Asked, examined: Examined) -> Iterator[str]:
    """Report what is wrong with a set that exists already, apart from what is only left out of it."""
    found, name = examined.found, asked.image_type.name
    if unknown := [exposure for exposure in asked.exposures if exposure not in examined.times]:
        yield f"exposures: {instrument} has no {exposures_of(unknown)} (listed under {name})."
    if examined.refused is not None:
        yield str(examined.refused)
    elif not unknown and not found.complete:
        n_detectors = len(found.detectors), len(asked.detectors)
        which = f" ({exposure_range(found.exposures)})" if found.exposures else ""
        why = "".join(f" {name} {exposures_of(ids)}: {text}." for text, ids in examined.why.items())
        yield (
            f"exposures: not enough {name} raw images in the repository: only {len(found.exposures)} of "
            f"{len(asked.exposures)} exposures{which} and {n_detectors[0]} of {n_detectors[1]} detectors can be used."
            f"{why}"
        )


def pair_problems(plan: Plan, pairs: Sequence[tuple[int, int]], times: Mapping[int, float]) -> Iterator[str]:
    """Report where the flats that exist make too few pairs for what the user asked for."""
    different = different_times(pairs, times)
    for product, switch in switched():
        insisted = product.name in plan.insisted or not switch.by_default
        wanted = insisted and plan.step(StepId(Action.GENERATE, product.name))
        if not wanted or product.pairs is None or different >= product.pairs.times:
            continue
        if product.pairs.times == 1:
            yield f"exposures: {switch.name} needs two consecutive flats of equal time; none are listed."
            continue
        found = f"pairs of {different} only" if different else "none"
        yield (
            f"exposures: {switch.name} needs pairs of consecutive flats of at least {product.pairs.times} "
            f"different exposure times, among those listed are {found}."
        )
