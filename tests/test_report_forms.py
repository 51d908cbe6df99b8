"""What a report tells of a run as text, JSON and Markdown: from its record alone, and with the butler."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from recorded import Rehearsed, recorded_run, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.errors import RepositoryError, StatisticsError
from lsst.ts.calibscripts.events.events import Failed, RunOutcome
from lsst.ts.calibscripts.events.parts import StepStanding
from lsst.ts.calibscripts.events.resume import next_steps, to_resume
from lsst.ts.calibscripts.events.summary import not_certified
from lsst.ts.calibscripts.ground.text import exposure_range
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import Record
from lsst.ts.calibscripts.report.account import Account, Standing, of_collections, of_record
from lsst.ts.calibscripts.report.formats import as_cp_verify, as_json, as_markdown, as_text
from lsst.ts.calibscripts.report.reading.adapters import (
    curves_of,
    defects_of,
    image_of,
    nominal_of,
    variance_of,
)
from lsst.ts.calibscripts.report.reading.evidence import Outcome, median
from lsst.ts.calibscripts.report.reading.grids import make_grid
from lsst.ts.calibscripts.report.timeline import Kind, sentences, spans
from lsst.ts.calibscripts.repository.levels import NOMINAL_GAIN, NOMINAL_NOISE
from lsst.ts.calibscripts.summit.sensor import SensorModel
from lsst.ts.calibscripts.tables.products import PRODUCTS, ImageType
from lsst.ts.calibscripts.testing.memory import Behaviour, Verification

GENERATING = {"generate_calibrations": True, "n_bias": 4, "n_dark": 4, "exp_times_dark": 30, "n_flat": 4}


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def account(rehearsed: Rehearsed) -> Account:
    return of_record(rehearsed.record)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


# From the record alone.


async def failed_run(directory: Path) -> Record:
    record, _ = await recorded_run(
        directory,
        GENERATING | {"repo": "/no/such/repo"},
        verifications={"verifyDark": Verification.FAILS},
    )
    return record


async def test_without_its_repository_a_report_is_of_the_record_alone(tmp_path: Path):
    account = of_record(await failed_run(tmp_path))
    standings = {product.product: product.standing for product in account.products}
    assert standings["BIAS"] is Standing.CERTIFIED
    assert standings["DARK"] is Standing.FAILED
    assert standings["FLAT"] is Standing.CANCELLED
    (problem,) = account.evidence.problems
    assert "/no/such/repo" in problem
    assert "record alone" in problem
    text = as_text(account)
    assert "DARK: VERIFICATION FAILED. DARK calibration failed verification and was not certified." in text
    assert "FLAT: CANCELLED. Not generated: it depends on DARK, which failed verification." in text
    assert "What to do next:\n    DARK: look at the failed tests in u/ocps/" in text
    assert "NOT certified:\n    DARK: it failed verification" in text
    assert problem in text


async def test_the_summary_of_a_record_is_what_the_script_logged(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING)
    state = record.state
    assert state.outcome is RunOutcome.DONE
    assert [(str(name), len(s.used), len(s.discarded)) for name, s in state.sets.items()] == [
        ("BIAS", 4, 1),
        ("DARK", 4, 1),
        ("FLAT", 4, 1),
    ]
    assert state.standing(StepId.read("VERIFY BIAS")) is StepStanding.PASSED
    assert state.standing(StepId.read("GENERATE GAIN")) is StepStanding.DONE
    assert [*state.certified] == ["BIAS", "DARK", "FLAT"]
    assert not not_certified(state)


async def test_json_is_json_and_tells_the_verdicts(tmp_path: Path):
    record = await failed_run(tmp_path)
    content = json.loads(as_json(of_record(record)))
    assert content["state"] == "FAILED"
    assert content["products"][1]["product"] == "DARK"
    assert content["products"][1]["standing"] == "verification failed"
    assert content["config"]["n_bias"] == 4
    assert content["failures"] == list(record.state.failures)
    assert content["steps"]["CERTIFY DARK"] == "cancelled"
    assert content["not_certified"] == not_certified(record.state)
    assert content["next_steps"] == list(next_steps(record.state))
    assert content["resume"] is None


async def test_markdown_keeps_every_row_on_one_line(tmp_path: Path):
    record = await failed_run(tmp_path)
    broken = replace(record.entries[-1], event=Failed("two | bars\nand two lines"))
    text = as_markdown(of_record(record.with_entries([broken])))
    assert "- two | bars and two lines\n" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| Product | Result | Why | Certified |"
    assert all(line.endswith("|") for line in rows)
    assert "| DARK | verification failed |" in text


# The time line.


async def test_the_time_line_tells_what_took_the_time(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, usual=Behaviour(seconds=50.0))
    found = spans(record)
    rows = dict.fromkeys(span.row for span in found)
    assert next(iter(rows)) == "TAKE BIAS"
    assert {"ARRIVE FLAT", "GENERATE DARK", "VERIFY FLAT", "CERTIFY"} <= rows.keys()
    darks = [span for span in found if span.row == "TAKE DARK"]
    assert [span.kind for span in darks] == [Kind.DISCARDED, *[Kind.EXPOSURE] * 4]
    # 30 s of exposure and 2 s of readout each.
    assert all(span.seconds == pytest.approx(32, abs=1.5) for span in darks[1:])
    jobs = {span.row: span for span in found if span.kind is Kind.JOB}
    assert jobs["GENERATE BIAS"].seconds == pytest.approx(50, abs=1)
    waits = {span.row: span for span in found if span.kind is Kind.WAIT}
    assert (
        waits["VERIFY BIAS"].end
        == jobs["VERIFY BIAS"].begin
        == pytest.approx(jobs["GENERATE BIAS"].end, abs=1)
    )
    assert all(0 <= span.begin <= span.end <= record.seconds + 1e-6 for span in found)
    assert "the last to end was" in sentences(record)


async def test_a_failed_verification_and_a_lost_image_are_seen_on_the_time_line(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path,
        GENERATING | {"oods_timeout": 20},
        verifications={"verifyBias": Verification.FAILS},
        faults=["image-missing:of=BIAS,at=3"],
    )
    found = spans(record)
    assert {span.row for span in found if span.kind is Kind.FAILED} >= {"VERIFY BIAS"}
    (wait,) = [span for span in found if span.row == "ARRIVE BIAS" and span.kind is Kind.WAIT]
    assert wait.seconds == pytest.approx(20, abs=1)
    assert "1 exposures left out" in wait.text


async def test_a_run_without_images_has_no_time_line(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING, faults=["component-standby:of=ATCamera"])
    assert spans(record) == ()
    assert "no image was taken" in sentences(record)


# cp_verify's statistics.


def statistics(**changes: Any) -> dict[str, Any]:
    amplifier = {"MEAN": True, "NOISE": True, "SUCCESS": True, "READ_NOISE_CONSISTENT": True}
    whole = {
        "AMP": {"C10": {"MEAN": 1.0, "NOISE": 6.0}, "C11": {"MEAN": 2.0, "NOISE": 7.0}},
        "METADATA": {"READ_NOISE_ADU": {"C10": 5.0, "C11": 5.5}},
        "DET": {"SCATTER": 0.5},
        "VERIFY": {
            "AMP": {"C10": dict(amplifier), "C11": dict(amplifier)},
            "DET": {"SCATTER": True, "SUCCESS": True},
        },
    }
    return whole | changes


def test_statistics_become_arrays():
    failing = statistics()
    failing["VERIFY"]["AMP"]["C11"] |= {"NOISE": False, "SUCCESS": False}
    failing["VERIFY"]["AMP"]["C10"] |= {"READ_NOISE_CONSISTENT": False}
    grid = make_grid(
        {(12, 3): statistics(), (11, 3): failing, (11, 1): statistics()},
        {1: "R01_S01", 3: "R01_S10"},
    )
    assert grid.exposures == (11, 12)
    assert grid.detectors == ("R01_S01", "R01_S10")
    assert grid.amplifiers == ("C10", "C11")
    assert grid.outcomes["NOISE"].tolist() == [
        [[Outcome.PASSED, Outcome.PASSED], [Outcome.PASSED, Outcome.FAILED]],
        [[Outcome.NONE, Outcome.NONE], [Outcome.PASSED, Outcome.PASSED]],
    ]
    # Not fulfilled, but the amplifier succeeded: cp_verify does not count it.
    assert grid.outcomes["READ_NOISE_CONSISTENT"][0, 1, 0] == Outcome.NOTED
    assert grid.values["READ_NOISE_ADU"][0, 0].tolist() == [5.0, 5.5]
    assert grid.detector_values["SCATTER"][0].tolist() == [0.5, 0.5]
    assert grid.failed_tests().tolist() == [[0, 1], [0, 0]]
    assert grid.typical("NOISE").tolist() == [[6.0, 7.0], [6.0, 7.0]]


@pytest.mark.parametrize("damaged", ["text", {"AMP": 3}, {"VERIFY": {"AMP": {"C10": True}}}])
def test_statistics_of_an_unknown_shape_are_an_error(damaged: Any):
    with pytest.raises(StatisticsError):
        make_grid({(1, 0): damaged}, {})


def test_a_median_leaves_out_what_is_no_number():
    nan = math.nan
    values = np.array([[1.0, nan, nan], [3.0, 5.0, nan], [8.0, 7.0, nan]], dtype=np.float32)
    np.testing.assert_array_equal(median(values), np.array([3.0, 6.0, nan], dtype=np.float32))


# Datasets of the Science Pipelines, which are not installed here: what they offer under which names.


class ScienceCurve:
    """A PhotonTransferCurveDataset, as far as a report reads it."""

    rawMeans: Mapping[str, list[float]] = {"C00": [100.0, 200.0]}  # noqa: N815
    rawVars: Mapping[str, list[float]] = {"C00": [60.0, 110.0]}  # noqa: N815
    finalModelVars: Mapping[str, list[float]] = {"C00": [60.0, 111.0]}  # noqa: N815
    expIdMask: Mapping[str, list[bool]] = {"C00": [True, False]}  # noqa: N815
    gain: Mapping[str, float] = {"C00": 2.0}
    gainErr: Mapping[str, float] = {"C00": 0.1}  # noqa: N815
    noise: Mapping[str, float] = {"C00": 5.0}
    ptcTurnoff: Mapping[str, float] = {"C00": 150.0}  # noqa: N815


def test_a_curve_of_the_science_pipelines_is_read():
    (curve,) = curves_of(ScienceCurve(), "R22_S11")
    assert (curve.detector, curve.amplifier, curve.gain, curve.gain_error) == ("R22_S11", "C00", 2.0, 0.1)
    assert curve.used.tolist() == [True, False]
    assert curve.fitted.tolist() == [60.0, 111.0]
    assert curve.turnoff == 150.0


class ScienceImage:
    """An lsst.afw.image.Exposure, as far as a report reads it."""

    class image:  # noqa: N801
        array = np.arange(600 * 400, dtype=np.float32).reshape(600, 400)

    metadata: Mapping[str, Any] = {"LSST ISR GAIN C00": 1.7, "LSST ISR READNOISE C00": 6.5, "OTHER": 3}


def test_an_image_of_the_science_pipelines_is_read_and_binned():
    image = image_of(ScienceImage(), "combined bias", "R22_S11", 1)
    assert image.pixels.shape == (200, 133)
    # The mean of the first block of three by three pixels.
    assert image.pixels[0, 0] == pytest.approx(401.0)
    assert image.median == pytest.approx((600 * 400 - 1) / 2)
    assert image.binned == 3
    assert nominal_of(ScienceImage(), NOMINAL_GAIN) == {"C00": 1.7}
    assert nominal_of(ScienceImage(), NOMINAL_NOISE) == {"C00": 6.5}


def test_defects_of_the_science_pipelines_are_counted():
    class Defect:
        def getBBox(self) -> Any:  # noqa: N802
            return self

        def getMinX(self) -> int:  # noqa: N802
            return 3

        def getMinY(self) -> int:  # noqa: N802
            return 4

        def getWidth(self) -> int:  # noqa: N802
            return 1

        def getHeight(self) -> int:  # noqa: N802
            return 7

    found = defects_of([Defect(), Defect()], "R22_S11")
    assert (found.boxes, found.pixels) == (2, 14)
    assert found.places == ((3, 4, 1, 7),) * 2


def test_the_variance_of_a_curve_is_poisson_at_low_levels():
    assert variance_of([100.0], 2.0, 4.0, 0.0).tolist() == [54.0]
    bent = variance_of([100.0, 50_000.0], 2.0, 4.0, -2e-6)
    assert bent[0] == pytest.approx(54.0, rel=1e-3)
    assert bent[1] < 0.92 * 25_004


# With the butler.


def test_the_verdicts_are_judged_again_from_the_butler(account: Account, rehearsed: Rehearsed):
    assert account.evidence.problems == ()
    judged = {v.product: v for v in account.evidence.verifications}
    assert set(judged) == {"BIAS", "DARK", "FLAT"}
    for name, verdicted in rehearsed.record.state.verdicts.items():
        assert judged[name].verdict.passed == verdicted.passed
        assert judged[name].internal
    # Three frames verified against their own mean are low by a fifth: all amplifiers fail the test.
    noise = judged["BIAS"].grid
    assert noise is not None
    assert (noise.outcomes["NOISE"] == Outcome.FAILED).all()
    # One overscan of so small a frame is far enough from the nominal noise by chance: reported, but not counted.
    failures = Counter(failure.test for failure in judged["BIAS"].verdict.failures)
    assert failures == {"NOISE": 48, "READ_NOISE_CONSISTENT": 1}


def test_what_is_measured_is_what_the_sensor_is_like(account: Account):
    model = SensorModel.for_detector("LATISS", seed=20)
    evidence = account.evidence
    gains = evidence.amplifier_gains()
    assert len(gains) == len(evidence.nominal.gains) == len(evidence.curves) == 16
    for key, gain in gains.items():
        assert gain == pytest.approx(evidence.nominal.gains[key], rel=0.05)
    assert [level.seconds for level in evidence.levels] == [1.0, 1.0, 3.0, 3.0, 5.0, 5.0]
    rates = [level.rate for level in evidence.levels]
    assert max(rates) == pytest.approx(min(rates), rel=0.01)
    assert {level.physical_filter for level in evidence.levels} == {"SDSSr_65mm~empty"}
    dark = next(image for image in evidence.images if image.title == "combined dark")
    assert dark.unit == "electron / s"
    assert dark.median == pytest.approx(float(np.median(model.dark_current)), rel=0.5)
    assert {image.title for image in evidence.images} == {
        f"{kind} {name}" for kind in ("combined", "corrected") for name in ("bias", "dark", "flat")
    }
    (defects,) = evidence.defects
    assert 0 < defects.boxes <= defects.pixels


def test_the_text_holds_the_documented_report_and_the_gains(account: Account):
    text = as_text(account)
    assert "Exposures with verification tests that failed:" in text
    assert re.search(
        r"NOISE: 48 of 48 failed, values \S+ to \S+ electron \(median \S+\); limit: at most 5 %", text
    )
    assert "Verification failure criterium: if, for at least une type of test," in text
    assert "Gains estimated from flats pairs: 3 pairs, 1 detector, and the photon transfer curve" in text
    # As in the log of the script: electrons, which is what the pipeline has written.
    assert re.findall(r"read noise \((\w+)\)", text) == ["electron"]
    assert re.search(r"^  pair +1 +2 +3 +curve +median +spread +nominal +noise$", text, re.MULTILINE)


def test_collections_of_jobs_are_reported_without_a_record(rehearsed: Rehearsed, account: Account):
    job = rehearsed.record.job(StepId.read("VERIFY BIAS"))
    assert job is not None
    found = of_collections([str(job.collection)], str(rehearsed.repo), images=())
    assert list(found.runs) == [StepId(Action.VERIFY, "BIAS")]
    (product,) = found.products
    # With the default threshold, since nothing says that it was another one.
    assert product.standing is Standing.FAILED
    assert "BIAS: 3 of 3 exposures failed, limit 3" in product.sentence
    assert account.runs[StepId(Action.VERIFY, "BIAS")] == found.runs[StepId(Action.VERIFY, "BIAS")]


def test_a_calibration_collection_is_reported_with_its_validity_range(rehearsed: Rehearsed):
    found = of_collections(["LATISS/calib/daily/test"], str(rehearsed.repo), images=())
    assert [product.product for product in found.products] == ["BIAS", "DARK", "FLAT", "DEFECTS", "PTC"]
    certified = found.products[0].certified
    assert certified is not None
    assert (certified.collection, certified.end) == ("LATISS/calib/daily/test", "2050-01-01")
    assert found.products[0].standing is Standing.CERTIFIED_SOMEHOW
    assert len(found.evidence.curves) == 16


def test_a_chain_of_collections_stands_for_all_of_them(rehearsed: Rehearsed):
    found = of_collections(["LATISS/calib"], str(rehearsed.repo), images=())
    assert {str(step) for step in found.runs} == {
        f"GENERATE {product.name}" for product in PRODUCTS.values() if product.certified
    }


def test_a_collection_that_tells_nothing_is_refused(rehearsed: Rehearsed):
    with pytest.raises(RepositoryError, match="no collection nonsense"):
        of_collections(["nonsense"], str(rehearsed.repo))
    with pytest.raises(RepositoryError, match="neither calibrations nor statistics"):
        of_collections(["LATISS/raw/all"], str(rehearsed.repo))
    told = command("--collections", "nonsense", "--repo", str(rehearsed.repo), "--format", "text")
    assert told.exit_code == 1
    assert told.output == f"Error: {rehearsed.repo} has no collection nonsense\n"


def test_the_command_of_cp_verify_names_every_run_once(account: Account):
    words = shlex.split(as_cp_verify(account).replace("\\\n", " "))
    assert words[0] == "cpv_report.py"
    assert words[words.index("-r") + 1] == account.repo
    collections = [word for word, before in zip(words[1:], words, strict=False) if before == "-c"]
    assert sorted(collections) == sorted(account.runs.values())
    assert collections[0] == account.runs[StepId(Action.VERIFY, "BIAS")]


# The command.


@pytest.mark.parametrize(
    ("form", "ending", "begins"),
    [
        ("text", "txt", "LATISS calibrations of"),
        ("json", "json", "{"),
        ("markdown", "md", "# "),
        ("cp_verify", "sh", "cpv_report.py"),
    ],
)
def test_a_report_is_printed_or_written(
    rehearsed: Rehearsed, tmp_path: Path, form: str, ending: str, begins: str
):
    path = str(rehearsed.record.path)
    printed = command(path, "--no-images", "--format", form)
    assert printed.exit_code == 0, printed.output
    assert printed.output.startswith(begins)
    written = command(path, "--no-images", "--format", form, "--out", str(tmp_path))
    place = tmp_path / f"{rehearsed.record.name}.{ending}"
    assert written.output == f"{place}\n"
    assert place.read_text().startswith(begins)


def test_what_to_report_on_must_be_said(rehearsed: Rehearsed):
    assert "Name a record or --collections" in command().output
    assert "not both" in command(str(rehearsed.record.path), "--collections", "a").output
    assert "--collections needs --repo" in command("--collections", "a").output


async def test_a_run_that_did_not_end_well_tells_how_to_go_on(tmp_path: Path):
    record, _ = await recorded_run(tmp_path, GENERATING | {"repo": "/no/such/repo"}, stop="Taking 5 darks.*")
    told = command(str(record.path), "--out", str(tmp_path))
    assert told.exit_code == 0, told.output
    page = unescape((tmp_path / f"{record.name}.html").read_text())
    assert "queue the script with the configuration under “Configuration to resume”" in page
    found = to_resume(record.state, record.about.given)
    assert found is not None
    assert f"BIAS: [{exposure_range(record.state.sets[ImageType.BIAS].kept)}]" in found.text
    # The page, the text and the command all have the one that is in the log.
    resuming = CliRunner().invoke(
        main, ["rehearse", "--resume", str(record.path), "--fault", "no-such-fault"]
    )
    assert "no-such-fault" in resuming.output
    for shown in (page, command(str(record.path), "--format", "text").output, resuming.output):
        assert found.text in shown
