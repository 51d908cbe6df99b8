"""What a run has done -> the record from which its summary is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config import resuming
from ..events import summary
from ..events.events import FINISHED, Ending
from ..events.images import ImageSet, may_go_on_with
from ..plan import Action, Plan, StepId
from ..tables.products import ImageType
from .executing import Graph
from .results import Results, Taken

__all__ = ["endings", "summarise"]


def summarise(
    script: str,
    final_state: str,
    plan: Plan,
    results: Results,
    graph: Graph[ImageSet] | None,
    given: Mapping[str, Any],
) -> summary.RunSummary:
    """Gather what a run did and did not do.

    Parameters
    ----------
    script : `str`
        Name for the headline.
    final_state : `str`
        How it ended.
    plan : `Plan`
        What it was to do.
    results : `Results`
        What it has done.
    graph : `Graph` or `None`
        How the steps ended; None where the run did not come so far.
    given : mapping
        Configuration as the user wrote it.
    """
    ended = endings(plan, results, graph)
    certified = tuple(
        summary.Certified(c.product, c.collection, c.begin, c.end, not c.unverified)
        for c in results.certified.values()
    )
    return summary.RunSummary(
        script=script,
        final_state=final_state,
        taken=tuple(_taken_set(t, results.images.get(name)) for name, t in results.taken.items()),
        steps=tuple(
            summary.StepOutcome(str(step_id), ending, results.jobs.get(step_id), results.collection(step_id))
            for step_id, ending in ended.items()
        ),
        certified=certified,
        not_certified=tuple(_not_certified(results, ended)),
        failures=tuple(results.failures),
        warnings=tuple(results.warnings),
        next_steps=tuple(_next_steps(plan, results, ended, given)),
    )


def _taken_set(taken: Taken, found: ImageSet | None) -> summary.TakenSet:
    left_out = found.left_out_exposures if found else ()
    return summary.TakenSet(
        image_type=taken.images.image_type.name,
        wanted=taken.images.n_kept,
        kept=tuple(exposure for exposure in taken.kept if exposure not in left_out),
        discarded=taken.discarded,
        left_out=left_out,
        existing=bool(taken.images.taken),
    )


def endings(plan: Plan, results: Results, graph: Graph[ImageSet] | None) -> dict[StepId, Ending]:
    """Return how each step of a plan has ended.

    Parameters
    ----------
    plan : `Plan`
        The plan.
    results : `Results`
        What the run has done.
    graph : `Graph` or `None`
        How the steps ended; None where the run did not come so far.
    """
    return {step.id: _ending(step.id, results, graph) for step in plan.steps}


def _ending(step_id: StepId, results: Results, graph: Graph[ImageSet] | None) -> Ending:
    verdict = results.verdicts.get(step_id.product) if step_id.action is Action.VERIFY else None
    if graph is None:
        return Ending.NOT_STARTED
    if graph.is_done(step_id):
        return Ending.PASSED if step_id.action is Action.VERIFY else Ending.DONE
    if step_id in graph.failed:
        return Ending.NOT_JUDGED if verdict is not None and not verdict.judged else Ending.FAILED
    if step_id in results.jobs:
        return Ending.ABORTED
    return Ending.CANCELLED if step_id in graph.cancelled else Ending.NOT_STARTED


def _not_certified(results: Results, ended: Mapping[StepId, Ending]) -> Iterator[tuple[str, str]]:
    for step_id, ending in ended.items():
        if step_id.action is Action.CERTIFY and step_id.product not in results.certified:
            verdict = results.verdicts.get(step_id.product)
            passed = None if verdict is None else verdict.passed
            judged = verdict is None or verdict.judged
            yield (
                step_id.product,
                summary.not_certified_because(ending, passed=passed, judged=judged),
            )


def _next_steps(
    plan: Plan, results: Results, ended: Mapping[StepId, Ending], given: Mapping[str, Any]
) -> Iterator[str]:
    failed = [name for name, verdict in results.verdicts.items() if verdict.judged and not verdict.passed]
    for name in failed:
        collection = results.collection(StepId(Action.VERIFY, name))
        yield f"{name}: look at the failed tests in {collection}, and at the images, before it is taken again."
    if results.failures and not failed and not results.certified and not results.doubtful:
        yield "Fix the failures listed above, then queue the script or its BLOCK again."
    complete = {
        str(name): exposures
        for name, taken in results.taken.items()
        if (exposures := may_go_on_with(taken.kept, taken.images.n_kept, results.images.get(name)))
        and not (results.lacking_pairs and name is ImageType.FLAT)
    }
    left = not FINISHED.issuperset(ended.values())
    if left and complete and not failed:
        # Not once more into one that holds something of this run already, or refuses it.
        certified = next((certified.collection for certified in results.certified.values()), None)
        into = certified or results.doubtful or results.refusing
        words = {str(images.image_type): str(images) for images in plan.sets}
        found = resuming(given, tuple(words), complete, into)
        yield (
            "To go on with the images that exist, queue the script with the configuration below. "
            f"{found.sentence(words)}:\n{found.text()}"
        )
