"""Flat pairs as the documents list them, and the gains that the weekly list of sixty flats gives."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from e2e_support import (
    EXAMPLES,
    LATISS_SCRIPT,
    Rehearsed,
    example,
    exposures_of,
    opened,
    rehearse,
    rehearse_without_pixels,
)

from lsst.ts.calibscripts.events.events import Certified
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, PhotonTransferCurve
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation

WEEKLY_COLLECTION = "LATISS/calib/weekly"


@pytest.mark.parametrize(
    ("name", "n_flats", "n_paired"), [("gain_one_pair", 2, 2), ("gain_three_pairs", 11, 6)]
)
async def test_gains_are_estimated_from_the_pairs_alone(name: str, n_flats: int, n_paired: int) -> None:
    """Which exposures go into the job of the gains; no pixel is needed to see it."""
    run = await rehearse_without_pixels(example(name))
    assert run.outcome.state is ScriptState.DONE, run.text
    flats = run.kept("FLAT")
    assert len(flats) == n_flats
    assert exposures_of(run.submitted("GENERATE GAIN").data_query) == flats[:n_paired]
    assert exposures_of(run.submitted("VERIFY FLAT").data_query) == flats
    unpaired = [warning for warning in run.warnings if "without a partner" in warning]
    assert len(unpaired) == (1 if n_flats > n_paired else 0)


def weekly_times() -> list[float]:
    """The exposure times of the weekly photon transfer curve, which are printed without brackets."""
    text = (EXAMPLES / "weekly_6_ptc.yaml").read_text().partition("exp_times:")[2]
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


@pytest.fixture(scope="module")
def weekly(fresh_latiss: Callable[[str], str]) -> Rehearsed:
    """The weekly list, with no more biases and darks than a photon transfer curve demands, and unverified."""
    config = {
        "filter": "SDSSr_65mm",
        "grating": "empty_1",
        "n_bias": 1,
        "n_dark": 1,
        "exp_times_dark": 5,
        "exp_times_flat": weekly_times(),
        "do_verify": False,
        "do_ptc": True,
        "calib_collection": WEEKLY_COLLECTION,
    }
    return rehearse(fresh_latiss("weekly"), LATISS_SCRIPT, config, begin="2022-11-04T13:00:00")


@pytest.fixture(scope="module")
def curve(weekly: Rehearsed) -> PhotonTransferCurve:
    with opened(weekly.repo, WEEKLY_COLLECTION) as butler:
        exposure = weekly.kept("FLAT")[0]
        found = butler.get("ptc", instrument="LATISS", detector=0, exposure=exposure)
    assert isinstance(found, PhotonTransferCurve)
    return found


def values(curve: PhotonTransferCurve, field: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([getattr(curve, field)[name] for name in AMPLIFIERS])


def test_weekly_list_is_thirty_pairs(weekly: Rehearsed) -> None:
    assert weekly.outcome.state is ScriptState.DONE, weekly.text
    flats = weekly.kept("FLAT")
    assert len(flats) == 60
    assert exposures_of(weekly.submitted("GENERATE PTC").data_query) == flats
    assert [event.product for event in weekly.events(Certified)] == ["PTC"]
    report = next(line.message for line in weekly.log if "Gains estimated" in line.message)
    # The fit stands beside the pairs.
    title = "Gains estimated from flats pairs: 30 pairs, 1 detector, and the photon transfer curve\n"
    assert report.startswith(title), report


def test_weekly_gains_agree_with_the_sensor(curve: PhotonTransferCurve, model: SensorModel) -> None:
    gain, error = values(curve, "gain"), values(curve, "gain_error")
    np.testing.assert_allclose(gain, model.gain, rtol=0.02)
    assert (np.abs(gain - model.gain) < 4 * error).all()
    assert np.mean(gain / model.gain) == pytest.approx(1.0, abs=0.005)
    np.testing.assert_allclose(values(curve, "noise"), expectation.frame_noise(model), rtol=0.02)


def test_weekly_curve_bends_and_ends_where_the_sensor_does(
    curve: PhotonTransferCurve, model: SensorModel
) -> None:
    assert curve.fit_type == "EXPAPPROXIMATION"
    assert (np.abs(values(curve, "a00") - model.a00) < 4 * values(curve, "a00_error")).all()
    means = np.array([curve.means[name] for name in AMPLIFIERS])
    outliers = np.array([curve.outliers[name] for name in AMPLIFIERS])
    full = expectation.turnoff(model)[:, np.newaxis]
    assert (means.max(axis=1) > 0.98 * full[:, 0]).all()
    # 30 s and more are beyond the full well, 19.43 s and less are not.
    assert outliers[means > 0.99 * full].all()
    assert (values(curve, "turnoff") < full[:, 0] * 1.01).all()
    assert not outliers[means < 0.8 * full].any()


def test_gains_of_single_pairs_are_those_of_their_level(weekly: Rehearsed, model: SensorModel) -> None:
    """A single pair knows nothing of the brighter-fatter effect: low levels give the gain within 2 %."""
    run = weekly.run_collection("GENERATE PTC")
    flats = weekly.kept("FLAT")
    with opened(weekly.repo, run) as butler:
        partials = [
            butler.get("cpPtcPartial", instrument="LATISS", detector=0, exposure=exposure)
            for exposure in flats[::2]
        ]
    gains = np.stack([values(partial, "gain") for partial in partials])
    errors = np.stack([values(partial, "gain_error") for partial in partials])
    means = np.array([[partial.means[name][0] for name in AMPLIFIERS] for partial in partials])
    below = (means < 0.8 * expectation.turnoff(model)).all(axis=1)
    expected = model.gain / expectation.variance_shrinkage(means * model.gain, model.a00)
    assert below.sum() >= 20
    assert (np.abs(gains - expected)[below] < 5 * errors[below]).all()
    low = (means < 5000).all(axis=1)
    weighted = np.average(gains[low], axis=0, weights=1 / errors[low].mean(axis=1) ** 2)
    np.testing.assert_allclose(weighted, model.gain, rtol=0.02)
