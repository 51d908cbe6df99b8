"""What can go wrong with the input and output of any command: one sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import IO, Any

import click

from ..errors import CalibScriptsError, describe

__all__ = ["GuardedGroup"]

_EXPECTED = (CalibScriptsError, OSError, UnicodeError)


class GuardedGroup(click.Group):
    """A group whose commands end with one sentence where their input or output fails.

    Anything else that is raised is a mistake in this package and keeps its traceback.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and end the process with its exit code."""
        # None where the process was started with its standard output closed: whatever it opened first would get it.
        if sys.stdout is None:
            click.echo("Error: standard output is closed. Nothing was done; send it to /dev/null.", err=True)
            sys.exit(2)
        for stream in (sys.stdout, sys.stderr):
            _write_anything(stream)
        sys.exit(_flushed(_exit_code(lambda: super(GuardedGroup, self).main(*args, **extra))))


def _exit_code(run: Callable[[], Any]) -> Any:
    try:
        run()
    except SystemExit as end:
        return end.code
    except _EXPECTED as error:
        return _tell(error)
    except BaseExceptionGroup as group:
        if group.split(_EXPECTED)[1] is not None:
            raise
        return _tell(_first(group))
    return 0


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _tell(error: BaseException) -> int:
    """Report an error; a reader of a pipe who has left wants to hear nothing more."""
    if isinstance(error, BrokenPipeError):
        _discard(sys.stdout)
        return 1
    text = str(error) if isinstance(error, CalibScriptsError) else describe(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename or 'input or output failed'}: {error.strerror}"
    click.echo(f"Error: {text}", err=True)
    return 1


def _flushed(code: Any) -> Any:
    """Write what waits to be written; a command whose output is lost has failed, whatever it returned."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _discard(sys.stdout)
        if getattr(error, "errno", None) != errno.EPIPE:
            click.echo(f"Error: standard output cannot be written: {describe(error)}", err=True)
        return code or 1
    return code


def _write_anything(stream: IO[str] | None) -> None:
    """Write characters that the encoding of a terminal cannot show as escapes."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _discard(stream: IO[str]) -> None:
    """Send what is left in a stream nowhere, so that Python does not try again when it ends."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
