"""The main job in full: LATISS takes, generates, verifies and certifies five products, with the real pipetask."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from astropy.nddata import CCDData
from e2e_support import Rehearsed, exposures_of, opened, verify
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from lsst.ts.calibscripts.events.events import Certified, JobStarted, JobSubmitted, Stage, StageReached
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, amplifier_views
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation
from lsst.ts.calibscripts.summit.tasks.signature import defect_mask

COLLECTION = "LATISS/calib/daily/calibs.2022NOV04.1"
FILTER = "SDSSi_65mm~blue300lpmm_qn1"
RATE = 2720.0
"""ADU/s through it at the field centre."""


@pytest.fixture(scope="module")
def butler(internal: Rehearsed) -> Any:
    with opened(internal.repo, COLLECTION) as butler:
        yield butler


def get(butler: Butler, run: Rehearsed, dataset_type: str) -> Any:
    """Read a combined calibration as the documents do, by an exposure it is valid for."""
    exposure = run.kept("FLAT")[0]
    return butler.get(dataset_type, instrument="LATISS", detector=0, exposure=exposure)


def by_amplifier(image: NDArray[Any]) -> NDArray[Any]:
    """Pixels in the order of the model's values, shape ``(16, pixels)``."""
    return np.stack([view.ravel() for view in amplifier_views(image).values()])


def inputs(image: CCDData, dataset_type: str) -> set[tuple[str, str]]:
    """Id and RUN of the inputs of a type that an image was made from, as its provenance has them."""
    found = set()
    for index in range(int(image.meta["LSST BUTLER N_INPUTS"])):
        if image.meta[f"LSST BUTLER INPUT {index} DATASETTYPE"] == dataset_type:
            found.add(
                (image.meta[f"LSST BUTLER INPUT {index} ID"], image.meta[f"LSST BUTLER INPUT {index} RUN"])
            )
    return found


def inputs_of_all(butler: Butler, images: set[tuple[str, str]], dataset_type: str) -> set[tuple[str, str]]:
    """Id and RUN of the inputs of a type of several images."""
    found = set()
    for image, _ in images:
        ref = butler.get_dataset(image)
        assert ref is not None
        found |= inputs(butler.get(ref), dataset_type)
    return found


# What was asked for was done, and said.


def test_everything_is_done_and_certified(internal: Rehearsed) -> None:
    assert internal.outcome.state is ScriptState.DONE, internal.text
    certified = {event.product: event for event in internal.events(Certified)}
    assert set(certified) == {"BIAS", "DARK", "FLAT", "DEFECTS", "PTC"}
    assert {event.collection for event in certified.values()} == {COLLECTION}
    assert not any(event.unverified for event in certified.values())
    assert not any("WITHOUT verification" in line for line in internal.warnings)
    reached = internal.events(StageReached)
    assert [event.stage for event in reached if event.product == "BIAS"] == [
        Stage.TAKING,
        Stage.INGESTED,
        Stage.GENERATED,
        Stage.VERIFIED,
        Stage.CERTIFIED,
    ]


def test_images_are_those_asked_for(internal: Rehearsed) -> None:
    numbers = {name: (len(internal.kept(name)), len(internal.discarded(name))) for name in ("BIAS", "DARK")}
    assert numbers == {"BIAS": (20, 1), "DARK": (22, 1)}
    assert internal.times("FLAT") == [5, 5, 5, 10, 10, 15, 15, 20, 20, 25, 25, 30, 30, 35, 35]
    assert {readout.observation.physical_filter for readout in internal.readouts} == {FILTER}


def test_dark_is_made_with_the_bias_of_this_run(internal: Rehearsed, butler: Butler) -> None:
    fresh = internal.run_collection("GENERATE BIAS")
    bias = get(butler, internal, "bias")
    without_cosmic_rays = inputs(get(butler, internal, "dark"), "cpDarkRemoveCRIsrExp")
    assert len(without_cosmic_rays) == 22
    frames = inputs_of_all(butler, without_cosmic_rays, "cpDarkIsrExp")
    assert len(frames) == 22
    sources = inputs_of_all(butler, frames, "bias")
    assert sources == {(bias.meta["LSST BUTLER ID"], fresh)}
    # Though a job that looks where the configuration says finds the older one.
    older = butler.find_dataset(
        "bias", instrument="LATISS", detector=0, collections="LATISS/calib/2021-07/run"
    )
    assert older is not None
    assert str(older.id) != bias.meta["LSST BUTLER ID"]
    options = internal.submitted("GENERATE DARK").config.split()
    assert options[options.index("-i") + 1].split(",")[0] == fresh


def test_dark_is_generated_while_bias_is_verified(internal: Rehearsed) -> None:
    started = internal.when(JobStarted, step="GENERATE DARK")
    verified = internal.when(StageReached, product="BIAS", stage=Stage.VERIFIED)
    certified = internal.when(Certified, product="BIAS")
    begin, end = internal.span("VERIFY BIAS")
    assert begin < started + 1.0
    assert started < end <= verified < certified
    assert internal.span("GENERATE DARK")[1] < internal.when(Certified, product="DARK")


def test_gains_are_reported_with_their_unit(internal: Rehearsed) -> None:
    report = next(line.message for line in internal.log if "Gains estimated" in line.message)
    assert re.search(r"RXX_S00: gain median 1\.\d{4} electron/ADU, spread .* electron/ADU", report)
    rows = [line.split() for line in report.splitlines() if line.startswith("  C")]
    (heading,) = (line.split() for line in report.splitlines() if line.startswith("  pair"))
    assert [len(row) for row in rows] == [len(heading)] * 16
    flats = internal.kept("FLAT")
    assert f"\nPairs 1..{len(flats) // 2}: {flats[0]}..{flats[-1]}, two each\n" in report


