"""Every choice of what to leave out of a set, compared: what a small set can be held against."""

from __future__ import annotations

from itertools import combinations, product

Missing = set[tuple[int, int]]
"""Exposure and detector of each image that a set lacks."""


def kept_at_most(exposures: range, detectors: range, missing: Missing) -> int:
    """Try every choice that keeps more than half of both, and return the most images one of them keeps."""
    return max(
        (
            len(some) * len(others)
            for n in range(len(exposures) // 2 + 1, len(exposures) + 1)
            for some in combinations(exposures, n)
            for m in range(len(detectors) // 2 + 1, len(detectors) + 1)
            for others in combinations(detectors, m)
            if missing.isdisjoint(product(some, others))
        ),
        default=0,
    )
