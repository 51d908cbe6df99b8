"""189 detectors, 65 exposures: all of them are noticed, and the event loop of the script is never held up by them.

Ratios only, for how long it takes depends on the machine; ``python tests/lsstcam_scale.py`` prints the figures.
"""

from __future__ import annotations

import pytest
from lsstcam_scale import RUNS, Figures, measured_alone

from lsst.ts.calibscripts.ground.text import LOG_CHARACTERS, MESSAGE_CHARACTERS

N_DETECTORS, N_EXPOSURES = 189, 65


@pytest.fixture(scope="module", params=RUNS)
def figures(request: pytest.FixtureRequest) -> Figures:
    return measured_alone(request.param)


def test_all_images_are_noticed_and_judged(figures: Figures) -> None:
    assert figures.arrivals == N_DETECTORS * N_EXPOSURES
    assert len(figures.passed) == 3
    assert (figures.state, all(figures.passed)) in (("FAILED", False), ("DONE", True))
    assert any(figures.passed) == all(figures.passed)


def test_judging_does_not_hold_up_the_event_loop(figures: Figures) -> None:
    """What 189 detectors need is computed in a thread: no turn of the event loop takes a tenth of it."""
    _, _, longest = max(figures.longest, key=lambda turn: turn[2])
    assert longest < 0.1 * 1000 * (figures.script_seconds + figures.thread_seconds), figures.longest


def test_script_is_a_small_part_of_the_work(figures: Figures) -> None:
    """Most of what happens in this process are the components and the middleware."""
    assert figures.arrivals_seconds < 0.2 * figures.all_seconds
    assert figures.script_seconds < 0.5 * figures.all_seconds


def test_memory_stays_within_bounds(figures: Figures) -> None:
    assert figures.megabytes_peak < 3 * figures.megabytes_idle


def test_log_stays_readable(figures: Figures) -> None:
    """Reports are shortened, but the gains of all 189 detectors are in a message that the middleware takes."""
    limit = MESSAGE_CHARACTERS if figures.state == "DONE" else 1.1 * LOG_CHARACTERS
    assert figures.log_characters < limit
