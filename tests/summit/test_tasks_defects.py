"""Bad pixels and the boxes that describe them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsst.ts.calibscripts.summit.datasets.defects import boxes
from lsst.ts.calibscripts.summit.datasets.types import amplifier_views
from lsst.ts.calibscripts.summit.tasks.defects import MergeDefectsTask
from lsst.ts.calibscripts.summit.tasks.pixel_defects import cold_pixels, fill_columns, hot_pixels
from lsst.ts.calibscripts.summit.tasks.signature import defect_mask

SHAPE = (12, 32)


@settings(max_examples=50)
@given(arrays(bool, SHAPE, elements=st.booleans()))
def test_boxes_describe_exactly_the_bad_pixels(mask: np.ndarray):
    table = boxes(mask)
    np.testing.assert_array_equal(defect_mask(table, SHAPE), mask)
    assert table["height"].sum() == mask.sum()
    for row in table:
        inside = np.zeros(SHAPE, dtype=bool)
        amplifier_views(inside)[row["amplifier"]][:] = True
        assert inside[row["y0"] : row["y0"] + row["height"], row["x0"]].all()


def test_a_column_is_one_box_per_amplifier():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, 9] = True
    assert [tuple(row) for row in boxes(mask)] == [(9, 6, 1, 6, "C12"), (9, 0, 1, 6, "C02")]


def test_thresholds_are_relative_to_the_amplifier():
    image = np.ones(SHAPE, dtype=np.float32)
    amplifier_views(image)["C12"][:] = 5
    image[7, 9], image[0, 0] = 9, 3.5
    assert np.argwhere(hot_pixels(image, 3.0)).tolist() == [[7, 9]]
    image[7, 9], image[0, 0] = 4.4, 0.95
    assert np.argwhere(cold_pixels(image, 0.9)).tolist() == [[7, 9]]


@pytest.mark.parametrize(("threshold", "count"), [(-1, 4), (4, 4), (3, 6)])
def test_columns_with_many_bad_pixels_are_filled(threshold: int, count: int):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[1:5, 9] = True
    assert fill_columns(mask, threshold).sum() == count


def test_merging_unites():
    def one(y: int, x: int) -> Table:
        mask = np.zeros(SHAPE, dtype=bool)
        mask[y : y + 2, x] = True
        return boxes(mask)

    merged = MergeDefectsTask().run(
        inputBiasDefects=one(0, 0), inputDarkDefects=one(1, 0), inputFlatDefects=[one(8, 31), one(8, 31)]
    )
    assert [tuple(row) for row in merged.mergedDefects] == [(31, 8, 1, 2, "C17"), (0, 0, 1, 3, "C00")]
