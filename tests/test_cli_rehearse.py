"""What `rehearse` refuses before it makes anything."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.summit.faults.faults import FAULTS


def test_a_directory_with_a_dot_is_refused_since_the_butler_takes_it_for_a_file(tmp_path: Path):
    repo = tmp_path / "rehearsal-1.2"
    done = CliRunner().invoke(main, ["rehearse", "auxtel/make_latiss_calibrations.py", "--repo", str(repo)])
    assert done.exit_code == 2
    assert (
        "the butler takes 'rehearsal-1.2' for the name of a file; choose a name without a dot" in done.output
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["--fault", "image-missing:of=dark"],
            "unknown image type 'dark' in this rehearsal. Did you mean DARK?",
        ),
        (["--fault", "job-eror"], "Unknown fault 'job-eror'. Did you mean job-error"),
        (["--fault", "detector-missing:of=3"], "unknown detector id '3' in this rehearsal. Known are 0."),
        (["--detectors", "1"], "--detectors: LATISS has no detector 1, only 0..0."),
        (["--detectors", "R22"], "'R22' is not a number or a range (first..last); write for example 0..5,94"),
        (["--detectors", "0..x"], "'0..x' is not a number or a range"),
    ],
)
def test_what_cannot_work_is_refused_before_the_repository_is_made(
    words: list[str], problem: str, tmp_path: Path
) -> None:
    script = "auxtel/make_latiss_calibrations.py"
    done = CliRunner().invoke(main, ["rehearse", script, "--repo", str(tmp_path / "repo"), *words])
    assert done.exit_code in (1, 2)
    assert problem in " ".join(done.output.split())
    assert not list(tmp_path.iterdir())


def test_all_faults_are_listed_with_their_options() -> None:
    done = CliRunner().invoke(main, ["rehearse", "--list-faults"])
    assert done.exit_code == 0
    for fault in FAULTS.values():
        assert f"{fault.text}\n    {fault.description}" in done.output
    assert "image-duplicated:of=,at=1,count=all" in done.output


@pytest.mark.parametrize("repo", ["50%25", "a%b", "a%20b/c"])
def test_a_percent_sign_in_the_path_is_refused_since_the_butler_ingests_nothing_there(
    repo: str, tmp_path: Path
) -> None:
    script = "auxtel/make_latiss_calibrations.py"
    done = CliRunner().invoke(main, ["rehearse", script, "--repo", str(tmp_path / repo)])
    assert done.exit_code == 2
    assert "the butler reads % in a path as the beginning of an escaped character" in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_rehearse_keeps_earlier_rehearsals(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").touch()

    def chosen() -> str:
        shown = subprocess.run(
            ["make", "--no-print-directory", "-n", "rehearse"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "rm " not in shown.stdout
        return shown.stdout.split()[-1]

    for expected in ("rehearsal", "rehearsal-2", "rehearsal-3"):
        assert chosen() == expected
        (tmp_path / expected).mkdir()
    (tmp_path / "rehearsal-4-scratch").mkdir()
    assert chosen() == "rehearsal-5"


@pytest.mark.parametrize("group", [[], ["produce"]])
def test_help_cuts_no_sentence(group: list[str]) -> None:
    shown = CliRunner().invoke(main, [*group, "--help"]).output.partition("Commands:")[2]
    assert "..." not in shown
    assert len(re.findall(r"^  [a-z]", shown, re.MULTILINE)) >= 9
