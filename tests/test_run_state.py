"""The state of a run: what its events add up to, whether they come from the script or from a record."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from effort import allocated, calls
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import about

from lsst.ts.calibscripts.events.events import (
    CertificationRefused,
    Certified,
    Compared,
    DatasetsMade,
    Doubtful,
    Ended,
    Event,
    ExposuresAdopted,
    ExposureTaken,
    ExposureTimesRead,
    Failed,
    FilterFound,
    FlatDarkTaken,
    FlatTimeFound,
    ImageArrived,
    ImageSetClosed,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    LevelMeasured,
    Opposed,
    OutputsFound,
    Planned,
    PlannedSet,
    ReferenceFound,
    RunOutcome,
    SetGivenUp,
    Stage,
    StageReached,
    StepEnded,
    StepOutcome,
    TooFewPairs,
    TrialFlatTaken,
    Verdicted,
    Warned,
)
from lsst.ts.calibscripts.events.folding import fold, state_of
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.resume import resumption, to_resume
from lsst.ts.calibscripts.events.state import RunState
from lsst.ts.calibscripts.events.summary import headline_of_run, not_certified, run_summary
from lsst.ts.calibscripts.ground.persistent import NumberedMapping
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import open_record, read_record
from lsst.ts.calibscripts.tables.products import ImageType

BIAS, DARK, FLAT = ImageType
RECORDS = Path(__file__).parent / "data" / "records"

# Whatever may come, in any order.

exposures = st.integers(2026091800001, 2026091800300)
detectors = st.integers(0, 204)
products = st.sampled_from(["BIAS", "DARK", "FLAT", "PTC", "GAIN", "LINEARIZER"])
steps = st.builds(StepId, st.sampled_from(Action), products)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
seconds = st.floats(0, 1000)
many = st.lists(exposures, max_size=4).map(tuple)
types = st.sampled_from(ImageType)
sets = st.builds(PlannedSet, types, st.integers(0, 5), st.integers(0, 2), many)
times = st.lists(st.tuples(exposures, seconds), max_size=4).map(
    lambda pairs: ExposureTimesRead(tuple(e for e, _ in pairs), tuple(t for _, t in pairs))
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Planned, st.lists(sets, max_size=3).map(tuple), st.lists(steps, max_size=4).map(tuple)),
    st.builds(ReferenceFound, words, words, st.none() | words, age=st.none() | detectors, age_max=seconds),
    st.builds(StageReached, products, st.sampled_from(Stage)),
    st.builds(ExposureTaken, types, exposures, seconds, st.booleans()),
    st.builds(FlatDarkTaken, exposures, seconds),
    st.builds(ExposuresAdopted, types, many),
    times,
    st.builds(ImageArrived, exposures, detectors, st.integers(0, 1), words),
    st.builds(LevelMeasured, exposures, seconds),
    st.builds(TrialFlatTaken, exposures, seconds),
    st.builds(
        FlatTimeFound,
        seconds,
        seconds,
        seconds,
        st.integers(1, 8),
        seconds,
        physical_filter=st.none() | words,
    ),
    st.builds(FilterFound, st.none() | words),
    st.builds(ImageSetClosed, types, many, many, many, many),
    st.builds(SetGivenUp, types, words),
    st.builds(TooFewPairs, steps),
    st.builds(JobSubmitted, steps, words, words, words),
    st.builds(JobStarted, steps, words),
    st.builds(JobEnded, steps, st.none() | words, st.none() | detectors, st.sampled_from(JobOutcome), words),
    st.builds(OutputsFound, steps, st.none() | words, many),
    st.builds(DatasetsMade, steps, st.lists(words).map(tuple)),
    st.builds(StepEnded, steps, st.sampled_from(StepOutcome), words),
    st.builds(
        Compared,
        products,
        moved=st.sampled_from([(), ("RXX_S00 C04",)]),
        required=st.booleans(),
        problem=st.sampled_from(["", "they have other sizes"]),
    ),
    st.builds(Verdicted, products, st.booleans(), words, words, judged=st.booleans()),
    st.builds(
        Certified, products, words, st.none() | words, st.none() | words, st.just(("a",)), st.booleans()
    ),
    st.builds(Doubtful, products, words),
    st.builds(CertificationRefused, products, words),
    st.builds(Opposed, products, words),
    st.builds(Failed, words),
    st.builds(Warned, words),
    st.builds(Ended, st.sampled_from([RunOutcome.DONE, RunOutcome.FAILED, RunOutcome.STOPPED])),
)
histories = st.lists(events, max_size=60)
GIVEN = {"n_bias": 4, "calib_collection": "LATISS/calib/daily/test"}


def without_earlier_arrivals(history: list[Event]) -> list[Event]:
    """Leave out what arrived well before another image of its exposure did: a record may have a million of them."""
    good = [isinstance(event, ImageArrived) and event.status_code == 0 for event in history]
    last = {event.exposure: place for place, event in enumerate(history) if good[place]}
    return [event for place, event in enumerate(history) if not good[place] or last[event.exposure] == place]


@settings(max_examples=40)
@given(history=histories)
def test_a_record_is_read_into_the_state_that_the_script_had(history: list[Event]) -> None:
    with TemporaryDirectory() as directory:
        recorder = open_record(about(GIVEN), warn=pytest.fail, directory=Path(directory))
        for event in history:
            recorder(event)
        recorder.close()
        record = read_record(recorder.path)
    state = state_of(history)
    assert [entry.event for entry in record.entries] == without_earlier_arrivals(history)
    assert record.state == state
    assert run_summary(record.state, "a.py", GIVEN) == run_summary(state, "a.py", GIVEN)
    assert resumption(record.state, GIVEN) == resumption(state, GIVEN)


@given(history=histories)
def test_a_state_is_never_changed_by_what_happens_later(history: list[Event]) -> None:
    states = [*accumulate(history, fold, initial=RunState())]
    for number, state in enumerate(states):
        assert state == state_of(history[:number])


@given(history=histories)
def test_whatever_happened_can_be_reported_and_resumed(history: list[Event]) -> None:
    state = state_of(history)
    text = run_summary(state, "a.py", GIVEN)
    assert text.startswith(f"a.py ends {headline_of_run(state)}.\n")
    assert all(message in text for message in (*state.failures, *state.warnings))
    assert not {*not_certified(state)} & {*state.certified}
    found, offered = resumption(state, GIVEN), to_resume(state, GIVEN)
    assert offered in (None, found)
    # By type: the same exposure is drawn as one of several, which no camera takes.
    for image_type, images in state.sets.items():
        refused = {*images.left_out} - {*(images.closed.exposures if images.closed else images.left_out)}
        assert not refused & {*found.config.get("exposures", {}).get(image_type.name, ())}
    if state.ended is not None:
        assert StepStanding.RUNNING not in state.standings.values()


def test_the_last_arrival_costs_no_more_than_the_first() -> None:
    """189 detectors and 65 exposures: LSSTCam's biases, darks and flats of a day."""
    arrivals = [ImageArrived(2026091800000 + e, d, 0) for e in range(65) for d in range(189)]
    state = state_of(
        ExposureTaken(BIAS, exposure, 0.0, False) for exposure in range(2026091800000, 2026091810000)
    )

    def take(some: list[ImageArrived]) -> None:
        nonlocal state
        for arrival in some:
            state = fold(state, arrival)

    first, between, last = arrivals[:100], arrivals[100:-100], arrivals[-100:]
    of_first = calls(lambda: take(first[:50])), allocated(lambda: take(first[50:]))
    take(between)
    of_last = calls(lambda: take(last[:50])), allocated(lambda: take(last[50:]))
    assert of_first[0] < 50 * 50
    assert all(later < 1.5 * sooner for sooner, later in zip(of_first, of_last, strict=True))
    assert {len(found) for found in [*state.arrivals(BIAS).values()][:65]} == {189}


