"""What exposures may go into a calibration."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from production_support import DAY, G, R, Y, frames, ids

from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.production.selection.rules import (
    mixed_states,
    pairs_among,
    problems,
    sets_of,
    wrong_types,
)
from lsst.ts.calibscripts.tables.products import PRODUCTS

NIGHT = frames(
    DAY, [("BIAS", [0.0] * 3, R), ("DARK", [30.0] * 4, R), ("FLAT", [5.0] * 5, Y), ("FLAT", [5.0] * 3, G)]
)
LATE = (NIGHT[9].taken.end or datetime.max) + timedelta(seconds=61)
BY_ID = {frame.id: frame for frame in NIGHT}
YS, GS = "SDSSy_65mm~empty", "SDSSg_65mm~empty"


def lengths(night) -> list[int]:
    return [len(frames) for frames in sets_of(night)]


def test_sets_end_with_type_and_filter():
    assert lengths(NIGHT) == [3, 4, 5, 3]
    assert [frames[0].id for frames in sets_of(reversed(NIGHT))] == [
        *ids(1, 1),
        *ids(4, 4),
        *ids(8, 8),
        *ids(13, 13),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "another"},
        {"seq_num": 99},
        {"day_obs": DAY + 1},
        {"taken": TimeRange(LATE, LATE + timedelta(seconds=30))},
    ],
)
def test_a_new_set_begins(change: dict[str, Any]):
    night = [*NIGHT[:10], replace(NIGHT[10], **change), *NIGHT[11:]]
    assert lengths(night)[2] == 3


def test_a_filter_change_ends_no_set_of_biases():
    biases = frames(DAY, [("BIAS", [0.0] * 3, R), ("BIAS", [0.0] * 2, G)])
    assert lengths(biases) == [5]


def test_pairs_are_consecutive_and_of_equal_time():
    flats = frames(DAY, [("FLAT", [1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 1.0], R)])
    assert [(a.seq_num, b.seq_num) for a, b in pairs_among(flats)] == [(2, 3), (4, 5)]


@pytest.mark.parametrize("keyword", ["SEQNAME", "SEQFILE", "ODP", "AP0_RC", "TEMP_SET"])
def test_mixed_states_are_reported(keyword: str):
    states = {1: {keyword: "a"}, 2: {keyword: "b"}, 3: {keyword: "a"}, 4: {}}
    assert mixed_states(["BIAS"], states) == (f"{keyword} is a in 1, 3, b in 2",)


@pytest.mark.parametrize("keyword", ["FILTER", "GRATING"])
def test_what_is_in_the_beam_matters_for_flats_alone(keyword: str):
    states = {1: {keyword: "a"}, 2: {keyword: "b"}}
    assert mixed_states(["FLAT"], states) == (f"{keyword} is a in 1, b in 2",)
    assert mixed_states(["BIAS"], states) == ()


def test_one_state_where_headers_have_it():
    assert mixed_states(["FLAT"], {1: {"TEMP_SET": "-100"}, 2: {}, 3: {"TEMP_SET": "-100"}}) == ()


def test_darks_among_the_flats():
    """As in the deck's y flat: why are those first four different?"""
    found = wrong_types(PRODUCTS["FLAT"], NIGHT[3:12], {})
    assert found == (f"{DAY}00004..{DAY}00007 are DARK, not FLAT",)


def test_a_header_that_says_something_else():
    states = {frame.id: {"IMGTYPE": "FLAT"} for frame in NIGHT[7:12]} | {NIGHT[8].id: {"IMGTYPE": "DARK"}}
    assert wrong_types(PRODUCTS["FLAT"], NIGHT[7:12], states) == (f"{DAY}00009 is DARK, not FLAT",)


@pytest.mark.parametrize(
    ("product", "filter", "generate", "verify", "expected"),
    [
        ("BIAS", None, ids(2, 3), ids(1, 1), []),
        ("BIAS", None, ids(1, 3), (), ["is the first of its set"]),
        ("BIAS", None, ids(2, 4), (), ["is DARK, not BIAS", "is the first of its set"]),
        ("BIAS", None, ids(2, 3), ids(3, 3), ["is chosen twice"]),
        ("BIAS", None, ids(2, 3), ids(77, 77), ["does not exist"]),
        ("FLAT", YS, ids(9, 12), ids(8, 8), []),
        ("FLAT", YS, ids(4, 12), (), ["are DARK, not FLAT", "was taken through SDSSr", "is the first"]),
        (
            "FLAT",
            YS,
            ids(9, 14),
            (),
            ["was taken through SDSSg_65mm~empty, not SDSSy", "is the first of its set"],
        ),
        ("DEFECTS", None, (*ids(5, 7), *ids(9, 10)), (), []),
        ("PTC", None, ids(9, 12), (), []),
        ("PTC", None, ids(9, 11), (), ["has 1 pairs"]),
        ("PTC", None, (*ids(9, 12), *ids(14, 14)), (), [f"{DAY}00014 has no partner of equal exposure time"]),
    ],
)
def test_problems_of_a_choice(product: str, filter: str | None, generate, verify, expected: list[str]):
    found = [*problems(PRODUCTS[product], filter, generate, verify, BY_ID, {})]
    assert len(found) == len(expected), found
    assert all(text in problem for text, problem in zip(expected, found, strict=True))


def test_a_choice_of_mixed_states():
    states = {id: {"TEMP_SET": "-94" if id % 2 else "-100"} for id in ids(2, 3)}
    assert [*problems(PRODUCTS["BIAS"], None, ids(2, 3), (), BY_ID, states)] == [
        f"TEMP_SET is -100 in {DAY}00002, -94 in {DAY}00003"
    ]
