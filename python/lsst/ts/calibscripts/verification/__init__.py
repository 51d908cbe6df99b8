"""cp_verify statistics -> typed failures -> verdict; pure."""

from __future__ import annotations

from .statistics import Failure, Statistics, exposures_to_look_into, parse_statistics
from .verdict import Thresholds, Verdict, enough_detectors, judge, without_statistics

__all__ = [
    "Failure",
    "Statistics",
    "Thresholds",
    "Verdict",
    "enough_detectors",
    "exposures_to_look_into",
    "judge",
    "parse_statistics",
    "without_statistics",
]
