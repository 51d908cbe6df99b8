"""Runs the server, by itself or beside something else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import uvicorn

from ..errors import ConfigurationError, describe
from .app import Setup, make_app

__all__ = ["serve", "served"]

_OWN = ("localhost", "127.0.0.1", "[::1]")
"""Names of the machine for itself."""

_MOST_CONNECTIONS = 400
"""Connections at once, those of pages that follow among them; further ones are refused."""

_PATIENCE = 2
"""How long the end waits for answers that are being written, seconds."""


def serve(setup: Setup, host: str, port: int) -> None:
    """Serve until the process is interrupted.

    Parameters
    ----------
    setup : `Setup`
        What to show, and to whom.
    host, port : `str`, `int`
        Address to listen at.

    Raises
    ------
    ConfigurationError
        If the address is taken.
    """
    with _listening(host, port) as listener:
        _server(setup, host).run([listener])


@contextmanager
def served(setup: Setup, host: str, port: int) -> Iterator[str]:
    """Serve in a thread, as long as something else runs.

    Parameters
    ----------
    setup : `Setup`
        What to show, and to whom.
    host, port : `str`, `int`
        Address to listen at; port 0 is any that is free.

    Yields
    ------
    url : `str`
        Address of the list of runs.

    Raises
    ------
    ConfigurationError
        If the address is taken.
    """
    with _listening(host, port) as listener:
        server = _server(setup, host)
        thread = Thread(target=server.run, args=([listener],), name="web", daemon=True)
        thread.start()
        try:
            yield f"http://{_name(host)}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(2 * _PATIENCE)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        problem = f"cannot listen at {host}, port {port}: {describe(error)}; choose another port"
        raise ConfigurationError([problem]) from error


def _name(host: str) -> str:
    """Write an address as it stands in that of a page."""
    return f"[{host}]" if ":" in host else host


def _server(setup: Setup, host: str) -> uvicorn.Server:
    server: uvicorn.Server
    hosts = (*_OWN, _name(host), *setup.hosts)
    app = make_app(replace(setup, hosts=hosts, going=lambda: not server.should_exit))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=_PATIENCE,
        limit_concurrency=_MOST_CONNECTIONS,
    )
    server = uvicorn.Server(config)
    return server
