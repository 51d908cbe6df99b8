"""CERTIFY: what was generated, and has passed, goes into the CALIBRATION collection and is read back from there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import partial

from ...decisions import Decision
from ...errors import (
    CalibScriptsError,
    CertificationError,
    ImageSetError,
    NoAnswerError,
    ReadBackError,
    job_log,
)
from ...events.comparisons import Compared, comparison_line
from ...events.events import CertificationRefused, Certified, Doubtful, Opposed, Stage
from ...events.images import ImageSet
from ...ground.text import images_of
from ...plan import Action, Step, StepId
from ...preflight.examining import closed_flats, wrong_filter
from ...repository import Certification
from ...tables.products import ImageType
from ..context import RunContext
from .opposing import decision_on

__all__ = ["certify"]


async def certify(context: RunContext, step: Step, images: Mapping[ImageType, ImageSet]) -> None:
    """Certify a product, all its detectors or none, and only while the script is not paused.

    Parameters
    ----------
    context : `RunContext`
        The run.
    step : `Step`
        The step.
    images : mapping [`ImageType`, `ImageSet`]
        Unused: they were read before, by the jobs.

    Raises
    ------
    CalibScriptsError
        If it is not certified, or whether it is is unknown; the text says what is and what is not.
    """
    generated = context.state.step(StepId(Action.GENERATE, step.id.product))
    wanted = context.spec.certification(
        step.id.product, generated.detectors, context.state.physical_filter, generated.datasets
    )
    compared = context.state.product(step.id.product).compared
    if compared is not None and compared.withheld:
        raise _refused(context, wanted, _withheld(compared, generated.run))
    if problem := await _filter_problem(context, step):
        raise _refused(context, wanted, ImageSetError(ImageType.FLAT.name, problem))
    # It comes after GENERATE, which fails where its job left no RUN.
    assert generated.run is not None
    datasets = await _commit(context, step, wanted, generated.run)
    _report(context, wanted, datasets)


async def _filter_problem(context: RunContext, step: Step) -> str:
    """Report which flats that a product was made from have another filter than they are to have."""
    if (asked := closed_flats(context.state, step.product)) is None:
        return ""
    return wrong_filter(asked, await context.repository.exposures(context.spec.instrument, asked.exposures))


def _spoiled(context: RunContext, step: Step) -> str:
    """Report what has been said of the jobs or the images of a product since they seemed to be good."""
    return _failed_since(context, step) or _taken_back(context, step)


def _failed_since(context: RunContext, step: Step) -> str:
    """Report the jobs which a step depends on that the OCPS has said have failed, after they seemed to end well."""
    failed: list[str] = []
    for other in context.plan.steps:
        job_id = context.state.step(other.id).job_id
        if job_id is None or step.id not in context.plan.dependents([other.id]):
            continue
        if (exit_code := context.ocps.failure_of(job_id)) is not None:
            failed.append(f"{other.id} (OCPS job {job_id}; its log: {job_log(job_id)}) exit code {exit_code}")
    if not failed:
        return ""
    return (
        f"after its outputs had been found good, the OCPS has reported of {' and of '.join(failed)}. Find out "
        "which is true before anybody uses what it wrote; the exposures can be processed again with the "
        "property exposures"
    )


def _taken_back(context: RunContext, step: Step) -> str:
    """Report the images that a product was made from, and that the OODS has called bad since then."""
    # The state is another one with each event, and this is also called in the butler's thread.
    state = context.state
    if not (bad := state.taken_back(state.sets_behind(step.id.product))):
        return ""
    return (
        f"the OODS has reported {images_of(bad)} as bad after {step.id.product} was made from "
        f"{'it' if len(bad) == 1 else 'them'}. Look at the OODS and at the images before anybody uses what was made "
        "from them"
    )


async def _commit(context: RunContext, step: Step, wanted: Certification, run: str) -> tuple[str, ...]:
    """Certify, and return the identifiers of the datasets; where the script is paused, try again after that."""
    in_doubt = partial(_doubt, context, wanted)

    def may_commit() -> bool:
        # A database may have been locked for minutes since it was asked for the last time.
        fit = not _spoiled(context, step) and decision_on(context, step.id.product)[0] is None
        return fit and context.checkpoints.may_commit()

    datasets: tuple[str, ...] | None = None
    while datasets is None:
        await context.checkpoints.until_certifying_is_allowed()
        if problem := _spoiled(context, step):
            raise _refused(context, wanted, CalibScriptsError(problem))
        against, problems = await context.repository.ask(lambda _: decision_on(context, step.id.product))
        for problem in problems:
            # As before the first exposure: it is unknown, and does not stand in the way.
            context.journal.warn_once(problem, problem)
        if against is not None:
            context.journal.report(Opposed(step.id.product, against.id))
            raise _refused(context, wanted, _opposed(against, wanted.product, run))
        try:
            datasets = await context.repository.certify(wanted, run, may_commit, in_doubt)
        except (NoAnswerError, ReadBackError):
            in_doubt()
            raise
        except Exception as error:
            context.journal.report(CertificationRefused(wanted.product, wanted.collection))
            raise _refused(context, wanted, error) from error
    return datasets


def _refused(context: RunContext, wanted: Certification, error: Exception) -> CertificationError:
    return CertificationError(wanted.product, wanted.collection, context.state.certified, error)


def _opposed(against: Decision, product: str, run: str) -> CalibScriptsError:
    return CalibScriptsError(
        f"{against.sentence}, so {product} was not certified and stays in {run}. If that is wrong, withdraw it "
        f"(`calibscripts decide withdraw {against.id}`), then certify {product} by a decision (`calibscripts decide "
        "certify`)"
    )


def _withheld(compared: Compared, run: str | None) -> CalibScriptsError:
    return CalibScriptsError(
        f"{comparison_line(compared)} compare_with_previous is require, so it stays in {run}: look at the "
        "difference on the page of the report, then certify it by a decision (`calibscripts decide certify`), "
        "or take the images again"
    )


def _doubt(context: RunContext, wanted: Certification) -> None:
    """Report that it is unknown whether a product is certified."""
    context.journal.report(Doubtful(wanted.product, wanted.collection))
    words = ("butler", "query-datasets", context.config.repo, wanted.dataset_type, "--collections")
    context.journal.warn(
        f"{wanted.product} may be certified into {wanted.collection} for {wanted.validity.interval}: check with "
        f"`{shlex.join((*words, wanted.collection))}`."
    )


def _report(context: RunContext, wanted: Certification, datasets: tuple[str, ...]) -> None:
    """Report that a product is certified; one that was not verified is a warning."""
    name, journal = wanted.product, context.journal
    verified = context.state.product(name).verdict is not None
    certified = Certified(name, wanted.collection, *wanted.validity.texts, datasets, not verified)
    context.journal.advance(name, Stage.CERTIFIED)
    journal.report(certified)
    where = f"into {wanted.collection} for {wanted.validity.interval}"
    if verified:
        journal.log.info(f"{name} was certified {where}.")
    else:
        journal.warn(f"{name} was certified WITHOUT verification {where}.")
