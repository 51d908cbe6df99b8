"""An account as JSON, for programs. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..events.resume import next_steps, to_resume
from ..events.summary import not_certified
from ..record import Job, Record
from .contents import Account, ProductAccount
from .reading.evidence import Verification
from .trends import Trend

__all__ = ["as_json"]

SCHEMA = 1
"""Version of the layout of the JSON report."""


def as_json(account: Account) -> str:
    """Write a report for programs.

    Returns
    -------
    `str`
        One JSON object; values that are not numbers are null.
    """
    evidence = account.evidence
    content = {
        "report": SCHEMA,
        "title": account.title,
        "instrument": account.instrument,
        "repo": account.repo,
        **(_NO_RUN if account.record is None else _run_json(account.record)),
        "products": [_product_json(product) for product in account.products],
        "runs": {str(step): run for step, run in account.runs.items()},
        "verifications": [_verification_json(v) for v in evidence.verifications],
        "gains": [
            {"detector": detector, "amplifier": amplifier, "gain": gain}
            for (detector, amplifier), gain in evidence.amplifier_gains().items()
        ],
        "flat_levels": [vars(level) for level in evidence.levels],
        "trends": [_trend_json(trend) for trend in account.trends],
        "problems": list(evidence.problems),
    }
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, default=str) + "\n"


_NO_RUN: Mapping[str, Any] = {
    **dict.fromkeys(("record", "state", "begun_tai", "seconds", "resume")),
    **{name: {} for name in ("config", "versions", "steps", "not_certified")},
    **{name: [] for name in ("failures", "warnings", "references", "jobs", "next_steps")},
}
"""What there is of a run where a report is of collections alone."""


def _run_json(record: Record) -> dict[str, Any]:
    state, resume = record.state, to_resume(record.state, record.about.given)
    return {
        "record": str(record.path),
        "state": state.outcome,
        "begun_tai": record.begun.isoformat(timespec="milliseconds"),
        "seconds": record.seconds,
        "config": dict(record.about.config),
        "versions": dict(record.header.versions),
        "failures": state.failures,
        "warnings": state.warnings,
        "references": [vars(found) for found in state.references],
        "steps": {str(step_id): standing for step_id, standing in state.standings.items()},
        "jobs": [_job_json(job) for job in record.jobs],
        "not_certified": not_certified(state),
        "next_steps": next_steps(state),
        "resume": None if resume is None else resume.config,
    }


def _job_json(job: Job) -> dict[str, Any]:
    return {
        "step": str(job.step),
        "job_id": job.job_id,
        "collection": job.collection,
        "outcome": None if job.result is None else job.result.words,
        "seconds": job.seconds,
    }


def _product_json(product: ProductAccount) -> dict[str, Any]:
    return {
        "product": product.product,
        "standing": product.outcome.words,
        "sentence": product.sentence,
        "certified": None if product.certified is None else vars(product.certified),
        "generation": product.generation,
        "verification": product.verification,
        "decisions": list(product.signed),
    }


def _verification_json(verification: Verification) -> dict[str, Any]:
    verdict = verification.verdict
    return {
        "product": verification.product,
        "run": verification.run,
        "passed": verdict.passed,
        "reason": verdict.reason,
        "exposures": list(verdict.exposures),
        "failed_exposures": list(verdict.failed_exposures),
        "missing_exposures": list(verdict.missing),
        "limit": verdict.thresholds.exposures,
        "tests_per_detector": verdict.thresholds.tests_per_detector,
        "failures": [vars(failure) for failure in verdict.failures],
    }


def _trend_json(trend: Trend) -> dict[str, Any]:
    return {
        "quantity": trend.quantity,
        "condition": trend.condition,
        "unit": trend.unit,
        "enough_earlier_runs": trend.known,
        "points": [{"tai": tai, "median": median} for tai, median in trend.points],
        "departures": [vars(departure) for departure in trend.departures],
    }


def _finite(content: Any) -> Any:
    """Replace what JSON does not know."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
