"""Which exposures `select` proposes."""

from dataclasses import replace

import pytest
from production_support import DAY, DAY_BEFORE, G, R, Y, frames, ids

from lsst.ts.calibscripts.production.selection.choosing import Wanted, choose, table

ALL = ("BIAS", "DARK", "FLAT", "DEFECTS", "PTC")
NIGHT = frames(
    DAY,
    [
        ("BIAS", [0.0] * 21, R),
        ("DARK", [5.0] * 3 + [30.0] * 18, R),
        ("FLAT", [4.0] * 21, G),
        ("FLAT", [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], R),
        ("BIAS", [0.0] * 4, R),
        ("FLAT", [3.0] * 26, R),
    ],
)
BEFORE = frames(DAY_BEFORE, [("BIAS", [0.0] * 12, R), ("FLAT", [4.0] * 3, G), ("FLAT", [9.0] * 3, G)])


def states(*nights, **keywords: str) -> dict[int, dict[str, str]]:
    return {frame.id: {"SEQFILE": "v30", **keywords} for night in nights for frame in night}


def chosen(*products: str, night=NIGHT, others=BEFORE, of=None, **wanted):
    found = choose(Wanted(products, **wanted), night, others, states(night, others) if of is None else of)
    return {choice.label: choice for choice in found.choices}, found


def test_everything_of_a_night():
    choices, found = chosen(*ALL)
    assert found.problems == ()
    assert [*choices] == ["bias", "dark", "flat-g", "flat-r", "defects", "ptc"]
    assert choices["bias"].generate == ids(2, 21)
    assert choices["dark"].generate == ids(23, 42)
    assert choices["flat-g"].generate == ids(44, 63)
    assert choices["flat-g"].physical_filter == "SDSSg_65mm~empty"
    # 25 are about 20.
    assert choices["flat-r"].generate == ids(77, 101)
    assert choices["defects"].generate == (*ids(23, 42), *ids(44, 63))


def test_the_curve_takes_the_set_with_most_levels_and_its_pairs_alone():
    # The first of the set goes, and with it the first pair.
    assert chosen("PTC")[0]["ptc"].generate == ids(66, 71)


def test_many_more_than_wanted_are_cut():
    assert chosen("BIAS", number=10)[0]["bias"].generate == ids(2, 11)


def test_fewer_than_wanted_are_reported():
    choices, found = chosen("BIAS", night=NIGHT[71:75], others=())
    assert choices["bias"].generate == ids(73, 75)
    assert found.remarks == ("bias: only 3 exposures instead of 20",)


def test_sample_has_first_exposures_others_of_the_day_and_some_of_other_days():
    sample = chosen("BIAS", every=5)[0]["bias"].verify
    before = (*ids(1, 1, DAY_BEFORE), *ids(6, 6, DAY_BEFORE), *ids(11, 11, DAY_BEFORE))
    assert sample == (*before, *ids(1, 1), *ids(72, 75))


def test_sample_of_flats_has_the_same_light():
    sample = chosen("FLAT", every=1)[0]["flat-g"].verify
    assert sample == (*ids(13, 15, DAY_BEFORE), *ids(43, 43))


def test_flats_have_one_exposure_time():
    night = frames(DAY, [("FLAT", [1.0] * 4 + [5.0] * 9 + [2.0] * 3, G)])
    assert chosen("FLAT", night=night)[0]["flat-g"].generate == ids(5, 13)


@pytest.mark.parametrize("product", ["FLAT", "PTC"])
def test_shutter_times_select_what_the_times_asked_for_select(product: str):
    """The records of LSSTCam hold the time that the shutter was measured to be open."""
    times = [1.0] * 4 + [5.0] * 6 + [2.0, 2.0, 3.0, 3.0]
    plain = frames(DAY, [("FLAT", times, G)])
    measured = [
        replace(frame, exposure_time=frame.exposure_time + 0.001 * (number % 5))
        for number, frame in enumerate(plain)
    ]
    expected, _ = chosen(product, night=plain)
    assert expected
    assert chosen(product, night=measured)[0] == expected
    asked = {"exposure_times": {product: 5.0}} if product == "FLAT" else {}
    assert chosen(product, night=measured, **asked)[0] == expected


def test_mixed_states_are_refused_and_another_set_is_taken():
    warmer = states(NIGHT, BEFORE) | {ids(9, 9)[0]: {"SEQFILE": "v31"}}
    choices, found = chosen("BIAS", of=warmer)
    assert choices["bias"].generate == ids(73, 75)
    assert found.remarks[0] == (
        f"bias: refused {DAY}00002..{DAY}00021: SEQFILE is v30 in {DAY}00002..{DAY}00008, {DAY}00010..{DAY}00021, "
        f"v31 in {DAY}00009"
    )
    assert ids(9, 9)[0] not in choices["bias"].verify


def test_mixed_states_are_a_problem_where_there_is_no_other_set():
    night = NIGHT[:21]
    choices, found = chosen("BIAS", night=night, of=states(night) | {ids(9, 9)[0]: {"SEQFILE": "v31"}})
    assert choices == {}
    assert "refused" in found.problems[0]


def test_frames_whose_header_says_something_else_are_refused():
    wrong = states(NIGHT, BEFORE) | {ids(50, 50)[0]: {"IMGTYPE": "DARK"}}
    _, found = chosen("FLAT", filters=("g",), of=wrong)
    assert found.problems == (f"flat-g: refused {DAY}00044..{DAY}00063: {DAY}00050 is DARK, not FLAT",)


def test_one_filter_one_reason_one_exposure_time():
    assert [*chosen("FLAT", filters=("r",))[0]] == ["flat-r"]
    assert [*chosen("FLAT", filters=("SDSSg_65mm~empty",))[0]] == ["flat-g"]
    assert chosen("FLAT", exposure_times={"FLAT": 2.0})[0]["flat-r"].generate == ids(66, 67)
    daily = [replace(frame, reason="daily") if frame.seq_num in range(72, 76) else frame for frame in NIGHT]
    assert chosen("BIAS", night=daily, reasons={"BIAS": "daily"})[0]["bias"].generate == ids(73, 75)


def test_filters_of_one_band_are_told_apart():
    night = frames(DAY, [("FLAT", [4.0] * 3, Y)])
    other = [
        replace(f, id=f.id + 50, seq_num=f.seq_num + 50, physical_filter="SDSSy_65mm~holo4_003")
        for f in night
    ]
    assert [*chosen("FLAT", night=[*night, *other])[0]] == [
        "flat-SDSSy_65mm_empty",
        "flat-SDSSy_65mm_holo4_003",
    ]


def test_what_is_not_there_is_a_problem():
    _, found = chosen(*ALL, night=NIGHT[:21])
    assert found.problems == (
        "dark: no set of suitable exposures on these days",
        "flat: no flats were found",
        "defects: need a dark and a flat; select these, too",
        "ptc: no set of suitable exposures on these days",
    )


def test_table_tells_what_is_made_from_what():
    _, found = chosen("BIAS", "DARK")
    text = table(found.choices, {frame.id: frame for frame in NIGHT})
    assert text.splitlines()[0].split() == [
        "product",
        "exposures",
        "seconds",
        "generate",
        "verify",
        "also",
    ]
    assert f"bias     20         0        {DAY}00002..{DAY}00021  8: {DAY_BEFORE}00001" in text
    assert "dark     20         5..30" in text
