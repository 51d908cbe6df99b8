"""A script as the ScriptQueue starts it: command line, exit code, signals."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lsst.ts.calibscripts.embedded.salobj import BaseScript

SCRIPT = """#!{python}
import asyncio
import sys

from lsst.ts.calibscripts.embedded.salobj import BaseScript, Domain, Remote


class Script(BaseScript):
    def __init__(self, index, descr="Wait for ever"):
        super().__init__(index, descr)

    @classmethod
    def get_schema(cls):
        return {{"type": "object", "properties": {{"b": {{"default": "x"}}, "a": {{"type": "integer"}}}}}}

    async def configure(self, config):
        self.config = config

    def set_metadata(self, metadata):
        metadata.duration = 1

    async def run(self):
        print("run", flush=True)
        if self.config.b == "fail":
            raise RuntimeError("no way")
        if self.config.b == "wait":
            try:
                await asyncio.Event().wait()
            finally:
                print("cancelled", flush=True)

    async def cleanup(self):
        print("cleanup", flush=True)
        if self.config.b == "cleanup":
            raise RuntimeError("no broom")


async def drive(index, commands):
    async with Domain() as domain, Remote(domain, "Script", index) as remote:
        await remote.evt_description.aget(timeout=10)
        for command in commands:
            name, _, value = command.partition("=")
            fields = {{{{"configure": "config", "setGroupId": "groupId"}}[name]: value}} if value else {{}}
            try:
                await getattr(remote, "cmd_" + name).set_start(**fields, timeout=60)
            except Exception as error:
                print(error, flush=True)


async def main():
    commands = [argument for argument in sys.argv[2:] if not argument.startswith("-")]
    sys.argv[2:] = [argument for argument in sys.argv[2:] if argument.startswith("-")]
    operator = asyncio.create_task(drive(int(sys.argv[1]), commands))
    try:
        await Script.amain(descr="from the command line")
    finally:
        operator.cancel()


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scripts") / "wait.py"
    path.write_text(SCRIPT.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def start(executable: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(executable), "7", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_schema_is_printed_as_yaml(executable: Path) -> None:
    process = start(executable, "--schema")
    assert (process.returncode, process.stderr) == (0, "")
    properties = {"a": {"type": "integer"}, "b": {"default": "x"}}
    assert yaml.safe_load(process.stdout) == {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("commands", "code", "output"),
    [
        (["configure", "setGroupId=G", "run"], 0, "run cleanup"),
        (["stop"], 0, ""),
        (["configure=b: fail", "setGroupId=G", "run"], 1, "run cleanup"),
        (["configure=b: cleanup", "setGroupId=G", "run"], 1, "run cleanup"),
        (["configure=a: x"], 1, "config(a: x) failed: 'x' is not of type 'integer'"),
    ],
    ids=["done", "stopped", "failed", "cleanup failed", "configure failed"],
)
def test_exit_code(executable: Path, commands: list[str], code: int, output: str) -> None:
    process = start(executable, *commands)
    assert process.returncode == code
    assert output in " ".join(process.stdout.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_script_without_cleanup(executable: Path, number: signal.Signals) -> None:
    command = [str(executable), "7", "configure=b: wait", "setGroupId=G", "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "run\n"
        process.send_signal(number)
        written, errors = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 1
    assert written == "cancelled\n"
    assert "Traceback" not in errors


def test_a_wrong_command_line_is_refused(executable: Path) -> None:
    process = start(executable, "--nonsense")
    assert process.returncode == 2
    assert "usage" in process.stderr


class Idle(BaseScript):
    """Does nothing."""

    @classmethod
    def get_schema(cls) -> dict[str, Any] | None:
        return None

    async def configure(self, config: SimpleNamespace) -> None: ...

    def set_metadata(self, metadata: Any) -> None: ...

    async def run(self) -> None: ...


def test_the_index_comes_from_the_command_line() -> None:
    with pytest.raises(RuntimeError, match="index must not appear"):
        Idle.make_from_cmd_line(index=1)


async def test_signals_end_the_last_script_and_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    first = Idle(1, "first")
    second = Idle(2, "second")
    await asyncio.gather(first.start_task, second.start_task)
    await first.close()
    assert signal.getsignal(signal.SIGTERM) != before
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        await second.done_task
        await asyncio.sleep(0.1)
    await second.close()
    assert signal.getsignal(signal.SIGTERM) == before
