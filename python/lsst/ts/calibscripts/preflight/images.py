"""What is wrong with images that exist already, and were named in the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..config import CalibrationsConfig
from ..ground.text import exposure_range, exposures_of, images_of
from ..ocps.requests import different_times
from ..plan import Action, ExposureSet, Plan, StepId
from ..repository import Repository
from ..tables.products import ImageType, Product, Switch, switched
from .examining import Asked, Examined
from .spec import RunSpec
from .window import Window

__all__ = ["existing_set", "exposure_problems", "looked_at", "pair_problems", "unpaired", "without_files"]


def existing_set(spec: RunSpec, images: ExposureSet) -> Asked:
    """Return what the exposures of a set that exists already are to be."""
    flats = images.image_type is ImageType.FLAT
    return Asked(
        images.image_type,
        images.taken,
        spec.detectors,
        times=dict.fromkeys(images.taken, images.times),
        physical_filter=_asked_filter(spec.config) if flats else (),
        window=Window.of(spec.config, spec.instrument, existing=True) if flats else None,
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


def without_files(
    repository: Repository, instrument: str, examined: Mapping[ImageType, Examined]
) -> tuple[list[str], list[str]]:
    """Return which images that exist already have no file, which their jobs would find out. Blocks.

    Of each exposure a few detectors are looked at: files go by exposures, and a large camera has thousands.

    Returns
    -------
    problems : `list` [`str`]
        One sentence for each type of which some have none.
    warnings : `list` [`str`]
        Instead of these one sentence, where most have none: the jobs may see a datastore that is not seen here.
    """
    lost: dict[ImageType, set[tuple[int, int]]] = {}
    n_lost, n_all = 0, 0
    for image_type, found in ((kind, one.found) for kind, one in examined.items()):
        detectors = looked_at(found.detectors)
        used = {(exposure, detector) for exposure in found.exposures for detector in detectors}
        if gone := used - repository.stored(instrument, found.exposures, detectors):
            lost[image_type] = gone
        n_lost, n_all = n_lost + len(gone), n_all + len(used)
    if 2 * n_lost > n_all:
        where = "Most raw images listed in the property exposures cannot be seen from this machine"
        return [], [f"{where}, so whether their files exist is unknown."]
    return [
        f"exposures: the {image_type} raw images of {images_of(gone)} have no file, though the butler lists them: "
        "leave these exposures out, or have the files restored."
        for image_type, gone in lost.items()
    ], []


def looked_at(detectors: Sequence[int]) -> tuple[int, ...]:
    """Choose detectors of which an image is looked at: what is wrong with a butler is wrong for each of them.

    Parameters
    ----------
    detectors : sequence of `int`
        Detectors of a job or a set.
    """
    last = len(detectors) - 1
    return tuple(dict.fromkeys(detectors[position] for position in (0, last // 2, last))) if detectors else ()


def pair_problems(plan: Plan, pairs: Sequence[tuple[int, int]], times: Mapping[int, float]) -> Iterator[str]:
    """Report where the flats that exist make too few pairs for what the user asked for."""
    different = different_times(pairs, times)
    for product, switch, needed in _short_of_pairs(plan, different):
        if not _insisted(plan, product, switch):
            continue
        if needed == 1:
            yield f"exposures: {switch.name} needs two consecutive flats of equal time; none are listed."
            continue
        found = f"pairs of {different} only" if different else "none"
        yield (
            f"exposures: {switch.name} needs pairs of consecutive flats of at least {needed} "
            f"different exposure times, among those listed are {found}."
        )


def unpaired(plan: Plan, pairs: Sequence[tuple[int, int]], times: Mapping[int, float]) -> tuple[str, ...]:
    """Return the products that the flats that exist make too few pairs for, of those nobody asked for by name."""
    short = _short_of_pairs(plan, different_times(pairs, times))
    return tuple(product.name for product, switch, _ in short if not _insisted(plan, product, switch))


def _short_of_pairs(plan: Plan, different: int) -> Iterator[tuple[Product, Switch, int]]:
    """Return the products of a plan that need pairs of more different times than there are, and of how many."""
    for product, switch in switched():
        needed = product.pairs.times if product.pairs is not None else 0
        if different < needed and plan.step(StepId(Action.GENERATE, product.name)):
            yield product, switch, needed


def _insisted(plan: Plan, product: Product, switch: Switch) -> bool:
    return product.name in plan.insisted or not switch.by_default
