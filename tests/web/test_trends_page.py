"""Trends: what is usual, what left it, and which run it was."""

from pathlib import Path

from web_support import DONE, record, serving

from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.report.runs.past import remember
from lsst.ts.calibscripts.report.trends import Measured, Past
from lsst.ts.calibscripts.web.trending import series_of


def noise(value: float, second: float = 5.0) -> Measured:
    return Measured("read noise", "own bias", {"R00 C00": value, "R00 C01": second})


def past(*values: float) -> list[Past]:
    return [Past(f"run{n}", f"2026-01-{n + 1:02}T00:00:00", (noise(v, v),)) for n, v in enumerate(values)]


def test_what_leaves_the_usual_range_is_named():
    (series,) = series_of(past(5, 5.01, 4.99, 5, 5.02, 5, 9))
    assert [point.departed for point in series.points] == [False] * 6 + [True]
    assert series.usual is not None
    assert series.usual[0] < 5 < series.usual[1] < 9
    assert [text.split(" (")[0] for text in series.departures] == ["R00 C00 9", "R00 C01 9"]


def test_one_amplifier_is_followed_when_asked():
    runs = [Past(f"run{n}", f"2026-01-{n + 1:02}", (noise(5, 5 + n),)) for n in range(4)]
    (series,) = series_of(runs, "R00 C01")
    assert [point.value for point in series.points] == [5, 6, 7, 8]
    assert series.usual is None
    assert series_of(runs, "R99 C99") == ()


def test_a_click_leads_to_the_run(tmp_path: Path):
    paths = [record(tmp_path, DONE) for _ in range(3)]
    for n, path in enumerate(paths):
        assert remember(read_record(path), [noise(5.0 + n)])
    with serving(tmp_path) as client:
        text = client.get("/trends").text
        for path in paths:
            assert f'<a href="/runs/{path.stem}" aria-label=' in text
        assert "R00 C01" in text
        assert "read noise" in client.get("/trends?instrument=LATISS&part=R00+C01").text
        assert "Nothing measured" in client.get("/trends?instrument=%3Cb%3E").text
