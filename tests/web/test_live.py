"""The page of a run follows it: what it shows changes with the record, and becomes the report."""

from pathlib import Path

from effort import counted
from web_support import (
    CERTIFIED,
    DONE,
    FIRST,
    GENERATED,
    PLANNED,
    TAKEN,
    begin,
    earlier,
    record,
    serving,
    tell,
    verdict,
)

from lsst.ts.calibscripts.events.events import Ended, Event, RunOutcome


def test_a_run_is_watched_from_its_first_exposure_to_its_certification(tmp_path: Path):
    recorder = begin(tmp_path)
    with serving(tmp_path) as client:
        tell(recorder, PLANNED)
        page = f"/runs/{recorder.path.stem}"
        text = client.get(page).text
        assert "RUNNING" in text
        assert "0 of 3" in text
        with client.events(f"{page}/events") as following:
            following()
            tell(recorder, TAKEN)
            following()
            text = client.get(page).text
            assert "3 of 3" in text
            assert f"{FIRST}..{FIRST + 2}" in text
            assert "The record covers " in text
            assert "the run ended" not in text
            tell(recorder, GENERATED)
            following()
            assert "u/<wbr>ocps/<wbr>abc" in client.get(page).text
            tell(recorder, verdict(True))
            following()
            assert "and is not certified yet" in client.get(page).text
            tell(recorder, (*CERTIFIED, Ended(RunOutcome.DONE)))
            while not following().endswith("-report"):
                pass
        text = client.get(page).text
        assert "✓ DONE" in text
        assert "passed verification criteria and was certified" in text
    recorder.close()


def test_the_page_is_red_from_the_verdict_on(tmp_path: Path):
    recorder = begin(tmp_path)
    with serving(tmp_path) as client:
        tell(recorder, (*PLANNED, *TAKEN, *GENERATED))
        page = f"/runs/{recorder.path.stem}"
        assert '<header class="next">' in client.get(page).text
        tell(recorder, verdict(False))
        text = client.get(page).text
        assert '<header class="bad">' in text
        assert "RUNNING" in text
        assert "BIAS failed verification." in text
        assert "BIAS: look at the failed tests in u/<wbr>ocps/<wbr>def" in text
        assert "queue the script" not in text
        assert "card bad running" in client.get("/").text
    recorder.close()


def test_a_run_that_has_died_is_said_to_have_died(tmp_path: Path):
    path = record(tmp_path, (*PLANNED, *TAKEN))
    earlier(path, 120)
    with serving(tmp_path) as client:
        text = client.get(f"/runs/{path.stem}").text
        assert "UNFINISHED" in text
        assert "No sign of life since" in text


def test_two_servers_show_the_same(tmp_path: Path):
    path = record(tmp_path, DONE)
    with serving(tmp_path) as one, serving(tmp_path) as other:
        assert path.stem in one.get("/").text
        assert path.stem in other.get("/").text


def test_a_large_camera_is_followed_too(tmp_path: Path):
    from lsst.ts.calibscripts.events.events import ExposureTaken, ImageArrived
    from lsst.ts.calibscripts.tables.products import ImageType

    many: tuple[Event, ...] = (
        *PLANNED,
        *(ExposureTaken(ImageType.BIAS, n, 0.0, False) for n in range(1, 61)),
        *(ImageArrived(n, detector, 0) for n in range(1, 61) for detector in range(189)),
    )
    recorder = begin(tmp_path)
    with counted() as calls, serving(tmp_path) as client:
        tell(recorder, many)
        page = f"/runs/{recorder.path.stem}"
        begun = calls.number
        client.get(page)
        of_all, begun = calls.number - begun, calls.number
        tell(recorder, (ImageArrived(60, 190, 0),))
        assert client.get(page).status == 200
        of_one = calls.number - begun
        # What was read before is not read again.
        assert of_one < of_all / 2
    recorder.close()