@given(st.lists(st.tuples(st.integers(), st.integers())))
def test_a_numbered_mapping_is_a_mapping_that_stays_as_it_is(items: list[tuple[int, int]]) -> None:
    mapping: NumberedMapping[int] = NumberedMapping()
    before = [(mapping, dict[int, int]())]
    for number, value in items:
        mapping = mapping.having(number, value)
        before.append((mapping, {**before[-1][1], number: value}))
    for found, expected in before:
        assert found == expected
        assert [*found] == sorted(expected)
        assert len(found) == len(expected)


# What the state says.

BIAS_MADE, BIAS_VERIFIED = StepId(Action.GENERATE, "BIAS"), StepId(Action.VERIFY, "BIAS")
BIAS_CERTIFIED = StepId(Action.CERTIFY, "BIAS")
PLAN = Planned((PlannedSet(BIAS, 2, 1),), (BIAS_MADE, BIAS_VERIFIED, BIAS_CERTIFIED))
TAKEN = (
    ExposureTaken(BIAS, 1, 0.0, True),
    ExposureTaken(BIAS, 2, 0.0, False),
    ExposureTaken(BIAS, 3, 0.0, False),
)
STOPPED = Ended(RunOutcome.STOPPED)
JOB = (JobSubmitted(BIAS_MADE, "", "", ""), JobStarted(BIAS_MADE, "0a"))
BAD = (ImageArrived(2, 1, 2), ImageArrived(3, 1, 2))
ABORTED = JobEnded(BIAS_MADE, "0a", None, JobOutcome.ABORTED, "aborted by this script")


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ((), StepStanding.NOT_STARTED),
        ((STOPPED,), StepStanding.NOT_STARTED),
        (JOB, StepStanding.RUNNING),
        ((*JOB, JobEnded(BIAS_MADE, "0a", 0, JobOutcome.COMPLETED)), StepStanding.RUNNING),
        ((*JOB, ABORTED, STOPPED), StepStanding.ABORTED),
        ((*JOB[:1], STOPPED), StepStanding.NOT_STARTED),
        ((StepEnded(BIAS_MADE, StepOutcome.CANCELLED),), StepStanding.CANCELLED),
        ((*JOB, StepEnded(BIAS_MADE, StepOutcome.CANCELLED), ABORTED), StepStanding.ABORTED),
        ((*JOB, StepEnded(BIAS_MADE, StepOutcome.FAILED, "exit code 1")), StepStanding.FAILED),
        (
            (StepEnded(BIAS_MADE, StepOutcome.CANCELLED), StepEnded(BIAS_MADE, StepOutcome.DONE)),
            StepStanding.DONE,
        ),
    ],
)
def test_how_a_step_stands(happened: tuple[Event, ...], expected: StepStanding) -> None:
    assert state_of((PLAN, *happened)).standing(BIAS_MADE) is expected