# Discarded exposures.


def test_discarded_exposures_are_in_no_data_query(internal: Rehearsed) -> None:
    discarded = {id for name in ("BIAS", "DARK", "FLAT") for id in internal.discarded(name)}
    assert len(discarded) == 3
    queries = [event.data_query for event in internal.events(JobSubmitted)]
    assert queries == [job.data_query for job in internal.jobs]
    assert len(queries) == 10
    assert not discarded & {exposure for query in queries for exposure in exposures_of(query)}


def test_discarded_exposure_would_be_visible(internal: Rehearsed) -> None:
    """The first bias after idling, verified against the bias of this run, fails in every amplifier."""
    (discarded,) = internal.discarded("BIAS")
    good = internal.kept("BIAS")[0]
    fresh = internal.run_collection("GENERATE BIAS")
    run = verify(internal.repo, "verifyBias", [discarded, good], fresh, "LATISS/calib")
    with opened(internal.repo, run) as butler:
        statistics = {
            exposure: butler.get("verifyBiasDetStats", instrument="LATISS", exposure=exposure, detector=0)
            for exposure in (discarded, good)
        }
    means = {
        exposure: np.array([values["AMP"][name]["MEAN"] for name in AMPLIFIERS])
        for exposure, values in statistics.items()
    }
    # Some 20 electrons of charge are left everywhere, where a good frame has less than half of one.
    assert (means[discarded] > 15.0).all()
    assert (np.abs(means[good]) < 0.5).all()
    assert not any(statistics[discarded]["VERIFY"]["AMP"][name]["SUCCESS"] for name in AMPLIFIERS)
    assert statistics[good]["SUCCESS"]


# What was made agrees with what the detector is.


def test_bias_agrees_with_the_sensor(internal: Rehearsed, butler: Butler, model: SensorModel) -> None:
    bias = get(butler, internal, "bias")
    assert bias.meta["NCOMBINE"] == 20
    residual = by_amplifier(bias.data - expectation.bias_image(model))
    # The standard deviation of 16,000 pixels is known to 0.6 %.
    noise = expectation.frame_noise(model) / np.sqrt(20)
    np.testing.assert_allclose(residual.std(axis=1), noise, rtol=0.03)
    assert (np.abs(residual.mean(axis=1)) < 4 * expectation.level_error(model, 20)).all()


def test_dark_agrees_with_the_sensor(internal: Rehearsed, butler: Butler, model: SensorModel) -> None:
    dark = get(butler, internal, "dark")
    times = np.array(internal.times("DARK")[1:])
    expected = expectation.dark_image(model)
    hot = expectation.hot_pixels(model)
    residual = by_amplifier(np.where(hot, np.nan, dark.data - expected))
    noise = expectation.dark_noise(model, times, n_bias=20)
    np.testing.assert_allclose(np.nanstd(residual, axis=1), noise, rtol=0.03)
    # The older bias would have made it wrong by 40 electrons times sum(t) / sum(t²): more than 1 electron/s.
    assert 40 * times.sum() / (times**2).sum() > 1
    assert (np.abs(np.nanmean(residual, axis=1)) < 0.01).all()
    np.testing.assert_allclose(
        dark.data[hot], expected[hot], atol=6 * np.sqrt(expected[hot].max() / times.sum())
    )


def test_flat_agrees_with_the_sensor(internal: Rehearsed, butler: Butler, model: SensorModel) -> None:
    flat = get(butler, internal, "flat")
    good = ~expectation.insensitive_pixels(model)
    residual = np.where(good, flat.data - expectation.flat_image(model, FILTER), np.nan)
    mean = float(model.illumination(FILTER).mean())
    levels = np.array(internal.times("FLAT")[1:]) * RATE * mean
    # Frames are weighted with their level, as is best for photon noise. With the charge that pixels have lost the
    # noise is that of photons.
    expected = np.sqrt(levels.sum() + len(levels) * expectation.frame_noise(model) ** 2) / levels.sum()
    measured = np.nanstd(by_amplifier(residual), axis=1)
    np.testing.assert_allclose(measured, expected, rtol=0.05)
    assert abs(np.nanmean(residual)) < 1e-4


def test_gain_and_read_noise_agree_with_the_sensor(
    internal: Rehearsed, butler: Butler, model: SensorModel
) -> None:
    ptc = get(butler, internal, "ptc")
    gain, error, noise = (
        np.array([getattr(ptc, field)[name] for name in AMPLIFIERS])
        for field in ("gain", "gain_error", "noise")
    )
    np.testing.assert_allclose(gain, model.gain, rtol=0.02)
    assert (np.abs(gain - model.gain) < 4 * error).all()
    # The noise of the overscan is known to 0.5 %; it is told in electrons, with the error of the gain.
    np.testing.assert_allclose(noise, expectation.frame_noise(model), rtol=0.03)
    flats = internal.kept("FLAT")
    assert [tuple(pair) for pair in ptc.exposure_pairs] == list(zip(flats[::2], flats[1::2], strict=True))


def test_defects_are_complete_and_pure(internal: Rehearsed, butler: Butler, model: SensorModel) -> None:
    defects = get(butler, internal, "defects")
    injected = expectation.hot_pixels(model) | expectation.insensitive_pixels(model)
    found = defect_mask(defects, injected.shape)
    completeness = (found & injected).sum() / injected.sum()
    purity = (found & injected).sum() / found.sum()
    assert completeness >= 0.99
    assert purity >= 0.99
