"""What the butler knows of the images of a set: what goes on, what is left out, and when nothing may be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sparing_choices import kept_at_most

from lsst.ts.calibscripts.errors import FlatLevelError
from lsst.ts.calibscripts.preflight.examining import Asked, Examined, Group, compare, examine
from lsst.ts.calibscripts.preflight.window import Window
from lsst.ts.calibscripts.repository import ExposureRecord, Signal
from lsst.ts.calibscripts.tables.instruments import filter_fits
from lsst.ts.calibscripts.tables.products import ImageType
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryRepository

FIRST = 2026091800001
R, G = "SDSSr_65mm~empty", "SDSSg_65mm~empty"


def compared(
    image_type: str, told: Sequence[tuple[str, float, str]], *, time: float | None = None, **asked: object
) -> Examined:
    """Compare a set, all of whose images of one detector were ingested, with what the butler says of it."""
    records = [ExposureRecord(FIRST + number, *each) for number, each in enumerate(told)]
    ids = tuple(record.id for record in records)
    times = {} if time is None else dict.fromkeys(ids, (time,))
    asked_for = Asked(ImageType(image_type), ids, (0,), times=times, **asked)  # type: ignore[arg-type]
    return compare(asked_for, {(exposure, 0) for exposure in ids}, records)


@pytest.mark.parametrize(
    ("image_type", "told", "words"),
    [
        ("BIAS", [("BIAS", ""), ("BIAS", "")], ""),
        ("BIAS", [("BIAS", "r_03"), ("BIAS", "g_01")], ""),
        ("BIAS", [("UNKNOWN", ""), ("", "")], ""),
        (
            "DARK",
            [("DARK", ""), ("BIAS", "")],
            "The darks are given up: 2026091800002 is of type BIAS, so somebody",
        ),
        ("FLAT", [("FLAT", "r_03"), ("FLAT", "r_03")], ""),
        (
            "FLAT",
            [("FLAT", "r_03"), ("FLAT", "g_01")],
            "the filter was changed while they were taken: they have g_01 and",
        ),
    ],
)
def test_images_that_cannot_be_ours(image_type: str, told: list[tuple[str, str]], words: str) -> None:
    examined = compared(image_type, [(kind, 5.0, filter_) for kind, filter_ in told])
    assert words in str(examined.refused or "")
    assert (examined.refused is None) == (not words)
    assert (examined.found.exposures == ()) == bool(words)


@given(
    image_type=st.sampled_from(["BIAS", "DARK", "FLAT"]),
    time=st.sampled_from([0.0, 2.0, 5.0, 30.0]),
    told=st.lists(
        st.tuples(
            st.sampled_from(["BIAS", "DARK", "FLAT", "FLAT", "UNKNOWN", "ENGTEST"]),
            st.sampled_from([0.0, 1.998, 2.0, 2.004, 2.2, 5.0, 30.0, math.nan]),
            st.sampled_from([R, R, R, G, "unknown~empty", ""]),
        ),
        min_size=1,
        max_size=8,
    ),
    existing=st.booleans(),
)
def test_no_exposure_goes_on_that_contradicts_what_was_asked_for(
    image_type: str, time: float, told: list[tuple[str, float, str]], existing: bool
) -> None:
    asked: dict[str, object] = {"physical_filter": ("SDSSr_65mm", None)} if image_type == "FLAT" else {}
    examined = compared(image_type, told, time=time, existing=existing, **asked)
    found = examined.found
    assert sorted([*found.exposures, *found.left_out_exposures]) == [
        FIRST + number for number in range(len(told))
    ]
    for exposure in found.exposures:
        kind, seconds, physical_filter = told[exposure - FIRST]
        assert kind in (image_type, "UNKNOWN")
        assert abs(seconds - time) <= 0.005
        assert image_type != "FLAT" or physical_filter == R
    # And nothing is left out, or refused, that fits.
    fits = [
        kind in (image_type, "UNKNOWN")
        and abs(seconds - time) <= 0.005
        and (image_type != "FLAT" or name == R)
        for kind, seconds, name in told
    ]
    if all(fits):
        assert len(found.exposures) == len(told)
    if examined.refused is None:
        unfit = {exposure for exposures in examined.why.values() for exposure in exposures}
        assert unfit == {FIRST + number for number, fit in enumerate(fits) if not fit}


def test_why_an_exposure_is_left_out() -> None:
    told = [("FLAT", 2.0, R), ("FLAT", 3.0, R), ("FLAT", math.nan, R), ("FLAT", 2.0, "unknown~unknown")]
    examined = compared("FLAT", told, time=2.0)
    assert examined.why == {
        "exposure time 3 s instead of 2 s": (FIRST + 1,),
        "the repository does not know the exposure time": (FIRST + 2,),
        "the repository does not know the filter": (FIRST + 3,),
    }
    assert not examined.found.complete


@pytest.mark.parametrize("existing", [False, True])
def test_a_wrong_filter_is_named_with_the_one_that_was_expected(existing: bool) -> None:
    told = [("FLAT", 2.0, G)] * 3
    examined = compared("FLAT", told, physical_filter=tuple(R.split("~")), existing=existing)
    assert "SDSSr_65mm~empty" in str(examined.refused)
    assert "SDSSg_65mm~empty" in str(examined.refused)


@pytest.mark.parametrize(
    ("found", "asked", "fits"),
    [
        (R, (), True),
        (R, ("SDSSr_65mm", None), True),
        (R, (None, "empty_1"), True),
        (R, ("SDSSr_65mm", "holo4_003"), False),
        (G, ("SDSSr_65mm", None), False),
        ("empty~empty", ("empty_2", "empty_1"), True),
        ("r_03", ("r_03",), True),
        ("r_03", ("g_01",), False),
        ("r_03", ("r_03", None), False),
    ],
)
def test_filters_are_compared_by_what_is_asked_of_them(
    found: str, asked: tuple[str | None, ...], fits: bool
) -> None:
    assert filter_fits(found, asked) is fits


@pytest.mark.parametrize(
    ("levels", "low", "high", "words"),
    [
        ([20_000.0], 10_000.0, None, ""),
        ([200.0], 10_000.0, None, "The first flats are too low: 200 ADU, flat_counts_min is 10000"),
        ([200_000.0], None, 110_000.0, "The first flats are too high: 200000 ADU, flat_counts_max is 110000"),
        ([math.nan, 200.0, math.nan], 10_000.0, None, "too low: 200 ADU"),
        ([math.nan, 20_000.0, 200.0], 10_000.0, None, ""),
        (
            [math.nan, math.inf],
            10_000.0,
            110_000.0,
            "The level of the flats is unknown, so flat_counts_min and",
        ),
        ([None, None, 200.0], 10_000.0, None, "too low: 200 ADU"),
        ([None], 10_000.0, None, "could not be checked and the flats are not used"),
    ],
)
def test_limits_are_applied_to_the_first_flats_that_have_a_level(
    levels: list[float | None], low: float | None, high: float | None, words: str
) -> None:
    butler = MemoryButler()
    ids = tuple(FIRST + number for number in range(len(levels)))
    for exposure, level in zip(ids, levels, strict=True):
        butler.add_exposure("LATISS", ExposureRecord(exposure, "FLAT", 2.0, R))
        value = "nothing that is a level" if level is None else level
        butler.put("raw", "LATISS/raw/all", "LATISS", detector=0, exposure=exposure, value=value)
    asked = Asked(ImageType.FLAT, ids, (0,), window=Window(low, high))
    examined = examine(MemoryRepository(butler), "LATISS", asked)
    assert words in str(examined.refused or "")
    assert isinstance(examined.refused, FlatLevelError) == bool(words)
    assert (examined.found.exposures == ()) == bool(words)


@pytest.mark.parametrize(
    ("levels", "times", "low", "high", "left_out"),
    [
        ([2e4, 2e4, 200, 2e4], 2.0, 1e4, None, {"200 ADU, flat_counts_min is 10000": (2,)}),
        ([2e4, 200, 300, 2e4, 2e4], 2.0, 1e4, None, {"200 to 300 ADU, flat_counts_min is 10000": (1, 2)}),
        (
            [2e4, 9e4, 200, 2e4, 2e4],
            2.0,
            1e4,
            5e4,
            {"200 ADU, flat_counts_min is 10000": (2,), "90000 ADU, flat_counts_max is 50000": (1,)},
        ),
        # Flats of other times are meant to be darker, or brighter.
        ([2e4, 2e4, 5e3, 5e3, 9e4], (2.0, 2.0, 0.5, 0.5, 9.0), 1e4, 5e4, {}),
        ([2e4, math.nan, 2e4], 2.0, 1e4, None, {}),
        (
            [2e4, 200, 200, 200],
            2.0,
            1e4,
            None,
            {"200 ADU, flat_counts_min is 10000": (1, 2, 3)},
        ),
    ],
)
def test_flats_outside_the_limits_are_left_out(
    levels: list[float],
    times: float | tuple[float, ...],
    low: float,
    high: float | None,
    left_out: dict[str, tuple[int, ...]],
) -> None:
    butler, ids = MemoryButler(), tuple(FIRST + number for number in range(len(levels)))
    seconds = times if isinstance(times, tuple) else (times,) * len(levels)
    for exposure, level, time in zip(ids, levels, seconds, strict=True):
        butler.add_exposure("LATISS", ExposureRecord(exposure, "FLAT", time, R))
        butler.put("raw", "LATISS/raw/all", "LATISS", detector=0, exposure=exposure, value=level)
    asked = Asked(ImageType.FLAT, ids, (0,), window=Window(low, high))
    examined = examine(MemoryRepository(butler), "LATISS", asked)
    assert examined.refused is None
    assert examined.why == {why: tuple(FIRST + n for n in numbers) for why, numbers in left_out.items()}
    gone = {exposure for exposures in examined.why.values() for exposure in exposures}
    assert examined.found.exposures == tuple(exposure for exposure in ids if exposure not in gone)
    assert examined.found.complete == (2 * len(gone) < len(ids))


def test_a_flat_of_noise_is_not_a_flat() -> None:
    signals = {1: Signal(2e4, 130.0), 2: Signal(1000.0, 30.0), 3: Signal(900.0, 30.0), 4: Signal(5000.0)}
    found = Window(None, 1e5).unfit(signals, dict.fromkeys(signals, 2.0))
    assert found == {"signal over noise is 30 to 33, at least 50 is needed": (2, 3)}


def test_what_is_known_is_not_read_again() -> None:
    butler = MemoryButler()
    butler.add_exposure("LATISS", ExposureRecord(FIRST, "FLAT", 2.0, R))
    butler.put("raw", "LATISS/raw/all", "LATISS", detector=0, exposure=FIRST, value=2e4)
    asked = Asked(ImageType.FLAT, (FIRST,), (0,), window=Window(1e4, None), known={FIRST: Signal(3e4)})
    assert examine(MemoryRepository(butler), "LATISS", asked).levels.read == {FIRST: Signal(3e4)}


def test_a_detector_without_a_level_does_not_hide_another() -> None:
    butler = MemoryButler()
    butler.add_exposure("LSSTComCam", ExposureRecord(FIRST, "FLAT", 2.0, "r_03"))
    for detector, level in ((0, math.nan), (1, 200.0)):
        butler.put("raw", "LSSTComCam/raw/all", "LSSTComCam", detector=detector, exposure=FIRST, value=level)
    asked = Asked(ImageType.FLAT, (FIRST,), (0, 1), window=Window(10_000.0, None))
    assert "too low: 200 ADU" in str(examine(MemoryRepository(butler), "LSSTComCam", asked).refused)


@given(
    conditions=st.lists(
        st.sampled_from(["good", "good", "good", "of another time", "unknown", "too dark"]),
        min_size=1,
        max_size=6,
    ),
    n_detectors=st.integers(1, 4),
    data=st.data(),
)
def test_a_set_goes_on_with_what_fits_whatever_else_is_wrong_with_it(
    conditions: list[str], n_detectors: int, data: st.DataObject
) -> None:
    butler, detectors = MemoryButler(), range(n_detectors)
    exposures = range(FIRST, FIRST + len(conditions))
    state = dict(zip(exposures, conditions, strict=True))
    images = list(product(exposures, detectors))
    missing = data.draw(st.sets(st.sampled_from(images), max_size=len(images) // 2))
    for exposure, condition in state.items():
        if condition != "unknown":
            time = 30.0 if condition == "of another time" else 2.0
            butler.add_exposure("LSSTComCam", ExposureRecord(exposure, "FLAT", time, "r_03"))
    for exposure, detector in images:
        if (exposure, detector) not in missing:
            level = 200.0 if state[exposure] == "too dark" else 2e4
            butler.put(
                "raw", "LSSTComCam/raw/all", "LSSTComCam", detector=detector, exposure=exposure, value=level
            )
    times = dict.fromkeys(exposures, (2.0,))
    asked = Asked(ImageType.FLAT, tuple(exposures), tuple(detectors), times=times, window=Window(1e4, None))
    examined = examine(MemoryRepository(butler), "LSSTComCam", asked)
    found = examined.found
    if examined.refused is not None:
        assert "too dark" in conditions
        return
    lost = missing | {(e, d) for e, d in images if state[e] != "good"}
    if found.complete:
        assert lost.isdisjoint(product(found.exposures, found.detectors))
    assert found.complete == bool(kept_at_most(exposures, detectors, lost))


OURS, THEIRS = "2026-09-18T20:00:00.000", "2026-09-18T20:00:07.000"


@given(
    groups=st.lists(
        st.sampled_from([OURS, OURS, OURS, THEIRS, "BLOCK-T17_100003", ""]), min_size=1, max_size=8
    )
)
def test_an_image_that_another_run_has_taken_never_goes_on_beside_ours(groups: list[str]) -> None:
    records = [ExposureRecord(FIRST + n, "BIAS", 0.0, "", group=group) for n, group in enumerate(groups)]
    ids = tuple(record.id for record in records)
    examined = compare(Asked(ImageType.BIAS, ids, (0,), group=Group(OURS)), {(e, 0) for e in ids}, records)
    kept = {groups[exposure - FIRST] for exposure in examined.found.exposures}
    if OURS in groups:
        assert kept <= {OURS, ""}
        assert {*examined.found.exposures} in ({r.id for r in records if r.group in (OURS, "")}, set())
        assert examined.other_groups == ()
    else:
        # Nothing tells whether this repository keeps the group ids that were given.
        assert len(examined.found.exposures) == len(groups)
        assert examined.other_groups == tuple(sorted({*groups} - {""}))


@pytest.mark.parametrize("beside", [OURS, THEIRS, ""])
def test_another_image_of_the_run_tells_that_none_of_a_set_is_ours(beside: str) -> None:
    records = [ExposureRecord(FIRST + n, "BIAS", 0.0, "", group=THEIRS) for n in range(3)]
    other = ExposureRecord(FIRST + 9, "DARK", 5.0, "", group=beside)
    ids = tuple(record.id for record in records)
    asked = Asked(ImageType.BIAS, ids, (0,), group=Group(OURS, (other.id,)))
    examined = compare(asked, {(e, 0) for e in ids}, [*records, other])
    assert examined.found.exposures == (() if beside == OURS else ids)
    assert (examined.refused, {*examined.times}) == (None, {*ids})


def test_what_has_no_group_among_ours_is_used_and_told() -> None:
    records = [ExposureRecord(FIRST + n, "BIAS", 0.0, "", group=OURS if n else "") for n in range(3)]
    ids = tuple(record.id for record in records)
    examined = compare(Asked(ImageType.BIAS, ids, (0,), group=Group(OURS)), {(e, 0) for e in ids}, records)
    assert (examined.found.exposures, examined.without_group) == (ids, (FIRST,))


def test_exposures_that_are_named_may_have_any_group() -> None:
    records = [ExposureRecord(FIRST, "BIAS", 0.0, "", group=OURS), ExposureRecord(FIRST + 1, "BIAS", 0.0, "")]
    records.append(ExposureRecord(FIRST + 2, "BIAS", 0.0, "", group=THEIRS))
    ids = tuple(record.id for record in records)
    examined = compare(Asked(ImageType.BIAS, ids, (0,), existing=True), {(e, 0) for e in ids}, records)
    assert (examined.found.exposures, examined.other_groups) == (ids, ())
