"""A database server may be restarted while a script runs: what only reads is tried again until it is back."""

from __future__ import annotations

from collections.abc import Iterator

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
    lost = {"OperationalError", "InterfaceError"}
    return any(
        kind.__module__.startswith("psycopg") and lost & {base.__name__ for base in kind.__mro__}
        for kind in map(type, _causes(error))
    )


def locked(error: BaseException | None) -> bool:
    """Return whether an error was caused by another process that holds a lock on an SQLite database."""
    names = (getattr(each, "sqlite_errorname", "") for each in _causes(error))
    return any(name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) for name in names)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what caused it, one after the other."""
    while error is not None:
        yield error
        # SQLAlchemy keeps the driver's error as `orig`.
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__


patient = retry(
    retry=retry_if_exception(connection_lost),
    stop=stop_after_delay(RESTART_TIMEOUT),
    wait=wait_fixed(PAUSE),
    reraise=True,
)
"""Lets a method that only reads wait for a server that is restarted. It blocks."""
