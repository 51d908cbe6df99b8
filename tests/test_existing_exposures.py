"""The property ``exposures``: images that exist already are processed instead of new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_table_stages import EVENING
from scripts_over import LatissInMemory

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.events.events import Event, ExposureTaken, ImageSetClosed, Warned
from lsst.ts.calibscripts.ground.text import exposures_of
from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import (
    MemoryButler,
    MemoryIngest,
    MemoryRepository,
    MemoryRunner,
    Trouble,
    reference_calibrations,
)

RED, GREEN = "SDSSr_65mm~empty", "SDSSg_65mm~empty"
DAY = 20260917_00000


def ids(first: int, last: int) -> list[int]:
    return [DAY + number for number in range(first, last + 1)]


BIASES, DARKS, FLATS = ids(1, 4), ids(5, 7), ids(8, 13)
GREEN_FLAT = FLATS[-1]
TIMES = dict(zip(FLATS, (1.0, 1.0, 2.0, 2.0, 3.0, 3.0), strict=True))


@dataclass
class Run:
    """How a run ended, and what was told of it."""

    outcome: Outcome
    log: list[LogLine]
    events: list[Event]
    queries: list[str]
    certified: list[str]

    @property
    def n_taken(self) -> int:
        return sum(isinstance(event, ExposureTaken) for event in self.events)

    @property
    def text(self) -> str:
        return "\n".join(line.message for line in self.log)


def taken_before(lost: Sequence[int], without_file: Sequence[int] = ()) -> MemoryButler:
    """Return a butler with the exposures of the night before; some were not ingested, the files of some are gone."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,))
    for image_type, exposures in (("BIAS", BIASES), ("DARK", DARKS), ("FLAT", FLATS)):
        for exposure in exposures:
            seconds = TIMES.get(exposure, 5.0 if image_type == "DARK" else 0.0)
            physical_filter = GREEN if exposure == GREEN_FLAT else RED
            butler.add_exposure("LATISS", ExposureRecord(exposure, image_type, seconds, physical_filter))
            if exposure not in lost:
                value = FileNotFoundError() if exposure in without_file else 1000 * seconds
                butler.put("raw", "LATISS/raw/all", "LATISS", detector=0, exposure=exposure, value=value)
    return butler


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


async def run_with(
    exposures: Mapping[str, Sequence[int]],
    lost: Sequence[int] = (),
    without_file: Sequence[int] = (),
    troubles: tuple[Trouble, ...] = (),
    observers: Sequence[Callable[[Event], None]] = (),
    repository: type[MemoryRepository] = MemoryRepository,
    **config: Any,
) -> Run:
    butler, log, events = taken_before(lost, without_file), [], []

    make = LatissInMemory.over(repository(butler, troubles))

    ingest, runner = MemoryIngest(butler), MemoryRunner(butler)
    async with Summit("memory", ["LATISS"], start=EVENING, ingest=ingest, runner=runner) as summit:
        given = {"script_mode": "_".join(exposures), "generate_calibrations": True, **config}
        outcome = await ScriptQueue(log.append).run(
            "auxtel/make_latiss_calibrations.py",
            yaml.safe_dump({"repo": "/repo/LATISS", "exposures": dict(exposures), **given}),
            observers=[*observers, events.append],
            make=make,
        )
        queries = [job.data_query for job in summit.jobs]
    certified = [one.dataset.dataset_type for one in butler.associations("LATISS/calib/daily")]
    return Run(outcome, log, events, queries, certified)


async def test_they_are_processed_and_none_is_taken() -> None:
    run = await run_with({"BIAS": BIASES, "DARK": DARKS, "FLAT": FLATS[:4]})
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert run.n_taken == 0
    assert run.certified == ["bias", "dark", "flat"]
    assert any(query.endswith(f"exposure IN ({','.join(map(str, BIASES))})") for query in run.queries)
    closed = {event.image_type: event.exposures for event in run.events if isinstance(event, ImageSetClosed)}
    assert closed == {"BIAS": tuple(BIASES), "DARK": tuple(DARKS), "FLAT": tuple(FLATS[:4])}


@pytest.mark.parametrize("gone", [BIASES[:1], BIASES[1:3]])
async def test_a_raw_image_without_a_file_costs_no_exposure(gone: list[int]) -> None:
    run = await run_with({"BIAS": BIASES, "DARK": []}, without_file=gone, n_dark=3, exp_times_dark=5)
    assert (run.outcome.state, run.n_taken, run.queries) == (ScriptState.FAILED, 0, [])
    which = f"exposures: the BIAS raw images of {exposures_of(gone)} of detector 0 have no file"
    assert which in run.outcome.reason


async def test_raw_images_that_cannot_be_seen_from_here_are_a_warning() -> None:
    run = await run_with({"BIAS": BIASES}, without_file=BIASES)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    warned = [e.message for e in run.events if isinstance(e, Warned) and "cannot be seen" in e.message]
    assert len(warned) == 1
    assert warned[0].startswith(
        "Most raw images listed in the property exposures cannot be seen from this machine"
    )


