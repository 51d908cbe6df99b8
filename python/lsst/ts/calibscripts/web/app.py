"""The server: which address shows what, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from ..errors import CalibScriptsError
from .forms import LARGEST, Forms
from .pages import FILES, Pages, Visitor
from .reports import Reports
from .security import HEADERS, Doorkeeper
from .shelf import Shelf
from .watching import INTERVAL, Streams

__all__ = ["Setup", "make_app"]


@dataclass(frozen=True)
class Setup:
    """What a server shows, and to whom."""

    directories: Sequence[Path]  #: Where the records are.
    #: Instrument, or repository as a run names it -> butler repository to read instead.
    repos: Mapping[str, str] = field(default_factory=dict)
    doorkeeper: Doorkeeper = field(default_factory=Doorkeeper)  #: Decides who may sign decisions.
    #: Names that it may be asked by, in addition to the address it listens at and those of its own machine.
    hosts: Sequence[str] = ()
    #: Returns whether the server goes on: open pages are not kept waiting for when it ends.
    going: Callable[[], bool] = lambda: True


def make_app(setup: Setup) -> FastAPI:
    """Make the application."""
    shelf, reports = Shelf(setup.directories), Reports(setup.repos)
    pages, forms = Pages(shelf, reports), Forms(shelf, reports)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        reports.close()

    # Descriptions of interfaces would fetch scripts from elsewhere.
    app = FastAPI(title="calibscripts", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    # Else the page of another site could have its own name lead here, and read what its visitor may read.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*setup.hosts], www_redirect=False)
    app.middleware("http")(_with_headers)
    _add_files(app)
    _add_runs(app, pages, setup)
    _add_looks_back(app, pages, setup)
    _add_decisions(app, pages, forms, setup)

    @app.exception_handler(404)
    async def not_found(request: Request, error: Exception) -> Response:
        visitor = _visitor(request, setup)
        text = "There is nothing at this address. The runs are under Runs."
        return HTMLResponse(pages.problem(visitor, "Not found", text), 404)

    return app


def _visitor(request: Request, setup: Setup) -> Visitor:
    doorkeeper = setup.doorkeeper
    user = doorkeeper.user(request.headers)
    return Visitor(user, doorkeeper.token(user) if doorkeeper.may_decide(request.headers) else "")


async def _with_headers(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call(request)
    response.headers.update(HEADERS)
    return response


def _add_files(app: FastAPI) -> None:
    for name, (kind, text) in FILES.items():
        app.get(f"/files/{name}")(_file(kind, text))


def _file(kind: str, text: str) -> Callable[[], Response]:
    def send() -> Response:
        return Response(text, media_type=kind)

    return send


def _add_runs(app: FastAPI, pages: Pages, setup: Setup) -> None:
    streams = Streams(setup.going)

    @app.get("/")
    def runs(request: Request) -> Response:
        return HTMLResponse(pages.runs(_visitor(request, setup), request.query_params))

    @app.get("/events")
    async def runs_events() -> Response:
        return _stream(streams, "/", pages.runs_version, interval=1.0)

    @app.get("/runs/{name}")
    def run(request: Request, name: str) -> Response:
        visitor = _visitor(request, setup)
        page = pages.run(visitor, name)
        if page is None:
            return HTMLResponse(pages.problem(visitor, "No such run", f"No record is called {name}."), 404)
        return HTMLResponse(page)

    @app.get("/runs/{name}/events")
    async def run_events(name: str) -> Response:
        if await asyncio.to_thread(pages.run_version, name) == "gone":
            return Response("No such run", 404)
        return _stream(streams, f"/runs/{name}", lambda: pages.run_version(name))


def _add_looks_back(app: FastAPI, pages: Pages, setup: Setup) -> None:
    @app.get("/nights")
    def nights(request: Request) -> Response:
        return HTMLResponse(pages.nights(_visitor(request, setup)))

    @app.get("/nights/{day}")
    def night(request: Request, day: str) -> Response:
        visitor = _visitor(request, setup)
        # Day numbers have eight digits; Python refuses to read thousands.
        page = pages.nights(visitor, int(day)) if day.isdecimal() and len(day) == len("YYYYMMDD") else None
        if page is None:
            return HTMLResponse(
                pages.problem(visitor, "No such night", f"No run of night {day} is recorded."), 404
            )
        return HTMLResponse(page)

    @app.get("/trends")
    def trends(request: Request) -> Response:
        return HTMLResponse(pages.trends(_visitor(request, setup), request.query_params))


def _add_decisions(app: FastAPI, pages: Pages, forms: Forms, setup: Setup) -> None:
    @app.get("/decisions")
    def ledger(request: Request) -> Response:
        return HTMLResponse(pages.ledger(_visitor(request, setup)))

    @app.post("/decisions")
    async def decide(request: Request) -> Response:
        visitor = _visitor(request, setup)
        form = await _form(request)
        if why := setup.doorkeeper.refusal(request.headers, form.get("token", "")):
            return HTMLResponse(pages.undecided(visitor, why, form), 403)
        try:
            # Not among the threads that pages wait for: a locked repository takes minutes.
            place = await run_in_threadpool(forms.decide, visitor.user, form)
        except CalibScriptsError as error:
            return HTMLResponse(pages.undecided(visitor, str(error), form), 409)
        # Loading the page again does not send the form again.
        return RedirectResponse(place, 303)


async def _form(request: Request) -> dict[str, str]:
    """Read a form; nothing is left of one that is too long or is not text."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return {}
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20))
    except ValueError:
        return {}


def _stream(streams: Streams, place: str, version: Callable[[], str], interval: float = INTERVAL) -> Response:
    if streams.full:
        return Response("Too many pages follow at once: close some, or reload this one by hand.", 503)
    return StreamingResponse(streams.follow(place, version, interval), media_type="text/event-stream")
