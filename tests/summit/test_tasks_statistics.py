"""The tests of DMTN-101, and the shape in which cp_verify tells their results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.nddata import CCDData

from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS, amplifier_views
from lsst.ts.calibscripts.summit.tasks.merging import add_exposure_scatter, failures, merge
from lsst.ts.calibscripts.summit.tasks.signature import GAIN, OVERSCAN_NOISE, READ_NOISE
from lsst.ts.calibscripts.summit.tasks.statistics import (
    clipped_level,
    cosmic_rays,
    dark_level_statistics,
    flat_noise_passes,
    flat_statistics,
    read_noise_agrees,
)

NOISE = 7.0


def image(level: float = 0.0, noise: float = NOISE) -> CCDData:
    """Make an image of Gaussian noise with a header that tells the nominal noise."""
    data = np.random.default_rng(4).normal(level, noise, (500, 512)).astype(np.float32)
    header = {}
    for name in AMPLIFIERS:
        header |= {f"{GAIN} {name}": 1.1, f"{READ_NOISE} {name}": NOISE}
        header[f"{OVERSCAN_NOISE} {name}"] = NOISE / 1.1
    return CCDData(data, unit="electron", meta=header)


def failed(statistics: dict[str, Any]) -> list[str]:
    return failures(statistics)


def test_good_bias_passes():
    statistics = dark_level_statistics(image())
    assert statistics["SUCCESS"] is True
    assert failed(statistics) == []
    assert set(statistics) == {"AMP", "METADATA", "CATALOG", "DET", "VERIFY", "SUCCESS"}
    assert list(statistics["AMP"]) == list(statistics["VERIFY"]["AMP"]) == list(AMPLIFIERS)
    assert statistics["AMP"]["C10"]["NOISE"] == pytest.approx(NOISE, rel=0.03)
    assert statistics["METADATA"]["READ_NOISE_ADU"]["C00"] == pytest.approx(NOISE / 1.1)


@pytest.mark.parametrize(
    ("factor", "of_the_documents", "of_today"),
    [(0.93, False, True), (0.97, True, True), (1.03, True, True), (1.07, False, False)],
)
def test_too_little_noise_fails_in_the_documents_generation_only(
    factor: float, of_the_documents: bool, of_today: bool
):
    spoiled = image()
    view = amplifier_views(spoiled.data)["C03"]
    view *= factor * NOISE / np.std(view)
    assert failed(dark_level_statistics(spoiled)) == ([] if of_today else ["C03 NOISE"])
    assert failed(dark_level_statistics(spoiled, two_sided=True)) == (
        [] if of_the_documents else ["C03 NOISE"]
    )


@pytest.mark.parametrize(
    ("noise", "nominal", "of_the_documents", "of_today"),
    [
        # n images verified against their own mean have the noise of one times sqrt(1 - 1/n).
        (7.0 * np.sqrt(1 - 1 / 3), 7.0, False, True),
        (7.0 * np.sqrt(1 - 1 / 10), 7.0, False, True),
        (7.0 * np.sqrt(1 - 1 / 11), 7.0, True, True),
        (7.0 * np.sqrt(1 - 1 / 20), 7.0, True, True),
        (0.0, 7.0, False, True),
        (9.499, 10.0, False, True),
        (9.501, 10.0, True, True),
        (10.0, 10.0, True, True),
        (10.499, 10.0, True, True),
        (10.501, 10.0, False, False),
        (20.0, 10.0, False, False),
        (float("nan"), 10.0, False, False),
        (10.0, float("nan"), False, False),
    ],
)
def test_noise_of_a_bias_or_dark(noise: float, nominal: float, of_the_documents: bool, of_today: bool):
    """DMTN-101: |noise - nominal| / nominal <= 0.05; cp_verify since March 2023: without the bars."""
    assert read_noise_agrees(noise, nominal, two_sided=True) is of_the_documents
    assert read_noise_agrees(noise, nominal) is of_today


@pytest.mark.parametrize(
    ("noise", "level", "passes"),
    [
        (100.0, 10_000.0, True),
        (99.9, 10_000.0, True),
        (100.1, 10_000.0, False),
        (104.9, 10_000.0, False),
        (10.0, 0.0, False),
        (0.0, 0.0, True),
        (10.0, -100.0, False),
        (float("nan"), 100.0, False),
        (1.0, float("nan"), False),
    ],
)
def test_noise_of_a_flat(noise: float, level: float, passes: bool):
    """Of cp_verify of either generation: noise <= sqrt(level), without any tolerance."""
    assert flat_noise_passes(noise, level) is passes


def test_level_must_be_below_the_noise():
    spoiled = image()
    amplifier_views(spoiled.data)["C17"][:] += 1.2 * NOISE
    amplifier_views(spoiled.data)["C16"][:] += 0.8 * NOISE
    assert failed(dark_level_statistics(spoiled)) == ["C17 MEAN"]


def test_cosmic_rays_are_forgiven_and_holes_are_not():
    spoiled = image()
    amplifier_views(spoiled.data)["C11"][20, 10:40] += 900
    amplifier_views(spoiled.data)["C12"][20, 10:40] -= 900
    assert failed(dark_level_statistics(spoiled)) == ["C12 CR_NOISE"]


def test_cosmic_ray_is_masked_with_its_neighbours():
    values = np.zeros((20, 20), dtype=np.float32)
    assert not cosmic_rays(values, 0.0, 1.0).any()
    values[5, 5:8] = 100
    mask = cosmic_rays(values, 0.0, 1.0)
    assert mask[4:7, 4:9].all()
    assert mask.sum() == 15


def test_pixels_without_number_fail_processing():
    spoiled = image()
    amplifier_views(spoiled.data)["C05"][:] = np.nan
    assert "PROCESSING" not in dark_level_statistics(image())["VERIFY"]["AMP"]["C05"]
    assert set(failed(dark_level_statistics(spoiled))) == {
        f"C05 {test}" for test in ("MEAN", "NOISE", "CR_NOISE", "PROCESSING")
    }


def test_amplifier_that_is_masked_altogether_fails_processing():
    masked = image()
    masked.mask = np.zeros((500, 512), dtype=bool)
    amplifier_views(masked.mask)["C05"][:] = True
    assert "C05 PROCESSING" in failed(dark_level_statistics(masked))


def test_inconsistent_overscan_is_reported_and_fails_only_with_others():
    spoiled = image()
    spoiled.meta[f"{OVERSCAN_NOISE} C04"] = 2 * NOISE / 1.1
    statistics = dark_level_statistics(spoiled)
    assert statistics["VERIFY"]["AMP"]["C04"]["READ_NOISE_CONSISTENT"] is False
    assert failed(statistics) == []
    amplifier_views(spoiled.data)["C04"][:] *= 2
    assert failed(dark_level_statistics(spoiled)) == ["C04 NOISE", "C04 READ_NOISE_CONSISTENT"]


def test_clipping_leaves_the_gaussian_alone():
    values = np.random.default_rng(5).normal(3.0, 2.0, 100_000).astype(np.float32)
    mean, noise = clipped_level(values)
    assert (mean, noise) == (pytest.approx(values.mean(), abs=1e-3), pytest.approx(values.std(), rel=1e-3))
    values[:100] = 1e5
    assert clipped_level(values) == (pytest.approx(3.0, abs=0.05), pytest.approx(2.0, rel=0.02))
    assert np.isnan(clipped_level(values[:0])).all()


def test_flat_is_tested_for_noise_by_amplifier_and_scatter_by_detector():
    good = image(20_000, 140.0)
    assert flat_statistics(good)["SUCCESS"] is True
    noisy = image(20_000, 140.0)
    view = amplifier_views(noisy.data)["C14"]
    view += 0.2 * (view - view.mean())
    assert failed(flat_statistics(noisy)) == ["C14 NOISE"]
    uneven = image(20_000, 140.0)
    uneven.data[250:] += 0.12 * 20_000
    statistics = flat_statistics(uneven)
    assert failed(statistics) == ["SCATTER"]
    assert statistics["DET"]["SCATTER"] / statistics["DET"]["MEAN"] == pytest.approx(0.0585, abs=1e-3)


def test_exposures_of_a_run_name_detector_amplifier_and_test():
    spoiled = image()
    amplifier_views(spoiled.data)["C03"][:] *= 1.2
    exposure = merge({"R22_S00": dark_level_statistics(image()), "R22_S11": dark_level_statistics(spoiled)})
    assert exposure == {
        "R22_S00": {"SUCCESS": True},
        "R22_S11": {"SUCCESS": False, "FAILURES": ["C03 NOISE"]},
        "SUCCESS": False,
    }
    good = merge({"R22_S00": dark_level_statistics(image())})
    assert merge({2026091800001: good, 2026091800002: exposure}) == {
        2026091800001: {"SUCCESS": True},
        2026091800002: {"SUCCESS": False, "FAILURES": ["R22_S11 C03 NOISE"]},
        "SUCCESS": False,
    }


def flat_exposure(*levels: float, noisier: float = 1.0) -> dict[str, Any]:
    detectors = {f"R22_S0{i}": image(level, 135.0) for i, level in enumerate(levels)}
    for detector in detectors.values():
        view = amplifier_views(detector.data)["C00"]
        view += (noisier - 1) * (view - view.mean())
    measured = {name: flat_statistics(detector) for name, detector in detectors.items()}
    return add_exposure_scatter(merge(measured), measured)


def test_run_of_flats_keeps_only_what_failed_for_an_exposure_as_a_whole():
    even, noisy, uneven = (
        flat_exposure(2e4, 2e4),
        flat_exposure(2e4, 2e4, noisier=1.1),
        flat_exposure(2e4, 2.01e4),
    )
    assert even["SUCCESS"] is True
    assert noisy["R22_S01"] == {"SUCCESS": False, "FAILURES": ["C00 NOISE"]}
    assert noisy["VERIFY"] == {"EXP": {"SCATTER": True}}
    # In electrons, and compared with 0.05: half a per cent of a level is a hundred electrons.
    assert uneven["EXP"]["SCATTER"] == pytest.approx(50, rel=1e-2)
    assert uneven["R22_S00"] == uneven["R22_S01"] == {"SUCCESS": True}
    assert merge({1: even, 2: noisy, 3: uneven}) == {
        1: {"SUCCESS": True},
        2: {"SUCCESS": False, "FAILURES": []},
        3: {"SUCCESS": False, "FAILURES": ["SCATTER"]},
        "SUCCESS": False,
    }
