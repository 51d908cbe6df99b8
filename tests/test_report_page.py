"""The page of a report: complete, self-contained, small for a large camera, and alive in a browser."""

from __future__ import annotations

import base64
import gzip
import http.server
import io
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Png
from recorded import Rehearsed, recorded_run, rehearsed_once

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.report.account import Account, ProductAccount, Standing, of_record
from lsst.ts.calibscripts.report.amplifiers import amplifier_table
from lsst.ts.calibscripts.report.drawing.drawings import sparkline
from lsst.ts.calibscripts.report.drawing.focal_planes import place_of
from lsst.ts.calibscripts.report.drawing.pictures import stretch
from lsst.ts.calibscripts.report.page import as_html
from lsst.ts.calibscripts.report.reading.evidence import Evidence, Grid, Image, Nominal, Outcome, Verification
from lsst.ts.calibscripts.report.sections import failure_table, matrices
from lsst.ts.calibscripts.report.trends import Departure, Trend
from lsst.ts.calibscripts.summit.hardware.focalplane import detectors
from lsst.ts.calibscripts.verification import Failure, Statistics, judge

AMPLIFIERS = tuple(f"C{row}{column}" for row in (1, 0) for column in range(8))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter",
    "--virtual-time-budget=5000",
)
BROWSERS_OWN = {
    "accounts.google.com",
    "android.clients.google.com",
    "clients2.google.com",
    "edgedl.me.gvt1.com",
    "update.googleapis.com",
    "www.google.com",
}
"""What the browser asks for itself, whatever page is open."""


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearsed_once(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def page(rehearsed: Rehearsed) -> str:
    """The page of a rehearsal, as the command writes it."""
    directory = rehearsed.record.path.parent / "pages"
    told = CliRunner().invoke(main, ["report", str(rehearsed.record.path), "--out", str(directory)])
    assert told.exit_code == 0, told.output
    return Path(told.output.strip()).read_text()


def lsstcam(n_exposures: int = 20) -> Account:
    """Make up what a run of all 189 detectors leaves: one detector is bad, and one amplifier once."""
    names = tuple(d.full_name for d in detectors("LSSTCam") if d.purpose == "SCIENCE")
    random = np.random.default_rng(1)
    shape = n_exposures, len(names), 16
    verifications, images = [], []
    for product in ("BIAS", "DARK", "FLAT"):
        exposures = tuple(2026091800000 + number for number in range(n_exposures))
        values = {n: random.normal(6, 0.1, shape).astype(np.float32) for n in ("MEAN", "NOISE", "CR_NOISE")}
        outcomes = {n: np.full(shape, Outcome.PASSED, dtype=np.int8) for n in (*values, "PROCESSING")}
        outcomes["NOISE"][:, 3, :] = Outcome.FAILED
        outcomes["NOISE"][0, 7, 2] = Outcome.FAILED
        failed = [
            Failure(exposures[e], names[d], AMPLIFIERS[a], "NOISE")
            for e, d, a in np.argwhere(outcomes["NOISE"] == Outcome.FAILED)
        ]
        verdict = judge(
            Statistics(tuple(failed), frozenset(exposures)),
            exposures=exposures,
            detectors=names,
            threshold=8,
            image_type=product,
        )
        grid = Grid(exposures, names, AMPLIFIERS, values, outcomes)
        verifications.append(Verification(product, f"u/ocps/{product}/run", verdict, grid))
        for kind in ("combined", "corrected"):
            pixels = random.normal(0, 1, (51, 51)).astype(np.float32)
            images += [Image(f"{kind} {product.lower()}", name, pixels, "electron", 0.0) for name in names]
    evidence = Evidence(
        tuple(verifications),
        images=tuple(images),
        nominal=Nominal({(name, amplifier): 1.1 for name in names for amplifier in AMPLIFIERS}),
    )
    runs = {StepId(Action.VERIFY, v.product): v.run for v in verifications}
    products = tuple(ProductAccount(v.product, Standing.PASSED, "It passed.") for v in verifications)
    return Account("LSSTCam calibrations", "LSSTCam", "/repo/LSSTCam", None, products, evidence, runs)


@pytest.fixture(scope="module")
def large_page() -> str:
    return as_html(lsstcam())


class Outline(HTMLParser):
    """What is where on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("aria-labelledby", "aria-controls"):
            self.references += found.get(name, "").split()
        if found.get("href", "").startswith("#"):
            self.references.append(found["href"][1:])
        self.fetched += [
            found[name]
            for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset")
            if name in found and not found[name].startswith(("#", "data:image/png;base64,"))
        ]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not found.get("alt"):
            self.unnamed.append("img")
        if tag == "svg" and not ({"aria-hidden", "role"} & found.keys()):
            self.unnamed.append("svg")
        if tag == "th" and "scope" not in found:
            self.unnamed.append("th")
        if found.get("role") == "region" and not (found.get("aria-label") and found.get("tabindex") == "0"):
            self.unnamed.append("region")


@pytest.mark.parametrize("fixture", ["page", "large_page"])
def test_the_page_fetches_nothing_and_names_everything(fixture: str, request: pytest.FixtureRequest):
    text = request.getfixturevalue(fixture)
    outline = Outline(text)
    assert outline.fetched == []
    assert not re.search(r"url\((?!#)|@import|\bfetch\(|XMLHttpRequest|new Worker|import\(", text)
    assert "default-src 'none'" in text
    assert outline.unnamed == []
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.references) <= set(outline.ids)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(
        next_ - level <= 1 for level, next_ in zip(outline.headings, outline.headings[1:], strict=False)
    )
    for scheme in ("light dark", "prefers-color-scheme: dark", "@media print"):
        assert scheme in text


def test_the_page_tells_everything_there_is(page: str, rehearsed: Rehearsed):
    text = unescape(page)
    for product in ("BIAS", "DARK", "FLAT"):
        assert f"{product} calibration passed" in text
    assert text.count("certified without verification") == 2
    assert "LATISS/calib/daily/test" in text
    assert "CR_NOISE" in text
    assert text.count("data:image/png;base64,") == 9
    assert "Photon transfer curves of RXX_S00" in text
    assert "pipetask --long-log run" in text
    assert "cpv_report.py" in text
    for job in rehearsed.record.jobs:
        assert f"{job.collection}/run" in text
    assert "calib_collection: LATISS/calib/daily/test" in text
    assert "daf_butler" in text


async def test_a_page_is_made_of_a_record_alone(tmp_path: Path):
    record, _ = await recorded_run(
        tmp_path,
        {"n_bias": 3, "script_mode": "BIAS", "repo": "/no/such/repo"},
        faults=["job-error:of=verifyBias"],
    )
    text = unescape(as_html(of_record(record)))
    assert "This report is made from the record alone." in text
    assert record.state.failures[0] in text
    assert 'class="timeline wide"' in text
    assert 'class="timeline narrow"' in text
    assert Outline(text).headings


def test_nothing_of_a_record_becomes_markup(rehearsed: Rehearsed):
    nasty = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    account = of_record(rehearsed.record, images=())
    spoilt = replace(
        account,
        title=nasty,
        repo=nasty,
        products=tuple(replace(product, sentence=nasty, generation=nasty) for product in account.products),
        trends=(
            Trend(
                nasty, nasty, nasty, ((nasty, 1.0), (nasty, 2.0)), (Departure(nasty, 1, 2, 3),), known=True
            ),
        ),
        evidence=replace(account.evidence, problems=(nasty,)),
    )
    text = as_html(spoilt, {nasty: nasty})
    assert "<img src=x" not in text
    assert text.count("<script") == 1


# Large cameras.


def test_the_page_of_a_large_camera_is_small(large_page: str):
    assert len(large_page.encode()) < 10e6


def test_every_value_of_a_large_camera_is_on_its_page(large_page: str):
    grid = lsstcam().evidence.verifications[0].grid
    assert grid is not None
    found = re.search(r'<script type="application/gzip">(.*?)</script>', large_page)
    assert found is not None
    data = json.loads(gzip.decompress(base64.b64decode(found[1])))
    assert (len(data["exposures"]), len(data["detectors"]), len(data["amplifiers"])) == (20, 189, 16)
    noise = next(test for test in data["tests"] if test["name"] == "NOISE")
    values = np.array(noise["values"], dtype=np.float32).reshape(20, 189, 16)
    np.testing.assert_allclose(values, grid.values["NOISE"], atol=0.51 * 10.0 ** -noise["decimals"])
    outcomes = np.array([int(digit) for digit in noise["outcomes"]])
    np.testing.assert_array_equal(outcomes - 1, grid.outcomes["NOISE"].ravel())


def test_detectors_stand_at_their_places_in_the_focal_plane():
    places = [place_of(detector.full_name) for detector in detectors("LSSTCam")]
    assert None not in places
    assert len(set(places)) == 205
    assert place_of("R22_S11") == (7, 7)
    assert place_of("R01_S00") == (3, 0)
    assert place_of("RXX_S00") is None


# Tables and pictures.


def grid_of_two() -> Grid:
    values = np.array([[[1.25, 2.5], [10.0, 20.0]], [[3.75, np.nan], [30.0, 40.0]]], dtype=np.float32)
    outcomes = np.full((2, 2, 2), Outcome.PASSED, dtype=np.int8)
    outcomes[1, 0] = Outcome.FAILED, Outcome.NONE
    outcomes[0, 0, 1] = Outcome.NOTED
    return Grid((11, 12), ("R22_S00", "R22_S01"), ("C10", "C11"), {"NOISE": values}, {"NOISE": outcomes})


def test_a_matrix_tells_value_and_outcome_not_by_colour_alone():
    (matrix,) = matrices("BIAS", grid_of_two(), 0)
    assert (matrix.test, matrix.unit, matrix.failed, matrix.total) == ("NOISE", "electron", 1, 3)
    assert [[(cell.text, cell.style) for cell in cells] for _, cells in matrix.rows] == [
        [("1.250", "passed"), ("△ 2.500", "noted")],
        [("✗ 3.750", "failed"), ("–", "none")],
    ]


def test_tables_hold_each_failure_and_each_amplifier():
    failure = Failure(12, "R22_S00", "C10", "NOISE")
    verdict = judge(
        Statistics((failure,), frozenset((11, 12))),
        exposures=(11, 12),
        detectors=2,
        threshold=1,
        image_type="BIAS",
    )
    verification = Verification("BIAS", "run", verdict, grid_of_two())
    assert failure_table([verification]).rows == ((("BIAS", "12", "R22_S00", "C10", "NOISE", "3.75"), True),)
    table = amplifier_table(Evidence((verification,)))
    assert table.heads == ("Detector", "Amplifier", "BIAS failed tests", "BIAS NOISE [electron]")
    assert table.rows[0] == (("R22_S00", "C10", "1", "2.5"), True)
    assert table.rows[3] == (("R22_S01", "C11", "0", "30"), False)


def test_a_picture_keeps_the_lower_left_corner_and_shows_masked_pixels():
    pixels = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    pixels[0, 0] = np.nan
    found = stretch([Image("combined bias", "RXX_S00", pixels, "electron", 0.5)])
    assert found is not None
    encoded = found.uri.removeprefix("data:image/png;base64,")
    picture = Png.open(io.BytesIO(base64.b64decode(encoded)))
    shown = np.asarray(picture)
    # Masked pixels have a colour of their own, which is not that of gaps.
    assert found.masked
    assert shown[-1, 0] == 254
    assert picture.info["transparency"] == 255
    assert shown[0, 1] < shown[0, 32] < shown[0, 63] <= 253
    assert stretch([Image("x", "RXX_S00", np.full((4, 4), np.nan, dtype=np.float32), "", 0.0)]) is None


def test_a_trend_of_one_run_is_not_drawn():
    assert sparkline(Trend("gain", "", "electron/ADU", (("now", 1.0),))) == ""
    drawn = sparkline(Trend("gain", "", "electron/ADU", (("a", 1.0), ("b", 1.01), ("c", 1.5))))
    assert drawn.count("<circle") == 3


# In a browser.

PROBE = Path(__file__).with_name("data") / "report_probe.js"
WATCH = """<head><script>window.errors = [];
addEventListener("error", (event) => errors.push(String(event.message || event.target)), true);
addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));</script>
"""


class _Proxy(http.server.BaseHTTPRequestHandler):
    """Notes down what a browser asks for, and gives nothing."""

    asked: list[str]

    def _refuse(self) -> None:
        host = (urlsplit(self.path).hostname or self.path).partition(":")[0]
        if host not in BROWSERS_OWN:
            self.asked.append(self.path)
        self.send_error(503)

    do_GET = do_POST = do_HEAD = do_CONNECT = _refuse  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Proxy", (_Proxy,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def browse(text: str, directory: Path) -> tuple[dict[str, Any], list[str]]:
    """Open a page in a browser, use it, and tell what was seen and what was asked of the network."""
    assert CHROMIUM is not None
    path = directory / "page.html"
    probe = f"<script>{PROBE.read_text()}</script></body>"
    path.write_text(text.replace("<head>", WATCH, 1).replace("</body>", probe, 1), encoding="utf-8")
    with proxy() as (address, asked):
        browser = subprocess.run(
            [
                CHROMIUM,
                *FLAGS,
                f"--proxy-server={address}",
                "--proxy-bypass-list=<-loopback>",
                f"--user-data-dir={directory / 'profile'}",
                "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
    found = re.search(r'<pre id="told">(.*?)</pre>', browser.stdout, re.DOTALL)
    assert found is not None, browser.stdout[-2000:]
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told, asked


in_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"
)


@in_browser
def test_tables_sort_and_filter_in_a_browser(page: str, tmp_path: Path):
    told, asked = browse(page, tmp_path)
    assert told["errors"] == []
    assert (told["resources"], asked) == ([], [])
    values = [float(text) for text in told["unsorted"]]
    assert len(values) == 16
    assert values != sorted(values)
    assert [float(text) for text in told["ascending"]] == sorted(values)
    assert [float(text) for text in told["descending"]] == sorted(values, reverse=True)
    assert (told["sort"], told["left"]) == ("ascending", None)
    assert told["names"] == sorted(AMPLIFIERS)
    assert told["filtered"] == [name for name in sorted(AMPLIFIERS) if name.startswith("C0")]
    assert told["count"] == "8 of 16 rows"
    assert (told["failing"], told["all"]) == (16, 16)
    assert set(told["failures"]) == {"C03"}


@in_browser
def test_any_detector_of_a_large_camera_can_be_looked_at_in_a_browser(large_page: str, tmp_path: Path):
    told, asked = browse(large_page, tmp_path)
    assert told["errors"] == []
    assert (told["resources"], asked) == ([], [])
    assert told["detector"] == "R22_S11"
    assert set(told["captions"]) == {
        "R22_S11 MEAN [electron]",
        "R22_S11 NOISE [electron]",
        "R22_S11 CR_NOISE [electron]",
        "R22_S11 PROCESSING",
    }
    grid = lsstcam().evidence.verifications[0].grid
    assert grid is not None
    mean = grid.values["MEAN"][0, grid.detectors.index("R22_S11")]
    assert told["cells"][0] == "2026091800000"
    assert [float(text) for text in told["cells"][1:]] == pytest.approx(mean.tolist(), abs=1e-3)
    assert told["failing"] == 17
    assert told["all"] == 189 * 16


@in_browser
def test_the_browser_test_would_see_a_request(tmp_path: Path):
    text = '<!DOCTYPE html><html><head></head><body><img src="http://example.invalid/x.png"></body></html>'
    _, asked = browse(text, tmp_path)
    assert asked == ["http://example.invalid/x.png"]
