"""In what repositories differ, and why an exposure does not get a calibration."""

from dataclasses import replace

import pytest
from production_support import DAY, R, association, frames

from lsst.ts.calibscripts.production.comparing import Contents, differences, text
from lsst.ts.calibscripts.production.deployed import Question, explain

(FRAME,) = frames(DAY, [("FLAT", [5.0], R)])
QUESTION = Question("LATISS", FRAME, 0, "LATISS/calib")
BIAS = association()
FLAT = association("flat", physical_filter="SDSSg_65mm~empty")


@pytest.mark.parametrize(
    ("dataset_type", "dimensions", "present", "reason"),
    [
        ("ptc", ("detector", "instrument"), [], "no ptc in LATISS/calib"),
        (
            "bias",
            ("detector", "instrument"),
            [association(detector="1"), association(detector="2")],
            "none of detector 0, only of 1, 2",
        ),
        (
            "flat",
            ("detector", "instrument", "physical_filter"),
            [FLAT],
            "none of physical_filter SDSSr_65mm~empty, only of SDSSg_65mm~empty",
        ),
        (
            "bias",
            ("detector", "instrument"),
            [BIAS, association(begin=None, end="2024-01-01T00:00:00.000", collection="old")],
            "none is valid at 2024-03-26T20:00:00 TAI, when it was taken; nearest: "
            "[2024-04-10, open) TAI in LATISS/calib/DM-43525/lowerSetTemp/bias.20240405a; "
            "[open, 2024-01-01) TAI in old",
        ),
    ],
)
def test_the_criterion_that_fails_is_reported(dataset_type: str, dimensions, present, reason: str):
    assert explain(QUESTION, dataset_type, dimensions, present) == reason


A = Contents("a", ("x", "y"), (replace(BIAS, collection="x"), replace(FLAT, collection="y")))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(A, repo="b"), []),
        (replace(A, repo="b", collections=("y", "x")), ["The order is x, y in a, but y, x in b."]),
        (
            Contents("b", ("x",), (replace(BIAS, collection="x"),)),
            ["y is in a, but not in b."],
        ),
        (
            Contents("b", ("x", "y", "z"), A.associations),
            ["z is in b, but not in a."],
        ),
        (
            replace(
                A, repo="b", associations=(replace(BIAS, collection="x", dataset="two"), A.associations[1])
            ),
            ["x: bias detector=0 instrument=LATISS for [2024-04-10, open) TAI is one in a, but two in b."],
        ),
        (
            replace(A, repo="b", associations=(replace(BIAS, collection="x", begin=None), A.associations[1])),
            [
                "x: bias detector=0 instrument=LATISS for [2024-04-10, open) TAI is in a, but not in b.",
                "x: bias detector=0 instrument=LATISS for [open, open) TAI is in b, but not in a.",
            ],
        ),
    ],
)
def test_differences(other: Contents, expected: list[str]):
    assert [*differences([A, other])] == expected
    agree, lines = text([A, other])
    assert agree is not bool(expected)
    assert lines.splitlines() == (
        [f"# {line}" for line in expected] or ["# They agree: 2 collections, 2 certified datasets."]
    )


def test_nothing_anywhere_is_no_agreement():
    nothing = Contents("a", (), ())
    assert text([nothing, nothing]) == (False, "# None of them has such a collection.")
