"""Whatever the files that a command reads hold, it ends soon, with an exit code and words: never a traceback."""

from __future__ import annotations

import html
import io
import json
import math
import os
import re
import shlex
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from altering import altered_text, altered_values, hostile
from click.testing import CliRunner, Result
from hostile import LATISS, OVERRIDE, SELECTION, Input, as_yaml, inputs, record_lines
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.config import LatissConfig, json_schema
from lsst.ts.calibscripts.events.events import Certified
from lsst.ts.calibscripts.summit.rehearsing.closing import print_certified

EXAMPLES = 300 * (10 if os.environ.get("CALIBSCRIPTS_SOAK") else 1)
SECONDS_A_KILOBYTE = 1.0
LEAST_SECONDS = 10.0
"""What a busy machine may take to begin."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def right(directory: Path) -> list[Input]:
    return inputs(directory)


def named(words: Iterable[str], path: Path) -> list[str]:
    return [word.replace("{}/..", str(path.parent)).replace("{}", str(path)) for word in words]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.mark.filterwarnings("ignore")
@hostile(EXAMPLES)
@given(data=st.data())
def test_no_input_makes_a_command_stumble(data: st.DataObject, right: list[Input], directory: Path) -> None:
    one = data.draw(st.sampled_from(right), label="input")
    content = data.draw(st.just(one.content) | altered_values(one.content), label="content")
    try:
        text = one.written(content)
    except (yaml.YAMLError, UnicodeEncodeError):
        return
    written = data.draw(altered_text(text), label="text")
    path = directory / one.name
    path.write_bytes(written)
    if one.name == "p.record.jsonl":
        (directory / "p.yaml").write_text(as_yaml(SELECTION))
        path = directory / "p.yaml"
    elif one.name == "p.yaml":
        (directory / "p.record.jsonl").unlink(missing_ok=True)
    command = named(data.draw(st.sampled_from(one.commands), label="command"), path)
    begun = time.process_time()
    result = run(*command)
    seconds = time.process_time() - begun
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.output.strip()
    assert seconds < LEAST_SECONDS + SECONDS_A_KILOBYTE * len(written) / 1000


def test_what_is_right_is_taken(right: list[Input], directory: Path) -> None:
    for one in right:
        path = directory / one.name
        path.write_text(one.written(one.content))
    for one in right:
        path = directory / ("p.yaml" if one.name == "p.record.jsonl" else one.name)
        for command in one.commands:
            words = named(command, path)
            result = run(*words)
            # No repository stands behind the production, and a night with a rejected product is not complete.
            expected = (0, 1) if words[0] in ("produce", "night") or OVERRIDE in words else (0,)
            assert result.exit_code in expected, (words, result.output)


def test_every_property_may_have_any_value(directory: Path) -> None:
    for name in json_schema(LatissConfig)["properties"]:
        for value in (
            None,
            True,
            -1,
            1e308,
            math.nan,
            "x",
            "$b",
            [],
            [[]],
            {},
            {"a": [1]},
            "a\nb",
            "\x00",
            10**40,
        ):
            (directory / "any.yaml").write_text(as_yaml({name: value}))
            result = run("check", LATISS, str(directory / "any.yaml"))
            assert result.exception is None or isinstance(result.exception, SystemExit), (
                name,
                value,
                result.exc_info,
            )


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"calib_collection": "LATISS/calib/" + "x" * 52}, "has 65 characters"),
        ({"exp_times_dark": 86_401}, "86401 s are more than a day (86400 s)"),
        ({"exp_times_flat": [1, 1e308]}, "more than a day"),
        ({"wait_between_exposures": 1e6}, "more than a day"),
        ({"n_flat": 10**15}, "n_flat"),
        ({"n_discard_flat": 10**15}, "n_discard_flat"),
    ],
)
def test_what_could_not_be_kept_or_waited_for(directory: Path, config: dict[str, Any], problem: str) -> None:
    (directory / "much.yaml").write_text(as_yaml({"generate_calibrations": True, **config}))
    result = run("check", LATISS, str(directory / "much.yaml"))
    assert result.exit_code == 1
    assert problem in " ".join(result.output.split())


def test_printed_commands_quote_the_repository(tmp_path: Path) -> None:
    lines = record_lines(tmp_path)
    lines[0]["about"]["config"]["repo"] = "/no where/$(x)"
    path = tmp_path / "LATISS_20260918T120000_00000002.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = Path(run("report", str(path), "--no-images").output.strip().splitlines()[-1])
    commands = re.findall(r"butler query-datasets [^\n<]*", html.unescape(page.read_text()))
    console = Console(file=io.StringIO(), width=500)
    certified = Certified("BIAS", "LATISS/calib/x", None, None, ("a" * 32,), False)
    print_certified(console, [certified], "/no where/$(x)")
    assert isinstance(console.file, io.StringIO)
    printed = re.findall(r"butler query-datasets .*", console.file.getvalue())
    assert commands
    assert printed
    for command in (*commands, *printed):
        assert shlex.split(command)[2] == "/no where/$(x)"
