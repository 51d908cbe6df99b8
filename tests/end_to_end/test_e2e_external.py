"""External verification, and the documents' long example, as printed, for LATISS and LSSTComCam."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from e2e_support import (
    COMCAM_SCRIPT,
    LATISS_FILTERS,
    LATISS_SCRIPT,
    SEED,
    Rehearsed,
    chain,
    example,
    exposures_of,
    opened,
    rehearse,
)
from lsst.daf.butler import CollectionType

from lsst.ts.calibscripts.events.events import Certified, JobSubmitted, Verdicted
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation

LONG_EXAMPLES = {
    "LATISS": ("u/czw/DM-28920/calib.20210720", "LATISS/calib/u/plazas/daily.2021SEP13.test1"),
    "LSSTComCam": (
        "LSSTComCam/calib/u/plazas/2021SEP16.1",
        "LSSTComCam/calib/u/plazas/daily.2021SEP13.test1",
    ),
}
"""Their extra input collection and the one they certify into."""

FEWER = {"LSSTComCam": [0, 4]}
"""Detectors, where not all: a corner of the raft and its centre are enough for what several have in common."""


@pytest.fixture(scope="module")
def daily(fresh_latiss: Callable[[str], str]) -> Rehearsed:
    """The Daily Default: an empty configuration."""
    config = example("daily_default")
    return rehearse(fresh_latiss("daily"), LATISS_SCRIPT, config, begin="2022-11-04T13:00:00")


def test_daily_default_takes_what_is_documented(daily: Rehearsed) -> None:
    assert daily.outcome.state is ScriptState.DONE, daily.text
    assert [daily.times(name) for name in ("BIAS", "DARK", "FLAT")] == [
        [0.0] * 21,
        [5.0] * 5 + [15.0] * 2 + [30.0] * 16,
        [5.0] * 21,
    ]
    assert [len(daily.discarded(name)) for name in ("BIAS", "DARK", "FLAT")] == [1, 1, 1]
    types = Counter(readout.observation.image_type for readout in daily.readouts)
    assert types == {"BIAS": 21, "DARK": 23, "FLAT": 21}


def test_daily_default_verifies_against_what_is_there_and_certifies_nothing(daily: Rehearsed) -> None:
    submitted = daily.events(JobSubmitted)
    assert {str(event.step) for event in submitted} == {
        "VERIFY BIAS",
        "VERIFY DARK",
        "VERIFY FLAT",
        "GENERATE GAIN",
    }
    assert {event.config.partition("-i ")[2].split()[0] for event in submitted} == {"LATISS/calib"}
    assert {event.product for event in daily.events(Verdicted) if event.passed} == {"BIAS", "DARK", "FLAT"}
    assert daily.events(Certified) == ()
    with opened(daily.repo) as butler:
        assert "LATISS/calib/daily" not in butler.collections.query("*")
        statistics = butler.get(
            "verifyBiasStats", instrument="LATISS", collections=daily.run_collection("VERIFY BIAS")
        )
    assert [key for key in statistics if isinstance(key, int)] == daily.kept("BIAS")


def test_daily_default_reports_gains_of_ten_pairs(daily: Rehearsed, model: SensorModel) -> None:
    flats = daily.kept("FLAT")
    pairs = list(zip(flats[::2], flats[1::2], strict=True))
    assert exposures_of(daily.submitted("GENERATE GAIN").data_query) == flats
    report = next(line.message for line in daily.log if "Gains estimated" in line.message)
    assert "10 pairs, 1 detector" in report
    assert len(pairs) == 10
    rows = [line.split() for line in report.splitlines() if line.startswith("  C")]
    assert len([value for row in rows for value in row[1:11] if re.fullmatch(r"\d\.\d{3}", value)]) == 160
    summary = re.search(
        r"gain median (\d\.\d+) electron/ADU.* 160 values; read noise median (\d\.\d+)", report
    )
    assert summary is not None, report
    # A pair of flats knows nothing of the brighter-fatter effect: at 24,500 ADU it makes gains 6 % too high.
    flat = daily.readouts[-1].observation
    level = flat.rate * flat.exposure_time * model.illumination(flat.physical_filter).mean()
    expected = np.median(model.gain) / expectation.variance_shrinkage(level, model.a00)
    assert float(summary[1]) == pytest.approx(expected, rel=0.01)
    assert float(summary[2]) == pytest.approx(
        np.median(expectation.frame_noise(model)) * expected / np.median(model.gain), rel=0.02
    )


@pytest.fixture(scope="module", params=LONG_EXAMPLES)
def long_example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """The documents' long example of an instrument; its extra input collection exists here."""
    name = request.param
    extra, _ = LONG_EXAMPLES[name]
    root = tmp_path_factory.mktemp(name) / "repo"
    filters = LATISS_FILTERS if name == "LATISS" else ["r_03"]
    detectors = FEWER.get(name)
    repo = make_rehearsal_repository(root, [name], detectors=detectors, seed=SEED, filters=filters)
    chain(repo, extra, f"{name}/calib/reference")
    script, file = (LATISS_SCRIPT, "latiss") if name == "LATISS" else (COMCAM_SCRIPT, "comcam")
    config = example(f"{file}_ptc_and_defects")
    if detectors is not None:
        config["detectors"] = detectors
    # Ten of its flats have so little light that their read noise alone exceeds what cp_verify allows photons.
    config["number_verification_tests_threshold_flat"] = 17
    # And none has as much as a curve needs that is to pass verifyPtc, which the documents' cp_verify did not have.
    config["do_verify_products"] = False
    begin = "2021-07-15T13:00:00"
    return rehearse(repo, script, config, instruments=[name], begin=begin, detectors=detectors)


