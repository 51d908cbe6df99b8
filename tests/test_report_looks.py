"""What a reader of a report sees at once: exposures, causes, limits, levels, and detectors in their places."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import Rehearsed, recorded_run, rehearsed_once

from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.report.account import Account, Standing, of_record
from lsst.ts.calibscripts.report.amplifiers import photon_noise, rates, relative_noise
from lsst.ts.calibscripts.report.drawing.drawings import timeline_drawing
from lsst.ts.calibscripts.report.drawing.focal_planes import focal_plane, layout_of
from lsst.ts.calibscripts.report.drawing.frames import defect_map
from lsst.ts.calibscripts.report.drawing.plots import beyond_axis, level_plot
from lsst.ts.calibscripts.report.images import image_lists
from lsst.ts.calibscripts.report.page import as_html
from lsst.ts.calibscripts.report.reading.adapters import defects_of
from lsst.ts.calibscripts.report.reading.evidence import Curve, Evidence, Grid, Nominal, Outcome, PairGain
from lsst.ts.calibscripts.report.reading.exposed import Exposed, Levels, duration, saturated, times_text
from lsst.ts.calibscripts.report.remarks import gain_sentence, remarks
from lsst.ts.calibscripts.report.sections import short_ids
from lsst.ts.calibscripts.report.timeline import spans
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors
from lsst.ts.calibscripts.testing.memory import Behaviour, Verification
from lsst.ts.calibscripts.verification.limits import limit_of

SCIENCE = [d.full_name for d in detectors("LSSTCam") if d.purpose == "SCIENCE"]
GENERATING = {
    "generate_calibrations": True,
    "n_bias": 4,
    "n_dark": 4,
    "exp_times_dark": 30,
    "n_flat": 4,
    "repo": "/no/such/repo",
}


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def account(rehearsed: Rehearsed) -> Account:
    return of_record(rehearsed.record)


# A run.


def test_the_header_holds_filter_exposures_and_duration(account: Account):
    text = re.sub(r"<.*?>", " ", unescape(as_html(account)))
    facts = " ".join(text[text.index("Script") : text.index("Verdicts")].split())
    assert "Filter as it was (SDSSr_65mm~empty)" in facts
    assert "Exposures 3 BIAS, 3 DARK (30 s), 6 FLAT (1, 3, 5 s)" in facts
    assert re.search(r"Duration \d", facts)


def test_what_is_certified_is_not_said_to_become_so(account: Account):
    for product in account.products:
        assert "will be" not in product.sentence
    assert account.products[0].sentence.startswith(
        "BIAS calibration passed verification criteria and was certified. 0 of 3 exposures failed (limit 3)."
    )


def test_every_image_is_listed_with_its_use(account: Account):
    listed = {found.image_type: found for found in image_lists(account)}
    assert [(name, found.n_kept, found.seconds) for name, found in listed.items()] == [
        ("BIAS", 3, "0 s"),
        ("DARK", 3, "30 s"),
        ("FLAT", 6, "1, 3, 5 s"),
    ]
    uses = [use for _, _, use, _ in listed["FLAT"].rows]
    assert uses == ["discarded", *["used"] * 6]


def test_the_limit_of_every_test_is_said_and_tables_of_a_passing_run_are_closed(account: Account):
    text = unescape(as_html(account))
    for verification in account.evidence.verifications:
        assert verification.grid is not None
        for test in (*verification.grid.outcomes, *verification.grid.detector_outcomes):
            assert limit_of(verification.product, test)
            assert f"limit: {limit_of(verification.product, test)}</summary>" in text
    assert "<details open" not in text


async def test_causes_and_consequences_are_told_apart(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path, GENERATING, verifications={"verifyDark": Verification.FAILS}, usual=Behaviour(seconds=5.0)
    )
    account = of_record(record)
    standings = {product.product: product.standing for product in account.products}
    assert standings["DARK"] is Standing.FAILED
    assert standings["FLAT"] in (Standing.CANCELLED, Standing.MADE_CANCELLED)
    (flat,) = [product for product in account.products if product.product == "FLAT"]
    assert flat.sentence.endswith("it depends on DARK, which failed verification.")
    text = unescape(as_html(account))
    assert '<p class="standing idle">' in text
    assert "What to do next" in text
    assert text.index("What to do next") < text.index("What took the time")


async def test_a_job_that_the_script_aborted_is_no_failure(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path, GENERATING, usual=Behaviour(seconds=500.0), stop="Taking 5 flats.*"
    )
    kinds = {job.step: [s.kind for s in spans(record) if s.row == str(job.step)][-1] for job in record.jobs}
    assert {kinds[job.step] for job in record.jobs if job.aborted} == {"aborted"}


# Narrow windows.


def test_texts_of_the_narrow_time_line_can_be_read(account: Account):
    assert account.record is not None
    drawing = timeline_drawing(spans(account.record), account.record.seconds, narrow=True)
    assert 'viewBox="0 0 400 ' in drawing
    assert 'text-anchor="end"' not in drawing


# Exposures.


def levels(*seconds: float, full: float = 100_000.0) -> tuple[Levels, ...]:
    """Flats of a lamp of 5000 electron/s and a detector that holds so many electrons."""
    return tuple(Levels(n, s, "r", min(5000 * s, full), 10.0) for n, s in enumerate(seconds))


@given(st.lists(st.floats(0.1, 19.0), max_size=20))
def test_flats_below_full_well_are_not_saturated(seconds: list[float]):
    assert saturated(levels(*seconds)) == ()


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=10), st.lists(st.floats(25.0, 60.0), max_size=5))
def test_flats_beyond_full_well_are_said(good: list[float], bad: list[float]):
    found = levels(*good, *bad)
    assert saturated(found) == tuple(range(len(good), len(good) + len(bad)))
    said = remarks(Evidence(levels=found), generated_flat=True)
    assert bool(said) == bool(bad)
    assert all("part of the combined flat" in text for text in said)


def test_levels_of_another_filter_or_without_a_time_are_no_measure():
    bright = Levels(1, 1.0, "r", 5000.0, 1.0)
    assert saturated((bright, replace(bright, exposure=2, seconds=10.0, physical_filter="y"))) == ()
    assert saturated((replace(bright, seconds=math.nan), replace(bright, exposure=2, seconds=10.0))) == ()


def test_the_plot_of_the_levels_names_exposures_and_cuts_no_point():
    found = tuple(Levels(2026091800000 + n, 5.0, "r", 60_000.0 + n, 3000.0) for n in range(20))
    drawing = level_plot(found, "levels")
    assert "exposure 20260918…" in drawing
    assert ">00000<" in drawing
    assert "departure from its median [%]" in drawing


@pytest.mark.parametrize(
    ("exposures", "common", "ends"),
    [
        ([2026091800002, 2026091800021], "20260918", ("00002", "00021")),
        ([2026091899999, 2026091900001], "", ("2026091899999", "2026091900001")),
        ([11, 12], "", ("11", "12")),
        ([], "", ()),
    ],
)
def test_ids_are_cut_where_all_begin_alike(exposures: list[int], common: str, ends: tuple[str, ...]):
    assert short_ids(exposures) == (common, ends)


@given(st.lists(st.integers(2026010100000, 2026123199999), min_size=1))
def test_cut_ids_are_the_whole_ids(exposures: list[int]):
    common, ends = short_ids(exposures)
    assert [int(common + end) for end in ends] == exposures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 s"), (59.94, "59.9 s"), (302, "5 min 2 s"), (3600, "1 h 0 min"), (55_620, "15 h 27 min")],
)
def test_durations_are_in_words(seconds: float, text: str):
    assert duration(seconds) == text


def test_times_that_are_written_alike_are_one():
    assert times_text([5.0004, 4.9996, 1.0, math.nan]) == "1, 5 s"
    assert times_text([]) == ""


# Gains.


def pair(first: int, gain: float) -> PairGain:
    return PairGain("RXX_S00", (first, first + 1), {"C00": gain, "C01": gain + 0.01}, {}, "ADU")


def test_gains_have_errors_values_and_a_word_where_they_are_off():
    nominal = {("RXX_S00", amplifier): 1.0 for amplifier in ("C00", "C01")}
    evidence = Evidence(gains=(pair(1, 1.05), pair(3, 1.07), pair(5, 1.06)), nominal=Nominal(nominal))
    assert evidence.gain_errors()["RXX_S00", "C00"] == pytest.approx(1.2533 * 0.01 / 3**0.5)
    assert gain_sentence(evidence) == (
        "Gain 1.065 electron/ADU (median of 2 amplifiers, 1.060 to 1.070, 6.5 % above nominal) from 3 pairs of flats."
    )
    (said,) = remarks(evidence, generated_flat=False)
    assert "6.5 % above nominal" in said
    assert "gain / nominal" not in said
    assert gain_sentence(Evidence()) == ""


def test_a_gain_of_a_single_pair_has_no_error_and_an_impossible_one_is_named():
    nominal = {("RXX_S00", "C00"): 1.0, ("RXX_S00", "C01"): 1.0}
    evidence = Evidence(gains=(pair(1, 0.0001),), nominal=Nominal(nominal))
    assert evidence.gain_errors() == {}
    assert any("RXX_S00 C00, RXX_S00 C01" in text for text in remarks(evidence, generated_flat=False))


def test_points_without_variance_do_not_decide_the_axis_of_the_residuals():
    means = np.array([10.0, 20.0, 30.0])
    curve = Curve(
        "RXX_S00",
        "C00",
        means,
        np.array([5.0, 10.1, 0.0]),
        means / 2,
        np.array([True, True, False]),
        2,
        0.1,
        5,
        25,
    )
    assert beyond_axis([curve]) == 1


# Several detectors.


def grid(names: list[str], exposures: tuple[int, ...] = (1, 2)) -> Grid:
    shape = len(exposures), len(names), 2
    values = {"NOISE": np.full(shape, 70.0, np.float32), "MEAN": np.full(shape, 4900.0, np.float32)}
    values["MEAN"][1] *= 4
    values["NOISE"][1] *= 2
    outcomes = {"NOISE": np.full(shape, Outcome.PASSED, np.int8)}
    return Grid(exposures, tuple(names), ("C10", "C11"), values, outcomes)


def test_flats_of_different_times_are_reduced_to_what_they_have_in_common():
    found = grid(SCIENCE[:2])
    evidence = Evidence(exposures={1: Exposed(1.0, "r"), 2: Exposed(4.0, "r")})
    level, noise = rates(evidence, found), photon_noise(found)
    assert level is not None
    assert noise is not None
    np.testing.assert_allclose(level, 4900.0)
    np.testing.assert_allclose(noise, 1.0)
    assert rates(Evidence(), found) is None
    nominal = {(SCIENCE[0], "C10"): 105.0}
    relative = relative_noise(found, nominal)
    assert relative[0, 0] == pytest.approx(1.0)
    assert np.isnan(relative[1, 1])


@given(st.sets(st.sampled_from(SCIENCE), min_size=1, max_size=30))
def test_every_detector_has_a_place_of_its_own(names: set[str]):
    layout = layout_of(sorted(names))
    assert set(layout.places) == names
    assert len(set(layout.places.values())) == len(names)
    assert all(0 <= x < layout.columns and 0 <= y < layout.rows for x, y in layout.places.values())
    # However few they are, they fill the picture.
    assert 3 * len(names) >= layout.columns * layout.rows


def test_missing_detectors_of_a_raft_are_outlined_and_not_painted():
    raft = [name for name in SCIENCE if name.startswith("R22_")]
    drawing = focal_plane(
        {name: (name, "") for name in raft if name != "R22_S11"}, "data:image/png;base64,", "x"
    )
    assert drawing.count('class="vacant"') == 1
    assert layout_of(SCIENCE).true
    assert not layout_of(["R01_S00", "R43_S22", "R22_S11"]).true


# Defects.


class Table:
    """A table of the simulated summit, as far as a report reads it."""

    colnames = ("x0", "y0", "width", "height")

    def __getitem__(self, name: str) -> list[int]:
        return {"x0": [3, 0], "y0": [4, 9], "width": [1, 10], "height": [7, 1]}[name]


def test_defects_have_a_map():
    found = defects_of(Table(), "R22_S11")
    assert (found.boxes, found.pixels) == (2, 17)
    drawn = defect_map(found, 500, 400)
    assert drawn.drawing.count('class="defect"') == 2
    assert drawn.caption == "Defects of R22_S11: 2 boxes, 17 pixels"


def test_names_of_collections_break_behind_a_slash_only(account: Account):
    run = account.runs[StepId(Action.VERIFY, "BIAS")]
    spoilt = replace(account, evidence=replace(account.evidence, problems=(f"{run} <b>",)))
    text = as_html(spoilt)
    assert f"{run.replace('/', '/<wbr>')} &lt;b&gt;" in text


async def test_what_has_moved_stands_with_its_verdict_and_with_what_to_do(tmp_path: Path) -> None:
    record, _ = await recorded_run(tmp_path, GENERATING, usual=Behaviour(shift=5.0))
    page = unescape(as_html(of_record(record)))
    cards, changes = page.split('<section id="changes"')
    assert cards.count('<a href="#changes">moved from the one before</a>') == 3
    text = re.sub(r"<.*?>", "", changes)
    assert (
        "MOVED: RXX_S00 all 16 amplifiers. Verification does not see this: BIAS is certified if it passes."
        in text
    )
    assert "mark it bad" in text
