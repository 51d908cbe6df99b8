"""Input and output that fail are one sentence and an exit code, whatever the command."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hostile import LATISS, SELECTION, as_yaml, json_lines, record_lines

from lsst.ts.calibscripts.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files that the commands are given."""
    directory = tmp_path_factory.mktemp("streams")
    lines = record_lines(directory)
    submitted = next(line for line in lines if line.get("event") == "JobSubmitted")
    for name, altered in {
        "record": lines,
        "quote": [{**line, "config": "-c 'x"} if line is submitted else line for line in lines],
        "nan": [*lines[:2], {**lines[2], "loop": math.nan}, *lines[3:]],
        "leap": [*lines[:2], {**lines[2], "loop": 1e308}, *lines[3:]],
        "done": [*lines[:-1], {**lines[-1], "state": "DONE", "failures": []}],
    }.items():
        (directory / f"{name}.jsonl").write_text(json_lines(altered))
    (directory / "latin.yaml").write_bytes("reason: café\n".encode("latin-1"))
    levels = "".join(f"{' ' * level}a{level}:\n" for level in range(1, 300))
    (directory / "deep.yaml").write_text(f"test_case:\n{levels}")
    for name, text in {"torn": "x: [", "locked": "registry:\n  db: sqlite:////proc/x.sqlite3\n"}.items():
        (directory / name).mkdir()
        (directory / name / "butler.yaml").write_text(text)
    (directory / "long.yaml").write_text(as_yaml({**SELECTION, "instrument": "X" * 300}))
    return directory


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (f"check {LATISS} - <&-", 1, "Error: standard input is closed"),
        (f"schema {LATISS} > /dev/full", 1, "No space left on device"),
        ("--help > /dev/full", 1, "No space left on device"),
        (f"schema {LATISS} >&-", 2, "Error: standard output is closed"),
        (f"schema {LATISS} | true; exit ${{PIPESTATUS[0]}}", 1, ""),
        ("replay record.jsonl > /dev/full", 1, "No space left on device"),
        (f"check {LATISS} latin.yaml 2>&-", 1, ""),
    ],
)
def test_streams_that_fail(files: Path, words: str, code: int, told: str) -> None:
    command = f"{sys.executable} -m lsst.ts.calibscripts.cli {words}"
    result = subprocess.run(["bash", "-c", command], text=True, capture_output=True, timeout=600, cwd=files)
    assert told in result.stderr
    assert result.stderr.count("\n") == bool(told)
    assert result.returncode == code


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["check", LATISS, "/dev/zero"], 1, "Error: /dev/zero: more than 1,000,000 characters"),
        (["check", LATISS, "latin.yaml"], 1, "Error: latin.yaml: line 1: byte 0xe9 is not UTF-8"),
        (["check-block", "latin.yaml"], 1, "cannot be read: line 1: byte 0xe9 is not UTF-8"),
        (["schema", "--write", "/proc"], 1, "Error: /proc/make_"),
        (["link-scripts", "/proc"], 1, "Error: /proc/"),
        (["rehearse", LATISS, "--repo", "/proc/x/y"], 1, "Error: /proc/x"),
        (
            ["rehearse", LATISS, "--config", "latin.yaml", "--repo", "x"],
            1,
            "Error: latin.yaml: line 1: byte 0xe9",
        ),
        (["check", LATISS, "deep.yaml"], 1, "line 30: nested more than 30 levels deep"),
        (
            ["rehearse", LATISS, "--config", "deep.yaml", "--repo", "x"],
            1,
            "line 30: nested more than 30 levels",
        ),
        (
            ["rehearse", "set_summary_state.py", "--config", "deep.yaml", "--repo", "x"],
            1,
            "Error: line 30: nested",
        ),
        (["rehearse", LATISS, "--repo", "torn"], 1, "cannot be read: while parsing a flow node"),
        (["rehearse", LATISS, "--repo", "locked"], 1, "unable to open database file"),
        (
            ["replay", "record.jsonl", "-o", "missing/x.sh"],
            1,
            "Error: missing/x.sh: No such file or directory",
        ),
        (["replay", "record.jsonl", "-o", "/proc/x.sh"], 1, "Error: /proc/x.sh"),
        (["report", "record.jsonl", "--no-images", "--out", "latin.yaml"], 2, "latin.yaml"),
        (["report", "record.jsonl", "--no-images", "--out", "/proc/x"], 1, "Error: /proc/x"),
        (["replay", "quote.jsonl"], 1, "Error: The options of GENERATE BIAS in the record cannot be read"),
        (
            ["report", "quote.jsonl", "--no-images"],
            1,
            "Error: The options of GENERATE BIAS in the record cannot",
        ),
        (["replay", "nan.jsonl"], 1, "Error: nan.jsonl, line 3: loop nan is not a time"),
        (["report", "leap.jsonl", "--no-images"], 1, "Error: leap.jsonl, line 3: loop 1e+308 is "),
        (
            ["rehearse", "--resume", "done.jsonl"],
            1,
            "Error: done.jsonl: nothing to resume: the run ended DONE",
        ),
        (["produce", "generate", "long.yaml"], 1, "Error: long.yaml: instrument is "),
    ],
)
def test_files_that_fail(
    files: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], code: int, told: str
) -> None:
    monkeypatch.chdir(files)
    result = CliRunner().invoke(main, words)
    assert isinstance(result.exception, SystemExit)
    assert told in result.output
    assert result.exit_code == code
