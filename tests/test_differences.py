"""A new calibration is held against the one before it: what has moved is found, and an honest repeat passes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from astropy.nddata import CCDData
from honest_masters import Night

from lsst.ts.calibscripts.errors import StatisticsError
from lsst.ts.calibscripts.events.comparisons import Compared, comparison_line
from lsst.ts.calibscripts.summit.datasets.types import assemble
from lsst.ts.calibscripts.summit.sensor import CHANGES, SensorModel, expectation
from lsst.ts.calibscripts.summit.tasks.binning import bin_pixels
from lsst.ts.calibscripts.verification import WrittenGains
from lsst.ts.calibscripts.verification.defect_changes import Boxes, defects_difference
from lsst.ts.calibscripts.verification.differences import (
    Allowed,
    Difference,
    Master,
    difference_of,
    gain_difference,
    moved,
    per_noise,
)

SOAK = bool(os.environ.get("CALIBSCRIPTS_SOAK"))
SEEDS = 200 if SOAK else 20
NIGHTS = 200 if SOAK else 3
ALLOWED = Allowed(2.0, 0.002)
FILTER = "SDSSr_65mm~empty"


def bias(model: SensorModel, frames: int) -> tuple[np.ndarray, np.ndarray]:
    return expectation.bias_image(model), expectation.frame_noise(model) / math.sqrt(frames)


def dark(model: SensorModel, frames: int) -> tuple[np.ndarray, np.ndarray]:
    return expectation.dark_image(model), expectation.dark_noise(model, np.full(frames, 10.0), frames)


def flat(model: SensorModel, frames: int) -> tuple[np.ndarray, np.ndarray]:
    return expectation.flat_image(model, FILTER), expectation.flat_noise(model, 25_000, frames)


PRODUCTS: Mapping[str, Callable[[SensorModel, int], tuple[np.ndarray, np.ndarray]]] = {
    "bias": bias,
    "dark": dark,
    "flat": flat,
}


def master(
    kind: str, model: SensorModel, frames: int, rng: np.random.Generator, *, planes: bool = False
) -> Master:
    """Return a combined image as the model predicts it, with the noise of so many frames."""
    image, noise = PRODUCTS[kind](model, frames)
    sigma = assemble(np.broadcast_to(noise[:, np.newaxis, np.newaxis], model.shape))
    if kind == "dark":
        sigma = np.sqrt(sigma**2 + image / (10.0 * frames))
    pixels = (image + sigma * rng.standard_normal(image.shape)).astype(np.float32)
    return Master(kind, pixels, (sigma**2).astype(np.float32) if planes else None)


def compared(
    kind: str, seed: int, change: Callable[[SensorModel], SensorModel] = lambda model: model, **planes: bool
) -> Difference:
    """Compare 10 frames of a detector as it is now with 50 of what it was before."""
    before, rng = SensorModel.for_detector("LATISS", seed=seed), np.random.default_rng(seed)
    old = master(kind, before, 50, rng, **planes)
    return difference_of(master(kind, change(before), 10, rng, **planes), old, "RXX_S00")


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("kind", PRODUCTS)
def test_an_honest_repeat_passes(kind: str, planes: bool) -> None:
    alarms = 0
    for seed in range(SEEDS):
        difference = compared(kind, seed, planes=planes)
        alarms += bool([*moved(difference, ALLOWED)])
        assert all(abs(value or 0.0) < 0.1 for value in difference.shift)
        assert all(0.9 < (value or 0.0) < 1.1 for value in difference.scatter)
    assert alarms < max(0.01 * SEEDS, 1)


def test_an_honest_repeat_of_frames_passes() -> None:
    """Dead and hot pixels and columns, cosmic rays, few frames and many, with the errors of what corrects them."""
    alarms = {}
    for seed in range(NIGHTS):
        night = Night.of(seed)
        found = {kind: [*moved(difference, ALLOWED)] for kind, difference in night.compared()}
        alarms |= {(night, kind): names for kind, names in found.items() if names}
    assert len(alarms) < max(0.01 * NIGHTS, 1), alarms


@pytest.mark.parametrize(
    ("change", "kind", "amplifiers"),
    [
        ("bias-shifted", "bias", {"C04"}),
        ("amplifier-glows", "dark", {"C04"}),
        ("dust-ring", "flat", {"C03", "C04"}),
        ("dead-column", "flat", {"C04"}),
    ],
)
def test_what_has_moved_is_found_where_it_is(change: str, kind: str, amplifiers: set[str]) -> None:
    for seed in range(SEEDS):
        found = moved(compared(kind, seed, CHANGES[change]), ALLOWED)
        assert {name.removeprefix("RXX_S00 ") for name in found} == amplifiers


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ("bias-shifted", {"dark", "flat"}),
        ("amplifier-glows", {"bias", "flat"}),
        ("dust-ring", {"bias", "dark"}),
        ("dead-column", {"bias", "dark"}),
    ],
)
def test_others_have_not_moved(change: str, kinds: set[str]) -> None:
    for kind in kinds:
        assert not [*moved(compared(kind, 0, CHANGES[change]), ALLOWED)]


def gains(gain: float, error: float, noise: float = 7.0) -> WrittenGains:
    return WrittenGains(
        0, (), {"C00": gain, "C01": 1.0}, {"C00": noise, "C01": 7.0}, gain_error={"C00": error}
    )


def test_gains_are_compared_in_units_of_their_errors() -> None:
    same = partial(gain_difference, old=gains(1.0, 0.003), detector="RXX_S00")
    found = same(gains(1.02, 0.004, 7.7))
    assert found.shift == (4.0, 0.0)
    assert (found.gain_ratio, found.noise_ratio) == ((1.02, 1.0), (1.1, 1.0))
    assert not [*moved(found, ALLOWED)]
    assert [*moved(same(gains(1.03, 0.004)), ALLOWED)] == ["RXX_S00 C00"]
    # An error of nearly nothing is not believed.
    assert not [*moved(gain_difference(gains(1.005, 1e-6), gains(1.0, 1e-6), "RXX_S00"), ALLOWED)]
    lost = same(gains(math.nan, 0.004))
    assert (lost.shift, lost.gain_ratio) == ((None, 0.0), (0.0, 1.0))
    assert [*moved(lost, ALLOWED)] == ["RXX_S00 C00"]
    fewer = WrittenGains(0, (), {"C01": 1.0}, {"C01": 7.0})
    assert [*moved(same(fewer), ALLOWED)] == ["RXX_S00 C00"]
    # Where none was measured before there is nothing that could have moved.
    assert not [*moved(gain_difference(gains(1.0, 0.003), gains(math.nan, 0.003), "RXX_S00"), ALLOWED)]
    assert not [*moved(gain_difference(gains(1.0, 0.003), fewer, "RXX_S00"), ALLOWED)]


def test_pixels_that_only_one_of_both_has_have_moved() -> None:
    rng = np.random.default_rng(1)
    new, old = (rng.standard_normal((160, 160)).astype(np.float32) for _ in range(2))
    # Neither has the first row, an amplifier of the new one has no value at all, and three rows of the old one.
    new[0] = old[0] = np.nan
    new[80:, :20] = np.nan
    old[1:4, 20:40] = np.inf
    for one, other in ((new, old), (old, new)):
        found = difference_of(Master("bias", one), Master("bias", other), "RXX_S00")
        assert (found.shift[0], found.scatter[0], found.beyond[0]) == (None, None, 1.0)
        assert found.beyond[9] == pytest.approx(3 / 79, rel=1e-3)
        assert [*moved(found, ALLOWED)] == ["RXX_S00 C10", "RXX_S00 C01"]
        assert all(value is not None for value in found.shift[1:])
    same = difference_of(Master("bias", new), Master("bias", new), "RXX_S00")
    assert (same.shift[0], same.beyond[0]) == (None, None)
    assert not [*moved(same, ALLOWED)]


def test_the_difference_lies_where_the_pixels_are() -> None:
    rng = np.random.default_rng(2)
    old = rng.standard_normal((160, 160)).astype(np.float32)
    new = old + rng.standard_normal((160, 160)).astype(np.float32)
    new[3, 150] += 1000
    shown = per_noise(Master("bias", new), Master("bias", old))
    assert np.unravel_index(int(np.argmax(shown)), shown.shape) == (3, 150)
    assert difference_of(Master("bias", new), Master("bias", old), "RXX_S00").beyond.index(1 / 1600) == 15


def test_a_wavefront_sensor_has_eight_amplifiers() -> None:
    half = Master("bias", np.zeros((80, 160), dtype=np.float32))
    assert difference_of(half, half, "R00_SW0").amplifiers == tuple(f"C0{column}" for column in range(8))


def test_what_moves_in_binned_images_is_found_where_it_is_though_the_amplifiers_do_not_divide() -> None:
    """ITL: 509 columns of a binned amplifier's 63.6; e2v: 2002 rows of its 250.25."""
    rng = np.random.default_rng(3)
    for rows, columns in ((4000, 4072), (4004, 4096)):
        sensor = np.zeros((rows, columns), dtype=np.float32)
        sensor[: rows // 2, columns // 2 : columns * 5 // 8] = 20.0
        moved_by = bin_pixels(CCDData(sensor, unit="adu"), 8).data
        old, new = (rng.standard_normal(moved_by.shape).astype(np.float32) for _ in range(2))
        found = difference_of(Master("biasBin8", new + moved_by), Master("biasBin8", old), "R22_S11")
        assert [*moved(found, ALLOWED)] == ["R22_S11 C04"]
        shown = per_noise(Master("biasBin8", new + moved_by), Master("biasBin8", old))
        assert shown.shape == old.shape
        assert np.nanmedian(shown[:250, 256:318]) > 5


def test_a_few_stray_pixels_do_not_move_a_small_amplifier() -> None:
    rng = np.random.default_rng(5)
    old, new = (rng.standard_normal((64, 64)).astype(np.float32) for _ in range(2))
    new[0, :4] += 100
    stray = difference_of(Master("bias", new), Master("bias", old), "R22_S11")
    assert stray.beyond[8] == pytest.approx(4 / 256, rel=1e-3)
    assert not [*moved(stray, ALLOWED)]
    new[1, 0] += 100
    assert [*moved(difference_of(Master("bias", new), Master("bias", old), "R22_S11"), ALLOWED)] == [
        "R22_S11 C00"
    ]


@pytest.mark.parametrize("planes", [False, True])
def test_the_level_of_flats_is_not_held_against_the_errors_of_their_gains(planes: bool) -> None:
    rng = np.random.default_rng(4)
    sigma = 1e-4

    def shift(relative: float) -> float:
        old, new = (1 + sigma * rng.standard_normal((500, 512)).astype(np.float32) for _ in range(2))
        variance = np.full_like(old, sigma**2) if planes else None
        binned = (Master("flatBin8", pixels, variance) for pixels in (new + np.float32(relative), old))
        return difference_of(*binned, "R22_S11").shift[0] or 0.0

    assert shift(2e-4) == pytest.approx(0.2, abs=0.02)
    assert shift(1e-2) == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("shape", [(150, 160), (1, 3)])
def test_images_of_other_sizes_are_not_compared(shape: tuple[int, int]) -> None:
    new = Master("bias", np.zeros(shape, dtype=np.float32))
    old: Any = replace(new, pixels=np.zeros((160, 160), dtype=np.float32)) if shape[0] > 1 else new
    with pytest.raises(StatisticsError):
        difference_of(new, old, "RXX_S00")


def test_defects_are_compared_pixel_by_pixel() -> None:
    old = Boxes(((0, 0, 1, 80), (30, 5, 2, 2)), (160, 160))
    new = Boxes(((0, 0, 1, 60), (30, 5, 2, 2), (30, 5, 1, 3), (159, 80, 1, 80)), (160, 160))
    found = defects_difference(new, old, "RXX_S00")
    changed = {
        name: counts
        for name, *counts in zip(found.amplifiers, found.appeared, found.vanished, found.beyond, strict=True)
        if any(counts)
    }
    assert changed == {
        "C17": [80, 0, 0.05],
        "C00": [0, 20, 0.0125],
        # A pixel with no other beside it comes and goes with the noise.
        "C01": [1, 0, 0.0],
    }
    allowed = replace(ALLOWED, pixels=0.02)
    assert [*moved(found, allowed)] == ["RXX_S00 C17"]
    assert comparison_line(Compared("DEFECTS", ("u/ocps/1/run",), (found,), ("RXX_S00 C17",))) == (
        "DEFECTS compared with that in u/ocps/1/run: 81 pixels new, 20 pixels no longer a defect, most side by "
        "side in RXX_S00 C17: 5.00% of its pixels. MOVED: RXX_S00 C17."
    )
    assert not any((same := defects_difference(new, new, "RXX_S00")).beyond)
    assert comparison_line(Compared("DEFECTS", ("u/ocps/1/run",), (same,))).endswith(
        "0 pixels new, 0 pixels no longer a defect. No amplifier has moved."
    )


@pytest.mark.parametrize(
    ("place", "detector", "amplifiers", "pixels"),
    [
        ((4070, 3999, 2, 1), "R22_S11", 16, 2000 * 509),
        ((4094, 4003, 2, 1), "R22_S11", 16, 2002 * 512),
        ((4070, 1999, 2, 1), "R00_SW0", 8, 2000 * 509),
    ],
)
def test_defects_that_do_not_say_of_which_sensor_are_put_on_one_of_the_cameras(
    place: tuple[int, int, int, int], detector: str, amplifiers: int, pixels: int
) -> None:
    found = defects_difference(Boxes((place,)), Boxes(), detector)
    assert len(found.amplifiers) == amplifiers
    assert sum(found.appeared) == 2
    assert max(value or 0.0 for value in found.beyond) == pytest.approx(2 / pixels, rel=1e-3)


def test_a_comparison_is_said_in_one_line() -> None:
    names, runs = tuple(f"C0{n}" for n in range(3)), ("u/ocps/1/run",)
    found = Difference("RXX_S00", names, (-0.1, 12.0, None), (0.98, 1.4, None), (0.0, 0.31, None))
    assert comparison_line(Compared("BIAS", runs, (found,))) == (
        "BIAS compared with that in u/ocps/1/run: level -0.1 to +12 sigma, scatter 0.98 to 1.4 of the expected, "
        "up to 31.00% of the pixels beyond 5 sigma. No amplifier has moved."
    )
    moved = (*(f"RXX_S00 {name}" for name in names), *(f"R22_S{n:02} C07" for n in range(10)))
    assert comparison_line(Compared("BIAS", runs, (found,), moved)).endswith(
        "MOVED: RXX_S00 all 3 amplifiers; R22_S00 C07; R22_S01 C07; R22_S02 C07; R22_S03 C07; R22_S04 C07; "
        "R22_S05 C07; R22_S06 C07 and 3 more detectors."
    )
    curve = Difference(
        "RXX_S00", names, (0.5, 1, 1), gain_ratio=(1.01, 1.0, 1.0), noise_ratio=(1.0, 1.0, 0.9)
    )
    assert comparison_line(Compared("PTC", runs, (curve,))) == (
        "PTC compared with that in u/ocps/1/run: gain +0.5 to +1 sigma, gain ratio 1 to 1.01, noise ratio 0.9 to 1. "
        "No amplifier has moved."
    )
