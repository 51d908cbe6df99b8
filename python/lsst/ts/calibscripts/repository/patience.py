"""A database server may be restarted while a script runs: what only reads is tried again until it is back."""

from __future__ import annotations

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

__all__ = ["connection_lost", "locked", "patient"]

RESTART_TIMEOUT = 30.0
"""Longest wait for a server that is restarted, seconds."""

PAUSE = 0.5
"""Time between two attempts, seconds."""


def connection_lost(error: BaseException | None) -> bool:
    """Return whether an error was caused by a PostgreSQL server that went away or is not running.

    Notes
    -----
    psycopg2 raises OperationalError for that, InterfaceError for what is done with the connection afterwards. SQLite,
    whose OperationalError is a lock or a disk, has no server that comes back.
    """
    while error is not None:
        kind = type(error)
        if kind.__module__.startswith("psycopg") and {base.__name__ for base in kind.__mro__} & {
            "OperationalError",
            "InterfaceError",
        }:
            return True
        # SQLAlchemy keeps the driver's error as `orig`.
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return False


def locked(error: BaseException | None) -> bool:
    """Return whether an error was caused by another process that holds a lock on an SQLite database."""
    while error is not None:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return True
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return False


patient = retry(
    retry=retry_if_exception(connection_lost),
    stop=stop_after_delay(RESTART_TIMEOUT),
    wait=wait_fixed(PAUSE),
    reraise=True,
)
"""Lets a method that only reads wait for a server that is restarted. It blocks."""
