"""The database with the registry of a repository: SQLite in its directory, or a PostgreSQL server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lsst.daf.butler import Butler, Config
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ...errors import RepositoryError, describe

__all__ = ["make_with_registry", "registry_config", "removed_unless_finished"]

_DRIVER = "postgresql+psycopg2"
"""Which driver a bare ``postgresql`` means differs between versions of SQLAlchemy; the observatory's is this one."""

_LONGEST_NAME = 63
"""Number of letters that PostgreSQL keeps of a name."""


def registry_config(registry: str, root: Path) -> dict[str, str]:
    """Return the registry section of a butler configuration.

    Parameters
    ----------
    registry : `str`
        ``postgresql://user@host:port/database``. A query ``?namespace=NAME`` names the schema in the database;
        without one it is called as the repository's directory, so that repositories can share a database.
    root : `pathlib.Path`
        Directory of the repository.

    Raises
    ------
    RepositoryError
        If this is not such an address, or contains a password, which all could read in the repository.
    """
    try:
        url = make_url(registry)
    except ArgumentError:
        raise RepositoryError(
            f"--registry {registry!r} is not of the form postgresql://user@host:port/database"
        ) from None
    if url.get_backend_name() != "postgresql" or not url.host or not url.database:
        shown = url.set(query={}).render_as_string(hide_password=True)
        raise RepositoryError(f"--registry {shown!r} is not of the form postgresql://user@host:port/database")
    if url.password or any(name.lower().endswith("password") for name in url.query):
        raise RepositoryError(
            "--registry contains a password, which everyone could read in the repository: put it into "
            "~/.lsst/db-auth.yaml or the environment variable PGPASSWORD, and leave it out of the address"
        )
    given = url.query.get("namespace")
    namespace = given if isinstance(given, str) else re.sub(r"\W", "_", root.name.lower())[:_LONGEST_NAME]
    plain = url.set(drivername=_DRIVER).difference_update_query(["namespace"])
    return {"db": plain.render_as_string(hide_password=False), "namespace": namespace}


def make_with_registry(root: Path, config: Config, registry: str | None) -> None:
    """Make an empty repository; where that fails, nothing is left of it.

    Parameters
    ----------
    root : `pathlib.Path`
        Directory of the repository.
    config : `lsst.daf.butler.Config`
        Its configuration, but for the registry.
    registry : `str` or `None`
        Address of a PostgreSQL database, see `registry_config`; None is SQLite in the directory.

    Raises
    ------
    FileExistsError
        If there is a repository already.
    RepositoryError
        If the database cannot be used.
    """
    if registry is None:
        Butler.makeRepo(str(root), config=config)
        return
    section = registry_config(registry, root)
    config["registry"] = section
    try:
        with removed_unless_finished(root):
            Butler.makeRepo(str(root), config=config)
    except FileExistsError:
        raise
    except Exception as error:
        raise RepositoryError(
            f"No repository can be made with its registry in {section['db']}, schema {section['namespace']}: "
            f"{_advice(error, section['namespace'])}"
        ) from error


@contextmanager
def removed_unless_finished(root: Path) -> Iterator[None]:
    """Remove a directory that is made in this context, unless the end of the context is reached.

    Parameters
    ----------
    root : `pathlib.Path`
        The directory; one that holds something already stays as it is.
    """
    occupied = root.exists() and any(root.iterdir())
    try:
        yield
    except BaseException:
        # Ctrl-C as well: the next rehearsal would use half a repository.
        if not occupied:
            shutil.rmtree(root, ignore_errors=True)
        raise


def _advice(error: Exception, namespace: str) -> str:
    """Report what to do about a database that cannot be used."""
    if isinstance(error, ModuleNotFoundError):
        return "psycopg2 is not installed; pip install 'lsst-ts-calibscripts[postgres]'."
    if type(error).__name__ == "SchemaAlreadyDefinedError":
        return (
            "the schema holds a repository already; name another one with ?namespace=NAME, or remove it with "
            f'DROP SCHEMA "{namespace}" CASCADE.'
        )
    if "btree_gist" in str(error):
        return "the database lacks an extension; its owner adds it with CREATE EXTENSION btree_gist."
    return f"{describe(error)}. Check that the server is running and that database and user exist."
