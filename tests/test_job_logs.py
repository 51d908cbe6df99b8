"""The log of a job, and the last error in it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lsst.ts.calibscripts.errors import job_log
from lsst.ts.calibscripts.ocps.job_logs import last_error

LOGGED = "ERROR 2026-11-26T17:40:49.166+00:00 lsst.ctrl.mpexec ()(utils.py:218) - "
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 199, in run\n    x = y()\n        ^^^\n'


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("", ""),
        ("INFO 2026 lsst.a ()(b.py:1) - all is well\n", ""),
        (f"{LOGGED}the first\n{LOGGED}the last\nINFO 2026 lsst ()(b.py:1) - end\n", "the last"),
        (f"{LOGGED}details are in traceback:\n{TRACEBACK}LookupError: no task x\n", "LookupError: no task x"),
        (f"{TRACEBACK}lsst.pex.exceptions.NotFound\n\nThe end\n", "lsst.pex.exceptions.NotFound"),
        (f"{TRACEBACK}ValueError: a\n{TRACEBACK}OSError: b", "OSError: b"),
        (f"{TRACEBACK}", ""),
        (f"{LOGGED}\x1b[31mred\x07 text\n", "[31mred  text"),
        (f"{LOGGED}{'x' * 1000}\n", f"{'x' * 300} [...]"),
        (f"{LOGGED}old\n{'y' * 100_000}\n", ""),
    ],
)
def test_last_error(log: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "ocps.log"
    path.write_text(log)
    assert last_error(path) == error


def test_a_log_that_this_machine_does_not_see(tmp_path: Path) -> None:
    assert last_error(tmp_path / "none.log") == ""
    assert last_error(tmp_path) == ""


def test_a_hostile_log_is_read_quickly(tmp_path: Path) -> None:
    path = tmp_path / "ocps.log"
    path.write_bytes(b"ERROR " + b" - " * 500_000 + b"\xff\xfe")
    begin = time.thread_time()
    assert last_error(path) == ""
    path.write_text("ERROR " * 10_000 + " " * 50_000)
    last_error(path)
    assert time.thread_time() - begin < 1.0


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALIBSCRIPTS_JOB_LOGS", raising=False)
    assert job_log("0a1b") == Path("/scratch/uws/0a1b/outs/ocps.log")
    monkeypatch.setenv("CALIBSCRIPTS_JOB_LOGS", "/elsewhere")
    assert job_log("0a1b") == Path("/elsewhere/0a1b/outs/ocps.log")