async def test_a_type_without_files_is_refused_where_most_images_have_theirs() -> None:
    run = await run_with({"BIAS": BIASES, "DARK": DARKS, "FLAT": FLATS[:4]}, without_file=BIASES)
    assert (run.outcome.state, run.queries) == (ScriptState.FAILED, [])
    assert f"the BIAS raw images of {exposures_of(BIASES)} of detector 0 have no file" in run.outcome.reason


async def test_types_that_are_not_listed_are_taken() -> None:
    run = await run_with({"BIAS": BIASES, "DARK": [], "FLAT": []}, n_dark=3, exp_times_dark=5, n_flat=2)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    taken = [event.image_type for event in run.events if isinstance(event, ExposureTaken)]
    assert taken == ["DARK"] * 4 + ["FLAT"] * 3
    assert run.certified == ["bias", "dark", "flat"]


@pytest.mark.parametrize(
    ("exposures", "config", "words"),
    [
        (
            {"BIAS": [*BIASES, *ids(90, 90)]},
            {},
            f"LATISS has no exposure {ids(90, 90)[0]} (listed under BIAS)",
        ),
        ({"BIAS": [*BIASES, DARKS[0]]}, {}, f"{DARKS[0]} is a DARK, but listed under BIAS"),
        ({"FLAT": [*FLATS]}, {}, f"flats of several filters, {GREEN}, {RED}: name those of one filter"),
        (
            {"BIAS": BIASES, "DARK": DARKS, "FLAT": FLATS[1:4]},
            {"do_ptc": True},
            "do_ptc needs pairs of consecutive flats of at least 3 different exposure times, among those listed are "
            "pairs of 1 only.",
        ),
        (
            {"FLAT": [FLATS[0], FLATS[2]]},
            {"do_gain_from_flat_pairs": True},
            "do_gain_from_flat_pairs needs two consecutive flats of equal time; none are listed",
        ),
        (
            {"FLAT": FLATS[:4]},
            {"filter": "SDSSg_65mm"},
            f"expected flats in SDSSg_65mm~any, found {RED} ({FLATS[0]}..{FLATS[3]})",
        ),
        (
            {"FLAT": FLATS[:4]},
            {"filter": "SDSSr_65mm", "grating": "holo4_003"},
            f"expected flats in SDSSr_65mm~holo4_003, found {RED}",
        ),
        (
            {"FLAT": FLATS[:4]},
            {"flat_counts_min": 10_000},
            "the first flats are too low: 1000 ADU, flat_counts_min is 10000. Name other flats",
        ),
        (
            {"FLAT": FLATS[:4]},
            {"flat_counts_max": 500},
            "the first flats are too high: 1000 ADU, flat_counts_max is 500",
        ),
        (
            {"DARK": DARKS},
            {"exp_times_dark": 30},
            f"only 0 of 3 exposures and 1 of 1 detectors can be used. DARK exposures {DARKS[0]}..{DARKS[-1]}: "
            "exposure time 5 s instead of 30 s",
        ),
    ],
    ids=[
        "unknown",
        "another type",
        "two filters",
        "one pair",
        "no pair for gains",
        "another filter",
        "another grating",
        "too dark",
        "too bright",
        "other times",
    ],
)
async def test_what_does_not_fit_is_refused_before_anything_starts(
    exposures: dict[str, list[int]], config: dict[str, Any], words: str
) -> None:
    run = await run_with(exposures, **config)
    assert run.outcome.state is ScriptState.FAILED
    assert words in run.outcome.reason
    assert (run.n_taken, run.queries, run.certified) == (0, [], [])


async def test_too_few_raw_images_are_refused_before_anything_starts() -> None:
    run = await run_with({"BIAS": BIASES}, lost=BIASES[:3])
    assert run.outcome.state is ScriptState.FAILED
    assert (
        f"exposures: not enough BIAS raw images in the repository: only 1 of 4 exposures ({BIASES[3]}) and 1 of 1 "
        "detectors can be used." in run.outcome.reason
    )
    assert run.queries == []


async def test_one_without_a_raw_image_is_left_out() -> None:
    run = await run_with({"BIAS": BIASES}, lost=BIASES[:1])
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert f"BIAS exposure {BIASES[0]} is not in the repository and is left out." in run.text
    assert all(str(BIASES[0]) not in query for query in run.queries)


async def test_one_of_another_time_than_asked_for_is_left_out() -> None:
    """And what it costs is said: a pair of flats."""
    run = await run_with({"FLAT": FLATS[:5]}, exp_times_flat=[1, 1, 1, 2, 2, 2], n_flat=6)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert f"FLAT exposure {FLATS[4]} is left out: exposure time 3 s instead of 1 or 2 s." in run.text
    assert all(str(FLATS[4]) not in query for query in run.queries)
    run = await run_with({"FLAT": FLATS[:4]}, lost=FLATS[1:2])
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert "GENERATE GAIN: only 1 of 2 planned flat pairs can be used." in run.text


