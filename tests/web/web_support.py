"""Records and a running server, for the tests of the pages."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsst.ts.calibscripts.events.events import (
    Certified,
    Ended,
    Event,
    ExposureTaken,
    Failed,
    ImageArrived,
    ImageSetClosed,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    OutputsFound,
    Planned,
    PlannedSet,
    RunOutcome,
    Stage,
    StageReached,
    StepEnded,
    StepOutcome,
    Verdicted,
)
from lsst.ts.calibscripts.ground.tai import observing_day, tai_now
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import About, Recorder, open_record
from lsst.ts.calibscripts.tables.products import ImageType
from lsst.ts.calibscripts.web.app import Setup
from lsst.ts.calibscripts.web.server import served

GENERATE, VERIFY, CERTIFY = (
    StepId(action, "BIAS") for action in (Action.GENERATE, Action.VERIFY, Action.CERTIFY)
)
BEGUN = tai_now()
FIRST = observing_day(BEGUN) * 100_000 + 1
"""Exposure of the night in which these tests were collected: it is in no other night's page."""
RUN = "u/ocps/abc/run"

PLANNED: tuple[Event, ...] = (
    Planned((PlannedSet(ImageType.BIAS, 2, 1),), (GENERATE, VERIFY, CERTIFY)),
    StageReached("BIAS", Stage.TAKING),
)
TAKEN: tuple[Event, ...] = (
    *(ExposureTaken(ImageType.BIAS, FIRST + n, 0.0, n == 0) for n in range(3)),
    *(ImageArrived(FIRST + n, 0, 0) for n in range(3)),
    ImageSetClosed(ImageType.BIAS, (FIRST + 1, FIRST + 2), (0,)),
    StageReached("BIAS", Stage.INGESTED),
)
GENERATED: tuple[Event, ...] = (
    JobSubmitted(GENERATE, "cpBias.yaml", "", "instrument='LATISS'"),
    JobStarted(GENERATE, "abc"),
    JobEnded(GENERATE, "abc", 0, JobOutcome.COMPLETED),
    OutputsFound(GENERATE, RUN, (0,)),
    StepEnded(GENERATE, StepOutcome.DONE),
    StageReached("BIAS", Stage.GENERATED),
    JobSubmitted(VERIFY, "verifyBias.yaml", "", "instrument='LATISS'"),
    JobStarted(VERIFY, "def"),
)


def verdict(passed: bool) -> tuple[Event, ...]:
    """Return the end of a verification."""
    words = "passed" if passed else "failed"
    return (
        JobEnded(VERIFY, "def", 0, JobOutcome.COMPLETED),
        OutputsFound(VERIFY, "u/ocps/def/run", (0,)),
        Verdicted(
            "BIAS", passed, "u/ocps/def", f"BIAS calibration {words} verification", 2, 0 if passed else 2, 2
        ),
        StepEnded(VERIFY, StepOutcome.DONE if passed else StepOutcome.FAILED),
        *(() if passed else (Failed("BIAS failed verification."), StageReached("BIAS", Stage.FAILED))),
    )


CERTIFIED: tuple[Event, ...] = (
    StageReached("BIAS", Stage.VERIFIED),
    StageReached("BIAS", Stage.CERTIFIED),
    Certified("BIAS", "LATISS/calib/daily/t", "1950-01-01", "2050-01-01", ("0" * 8,), False),
    StepEnded(CERTIFY, StepOutcome.DONE),
)
DONE: tuple[Event, ...] = (*PLANNED, *TAKEN, *GENERATED, *verdict(True), *CERTIFIED, Ended(RunOutcome.DONE))
FAILED: tuple[Event, ...] = (*PLANNED, *TAKEN, *GENERATED, *verdict(False), Ended(RunOutcome.FAILED))

CONFIG: Mapping[str, Any] = {
    "repo": "/no/such/repository",
    "script_mode": "BIAS",
    "calib_collection": "LATISS/calib/daily/t",
    "certify_calib_begin_date": "1950-01-01",
    "certify_calib_end_date": "2050-01-01",
}


def begin(directory: Path, instrument: str = "LATISS", *, heartbeat: float = 10.0, **config: Any) -> Recorder:
    """Begin a record."""
    about = About(
        "auxtel/make_latiss_calibrations.py", instrument, 1, dict(config), {**CONFIG, **config}, (0,)
    )
    recorder = open_record(about, warn=lambda text: None, directory=directory, heartbeat=heartbeat)
    # The first line asks for the versions of everything: on a busy machine that takes longer than closing waits.
    while not recorder.problem and not (recorder.path.exists() and recorder.path.stat().st_size):
        time.sleep(0.01)
    return recorder


def tell(recorder: Recorder, events: tuple[Event, ...]) -> None:
    """Record events, and wait until they are written."""
    written = lines(recorder.path) + len(events)
    for event in events:
        recorder(event)
    while lines(recorder.path) < written:
        time.sleep(0.01)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def record(directory: Path, events: Iterable[Event], instrument: str = "LATISS", **config: Any) -> Path:
    """Record a run."""
    recorder = begin(directory, instrument, **config)
    for event in events:
        recorder(event)
    recorder.close()
    assert not recorder.problem
    return recorder.path


def earlier(path: Path, seconds: float) -> None:
    """Make a record look as if it was written before."""
    move(path, lambda _: tai_now() - timedelta(seconds=seconds))


def of_that_night(path: Path) -> Path:
    """Make a record one of the night of `FIRST`, where noon UTC has passed since the tests were collected."""
    late = tai_now() - BEGUN
    move(path, lambda tai: tai - late)
    return path


def move(path: Path, to: Callable[[datetime], datetime]) -> None:
    """Give the lines of a record other times."""

    def moved(match: re.Match[str]) -> str:
        return json.dumps({"tai": to(datetime.fromisoformat(match["tai"])).isoformat()})[1:-1]

    path.write_text(re.sub(r'"tai": ?"(?P<tai>[^"]*)"', moved, path.read_text()))


@dataclass(frozen=True)
class Answer:
    """What the server has answered."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Client:
    """Asks a server."""

    url: str

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, body: str, **headers: str) -> Answer:
        return self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)

    @contextmanager
    def events(self, path: str) -> Iterator[Callable[[], str]]:
        """Open a stream of events, and return what reads the next one."""
        connection = self._connection()
        connection.request("GET", path)
        answer = connection.getresponse()

        def following() -> str:
            while not (line := answer.readline().decode().rstrip()).startswith("data:"):
                assert not answer.closed
            return line.removeprefix("data: ")

        try:
            yield following
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=600)


@contextmanager
def serving(*directories: Path, **setup: Any) -> Iterator[Client]:
    """Serve records."""
    with served(Setup(directories, **setup), "127.0.0.1", 0) as url:
        yield Client(url)
