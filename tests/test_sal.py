"""Which middleware a process uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PRINT = "from lsst.ts.calibscripts.sal import MIDDLEWARE; print(MIDDLEWARE)"


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "CALIBSCRIPTS_SAL"}
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
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