@pytest.mark.parametrize(
    ("happened", "offered"),
    [
        (TAKEN[:2], ()),
        (TAKEN, (2, 3)),
        ((*TAKEN, ImageSetClosed(BIAS, (2, 3), (0,))), (2, 3)),
        ((*TAKEN, ImageSetClosed(BIAS, (3,), (0,), (2,))), ()),
        # Detector 1 was left out with its bad images; of detector 0 the last word counts.
        ((*TAKEN, *BAD, ImageSetClosed(BIAS, (2, 3), (0, 2), (), (1,))), (2, 3)),
        ((*TAKEN, ImageSetClosed(BIAS, (2, 3), (0,)), ImageArrived(2, 0, 2)), ()),
        ((*TAKEN, ImageSetClosed(BIAS, (2, 3), (0,)), ImageArrived(2, 0, 2), ImageArrived(2, 0, 0)), (2, 3)),
        ((*TAKEN, ImageSetClosed(BIAS, (), (0,), (2, 3))), ()),
        ((*TAKEN, SetGivenUp(BIAS, "the butler does not answer")), ()),
        # Looked at once more at the end of the run.
        ((*TAKEN, SetGivenUp(BIAS, "no answer"), ImageSetClosed(BIAS, (2, 3), (0,))), (2, 3)),
        ((*TAKEN, Verdicted("BIAS", False, "u/ocps/0b", "")), ()),
        ((*TAKEN, Verdicted("BIAS", False, "u/ocps/0b", "", judged=False)), (2, 3)),
    ],
)
def test_which_images_are_offered(happened: tuple[Event, ...], offered: tuple[int, ...]) -> None:
    config = resumption(state_of((PLAN, *happened, STOPPED)), GIVEN).config
    assert config.get("exposures", {}) == ({"BIAS": [*offered]} if offered else {})


def test_nothing_is_offered_where_all_images_were_taken_back() -> None:
    happened = (*TAKEN, ImageSetClosed(BIAS, (2, 3), (0,)), ImageArrived(2, 0, 2), ImageArrived(3, 0, 1))
    state = state_of((PLAN, *happened, Ended(RunOutcome.FAILED)))
    assert state.taken_back(state.sets_behind("BIAS")) == {(2, 0), (3, 0)}
    assert to_resume(state, GIVEN) is None


def test_a_product_is_made_from_what_the_jobs_of_the_run_read() -> None:
    plan = replace(PLAN, made_from={"DEFECTS": (), "DARK": ("DEFECTS",), "FLAT": ("DARK",)})
    assert state_of([plan]).origins("FLAT") == ("DARK", "DEFECTS")
    assert state_of([plan]).origins("DEFECTS") == ()


def test_where_a_record_does_not_say_what_was_read_the_table_of_products_does() -> None:
    assert state_of([PLAN]).origins("DEFECTS") == ("BIAS", "DARK", "FLAT")
    assert state_of([PLAN]).origins("a product of another version") == ()


