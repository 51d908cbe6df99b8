"""A script as a process that the ScriptQueue starts."""

from __future__ import annotations

import abc
import argparse
import asyncio
import signal
import sys
import warnings
import weakref
from typing import Any, Self

import yaml

from .base import ScriptState
from .script_status import ScriptStatus

__all__ = ["ScriptProcess"]

_signal_receivers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ScriptProcess] = (
    weakref.WeakKeyDictionary()
)


class ScriptProcess(ScriptStatus, abc.ABC):
    """Command line, exit code and signals of a script.

    Parameters
    ----------
    index : `int`
        SAL index of the script.
    """

    def __init__(self, index: int) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.signal_handler)
        _signal_receivers[loop] = self
        super().__init__(index)

    @classmethod
    @abc.abstractmethod
    def get_schema(cls) -> dict[str, Any] | None:
        """Return the JSON schema of the configuration; `None` where there is none."""

    @classmethod
    def make_from_cmd_line(cls, **kwargs: Any) -> Self | None:
        """Make the script that the command line asks for.

        Parameters
        ----------
        **kwargs
            For the constructor; without ``index``.

        Returns
        -------
        script : `ScriptProcess` or `None`
            The script; `None` after ``--schema``, which prints the schema.

        Raises
        ------
        RuntimeError
            If ``index`` is passed.
        """
        if "index" in kwargs:
            raise RuntimeError(f"index must not appear in kwargs={kwargs}")
        parser = argparse.ArgumentParser(f"Run {cls.__name__} from the command line")
        parser.add_argument(
            "index",
            type=int,
            help="Script SAL Component index; must be unique among running Scripts",
        )
        parser.add_argument(
            "--schema",
            action="store_true",
            help="Print the configuration schema, as YAML, and quit. The index is ignored, though required.",
        )
        arguments = parser.parse_args()
        if not arguments.schema:
            return cls(index=arguments.index, **kwargs)
        schema = cls.get_schema()
        if schema is not None:
            print(yaml.safe_dump(schema))
        return None

    @classmethod
    async def amain(cls, **kwargs: Any) -> None:
        """Run the script from the command line, as the ScriptQueue does.

        Ends the process with exit code 1 unless the script ended DONE or
        STOPPED.

        Parameters
        ----------
        **kwargs
            For the constructor; without ``index``.

        Raises
        ------
        RuntimeError
            If ``index`` is passed.
        """
        script = cls.make_from_cmd_line(**kwargs)
        if script is None:
            return
        try:
            await script.done_task
            await script.close()
        except Exception as error:
            if script.state.state != ScriptState.FAILED:
                warnings.warn(
                    f"Script {cls.__name__} failed in cleanup with {error!r}, "
                    f"but final state {script.state.state!r} != FAILED",
                    RuntimeWarning,
                    stacklevel=2,
                )
            sys.exit(1)
        if script.state.state not in {ScriptState.DONE, ScriptState.STOPPED}:
            sys.exit(1)

    def signal_handler(self) -> None:
        """End the script, without `cleanup`, on SIGTERM or SIGINT."""
        self.log.info("Handling termination signal.")
        if not self.done_task.done():
            self.done_task.set_result(None)

    async def close_tasks(self) -> None:
        """End what runs in the background, and receive no signals any more."""
        await super().close_tasks()
        loop = asyncio.get_running_loop()
        if _signal_receivers.get(loop) is self:
            del _signal_receivers[loop]
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
