"""The server: which address shows what, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from .pages import FILES, Pages
from .reports import Reports
from .security import HEADERS, Doorkeeper
from .shelf import Shelf
from .watching import changes

__all__ = ["Setup", "make_app"]


@dataclass(frozen=True)
class Setup:
    """What a server shows, and to whom.

    Attributes
    ----------
    directories : sequence of `pathlib.Path`
        Where the records are.
    repos : mapping [`str`, `str`]
        Instrument, or repository as a run names it -> butler repository to read instead.
    doorkeeper : `Doorkeeper`
        Decides who may sign decisions.
    going : callable
        Returns whether the server goes on: open pages are not kept waiting for when it ends.
    """

    directories: Sequence[Path]
    repos: Mapping[str, str] = field(default_factory=dict)
    doorkeeper: Doorkeeper = field(default_factory=Doorkeeper)
    going: Callable[[], bool] = lambda: True


def make_app(setup: Setup) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    setup : `Setup`
        What it shows, and to whom.
    """
    reports = Reports(setup.repos)
    pages = Pages(Shelf(setup.directories), reports)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        reports.close()

    # Descriptions of interfaces would fetch scripts from elsewhere.
    app = FastAPI(title="calibscripts", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.middleware("http")(_with_headers)
    _add_files(app)
    _add_runs(app, pages, setup)

    @app.exception_handler(404)
    async def not_found(request: Request, error: Exception) -> Response:
        text = pages.problem("Not found", "There is nothing at this address. The runs are under Runs.")
        return HTMLResponse(text, 404)

    return app


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
    @app.get("/")
    def runs(request: Request) -> Response:
        return HTMLResponse(pages.runs(request.query_params))

    @app.get("/events")
    async def runs_events() -> Response:
        return _stream(pages.runs_version, setup, interval=1.0)

    @app.get("/runs/{name}")
    def run(name: str) -> Response:
        page = pages.run(name)
        if page is None:
            return HTMLResponse(pages.problem("No such run", f"No record is called {name}."), 404)
        return HTMLResponse(page)

    @app.get("/runs/{name}/events")
    async def run_events(name: str) -> Response:
        if await asyncio.to_thread(pages.run_version, name) == "gone":
            return Response("No such run", 404)
        return _stream(lambda: pages.run_version(name), setup)


def _stream(version: Callable[[], str], setup: Setup, interval: float = 0.5) -> Response:
    return StreamingResponse(
        changes(version, going=setup.going, interval=interval), media_type="text/event-stream"
    )