def test_flats_that_lack_pairs_are_taken_again() -> None:
    plan = Planned((PlannedSet(FLAT, 2),), (StepId(Action.GENERATE, "PTC"),))
    taken = (ExposureTaken(FLAT, 1, 1.0, False), ExposureTaken(FLAT, 2, 1.0, False))
    state = state_of((plan, *taken, TooFewPairs(StepId(Action.GENERATE, "PTC")), STOPPED))
    assert resumption(state, GIVEN).taken == ("2 flats",)
    assert to_resume(state, GIVEN) is None


@pytest.mark.parametrize("event", [Doubtful("BIAS", "c"), CertificationRefused("BIAS", "c")])
def test_a_collection_that_holds_something_is_not_offered_again(event: Event) -> None:
    assert resumption(state_of((PLAN, *TAKEN, event)), GIVEN).config["calib_collection"] == "c.resumed"


def test_exposures_that_exist_stay_named_where_nothing_of_them_was_looked_at() -> None:
    given = {"exposures": {"BIAS": ["2..3"]}}
    refused = state_of([Planned((PlannedSet(BIAS, 2, 0, (2, 3)),), (BIAS_MADE,)), Ended(RunOutcome.FAILED)])
    assert resumption(refused, given).config == {"exposures": {"BIAS": [2, 3]}}
    assert to_resume(refused, given) is None
    # It ended before it had a plan.
    assert resumption(RunState(), given).config == given


def test_images_are_there_that_arrived_or_were_found() -> None:
    arrived = [ImageArrived(exposure, detector, 0) for exposure in (2, 3) for detector in range(3)]
    bad = ImageArrived(3, 3, 1, "no header")
    taken = state_of((PLAN, *TAKEN, ImageArrived(1, 0, 0), *arrived, bad))
    assert taken.arrivals(BIAS) == {2: {0, 1, 2}, 3: {0, 1, 2}}
    assert taken.n_images(BIAS) == 6
    assert taken.n_images(DARK) == 0
    adopted = (Planned((PlannedSet(DARK, 2, 0, (2, 3)),), ()), ExposuresAdopted(DARK, (2, 3)))
    assert state_of(adopted).n_images(DARK) == 0
    assert state_of((*adopted, ImageSetClosed(DARK, (2, 3), (0, 1)))).n_images(DARK) == 4


# Records of earlier layouts.


@pytest.mark.parametrize("layout", [1, 2])
def test_records_of_earlier_layouts_say_what_happened(layout: int) -> None:
    def read(name: str) -> RunState:
        return read_record(RECORDS / f"layout_{layout}_{name}.jsonl").state

    failed = read("failed-verification")
    assert failed.outcome is RunOutcome.FAILED
    assert [*failed.certified] == ["BIAS"]
    assert failed.standing(StepId(Action.VERIFY, "DARK")) is StepStanding.FAILED
    assert not_certified(failed) == {"DARK": "it failed verification", "FLAT": "a step it needs failed"}
    assert to_resume(failed, GIVEN) is None

    stopped = read("stopped")
    assert headline_of_run(stopped).startswith(
        "STOPPED: 15 images taken, 2 products certified, 2 steps aborted, 2 steps not started, 0 failures"
    )
    offered = to_resume(stopped, GIVEN)
    assert offered is not None
    assert {name: len(ids) for name, ids in offered.config["exposures"].items()} == {
        "BIAS": 4,
        "DARK": 4,
        "FLAT": 4,
    }
    assert offered.config["calib_collection"] == "LATISS/calib/daily/test.resumed"

    job = read("failed-job")
    assert re.fullmatch(r"GENERATE DARK: the job failed with exit code 1 .*", *job.failures)
    step = job.step(StepId(Action.GENERATE, "DARK"))
    assert step.job is not None
    assert (step.job.outcome, step.job.exit_code) == (JobOutcome.FAILED, 1)
    assert resumption(job, GIVEN).taken == ("5 flats (first 1 discarded)",)

    lost = read("images-lost")
    assert lost.outcome is RunOutcome.DONE
    assert len(lost.sets[BIAS].left_out) == 1
    assert lost.is_complete


@pytest.mark.parametrize("path", sorted(RECORDS.glob("layout_*.jsonl")), ids=lambda path: path.stem)
def test_a_record_of_an_earlier_layout_may_break_off_anywhere(path: Path, tmp_path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    whole = read_record(path).state
    for number in range(1, len(lines), 3):
        broken = tmp_path / path.name
        broken.write_text("".join(lines[:number]))
        state = read_record(broken).state
        assert state.outcome is RunOutcome.UNFINISHED
        assert {*state.certified} <= {*whole.certified}
        assert all(
            state.sets[name].kept == whole.sets[name].kept[: len(s.kept)] for name, s in state.sets.items()
        )
        assert run_summary(state, "a.py", GIVEN)
