"""Which middleware a process uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.calibscripts import get_scripts_dir, sal
from lsst.ts.calibscripts.check.blocks import get_blocks_dir
from lsst.ts.calibscripts.config import schema_text
from lsst.ts.calibscripts.config.scripts import find_record
from lsst.ts.calibscripts.summit.queue.queue_entries import script_names

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
PRINT = "from lsst.ts.calibscripts.sal import MIDDLEWARE; print(MIDDLEWARE)"


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "CALIBSCRIPTS_SAL"}
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_the_embedded_one_can_be_asked_for():
    assert started(CALIBSCRIPTS_SAL="embedded").stdout == "embedded\n"


def test_another_word_is_refused():
    ended = started(CALIBSCRIPTS_SAL="kafka")
    assert ended.returncode == 1
    assert "CALIBSCRIPTS_SAL is 'kafka'; write 'embedded' or 'salobj'" in ended.stderr


@pytest.mark.parametrize("present", [(), ("lsst/ts/salobj",)], ids=["neither", "salobj alone"])
def test_half_a_middleware_is_none(tmp_path: Path, present: tuple[str, ...]):
    """The scripts need ts_observatory_control, too."""
    for package in present:
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    assert started(PYTHONPATH=path).stdout == "embedded\n"


@pytest.mark.parametrize("script", script_names())
def test_a_schema_is_printed_without_the_middleware(script: str, tmp_path: Path) -> None:
    """The ScriptQueue waits 20 s for it, and the observatory's middleware takes up to 13 s to import."""
    for package in ("lsst/ts/salobj", "lsst/ts/observatory/control"):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise ImportError('it was imported')")
    executable = get_scripts_dir() / script
    printed = subprocess.run(
        [str(executable), "0", "--schema"],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "CALIBSCRIPTS_SAL": "salobj", "PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == schema_text(find_record(script).model) + "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "auxtel/make_latiss_calibrations.py", "-"],
        ["check-block", str(next(get_blocks_dir().glob("*.json")))],
        ["schema", "auxtel/make_latiss_calibrations.py"],
        ["history", "LATISS"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_talks_to_no_component_does_without_the_middleware(
    arguments: list[str], tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "lsst.ts.calibscripts.cli", *arguments],
        env=os.environ | {"CALIBSCRIPTS_SAL": "salobj", "CALIBSCRIPTS_RECORD_DIR": str(tmp_path)},
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_name_that_the_middleware_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Csc'"):
        sal.Csc  # noqa: B018
