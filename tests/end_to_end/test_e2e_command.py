"""The command `calibscripts rehearse` as somebody types it."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from e2e_support import LATISS_SCRIPT, opened
from recorded import THREE_BIASES

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository

BIN = Path(sys.executable).parent
CONFIG = THREE_BIASES | {"repo": "/repo/LATISS"}


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a console script of this environment."""
    name, *rest = words
    return subprocess.run(
        [str(BIN / name), *rest],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=os.environ | environment,
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as a rehearsal makes it for itself, without flats."""
    return Path(make_rehearsal_repository(tmp_path_factory.mktemp("empty") / "repo", filters=[]))


def rehearsal(directory: Path, *options: str) -> list[str]:
    """Write the configuration, and return the words of a rehearsal under it."""
    (directory / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    files = ["--config", str(directory / "config.yaml"), "--repo", str(directory / "repo")]
    return ["rehearse", LATISS_SCRIPT, *files, "--speed", "1000", *options]


def here(*words: str) -> Result:
    """Run `calibscripts` in this process, which has imported everything already."""
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="module")
def first(directory: Path) -> subprocess.CompletedProcess[str]:
    (directory / "temporary").mkdir()
    return command("calibscripts", *rehearsal(directory), TMPDIR=str(directory / "temporary"))


def test_biases_end_done_and_are_certified(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"repo: /repo/LATISS is replaced by {directory / 'repo'}" in first.stdout.replace("\n", " ")
    lines = first.stdout.splitlines()
    assert lines[-3] == f"{LATISS_SCRIPT} ended DONE"
    assert Path(lines[-2].removeprefix("Record: ")).is_file()
    # A terminal shows it as a link.
    assert lines[-1].startswith("Report: file:///")
    assert Path(lines[-1].removeprefix("Report: file://")).is_file()


def test_nothing_temporary_is_left(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    assert [*(directory / "temporary").iterdir()] == []


def test_git_ignores_what_a_rehearsal_makes(first: subprocess.CompletedProcess[str], directory: Path) -> None:
    git = ["git", "-C", str(directory)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == "?? config.yaml\n"


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
    second = here(*rehearsal(directory))
    assert second.exit_code == 1
    text = " ".join(second.stdout.split())
    assert "LATISS/calib/daily already holds bias" in text
    assert f"{LATISS_SCRIPT} ended FAILED" in text
    assert "Nothing was certified." in text


def test_a_run_that_did_everything_is_not_resumed(first: subprocess.CompletedProcess[str]) -> None:
    record = first.stdout.splitlines()[-2].removeprefix("Record: ")
    resumed = here("rehearse", "--resume", record, "--speed", "1000")
    assert resumed.exit_code != 0
    assert "nothing to resume: the run ended DONE" in " ".join(resumed.output.split())


def test_a_run_is_resumed_from_its_record(empty: Path, tmp_path: Path) -> None:
    """No exposure is taken again."""
    shutil.copytree(empty, tmp_path / "repo")
    failed = here(*rehearsal(tmp_path, "--fault", "job-error:of=verifyBias"))
    assert failed.exit_code == 1, failed.output
    assert "The last error in the log: " in " ".join(failed.stdout.split())
    record = failed.stdout.splitlines()[-2].removeprefix("Record: ")
    resumed = here("rehearse", "--resume", record, "--speed", "1000")
    assert resumed.exit_code == 0, resumed.output
    text = " ".join(resumed.stdout.split())
    assert f"Resuming {LATISS_SCRIPT} with:" in text
    assert "0 images taken" in text
    assert f"{LATISS_SCRIPT} ended DONE" in text


MOMENTS = {
    "while the repository is made": ("Rehearsing", signal.SIGINT),
    "while images are taken": ("checkpoint: Taking 4 biases", signal.SIGTERM),
    "while a job runs": ("VERIFY BIAS: OCPS job", signal.SIGINT),
    "while a BLOCK runs": ("GENERATE BIAS: OCPS job", signal.SIGTERM),
    "while the report is written": ("ended DONE", signal.SIGINT),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_ends_it_as_a_stop_ends_a_script(moment: str, empty: Path, tmp_path: Path) -> None:
    """Its jobs end, and nothing is certified afterwards; a terminal sends Ctrl-C to the jobs as well."""
    until, number = MOMENTS[moment]
    if "repository" not in moment:
        shutil.copytree(empty, tmp_path / "repo")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    block = {"name": LATISS_SCRIPT, "standard": False, "parameters": CONFIG}
    blocks = {"name": "biases", "program": "BLOCK-901", "constraints": [], "scripts": [block, block]}
    (tmp_path / "block.json").write_text(json.dumps(blocks))
    what = (
        ["--block", tmp_path / "block.json", "--ready"]
        if "BLOCK" in moment
        else [LATISS_SCRIPT, "--config", tmp_path / "config.yaml"]
    )
    words = [BIN / "calibscripts", "rehearse", *what, "--repo", tmp_path / "repo", "--speed", "1000"]
    with subprocess.Popen(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        before = list(itertools.takewhile(lambda line: until not in line, process.stdout))
        os.killpg(process.pid, number)
        # All that hold the pipe have ended when it is closed, jobs too.
        after = process.stdout.read()
        assert process.wait(timeout=600) == 128 + number, (before, after)
    certified_before = any("was certified into" in line for line in before)
    assert "was certified into" not in after
    assert _certified(tmp_path / "repo") == certified_before == (moment == "while the report is written")
    if "Taking" in until or "job" in until:
        assert f"{LATISS_SCRIPT} ended STOPPED" in after


def _certified(repo: Path) -> bool:
    """Is there a bias in the daily collection? An unfinished repository is removed."""
    if not repo.exists():
        return False
    daily = "LATISS/calib/daily"
    with opened(str(repo)) as butler:
        return daily in butler.collections.query("*") and bool(
            butler.query_datasets("bias", daily, find_first=False, explain=False)
        )
