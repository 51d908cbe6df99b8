"""The examples for reading the results, run on the repository that a whole run has left."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from e2e_support import Rehearsed, opened
from matplotlib import image

from lsst.ts.calibscripts.summit.datasets.types import AMPLIFIERS
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation

EXAMPLES = Path(__file__).parents[2] / "doc" / "examples"
COLLECTION = "LATISS/calib/daily/calibs.2022NOV04.1"
FILTER = "SDSSi_65mm~blue300lpmm_qn1"
RATE = 2720.0
"""ADU per second through that filter."""

Run = Callable[..., str]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run an example as `python <name>.py` does, and give what it prints."""
    before = sys.argv

    def run(name: str, *arguments: object) -> str:
        sys.argv = [str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            runpy.run_path(sys.argv[0], run_name="__main__")
        return printed.getvalue()

    yield run
    sys.argv = before


def gains(printed: str) -> list[float]:
    """Gains by amplifier, in the order of the model's."""
    found = {}
    for line in printed.splitlines():
        words = line.removeprefix("ptc: ").replace(":", "").split()
        if words and words[0] in AMPLIFIERS and words[1] == "gain":
            assert words[3] == "electron/ADU,"
            found[words[0]] = float(words[2])
    return [found[name] for name in AMPLIFIERS]


def test_every_example_is_run() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {"read_calibrations", "read_gains", "read_statistics", "read_image"}


def test_combined_products_by_exposure(internal: Rehearsed, model: SensorModel, run: Run) -> None:
    printed = run("read_calibrations", internal.repo, COLLECTION, internal.kept("FLAT")[0])
    lines = {line.split(":")[0]: line for line in printed.splitlines()}
    assert list(lines) == ["bias", "dark", "flat", "defects", "ptc"]
    assert lines["flat"].startswith("flat: (500, 512) pixels, mean 1.00000")
    np.testing.assert_allclose(gains(printed), model.gain, rtol=0.02)


def test_nothing_is_valid_for_an_exposure_of_another_collection(internal: Rehearsed, run: Run) -> None:
    # It holds a bias, and nothing else.
    printed = run("read_calibrations", internal.repo, "LATISS/calib/2021-07", internal.kept("BIAS")[0])
    assert "defects: none is valid" in printed
    assert "ptc: none is valid" in printed
    assert "bias: (500, 512) pixels" in printed


@pytest.mark.parametrize("which", [0, 1])
def test_gains_of_the_pair_of_either_flat(
    internal: Rehearsed, model: SensorModel, run: Run, which: int
) -> None:
    flats = internal.kept("FLAT")
    collection = f"u/ocps/{internal.job_id('GENERATE PTC')}"
    printed = run("read_gains", internal.repo, collection, flats[2 + which])
    assert printed.startswith(f"Pair that begins with {flats[2]}:")
    # One pair has the noise of its own level: less than that of photons, since charge repels charge.
    level = internal.times("FLAT")[1:][2] * RATE * float(model.illumination(FILTER).mean())
    expected = model.gain / expectation.variance_shrinkage(level, model.a00)
    np.testing.assert_allclose(gains(printed), expected, rtol=0.08)


def test_gains_of_no_pair(internal: Rehearsed, run: Run) -> None:
    with pytest.raises(SystemExit, match="is in no pair"):
        run("read_gains", internal.repo, f"u/ocps/{internal.job_id('GENERATE PTC')}", 1)


def test_statistics_of_run_and_detector(internal: Rehearsed, run: Run) -> None:
    flats = internal.kept("FLAT")
    collection = f"u/ocps/{internal.job_id('VERIFY FLAT')}"
    lines = run("read_statistics", internal.repo, collection, flats[3]).splitlines()
    with opened(internal.repo) as butler:
        found, flat = (
            {"collections": collection, "instrument": "LATISS"},
            {"exposure": flats[3], "detector": 0},
        )
        of_run = butler.get("verifyFlatStats", physical_filter="SDSSi_65mm~blue300lpmm_qn1", **found)
        tests = butler.get("verifyFlatDetStats", **flat, **found)["VERIFY"]["AMP"]
    words = {True: "passed", False: "failed"}
    assert lines[0] == f"Run, SDSSi_65mm~blue300lpmm_qn1: {words[of_run['SUCCESS']]}"
    assert lines[1 : 1 + len(flats)] == [
        f"    {key}: {of_run[key].get('FAILURES') or words[of_run[key]['SUCCESS']]}" for key in flats
    ]
    assert lines[15] == f"Exposure {flats[3]}, detector 0:"
    assert [line.split(":")[0].strip() for line in lines[16:]] == list(AMPLIFIERS)
    assert [line.rsplit(" ", 1)[1] for line in lines[16:]] == [
        words[tests[name]["NOISE"]] for name in AMPLIFIERS
    ]


def test_processed_image_is_displayed(internal: Rehearsed, run: Run, tmp_path: Path) -> None:
    flats = internal.kept("FLAT")
    collection = f"u/ocps/{internal.job_id('VERIFY FLAT')}"
    printed = run("read_image", internal.repo, collection, flats[0], tmp_path / "flat.png")
    (path,) = Path(internal.repo).glob(
        f"{collection}/run/verifyFlatIsrExp/**/*_{flats[0] % 100000:06d}_*.fits"
    )
    with fits.open(path) as file:
        median = np.median(file[0].data)
    assert printed.startswith(f"median {median:.2f}, ")
    picture = image.imread(tmp_path / "flat.png")
    assert picture.shape == (600, 1200, 4)
    # Both panels show the scatter of a flat, not one shade of grey.
    for panel in (picture[200:400, 150:400, 0], picture[200:400, 750:1000, 0]):
        assert panel.std() > 0.05
