"""The ledger of a production."""

import getpass
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.calibscripts.errors import LedgerError
from lsst.ts.calibscripts.production.ledger import Approved, Chained, Did, Ledger

DID = Did("generate", "bias", "repo", True, "made", ("pipetask run",), {"run": "a/run"})
APPROVED = Approved("bias", "TAXICAB", "flat as a pancake", "", "passed", "a/run", ("one", "two"))
CHAINED = Chained("repo", {"LATISS/calib": ("b",), "LATISS/calib/DM-1": None}, {"LATISS/calib": ("a", "b")})


def test_what_is_written_is_read_again(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for event in (DID, APPROVED, CHAINED):
        ledger.write(event)
    assert [line.event for line in Ledger(ledger.path)] == [DID, APPROVED, CHAINED]
    assert ledger.events(Approved) == (APPROVED,)
    assert {line.user for line in ledger} == {getpass.getuser()}
    assert "daf_butler" in ledger.path.read_text()


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path):
    assert [*Ledger(tmp_path / "none.jsonl")] == []


def test_a_writer_that_was_killed_leaves_a_part_of_a_line(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write(DID)
    with open(ledger.path, "a") as file:
        file.write('{"event":"Appr')
    assert [line.event for line in ledger] == [DID]
    ledger.write(APPROVED)
    assert [line.event for line in ledger] == [DID, APPROVED]


@pytest.mark.parametrize("text", ["no json\n", "{}\n", '{"event":"Burnt","what":{}}\n', "[]\n"])
def test_damage_is_reported_with_its_line(tmp_path: Path, text: str):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write(DID)
    with open(ledger.path, "a") as file:
        file.write(text)
    with pytest.raises(LedgerError, match="line 2"):
        ledger.events(Did)


def test_what_cannot_be_read_is_reported(tmp_path: Path):
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "binary.jsonl"):
        with pytest.raises(LedgerError, match="cannot be read"):
            Ledger(path).events(Did)


def test_what_cannot_be_recorded_is_reported(tmp_path: Path):
    with pytest.raises(LedgerError, match="cannot be written to"):
        Ledger(tmp_path / "no directory" / "ledger.jsonl").write(DID)


WRITERS = """
import os
import sys
from pathlib import Path
from lsst.ts.calibscripts.production.ledger import Did, Ledger
path, name, *others = sys.argv[1:]
# What all of them import is imported once.
for other in others:
    if os.fork() == 0:
        name, others = other, []
        break
for number in range(30):
    Ledger(Path(path)).write(Did("generate", f"{name} {number}", "repo", True, "made"))
for _ in others:
    _, status = os.wait()
    assert status == 0
"""


def test_several_writers_lose_no_line(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    subprocess.run([sys.executable, "-c", WRITERS, str(path), *"abcd"], check=True)
    assert sorted(event.what for event in Ledger(path).events(Did)) == sorted(
        f"{name} {number}" for name in "abcd" for number in range(30)
    )
