"""What a run has generated, held against the calibration that was valid before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import NoAnswerError, RepositoryError, describe
from ...events.comparisons import Compared, comparison_advice, comparison_line
from ...ground.text import listed
from ...ocps.requests import input_collections
from ...plan import Action, StepId
from ...preflight.times import from_now
from ...repository import FOR_ALL, Repository, Source
from ...repository.certified.masters import compared_masters
from ...repository.patience import connection_lost
from ...tables.product import Content, Product
from ...tables.products import PRODUCTS
from ...verification import WrittenGains
from ...verification.defect_changes import defects_difference
from ...verification.differences import Allowed, Difference, difference_of, gain_difference, moved
from ..context import RunContext

__all__ = ["compare"]

_MOST_PROBLEMS = 4
"""Reasons that are said why detectors could not be compared."""


async def compare(context: RunContext, name: str) -> None:
    """Compare a product with what was valid before, detector by detector, and report it; the run goes on.

    Parameters
    ----------
    context : `RunContext`
        The run.
    name : `str`
        The product, which has been generated and is not certified yet.
    """
    config, product = context.config, PRODUCTS.get(name)
    if product is None or config.compare_with_previous == "off" or not _is_compared(product):
        return
    required = config.compare_with_previous == "require"
    try:
        previous = await context.repository.ask(_previous, context, product)
        differences, problem = await _differences(context, product, previous)
    except Exception as error:
        # Certifying decides whether it can do without: the calibration itself was made.
        compared = Compared(name, required=required, problem=describe(error))
    else:
        allowed = Allowed(config.compare_sigmas_max, config.compare_pixels_max)
        names = tuple(name for difference in differences for name in moved(difference, allowed))
        alone = tuple(context.detectors[number].name for number in _made(context, product) - previous.keys())
        runs = tuple(dict.fromkeys(previous.values()))
        compared = Compared(name, runs, differences, names, required, tuple(sorted(alone)), problem)
    context.journal.report(compared)
    line = comparison_line(compared)
    if compared.moved or compared.problem or (required and (compared.alone or not compared.previous)):
        context.journal.warn(f"{line}{comparison_advice(compared)}")
    else:
        context.journal.log.info(line)


def _is_compared(product: Product) -> bool:
    return product.certified and product.dataset.content in (Content.IMAGES, Content.BOXES, Content.CURVES)


def _previous(repository: Repository, context: RunContext, product: Product) -> dict[int, str]:
    """Return the RUNs of the calibrations that jobs would use now if there were no new one, by detector. Blocks."""
    action = Action.VERIFY if product.always_verified else Action.GENERATE
    named = input_collections(context.config, StepId(action, product.name), {}, context.found.calib_exists)
    missing = repository.missing_collections(named)
    sources = repository.sources(
        product.dataset_type,
        context.spec.instrument,
        [name for name in named if name not in missing],
        context.state.physical_filter if product.by_filter else None,
        [from_now(0.0)],
    )
    found = {detector: _first(sources, detector) for detector in sorted(_made(context, product))}
    return {detector: run for detector, run in found.items() if run is not None}


def _made(context: RunContext, product: Product) -> frozenset[int]:
    """Return the detectors of which there is a new calibration."""
    return frozenset(context.state.step(StepId(Action.GENERATE, product.name)).detectors)


def _first(sources: tuple[Source, ...], detector: int) -> str | None:
    return next((source.run for source in sources if source.detectors & {detector, FOR_ALL}), None)


async def _differences(
    context: RunContext, product: Product, previous: Mapping[int, str]
) -> tuple[tuple[Difference, ...], str]:
    """Compare detector by detector, so that other questions to the repository are answered in between.

    Returns
    -------
    differences : `tuple` [`Difference`, ...]
        Of the detectors that could be compared: what is wrong with one hides nothing of the others.
    problem : `str`
        Why others could not; empty where all could.
    """
    run = context.state.step(StepId(Action.GENERATE, product.name)).run
    assert run is not None
    found: list[Difference] = []
    failed: dict[str, list[str]] = {}
    for detector, before in previous.items():
        name = context.detectors[detector].name
        of, runs = (detector, name), (run, before)
        try:
            found.append(await context.repository.ask(_difference, context, product, of, runs))
        except Exception as error:
            # One file may be damaged, in any way; a repository that does not answer will not for the next detector.
            if isinstance(error, NoAnswerError) or connection_lost(error):
                raise
            failed.setdefault(describe(error), []).append(name)
    texts = [f"{text} ({listed(names)})" if found else text for text, names in failed.items()]
    return tuple(found), "; ".join(texts[:_MOST_PROBLEMS])


def _difference(
    repository: Repository,
    context: RunContext,
    product: Product,
    detector: tuple[int, str],
    runs: tuple[str, str],
) -> Difference:
    """Compare the new and the earlier calibration of a detector, in these RUNs. Blocks.

    Raises
    ------
    RepositoryError
        If one of them is not there.
    """
    number, name = detector
    if product.measures_gains:
        new, old = (_gains(repository, run, product, number) for run in runs)
        return gain_difference(new, old, name)
    data_id: dict[str, Any] = {"instrument": context.spec.instrument, "detector": number}
    if product.by_filter:
        data_id["physical_filter"] = context.state.physical_filter
    run, before = runs
    missing = RepositoryError(f"{' or '.join(runs)} holds no {product.dataset_type} of detector {number}")
    if product.dataset.content is Content.BOXES:
        now, then = (repository.defects(each, product.dataset_type, data_id) for each in runs)
        if now is None or then is None:
            raise missing
        return defects_difference(now, then, name)
    masters = compared_masters(repository, product.dataset_type, run, (before,), data_id)
    if masters is None:
        raise missing
    return difference_of(*masters, name)


def _gains(repository: Repository, run: str, product: Product, detector: int) -> WrittenGains:
    for gains in repository.gains(run, product.dataset_types):
        if gains.detector == detector:
            return gains
    raise RepositoryError(f"{run} holds no gains of detector {detector}")
