"""The command `calibscripts rehearse` as somebody types it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_support import LATISS_SCRIPT

BIN = Path(sys.executable).parent
CONFIG = """\
script_mode: BIAS
generate_calibrations: True
n_bias: 12
repo: /repo/LATISS
"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a console script of this environment."""
    name, *rest = words
    return subprocess.run([str(BIN / name), *rest], capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


def rehearse(directory: Path) -> subprocess.CompletedProcess[str]:
    (directory / "config.yaml").write_text(CONFIG)
    files = ["--config", str(directory / "config.yaml"), "--repo", str(directory / "repo")]
    return command("calibscripts", "rehearse", LATISS_SCRIPT, *files, "--speed", "1000")


@pytest.fixture(scope="module")
def first(directory: Path) -> subprocess.CompletedProcess[str]:
    return rehearse(directory)


def test_biases_end_done_and_are_certified(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"repo: /repo/LATISS is replaced by {directory / 'repo'}" in first.stdout.replace("\n", " ")
    lines = first.stdout.splitlines()
    assert lines[-3] == f"{LATISS_SCRIPT} ended DONE"
    for line, name in zip(lines[-2:], ("Record: ", "Report: "), strict=True):
        assert line.startswith(name)
        assert Path(line.removeprefix(name)).is_file()


def test_printed_command_lists_the_bias(first: subprocess.CompletedProcess[str]) -> None:
    printed = next(line for line in first.stdout.splitlines() if "butler query-datasets" in line)
    words = shlex.split(printed)
    assert words[-3:] == ["bias", "--collections", "LATISS/calib/daily"]
    listed = command(*words)
    assert listed.returncode == 0, listed.stderr
    rows = [line.split() for line in listed.stdout.splitlines() if line.strip().startswith("bias")]
    (row,) = rows
    assert row[1].startswith("u/ocps/")
    assert row[-2:] == ["LATISS", "0"]


def test_same_again_ends_failed(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    second = rehearse(directory)
    assert second.returncode == 1
    text = " ".join(second.stdout.split())
    assert "LATISS/calib/daily already holds a bias" in text
    assert f"{LATISS_SCRIPT} ended FAILED" in text
    assert "Nothing was certified." in text


def test_a_run_is_resumed_from_its_record(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    """What it certified goes into another collection; no exposure is taken again."""
    record = first.stdout.splitlines()[-2].removeprefix("Record: ")
    resumed = command("calibscripts", "rehearse", "--resume", record, "--speed", "1000")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    text = " ".join(resumed.stdout.split())
    assert f"Resuming {LATISS_SCRIPT} with:" in text
    assert "0 images taken" in text
    assert "calib_collection: LATISS/calib/daily" in text
    assert f"{LATISS_SCRIPT} ended DONE" in text