async def test_times_that_nobody_gave_are_not_asked_for() -> None:
    """The default of the darks is none of theirs."""
    run = await run_with({"FLAT": FLATS[:4]}, filter="SDSSr_65mm", flat_counts_min=500, flat_counts_max=5000)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert run.certified == ["flat"]


async def test_flats_without_a_pair_give_no_gain() -> None:
    run = await run_with({"FLAT": [FLATS[0], FLATS[2]]})
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert "No two consecutive flats have the same exposure time: no gain is estimated." in run.text
    assert run.certified == ["flat"]


async def test_a_butler_that_fails_costs_the_set_and_no_other() -> None:
    """The second look at the biases fails; the first was before the start."""
    troubles = (Trouble("ingested", at=2, error=RepositoryError("the registry is busy")),)
    run = await run_with({"BIAS": BIASES, "DARK": []}, troubles=troubles, n_dark=3, exp_times_dark=5)
    assert run.outcome.state is ScriptState.FAILED
    assert "The biases could not be looked up in the butler: the registry is busy." in run.outcome.reason
    assert run.certified == []


async def test_a_level_after_correction_that_cannot_be_read_is_a_warning() -> None:
    troubles = (Trouble("residual", error=RepositoryError("no such file")),)
    run = await run_with({"BIAS": BIASES}, troubles=troubles, bias_dark_counts_max=1.0)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert "The level of the corrected BIAS images could not be read: no such file" in run.text
    assert run.certified == ["bias"]


@pytest.mark.parametrize("existing", [False, True])
async def test_flats_of_which_no_level_can_be_read_are_not_used(existing: bool) -> None:
    troubles = (Trouble("level", count=20, error=RepositoryError("no such file")),)
    given: dict[str, Any] = {"flat_counts_min": 1, "flat_counts_max": 2}
    run = await run_with({"FLAT": FLATS[:4] if existing else []}, troubles=troubles, n_flat=2, **given)
    assert run.outcome.state is ScriptState.FAILED
    assert (
        "level of the flats is unknown, so flat_counts_min and flat_counts_max could not"
        in run.outcome.reason
    )
    assert "no such file" in run.outcome.reason
    assert (run.n_taken, run.queries, run.certified) == (0 if existing else 3, [], [])


@pytest.mark.parametrize("existing", [False, True])
async def test_the_first_flats_whose_level_can_be_read_are_compared(existing: bool) -> None:
    """The levels of the first two flats cannot be read, those of all others are too low."""
    troubles = (Trouble("level", count=2, error=RepositoryError("no such file")),)
    exposures = {"FLAT": FLATS[:4] if existing else []}
    times = [1, 1, 2, 2]
    run = await run_with(exposures, troubles=troubles, n_flat=4, exp_times_flat=times, flat_counts_min=1e6)
    assert run.outcome.state is ScriptState.FAILED
    assert "first flats are too low" in run.outcome.reason
    assert (run.queries, run.certified) == ([], [])


async def test_whoever_looks_on_cannot_harm_the_run() -> None:
    def fail(event: Event) -> None:
        raise ValueError("what is this?")

    run = await run_with({"BIAS": BIASES}, observers=[fail])
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert run.certified == ["bias"]
    assert "An observer failed on" in run.text


async def test_a_database_that_fails_before_the_start_refuses_the_run() -> None:
    run = await run_with({"BIAS": BIASES}, troubles=(Trouble("exposures", error=OSError("no space left")),))
    assert run.outcome.state is ScriptState.FAILED
    assert "Butler repository /repo/LATISS cannot be read: " in run.outcome.reason
    assert "no space left" in run.outcome.reason
    assert run.queries == []


class Bright(MemoryRepository):
    """A repository whose corrected images have a level."""

    def residual(self, run: str, dataset_type: str) -> float | None:
        return 7.5


@pytest.mark.parametrize(("limit", "warned"), [(7.0, True), (8.0, False)])
async def test_biases_that_are_bright_after_correction_are_warned_of(limit: float, warned: bool) -> None:
    run = await run_with({"BIAS": BIASES}, repository=Bright, bias_dark_counts_max=limit)
    assert run.outcome.state is ScriptState.DONE, run.outcome.reason
    assert ("BIAS images have 7.5 ADU after correction" in run.text) is warned


async def test_flats_that_are_too_dark_are_not_processed() -> None:
    run = await run_with({"FLAT": []}, n_flat=2, exp_times_flat=1, flat_counts_min=1e6)
    assert run.outcome.state is ScriptState.FAILED
    assert "flat_counts_min" in run.outcome.reason
    assert (run.queries, run.certified) == ([], [])
