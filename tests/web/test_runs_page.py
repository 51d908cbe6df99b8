"""The list of runs: all records, newest first, those that run on top; whatever a record holds."""

import json
import os
from pathlib import Path

import pytest
from effort import calls
from web_support import CONFIG, DONE, FAILED, PLANNED, TAKEN, earlier, record, serving

from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.record.index import INDEX
from lsst.ts.calibscripts.report.runs.rows import list_of_runs, row_of

MARKUP = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def test_runs_are_listed_with_what_came_of_them(tmp_path: Path):
    done, failed = record(tmp_path, DONE), record(tmp_path, FAILED, "LSSTComCam")
    going = record(tmp_path, (*PLANNED, *TAKEN))
    dead = record(tmp_path, (*PLANNED, *TAKEN))
    earlier(dead, 600)
    with serving(tmp_path) as client:
        page = client.get("/").text
        for path in (done, failed, going, dead):
            assert f'href="/runs/{path.stem}"' in page
        running, others = page.split('<section id="runs"')
        assert going.stem in running
        assert dead.stem not in running
        assert others.count("UNFINISHED") == 1
        assert done.stem not in client.get("/?instrument=LSSTComCam").text
        assert failed.stem in client.get("/?state=FAILED&product=BIAS").text
        assert "No run is recorded here that fits" in client.get("/?night=20200101").text


def test_only_what_is_new_is_read_and_the_list_is_made_anew_when_it_is_lost(tmp_path: Path):
    paths = [record(tmp_path, DONE) for _ in range(5)]
    first = list_of_runs(tmp_path)
    first.refresh(60)
    # Whatever stands in a file that has not changed, it is not read again.
    unchanged = paths[0].stat()
    paths[0].write_bytes(b"x" * unchanged.st_size)
    os.utime(paths[0], ns=(unchanged.st_atime_ns, unchanged.st_mtime_ns))
    second = list_of_runs(tmp_path)
    second.refresh(60)
    assert {row.name: row for row in second.rows} == {row.name: row for row in first.rows}
    (tmp_path / INDEX).unlink()
    third = list_of_runs(tmp_path)
    third.refresh(60)
    assert sorted(row.outcome for row in third.rows) == ["", "DONE", "DONE", "DONE", "DONE"]
    paths[1].unlink()
    third.refresh(60)
    assert len(third.rows) == 4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"index": 2, "rows": {"a": 1}}', '{"index": 99}'])
def test_a_damaged_list_is_made_anew(tmp_path: Path, text: str):
    path = record(tmp_path, DONE)
    (tmp_path / INDEX).write_text(text)
    index = list_of_runs(tmp_path)
    index.refresh(60)
    assert index.rows == (row_of(read_record(path)),)


def test_hundreds_of_records_are_read_once(tmp_path: Path):
    text = record(tmp_path, DONE).read_text()
    for number in range(300):
        (tmp_path / f"LATISS_20260101T{number:06}_x.jsonl").write_text(text)
    index = list_of_runs(tmp_path)
    reading = calls(lambda: index.refresh(3600))
    assert index.unread == 0
    again = list_of_runs(tmp_path)
    assert calls(lambda: again.refresh(3600)) < reading / 10
    assert len(again.rows) == 301


def test_a_list_that_takes_long_shows_what_it_has(tmp_path: Path):
    for _ in range(3):
        record(tmp_path, DONE)
    index = list_of_runs(tmp_path)
    index.refresh(0)
    assert (len(index.rows), index.unread) == (0, 3)
    index.refresh(60)
    assert (len(index.rows), index.unread) == (3, 0)


HOSTILE = {
    "nothing": "",
    "not JSON": "<html>",
    "not an object": "[]\n",
    "half a line": '{"record": 3, "tai"',
    "another layout": '{"record": 99}\n',
    "a header that is something else": '{"record": 3, "tai": 5, "loop": [], "about": null}\n',
    "binary": "\x00\xff\x00\n",
    "deep": "[" * 10_000 + "\n",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_a_record_is_listed_with_the_reason(tmp_path: Path, what: str):
    (tmp_path / "LATISS_20260101T000000_bad.jsonl").write_text(HOSTILE[what], encoding="latin-1")
    good = record(tmp_path, DONE)
    with serving(tmp_path) as client:
        page = client.get("/")
        assert page.status == 200
        assert "UNREADABLE" in page.text
        assert good.stem in page.text
        alone = client.get("/runs/LATISS_20260101T000000_bad")
        assert alone.status == 200
        assert "is not a record" in alone.text or "line 1" in alone.text or "newer version" in alone.text


def test_markup_in_every_text_of_a_record_is_shown_as_text(tmp_path: Path):
    path = record(tmp_path, FAILED)

    def marked(value: object) -> object:
        if isinstance(value, dict):
            return {name: marked(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [marked(inner) for inner in value]
        return f"{MARKUP}{value}" if isinstance(value, str) else value

    lines = []
    for text in path.read_text().splitlines():
        line = json.loads(text)
        kept = {
            name: line.pop(name)
            for name in ("tai", "event", "step", "steps", "sets", "product")
            if name in line
        }
        kept |= {name: line.pop(name) for name in ("image_type", "stage", "outcome", "state") if name in line}
        lines.append(json.dumps({**marked(line), **kept}))  # type: ignore[dict-item]
    config = dict(CONFIG, script_mode=MARKUP, repo=MARKUP)
    head = json.loads(lines[0])
    head["about"] |= {"instrument": MARKUP, "script": MARKUP, "config": config, "given": {MARKUP: MARKUP}}
    path.write_text("\n".join([json.dumps(head), *lines[1:]]) + "\n")
    with serving(tmp_path) as client:
        for page in ("/", f"/runs/{path.stem}"):
            text = client.get(page).text
            assert "&lt;script&gt;alert(1)" in text
            assert "<script>alert" not in text
            assert "<img src=x" not in text


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path):
    path = tmp_path / "LATISS_20260101T000000_long.jsonl"
    with path.open("wb") as file:
        file.truncate(301_000_000)
    with serving(tmp_path) as client:
        for page in ("/", f"/runs/{path.stem}"):
            assert "301 million bytes are more than any run writes" in client.get(page).text
