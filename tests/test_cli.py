"""Commands that are not told elsewhere: lists, schemas, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lsst.ts.calibscripts.cli import COMMANDS, main
from lsst.ts.calibscripts.summit.faults.faults import FAULTS

LATISS = "auxtel/make_latiss_calibrations.py"
SCHEMAS = Path(__file__).parents[1] / "schemas"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)], catch_exceptions=False)


def test_help_names_every_command_with_its_purpose():
    result = run("--help")
    assert result.exit_code == 0
    listed = dict(line.split(maxsplit=1) for line in result.output.split("Commands:\n")[1].splitlines())
    assert [*listed] == sorted(COMMANDS)
    for name, purpose in listed.items():
        assert run(name, "--help").exit_code == 0, name
        assert purpose.rstrip("."), name


def test_an_unknown_command_is_refused():
    result = run("rehaerse")
    assert result.exit_code == 2
    assert "No such command 'rehaerse'" in result.output


def test_the_schema_is_that_in_the_files(tmp_path: Path):
    written = run("schema", "--write", tmp_path)
    assert written.exit_code == 0
    assert sorted(written.output.split()) == sorted(str(tmp_path / path.name) for path in SCHEMAS.iterdir())
    for path in SCHEMAS.iterdir():
        assert (tmp_path / path.name).read_text() == path.read_text()


def test_the_schema_of_one_script():
    result = run("schema", LATISS)
    assert result.exit_code == 0
    assert "n_bias" in result.output


@pytest.mark.parametrize(
    ("words", "exit_code", "problem"),
    [
        (["schema"], 2, "Name a script, e.g. auxtel/make_latiss_calibrations.py, or use --write"),
        (["schema", "auxtel/make_tea.py"], 1, "make_tea"),
        (["rehearse"], 2, "Name a script"),
        (
            ["rehearse", "--resume", __file__, "--config", __file__],
            2,
            "takes the configuration from the record",
        ),
    ],
)
def test_what_is_refused(words: list[str], exit_code: int, problem: str):
    result = run(*words)
    assert result.exit_code == exit_code
    assert problem in result.output


def test_faults_are_listed():
    result = run("rehearse", "--list-faults")
    assert result.exit_code == 0
    faults, _, options = result.output.partition("\n\n")
    assert [line.partition(":")[0] for line in faults.splitlines()[::2]] == list(FAULTS)
    assert all(
        fault.description in line
        for fault, line in zip(FAULTS.values(), faults.splitlines()[1::2], strict=True)
    )
    assert options.startswith("The options with their defaults.")


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path):
    broken = tmp_path / "LATISS_20260918T000000_00000000.jsonl"
    broken.write_text("no record\n")
    for words in (["replay", broken], ["rehearse", "--resume", broken]):
        result = run(*words)
        assert result.exit_code == 1
        assert str(broken) in result.output


def test_a_block_that_is_no_json_is_named_beside_the_others(tmp_path: Path):
    (tmp_path / "broken.json").write_text("{")
    result = run("check-block", tmp_path / "broken.json")
    assert result.exit_code == 1
    assert str(tmp_path / "broken.json") in result.output


def test_a_package_that_only_the_summit_needs_is_named(monkeypatch: pytest.MonkeyPatch):
    for name in ("rich", "rich.console"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run("rehearse", LATISS)
    assert result.exit_code == 1
    assert "rehearse needs the package rich" in result.output
    assert "pip install 'lsst-ts-calibscripts[summit]'" in result.output
