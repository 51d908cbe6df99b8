"""Arrivals in the OODS: which exposures and detectors of a set go on."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest

from lsst.ts.calibscripts.config import exposure_id
from lsst.ts.calibscripts.events.events import ImageArrived
from lsst.ts.calibscripts.events.images import ImageSet, judge
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.preflight.times import spans
from lsst.ts.calibscripts.repository import ExposureRecord
from lsst.ts.calibscripts.run.taking.arrivals import Arrivals

NAMES = {("R22", "S00"): 0, ("R22", "S01"): 1}


def sample(seq: int, sensor: str = "S00", status: int = 0, raft: str = "R22") -> SimpleNamespace:
    return SimpleNamespace(
        obsid=f"CC_O_20260918_{seq:06d}", raft=raft, sensor=sensor, statusCode=status, description="text"
    )


@pytest.mark.parametrize(
    ("obsid", "expected"),
    [
        ("AT_O_20260918_000042", 2026091800042),
        ("MC_O_20260918_100001", 2026091800001),
        ("AT_P_20260918_000042", None),
        (" CC_O_20260918_000001 ", 2026091800001),
        ("", None),
        ("AT_O_20260918", None),
        ("GC1234", None),
        ("AT_O_20260918_000042_R00", None),
    ],
)
def test_exposure_id(obsid: str, expected: int | None):
    assert exposure_id(obsid) == expected


@pytest.mark.parametrize(
    ("missing", "exposures", "detectors", "complete"),
    [
        (set(), (1, 2, 3, 4), (0, 1, 2), True),
        ({(1, 0)}, (2, 3, 4), (0, 1, 2), True),
        # Half of the set is not more than half: what loses less is left out instead.
        ({(1, 0), (2, 1)}, (1, 3, 4), (1, 2), True),
        ({(1, 0), (2, 0)}, (1, 2, 3, 4), (1, 2), True),
        ({(1, 0), (2, 1), (3, 2)}, (4,), (0, 1, 2), False),
        ({(1, 0), (2, 0), (3, 0)}, (1, 2, 3, 4), (1, 2), True),
        ({(e, d) for e in (1, 2, 3) for d in (0, 1)}, (1, 2, 3, 4), (2,), False),
        ({(e, d) for e in (1, 2, 3, 4) for d in (0, 1, 2)}, (), (0, 1, 2), False),
    ],
)
def test_judge(
    missing: set[tuple[int, int]], exposures: tuple[int, ...], detectors: tuple[int, ...], complete: bool
):
    asked = {(e, d) for e in (1, 2, 3, 4) for d in (0, 1, 2)}
    found = judge((1, 2, 3, 4), (0, 1, 2), asked - missing)
    assert (found.exposures, found.detectors, found.complete) == (exposures, detectors, complete)
    assert set(found.exposures) | set(found.left_out_exposures) == {1, 2, 3, 4}
    assert set(found.detectors) | set(found.left_out_detectors) == {0, 1, 2}


def test_one_of_one():
    assert judge([7], [0], {(7, 0)}).complete
    assert not judge([7], [0], set()).complete


class Collector:
    """Arrivals of two detectors, and what they told."""

    def __init__(self) -> None:
        self.told: list[ImageArrived] = []
        self.arrivals = Arrivals(
            lambda raft, sensor: NAMES.get((raft, sensor)), (0, 1), self.told.append, "CC"
        )

    async def note(self, *samples: SimpleNamespace) -> None:
        for one in samples:
            await self.arrivals.note(one)


A, B = 2026091800001, 2026091800002


async def test_arrivals_before_the_wait_and_out_of_order_are_not_lost():
    collector = Collector()
    await collector.note(sample(2, "S01"), sample(1))
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(collector.arrivals.wait([A, B], [0, 1], timeout=5))
        await asyncio.sleep(0)
        await collector.note(sample(2), sample(2), sample(1, "S01"))
    assert waiting.result() == ImageSet((A, B), (0, 1), (), ())


async def test_foreign_images_and_detectors_not_asked_for_are_ignored():
    collector = Collector()
    await collector.note(
        sample(1, "S02"),
        sample(1, raft="R01"),
        SimpleNamespace(**{**vars(sample(1)), "obsid": "x"}),
        SimpleNamespace(**{**vars(sample(1)), "obsid": "MC_O_20260918_000001"}),
    )
    assert collector.told == []
    await collector.note(sample(77), sample(1), sample(1, "S01"))
    found = await collector.arrivals.wait([A], [0, 1], timeout=5)
    assert found.exposures == (A,)


async def test_a_bad_status_ends_the_wait_at_once_and_a_good_one_after_it_counts():
    collector = Collector()
    await collector.note(sample(1, status=1), sample(1, "S01"))
    found = await collector.arrivals.wait([A], [0, 1], timeout=1e9)
    assert found == ImageSet((A,), (1,), (), (0,))
    assert not found.complete
    assert [bad.status_code for bad in collector.arrivals.bad([A])] == [1]
    await collector.note(sample(1))
    assert (await collector.arrivals.wait([A], [0, 1], timeout=1e9)).exposures == (A,)
    assert collector.arrivals.bad([A]) == ()


@pytest.mark.parametrize("words", [*itertools.product([0, 1, 2], repeat=3)])
async def test_the_last_word_on_an_image_counts(words: tuple[int, ...]):
    collector = Collector()
    await collector.note(*(sample(1, status=status) for status in words), sample(1, "S01"))
    found = await collector.arrivals.wait([A], [0, 1], timeout=5)
    assert found.complete is (words[-1] == 0)
    assert [arrival.status_code for arrival in collector.arrivals.bad([A])] == [*filter(None, words[-1:])]


async def test_what_does_not_come_is_left_out_after_the_timeout():
    collector = Collector()
    loop = asyncio.get_running_loop()
    await collector.note(sample(1), sample(1, "S01"), sample(2))
    begin = loop.time()
    found = await collector.arrivals.wait([A, B], [0, 1], timeout=120)
    assert loop.time() - begin == pytest.approx(120, abs=0.1)
    assert found == ImageSet((A,), (0, 1), (B,), ())
    assert not found.complete


def test_when_exposures_were_taken():
    known = ExposureRecord(
        2026091800042, "BIAS", 0.0, "r", TimeRange.of("2026-09-18T20:00:00", "2026-09-18T20:00:02")
    )
    unknown = ExposureRecord(2026022800001, "BIAS", 0.0, "r")
    assert spans([known, unknown]) == (
        known.taken,
        TimeRange.of("2026-02-28T12:00:00", "2026-02-28T12:00:01"),
    )
