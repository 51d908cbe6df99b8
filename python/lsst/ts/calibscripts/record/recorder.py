"""Writes a record while its run is under way."""

from __future__ import annotations

import asyncio
import json
import platform
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeAlias

from ..errors import describe
from ..events.events import Event
from ..ground.home import DIRECTORY_VARIABLE, record_directory
from ..ground.tai import tai_offset
from ..plan import StepId
from .records import FORMAT, HEARTBEAT, About
from .versions import environment, versions

__all__ = ["DIRECTORY_VARIABLE", "Recorder", "open_record", "record_directory"]

CLOSE_TIMEOUT = 5.0
"""How long a disk that does not answer is waited for at the end, seconds of real time."""

HEARTBEAT_INTERVAL = 10.0
"""How long without an event usually, seconds; at most 360 lines an hour."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_Line: TypeAlias = tuple[float, float, Event]
"""POSIX time, time of the clock (both seconds) and an event."""


def open_record(
    about: About,
    *,
    warn: Callable[[str], None],
    directory: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    heartbeat: float = HEARTBEAT_INTERVAL,
) -> Recorder:
    """Begin a record; never blocks and never raises.

    Parameters
    ----------
    about : `About`
        Script and configuration.
    warn : callable
        Called once if the record cannot be written, in the thread of whoever uses the recorder.
    directory : `pathlib.Path`, optional
        Where to; `record_directory` by default.
    clock : callable
        Returns the time that durations are measured with, seconds: the event loop's in a script.
    heartbeat : `float`
        After how long without an event a line says that the run goes on, seconds of real time.

    Returns
    -------
    `Recorder`
        To be called with events, and to be closed.
    """
    begun = datetime.now(UTC)
    name = f"{about.instrument}_{begun:%Y%m%dT%H%M%S}_{uuid.uuid4().hex[:8]}.jsonl"
    try:
        place, problem = record_directory() if directory is None else directory, ""
    except OSError as error:
        place, problem = Path(), describe(error)
    return Recorder(place / name, about, warn, clock, heartbeat, problem)


class Recorder:
    """An observer that writes what it gets, in a thread of its own: a slow disk never holds up the event loop.

    Parameters
    ----------
    path : `pathlib.Path`
        File to make; its directory is made where there is none.
    about, warn, clock, heartbeat
        As of `open_record`.
    problem : `str`, optional
        Why nothing can be written.
    """

    def __init__(
        self,
        path: Path,
        about: About,
        warn: Callable[[str], None],
        clock: Callable[[], float],
        heartbeat: float,
        problem: str = "",
    ) -> None:
        self.path = path
        self._about = about
        self._warn = warn
        self._clock = clock
        self._heartbeat = heartbeat
        self._lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
        self._problem = problem
        self._warned = False
        self._begun = (time.time(), clock())
        # A daemon, so that a disk that does not answer cannot hold the process at its end.
        self._thread = threading.Thread(target=self._write_all, name="record", daemon=True)
        if not problem:
            self._thread.start()

    @property
    def name(self) -> str:
        """Name of the record."""
        return self.path.stem

    @property
    def problem(self) -> str:
        """Why the record cannot be written; empty if it can."""
        return self._problem

    def __call__(self, event: Event) -> None:
        """Record an event."""
        self._tell()
        if not self._problem:
            self._lines.put((time.time(), self._clock(), event))

    async def aclose(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Wait until everything is written, without blocking the event loop.

        Parameters
        ----------
        timeout : `float`, optional
            How long a disk that does not answer is waited for, seconds.
        """
        await asyncio.to_thread(self._finish, timeout)
        self._tell()

    def close(self) -> None:
        """Wait until everything is written, or nothing has been for `CLOSE_TIMEOUT`; blocks."""
        self._finish(CLOSE_TIMEOUT)
        self._tell()

    def _tell(self) -> None:
        """Warn of a problem once, in the thread of the caller."""
        if self._problem and not self._warned:
            self._warned = True
            self._warn(
                f"The record of this run cannot be written to {self.path}: {self._problem}. The run is not "
                f"affected; set {DIRECTORY_VARIABLE} to a directory that can be written to for the next one."
            )

    def _finish(self, timeout: float) -> None:
        if self._thread.ident is None:
            return
        self._lines.put(None)
        # A machine that is busy elsewhere writes a long record slowly: only one that no longer writes is given up.
        left = self._lines.qsize() + 1
        while self._thread.is_alive() and self._lines.qsize() < left:
            left = self._lines.qsize()
            self._thread.join(timeout)
        if self._thread.is_alive():
            self._problem = self._problem or f"nothing more was written within {timeout:g} s"

    # In the thread.

    def _write_all(self) -> None:
        try:
            self._write()
        except Exception as error:
            # Nothing that goes wrong here may harm the run: it is reported as a warning.
            self._problem = describe(error)

    def _write(self) -> None:
        tai_of = tai_offset()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "x", encoding="utf-8") as file:
            file.write(_header(self._about, *self._begun, tai_of) + "\n")
            file.flush()
            while self._write_some(file, tai_of):
                pass

    def _write_some(self, file: IO[str], offset: float) -> bool:
        """Write what there is, or that the run goes on, and flush it; False after the last line."""
        try:
            line = self._lines.get(timeout=self._heartbeat)
        except queue.Empty:
            file.write(_line(HEARTBEAT, time.time(), self._clock(), offset))
            file.flush()
            return True
        texts: list[str] = []
        while line is not None:
            texts.append(_text(*line, offset))
            if self._lines.empty():
                break
            line = self._lines.get()
        file.write("".join(texts))
        file.flush()
        return line is not None


def _stamp(posix: float, loop: float, offset: float) -> dict[str, Any]:
    tai = datetime.fromtimestamp(posix + offset, UTC).replace(tzinfo=None)
    return {"tai": tai.isoformat(timespec="milliseconds"), "loop": round(loop, 3)}


def _text(posix: float, loop: float, event: Event, offset: float) -> str:
    return _line(type(event).__name__, posix, loop, offset, vars(event))


def _line(name: str, posix: float, loop: float, offset: float, values: Mapping[str, Any] = _NOTHING) -> str:
    line = {"event": name, **_stamp(posix, loop, offset), **values}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=plain) + "\n"


def plain(value: Any) -> Any:
    """Return what JSON has for a part of an event that it does not know: the name of a step, or an object.

    Parameters
    ----------
    value
        A step, or a dataclass.
    """
    return str(value) if isinstance(value, StepId) else vars(value)


def _header(about: About, posix: float, loop: float, offset: float) -> str:
    line = {
        "record": FORMAT,
        **_stamp(posix, loop, offset),
        "about": asdict(about),
        "versions": versions(),
        "environment": environment(),
        "host": platform.node(),
    }
    # A value that JSON does not know must not cost the record.
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)
