"""Biases, darks and flats of two nights on which nothing has changed, combined as the stand-in pipelines do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.time import Time

from lsst.ts.calibscripts.repository.certified.masters import boxes_of
from lsst.ts.calibscripts.summit.butler import reference_electronics as electronics
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose
from lsst.ts.calibscripts.summit.tasks.binning import bin_pixels
from lsst.ts.calibscripts.summit.tasks.combination import combine
from lsst.ts.calibscripts.summit.tasks.defects import MeasureDarkDefectsTask, MeasureFlatDefectsTask
from lsst.ts.calibscripts.summit.tasks.signature import Calibrations, remove_signature
from lsst.ts.calibscripts.verification.defect_changes import Boxes, defects_difference
from lsst.ts.calibscripts.verification.differences import Difference, Master, difference_of

__all__ = ["Night"]

_CAMERAS = (
    ("LATISS", 0, {"filter": "SDSSr_65mm", "grating": "empty_1"}),
    ("LSSTComCam", 4, {"filter": "r_03"}),
    ("LSSTCam", 94, {"filter": "r_57"}),
)
"""One with a single detector, whose flats are corrected for the brighter-fatter effect, and two without that."""

_FLAT_TIME = 5.0
"""Seconds."""


@dataclass(frozen=True)
class Night:
    """What is taken on two nights, and with which detector."""

    seed: int
    n_frames: tuple[int, int]  #: Flats on the night before and now; at most six of the others.
    dark_time: float  #: Seconds.
    levels: tuple[float, float]  #: Of the flats, in ADU.

    @classmethod
    def of(cls, seed: int) -> Night:
        """Choose them at random."""
        rng = np.random.default_rng(seed)
        before, now = (int(rng.choice([3, 6, 20])) for _ in range(2))
        return cls(
            seed, (before, now), float(rng.uniform(5.0, 60.0)), (20_000.0, float(rng.uniform(12e3, 25e3)))
        )

    def compared(self) -> Iterator[tuple[str, Difference]]:
        """Compare the masters and the defects of both nights."""
        before, now = (dict(self._masters(number)) for number in (0, 1))
        for kind, new in now.items():
            yield kind, difference_of(new, before[kind], kind)
            # As those of LSSTCam are compared.
            yield f"{kind}Bin8", difference_of(_binned(new), _binned(before[kind]), kind)
        yield "defects", defects_difference(*map(_defects, (now, before)), "defects")

    def _masters(self, night: int) -> Iterator[tuple[str, Master]]:
        instrument, detector, in_beam = _CAMERAS[self.seed % len(_CAMERAS)]
        model = SensorModel.for_detector(instrument, detector, self.seed, scale=16)
        applied = Calibrations(
            crosstalk=electronics.ratios(model),
            linearizer=electronics.linearizer(model),
            gains=electronics.photon_transfer_curve(model).gain,
        )
        rate = self.levels[night] / _FLAT_TIME
        taken = (("bias", 0.0, 0.0), ("dark", self.dark_time, 0.0), ("flat", _FLAT_TIME, rate))
        for place, (kind, time, light) in enumerate(taken):
            if light and instrument == "LATISS":
                applied = replace(applied, bfk=electronics.kernel(model))
            images, scales = [], []
            n_frames = self.n_frames[night] if light else min(self.n_frames[night], 6)
            for number in range(n_frames):
                observation = Observation(
                    instrument,
                    20260918 + night,
                    100 * place + number + 1,
                    kind.upper(),
                    exposure_time=time,
                    dark_time=time,
                    begin=Time("2026-09-18T12:00:00", scale="tai"),
                    rate=light,
                    **in_beam,
                )
                image = remove_signature(expose(model, observation), applied, order=5, electrons=True)
                scales.append({"bias": 1.0, "dark": time}.get(kind) or float(image.data.mean()))
                images.append(image.data / np.float32(scales[-1]))
            noise = np.ones(len(images))
            pixels, _ = combine(np.array(images), noise, clip=5.0, columns=images[0].shape[1] // 8)
            yield kind, Master(kind, pixels)
            unit: Any = {"bias": "electron", "dark": "electron/s"}.get(kind, "")
            applied = replace(applied, **{kind: CCDData(pixels, unit=unit)})


def _binned(master: Master) -> Master:
    binned = bin_pixels(CCDData(master.pixels, unit=""), 8)
    return Master(f"{master.dataset_type}Bin8", binned.data)


def _defects(masters: dict[str, Master]) -> Boxes:
    """Find defects as the stand-in pipeline does."""
    tasks = (MeasureDarkDefectsTask(), MeasureFlatDefectsTask())
    found = [
        boxes_of(task.run(inputExp=CCDData(masters[kind].pixels, unit="")).outputDefects)
        for task, kind in zip(tasks, ("dark", "flat"), strict=True)
    ]
    return Boxes(tuple(place for boxes in found for place in boxes.places), found[0].shape)
