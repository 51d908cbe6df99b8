"""Script, production and report judge a verification by one question, so that they cannot disagree."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from cp_verify_support import CAMERAS, PASSED, Camera, failed, merged, names, truth
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.report.reading.evidence import Outcome
from lsst.ts.calibscripts.report.reading.gathering import Question, judged
from lsst.ts.calibscripts.report.reading.grids import make_grid
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryRepository
from lsst.ts.calibscripts.verification import RunStatistics, Verdict, exposures_to_look_into
from lsst.ts.calibscripts.verification.reading import Verification, verdict_on

BIAS, RUN = PRODUCTS["BIAS"], "u/ocps/1/run"
KNOWN = dict(enumerate(names(3)))
IDS = {name: number for number, name in KNOWN.items()}
STEP = StepId(Action.VERIFY, "BIAS")

SKIPPED = st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3)
"""Places of exposures and detectors of which cp_verify wrote no statistics."""


def details(camera: Camera, skipped: set[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    rows = dict(enumerate(sorted(camera)))
    gone = {(rows.get(row), detector) for row, detector in skipped}
    return {
        (exposure, IDS[name]): found
        for exposure, (detectors, _) in camera.items()
        for name, found in detectors.items()
        if (exposure, IDS[name]) not in gone
    }


def asked(camera: Camera) -> Verification:
    """Ask as a script does: for the exposures and detectors of the closed set."""
    return Verification(BIAS, RUN, sorted(camera), names(3), KNOWN, tuple(KNOWN))


def written(camera: Camera, by_filter: bool, skipped: set[tuple[int, int]]) -> MemoryRepository:
    """Put the statistics into a butler, as a verification job does."""
    butler = MemoryButler()
    run, wholes = merged(camera, by_filter)
    of_run, of_exposure, of_detector = BIAS.statistics
    butler.put(of_run, RUN, "LSSTComCam", value=run)
    for exposure, value in wholes.items():
        butler.put(of_exposure, RUN, "LSSTComCam", exposure=exposure, value=value)
    for (exposure, detector), value in details(camera, skipped).items():
        butler.put(of_detector, RUN, "LSSTComCam", exposure=exposure, detector=detector, value=value)
    return MemoryRepository(butler)


def reported(repository: MemoryRepository, **closed: Any) -> Verdict:
    return judged(repository, Question("LSSTComCam", {STEP: RUN}, **closed), BIAS, KNOWN)


@given(CAMERAS, st.booleans(), SKIPPED)
def test_a_report_of_a_record_has_the_verdict_of_the_script(
    camera: Camera, by_filter: bool, skipped: set[tuple[int, int]]
) -> None:
    repository = written(camera, by_filter, skipped)
    closed = {
        "exposures": {"BIAS": tuple(camera)},
        "detectors": {"BIAS": tuple(KNOWN)},
        "asked": tuple(KNOWN),
    }
    script = verdict_on(asked(camera), lambda: repository.statistics(RUN, BIAS.statistics))
    assert reported(repository, **closed) == script


@given(CAMERAS, st.booleans(), SKIPPED)
def test_a_report_of_collections_passes_nothing_that_the_script_refuses(
    camera: Camera, by_filter: bool, skipped: set[tuple[int, int]]
) -> None:
    """It does not know what was asked for, but a detector that has statistics must have them in all exposures."""
    repository = written(camera, by_filter, skipped)
    verdict = reported(repository)
    present = details(camera, skipped)
    detectors = {detector for _, detector in present}
    complete = {(exposure, detector) for exposure in camera for detector in detectors} <= set(present)
    assert verdict.judged is (bool(detectors) and complete)
    if verdict.judged and detectors == set(KNOWN):
        assert verdict == verdict_on(asked(camera), lambda: repository.statistics(RUN, BIAS.statistics))
    if not verdict.judged:
        assert not verdict.passed
        assert verdict.reason


@given(CAMERAS, st.booleans())
def test_what_need_not_be_read_does_not_change_a_verdict(camera: Camera, by_filter: bool) -> None:
    """The butler is asked for those of detectors only in exposures that the others do not explain."""
    run, wholes = merged(camera, by_filter)
    found = details(camera, set())
    needed = exposures_to_look_into(run, wholes)
    everything = RunStatistics((run,), wholes, found, frozenset(found))
    sparing = RunStatistics(
        (run,),
        wholes,
        {key: value for key, value in found.items() if key[0] in needed},
        frozenset(found),
    )
    assert verdict_on(asked(camera), lambda: sparing) == verdict_on(asked(camera), lambda: everything)


@given(CAMERAS)
def test_the_arrays_of_a_report_hold_the_failed_tests_of_the_verdict(camera: Camera) -> None:
    grid = make_grid(details(camera, set()), KNOWN)
    failed = {
        (grid.exposures[row], grid.detectors[column], grid.amplifiers[place], test)
        for test, outcomes in grid.outcomes.items()
        for row, column, place in np.argwhere(outcomes == Outcome.FAILED)
    }
    failed |= {
        (grid.exposures[row], grid.detectors[column], None, test)
        for test, outcomes in grid.detector_outcomes.items()
        for row, column in np.argwhere(outcomes == Outcome.FAILED)
    }
    assert failed == {(f.exposure, f.detector, f.amplifier, f.test) for f in truth(camera, by_filter=False)}


def test_without_statistics_of_detectors_it_is_unknown_which_were_verified() -> None:
    butler = MemoryButler()
    butler.put(BIAS.statistics[0], RUN, "LSSTComCam", value={1: {"SUCCESS": True}, "SUCCESS": True})
    verdict = reported(MemoryRepository(butler))
    assert not verdict.passed
    assert (
        verdict.reason
        == f"{RUN} holds no verifyBiasDetStats, so the detectors that were verified are unknown"
    )


def test_what_the_run_could_not_judge_a_report_does_not_either() -> None:
    camera: Camera = {1: (dict.fromkeys(names(3), PASSES), True)}
    repository = written(camera, False, set())
    assert reported(repository).passed
    verdict = reported(repository, unjudged=frozenset({"BIAS"}))
    assert not verdict.judged
    assert verdict.reason == "the run could not read its statistics, though they can be read now"


@pytest.mark.parametrize("levels", [*itertools.permutations([PASSED, failed("A C00 NOISE"), {}], 2)])
def test_an_exposure_with_statistics_of_several_filters_is_not_judged(levels: tuple[Any, ...]) -> None:
    run = tuple({**({1: level} if level else {}), "SUCCESS": level == PASSED} for level in levels)
    verdict = verdict_on(asked({1: ({}, True)}), lambda: RunStatistics(run, {}, {}))
    assert (verdict.reason == f"{RUN} holds statistics of exposure 1 for several filters") is all(levels)
    assert not verdict.passed


@pytest.mark.parametrize("damaged", ["text", ["SUCCESS"], 3])
def test_statistics_that_are_no_mapping_are_refused(damaged: Any) -> None:
    verdict = verdict_on(asked({1: ({}, True)}), lambda: RunStatistics((damaged,), {}, {}))
    assert "of the run: expected a mapping" in verdict.reason


def test_a_repository_that_does_not_answer_is_no_pass() -> None:
    def read() -> RunStatistics:
        raise RepositoryError("it is locked")

    assert verdict_on(asked({1: ({}, True)}), read).reason == "it is locked"


PASSES: dict[str, Any] = {
    "VERIFY": {
        "AMP": {"C00": {"NOISE": True, "SUCCESS": True}},
        "DET": {"SCATTER": True, "SUCCESS": True},
    },
    "SUCCESS": True,
}
