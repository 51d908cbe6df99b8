"""Verdicts, gains and the course of a run -> text; pure."""

from __future__ import annotations

from ..events.summary import (
    Certified,
    RunSummary,
    StepOutcome,
    TakenSet,
    headline_of_run,
    not_certified_because,
    run_summary,
)
from ..ground.text import (
    LOG_CHARACTERS,
    counted,
    detectors_of,
    exposure_range,
    exposures_of,
    for_log,
    messages,
)
from ..verification.gains import PairGains, gain_report
from ..verification.words import failure_report, headline, undecisive_line, verdict_line

__all__ = [
    "LOG_CHARACTERS",
    "Certified",
    "PairGains",
    "RunSummary",
    "StepOutcome",
    "TakenSet",
    "counted",
    "detectors_of",
    "exposure_range",
    "exposures_of",
    "failure_report",
    "for_log",
    "gain_report",
    "headline",
    "headline_of_run",
    "messages",
    "not_certified_because",
    "run_summary",
    "undecisive_line",
    "verdict_line",
]
