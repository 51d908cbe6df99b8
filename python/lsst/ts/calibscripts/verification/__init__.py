"""cp_verify statistics -> typed failures -> verdict; pure."""

from __future__ import annotations

from .outputs import Details, RunStatistics, WrittenGains
from .rule import Thresholds, Verdict, enough_detectors, judge
from .statistics import Failure, Statistics, exposures_in, exposures_to_look_into, parse_statistics

__all__ = [
    "Details",
    "Failure",
    "RunStatistics",
    "Statistics",
    "Thresholds",
    "Verdict",
    "WrittenGains",
    "enough_detectors",
    "exposures_in",
    "exposures_to_look_into",
    "judge",
    "parse_statistics",
]
