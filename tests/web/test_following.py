"""A record is read on while it is written, and shows signs of life."""

import json
from pathlib import Path

import pytest
from web_support import DONE, GENERATED, PLANNED, TAKEN, begin, earlier, record

from lsst.ts.calibscripts.errors import RecordError
from lsst.ts.calibscripts.ground.tai import tai_now
from lsst.ts.calibscripts.record import Following, read_record

RECORDS = Path(__file__).parents[1] / "data" / "records"


def test_what_was_read_in_pieces_is_what_is_read_at_once(tmp_path: Path):
    whole = record(tmp_path, DONE).read_bytes()
    path = tmp_path / "LATISS_growing.jsonl"
    following = Following(path)
    head = whole.index(b"\n") + 1
    for end in (*range(head, len(whole), 97), len(whole)):
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        found = following.read()
    assert found == read_record(path)
    assert found.state == read_record(path).state


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_records_of_earlier_layouts_grow_as_well(path: Path, tmp_path: Path):
    whole, growing = path.read_bytes(), tmp_path / path.name
    half = whole.index(b"\n", len(whole) // 2) + 1
    growing.write_bytes(whole[:half])
    following = Following(growing)
    following.read()
    growing.write_bytes(whole)
    assert following.read().state == read_record(path).state


def test_a_record_that_is_replaced_is_read_anew(tmp_path: Path):
    path = record(tmp_path, DONE)
    following = Following(path)
    assert following.read().outcome == "DONE"
    other = record(tmp_path / "other", (*PLANNED, *TAKEN))
    other.replace(path)
    assert following.read().outcome == "UNFINISHED"


def test_a_damaged_line_is_named_with_its_number(tmp_path: Path):
    path = record(tmp_path, (*PLANNED, *TAKEN))
    following = Following(path)
    lines = len(following.read().entries) + 1
    with path.open("a") as file:
        file.write('{"event": "Heartbeat"}\n')
    with pytest.raises(RecordError, match=rf"line {lines + 1}"):
        following.read()


def test_a_run_in_which_nothing_happens_shows_signs_of_life(tmp_path: Path):
    recorder = begin(tmp_path, heartbeat=0.05)
    for event in (*PLANNED, *TAKEN, *GENERATED):
        recorder(event)
    following = Following(recorder.path)
    while not (recorder.path.exists() and recorder.path.read_text().count("Heartbeat") > 2):
        pass
    found = following.read()
    assert found.is_running(tai_now())
    assert found.seconds > 0.05
    recorder.close()
    heartbeats = [line for line in recorder.path.read_text().splitlines() if "Heartbeat" in line]
    assert all(set(json.loads(line)) == {"event", "tai", "loop"} for line in heartbeats)
    # Whoever does not know them reads the same run.
    assert len(read_record(recorder.path).entries) == len((*PLANNED, *TAKEN, *GENERATED))


def test_a_run_that_has_fallen_silent_no_longer_goes_on(tmp_path: Path):
    path = record(tmp_path, (*PLANNED, *TAKEN))
    assert read_record(path).is_running(tai_now())
    earlier(path, 60)
    assert not read_record(path).is_running(tai_now())
    assert not read_record(record(tmp_path, DONE)).is_running(tai_now())
