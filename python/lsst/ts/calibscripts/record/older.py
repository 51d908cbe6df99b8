"""Lines of a record of an earlier layout -> the lines that today's layout has for the same run. Pure.

Only what reads a record knows that there were other layouts: whatever is made of it sees today's events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..config import PropertyNames
from ..events.events import JobOutcome, StepOutcome
from ..plan import Action
from ..tables.products import PRODUCTS, ImageType

__all__ = ["NUMBER", "Line", "modernised"]

NUMBER = "its number in the file"
"""Key under which a line has its own number, for the message where it is damaged."""

Line: TypeAlias = Mapping[str, Any]
"""One line of the file, as JSON has it."""

_ABORTED = ("aborted by this script", "stopped before its job id was known")
"""What older layouts have as outcome of a job that the script itself ended."""

_OUTCOMES = {
    "done": StepOutcome.DONE,
    "passed": StepOutcome.DONE,
    "failed": StepOutcome.FAILED,
    "not judged": StepOutcome.NOT_JUDGED,
    "cancelled": StepOutcome.CANCELLED,
    "aborted": StepOutcome.CANCELLED,
}
"""What older layouts have as ending of a step; one that was not started has not ended."""


def modernised(header: Line, config: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[Line]:
    """Return the lines of a record of layout 1 or 2 as layout 3 has them.

    Parameters
    ----------
    header : mapping
        First line of the record.
    config : mapping
        Configuration of the run with everything filled in.

    Yields
    ------
    line : mapping
        What the run would have recorded today, as far as that can be known.
    """
    kinds = {str(line.get("event")) for line in lines}
    submitted = {line.get("step") for line in lines if line.get("event") == "JobSubmitted"}
    if "Planned" not in kinds and lines:
        yield {**_when(header), **_plan(config, _steps(lines))}
    for line in lines:
        when = _when(line)
        match line.get("event"):
            case "Planned":
                yield {**line, **_plan(config, line.get("steps"))}
            case "ImageSetClosed":
                yield from ({**when, **adopted} for adopted in _adopted(config, line))
                yield line
            case "JobEnded":
                ended = _job_ended(line)
                yield ended
                if "StepEnded" not in kinds:
                    yield from ({**when, **step} for step in _step_of_job(ended))
            case "Verdicted" if "StepEnded" not in kinds:
                yield from (line, {**when, **_step_of_verdict(line)})
            case "Certified" if "StepEnded" not in kinds:
                yield from (line, {**when, **_step(f"CERTIFY {line.get('product')}", StepOutcome.DONE)})
            case "StepEnded":
                yield from ({**when, **event} for event in _step_ended(line, config, submitted))
            case "Ended":
                yield from (
                    {**when, "event": "Failed", "message": text} for text in line.get("failures") or ()
                )
                yield line
            case _:
                yield line


def _when(line: Line) -> dict[str, Any]:
    return {name: line[name] for name in ("tai", "loop", NUMBER) if name in line}


def _plan(config: Mapping[str, Any], steps: Any) -> dict[str, Any]:
    mode = str(config.get("script_mode", "")).split("_")
    sets = [_planned_set(config, name) for name in mode if name in ImageType.__members__]
    return {"event": "Planned", "sets": sets, "steps": steps}


def _planned_set(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    existing = (config.get("exposures") or {}).get(name) or []
    names = PropertyNames.of(name)
    asked, discarded = (config.get(number) or 0 for number in (names.n, names.n_discard))
    return {
        "image_type": name,
        "n_kept": len(existing) or asked,
        "n_discarded": 0 if existing else discarded,
        "existing": existing,
    }


def _steps(lines: Sequence[Line]) -> list[str]:
    """Return the steps of a run that did not record its plan: those that ended, else those that had a job."""
    ended = [str(line.get("step")) for line in lines if line.get("event") == "StepEnded"]
    jobs = [str(line.get("step")) for line in lines if line.get("event") == "JobSubmitted"]
    generated = {step.partition(" ")[2] for step in jobs if step.startswith(Action.GENERATE)}
    products = [
        str(line.get("product"))
        for line in lines
        if line.get("event") == "Certified"
        or (line.get("event") == "Verdicted" and line.get("product") in generated)
    ]
    return list(dict.fromkeys(ended or [*jobs, *(f"CERTIFY {name}" for name in products)]))


def _adopted(config: Mapping[str, Any], line: Line) -> Iterator[dict[str, Any]]:
    existing = (config.get("exposures") or {}).get(str(line.get("image_type")))
    if existing:
        yield {"event": "ExposuresAdopted", "image_type": line.get("image_type"), "exposures": existing}


def _job_ended(line: Line) -> dict[str, Any]:
    text = str(line.get("outcome"))
    if text == JobOutcome.COMPLETED:
        return {**line, "outcome": JobOutcome.COMPLETED}
    return {**line, "outcome": JobOutcome.ABORTED if text in _ABORTED else JobOutcome.FAILED, "reason": text}


def _step(name: Any, outcome: StepOutcome) -> dict[str, Any]:
    return {"event": "StepEnded", "step": name, "outcome": outcome}


def _step_of_job(job: Line) -> Iterator[dict[str, Any]]:
    """Return how a step ended, as far as its job says it; a verification is judged after its job."""
    verifying = str(job.get("step")).startswith(Action.VERIFY)
    match job["outcome"]:
        case JobOutcome.COMPLETED if not verifying:
            yield _step(job.get("step"), StepOutcome.DONE)
        case JobOutcome.FAILED:
            yield _step(job.get("step"), StepOutcome.FAILED)
        case JobOutcome.ABORTED:
            yield _step(job.get("step"), StepOutcome.CANCELLED)


def _step_of_verdict(verdict: Line) -> dict[str, Any]:
    failed = StepOutcome.FAILED if verdict.get("judged", True) else StepOutcome.NOT_JUDGED
    return _step(f"VERIFY {verdict.get('product')}", StepOutcome.DONE if verdict.get("passed") else failed)


def _step_ended(line: Line, config: Mapping[str, Any], submitted: set[Any]) -> Iterator[dict[str, Any]]:
    """Return how a step ended, and what its failure says of the flats or of the collection."""
    name, outcome = line.get("step"), _OUTCOMES.get(str(line.get("ending")))
    action, _, product = str(name).partition(" ")
    if outcome is StepOutcome.FAILED and action == Action.CERTIFY:
        collection = str(config.get("calib_collection"))
        yield {"event": "CertificationRefused", "product": product, "collection": collection}
    paired = product in PRODUCTS and PRODUCTS[product].paired
    if outcome is StepOutcome.FAILED and paired and name not in submitted:
        yield {"event": "TooFewPairs", "step": name}
    if outcome is not None:
        yield _step(name, outcome)