def test_long_example_as_printed(long_example: Rehearsed) -> None:
    assert long_example.outcome.state is ScriptState.DONE, long_example.text
    instrument = long_example.readouts[0].observation.instrument
    extra, collection = LONG_EXAMPLES[instrument]
    numbers = [len(long_example.kept(name)) for name in ("BIAS", "DARK", "FLAT")]
    assert numbers == [6, 6, 14]
    for image_type in ("BIAS", "DARK", "FLAT"):
        config = long_example.submitted(f"VERIFY {image_type}").config
        assert f"-i {extra},{instrument}/calib " in config
    defects = long_example.run_collection("GENERATE DEFECTS")
    assert f"-i {defects},{instrument}/calib " in long_example.submitted("GENERATE PTC").config
    assert {event.product for event in long_example.events(Verdicted) if event.passed} == {
        "BIAS",
        "DARK",
        "FLAT",
    }
    certified = long_example.events(Certified)
    assert {(event.product, event.collection) for event in certified} == {
        ("DEFECTS", collection),
        ("PTC", collection),
    }
    for product in ("DEFECTS", "PTC"):
        warning = f"{product} was certified WITHOUT verification into {collection}"
        assert any(line.startswith(warning) for line in long_example.warnings)


def test_long_example_is_certified_for_the_dates_it_says(long_example: Rehearsed) -> None:
    instrument = long_example.readouts[0].observation.instrument
    _, collection = LONG_EXAMPLES[instrument]
    detectors = {detector.id for readout in long_example.readouts for detector in readout.detectors}
    assert detectors == {*FEWER.get(instrument, [0])}
    with opened(long_example.repo) as butler:
        for dataset_type in ("defects", "ptc"):
            found = list(
                butler.registry.queryDatasetAssociations(
                    dataset_type, collection, collectionTypes={CollectionType.CALIBRATION}
                )
            )
            assert {int(each.ref.dataId["detector"]) for each in found} == detectors
            spans = {(each.timespan.begin.tai.datetime, each.timespan.end.tai.datetime) for each in found}
            assert spans == {(datetime(2021, 7, 15), datetime(2021, 7, 17))}


def test_long_example_finds_gains(long_example: Rehearsed) -> None:
    """Seven pairs of up to 1.6 s: the read noise, and the gains within the errors that the fit tells."""
    instrument = long_example.readouts[0].observation.instrument
    _, collection = LONG_EXAMPLES[instrument]
    exposure = long_example.kept("FLAT")[0]
    with opened(long_example.repo, collection) as butler:
        for detector in long_example.readouts[0].detectors:
            ptc = butler.get("ptc", instrument=instrument, detector=detector.id, exposure=exposure)
            model = SensorModel.for_detector(instrument, detector.id, seed=SEED)
            gain, error = (
                np.array([getattr(ptc, field)[name] for name in AMPLIFIERS])
                for field in ("gain", "gain_error")
            )
            assert (np.abs(gain - model.gain) < 4 * error).all()
            assert np.median(gain / model.gain) == pytest.approx(1.0, abs=0.01)
            noise = [ptc.noise[name] for name in AMPLIFIERS]
            np.testing.assert_allclose(noise, expectation.frame_noise(model), rtol=0.05)
