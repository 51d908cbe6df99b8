"""What the instrument says it has decides before the first image; what reaches the headers is looked at, too."""

from typing import Any

import pytest
from fault_table_play import play
from fault_table_support import DONE, FAILED, Case
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import as_installed, not_installed
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS, listed, physical_filter

FLATS = {"script_mode": "FLAT", "do_defects": False, "do_ptc": False}


@pytest.mark.parametrize(
    ("instrument", "config", "says"),
    [
        (
            "LATISS",
            {"filter": "SDSSu_65mm", "grating": "empty_1"},
            "Filter: SDSSu_65mm is not installed; installed are SDSSg_65mm, SDSSr_65mm, ",
        ),
        ("LATISS", {"filter": "SDSSr", "grating": "empty_1"}, "empty_1; did you mean SDSSr_65mm?"),
        (
            "LATISS",
            {"filter": "SDSSr_65mm", "grating": "pinhole_1_0100"},
            "Grating: pinhole_1_0100 is not installed; installed are empty_1, SDSSy_65mm, ",
        ),
        (
            "LSSTComCam",
            {"filter": "u_05"},
            "Filter: u_05 is not installed; installed are u_02, g_01, r_03, i_06, z_03, y_04, NONE; did you mean",
        ),
        ("LSSTCam", {"filter": "ph_5"}, "Filter: ph_5 is not installed; installed are u_24, g_6, "),
    ],
)
def test_what_is_not_installed_is_refused_before_the_first_image(
    instrument: str, config: dict[str, Any], says: str
) -> None:
    run = play(Case("", "", FAILED, instrument=instrument, config={**FLATS, **config}))
    assert (run.outcome.state, run.images, run.certified) == (FAILED, 0, ())
    assert "No image was taken. " in run.outcome.reason
    assert says in run.outcome.reason


@pytest.mark.parametrize("name", ["NONE", "none"])
def test_no_filter_in_the_beam_is_the_butlers_none(name: str) -> None:
    run = play(Case("", "", DONE, instrument="LSSTComCam", config={**FLATS, "filter": name}))
    assert run.outcome.state is DONE, run.outcome.reason
    assert run.certified == ("FLAT",)


def test_a_block_id_that_no_header_can_hold_is_refused_before_the_first_image() -> None:
    run = play(Case("", "", FAILED, config=FLATS, block_id="BLOCK-295\u00a0_v2"))
    assert (run.outcome.state, run.images) == (FAILED, 0)
    assert "contains no-break space (U+00A0): image headers hold printable ASCII" in run.outcome.reason


@given(
    st.sets(st.sampled_from(["u_24", "g_6", "r_57", "NONE", "ef_43"])),
    st.sampled_from(["u_24", "none", "NONE", "x"]),
)
def test_a_name_is_installed_as_the_instrument_writes_it(names: set[str], wanted: str) -> None:
    installed = {"filter": sorted(names)}
    problems = list(not_installed({"filter": wanted}, installed))
    found = wanted in names or (wanted.lower() == "none" and "NONE" in names)
    assert problems == [] if found or not names else len(problems) == 1
    assert (as_installed(wanted, installed["filter"]) in names) is found


def test_slots_and_what_is_left_as_it_is_are_no_names() -> None:
    assert list(not_installed({"filter": 3, "grating": None}, {"filter": ("a",), "grating": ("b",)})) == []


def test_names_in_an_event_and_in_the_butler() -> None:
    assert listed("u_24,g_6, NONE,") == listed("u_24:g_6:NONE") == ("u_24", "g_6", "NONE")
    assert listed("") == ()
    assert physical_filter("NONE") == physical_filter("none") == "none"
    assert physical_filter("NONE", "empty_1") == "NONE~empty"
    assert all(len(set(i.light.filters)) == len(i.light.filters) for i in INSTRUMENTS.values())
