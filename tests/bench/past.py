"""A repository of LSSTCam with years of use in it, written with SQL: to register each thing would take days.

What is not asked for by name is only as much as a query could stumble over: collections and what is in them,
exposures and certified ranges, but no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml
from bench.writing import EXPOSURES, calibrate, ingest_exposures, write_job
from lsst.daf.butler import Butler, CollectionType
from sqlalchemy import Connection, create_engine, text

from lsst.ts.calibscripts.summit.butler.repository import make_repository
from lsst.ts.calibscripts.tables.instruments import LSSTCAM
from lsst.ts.calibscripts.testing.memory import Verification

__all__ = ["DAILY", "JOB", "RUN", "SIZES", "Past", "fill", "make"]

DAILY = f"{LSSTCAM.calib_collection}/daily"
"""Where a calibration of each type was certified every day."""

JOB = "verified"
"""Identifier of the job whose outputs are read; small, so that the way to them shows."""

RUN = "u/ocps/generated/run"
"""RUN with biases that are certified."""

FILTER = "r_57"

_TYPES = ("bias", "dark", "flat", "defects", "ptc")
_FIRST_ID = 1_000_000
"""Above all identifiers that the butler itself has assigned."""
_SECOND = 1_000_000_000


@dataclass(frozen=True)
class Past:
    """What has happened in a repository."""

    jobs: int  #: Jobs of the OCPS; each left a RUN with a dataset and a CHAINED collection.
    #: Days on which a calibration of each of five types was certified for that day, for every science
    #: detector.
    days: int
    exposures: int  #: Exposures, each with a raw image of one detector.


SIZES = (Past(0, 1, 0), Past(10_000, 3652, 300_000), Past(100_000, 3652, 300_000))
"""A new repository, one after a year of jobs, one after ten."""


def make(root: Path, past: Past, registry: str | None = None) -> None:
    """Make a repository with what the calls ask for, the same in each, and a past.

    Parameters
    ----------
    root : `pathlib.Path`
        Directory of the repository; it is made.
    past : `Past`
        What has happened in it.
    registry : `str` or `None`
        PostgreSQL database of the registry; SQLite where it is None.
    """
    make_repository(root, [LSSTCAM.name], registry)
    ingest_exposures(root)
    with Butler.from_config(str(root), writeable=True) as butler:
        calibrate(butler, root, f"{LSSTCAM.calib_collection}/reference", FILTER)
        butler.collections.register(DAILY, CollectionType.CALIBRATION)
        butler.collections.extend_chain(LSSTCAM.calib_collection, DAILY)
    write_job(root, "generated", "cpBias", Verification.PASSES)
    write_job(root, JOB, "verifyBias", Verification.PASSES, EXPOSURES[:3], LSSTCAM.detectors[:9])
    fill(root, past)


def fill(root: Path, past: Past) -> None:
    """Write a past into a repository of LSSTCam.

    Parameters
    ----------
    root : `pathlib.Path`
        Directory of the repository.
    past : `Past`
        What has happened in it.
    """
    with _connected(root) as database:
        _jobs(database, past.jobs)
        days = [*_days(max(past.days, bool(past.exposures)))]
        database.make_days(days)
        if past.days:
            _certifications(database)
        if past.exposures:
            _exposures(database, -(-past.exposures // len(days)))


def _days(number: int) -> Iterator[tuple[int, int, int]]:
    """Return number, observing day and beginning (ns from 1970 on, TAI) of days; the last one is 2025-12-31."""
    first = date(2025, 12, 31) - timedelta(days=number - 1)
    for n in range(number):
        day = first + timedelta(days=n)
        yield n, int(f"{day:%Y%m%d}"), (day - date(1970, 1, 1)).days * 86400 * _SECOND


class _Database:
    """Statements that SQLite and PostgreSQL word differently."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sqlite = connection.dialect.name == "sqlite"

    def run(self, statement: str, **values: object) -> None:
        """Run a statement; ``n(i)`` in it are the numbers from 0 to below ``:size``."""
        numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :size)"
        if "size" in values:
            head, _, select = statement.partition("SELECT")
            statement = (
                f"{head} {numbers} SELECT {select}" if self.sqlite else f"{numbers} {head} SELECT {select}"
            )
        self._connection.execute(text(statement), values)

    def one(self, statement: str, **values: object) -> tuple[object, ...]:
        """Return the first row."""
        return tuple(self._connection.execute(text(statement), values).one())

    def id(self, number: str) -> str:
        """Return the identifier of a dataset, made from a number."""
        return (
            f"printf('%032x', {number})"
            if self.sqlite
            else f"lpad(to_hex(({number})::bigint), 32, '0')::uuid"
        )

    @property
    def timespan(self) -> str:
        """Columns of a range of time."""
        return "timespan_begin, timespan_end" if self.sqlite else "timespan"

    def span(self, begin: str, end: str) -> str:
        """Return the values of a range of time."""
        return f"{begin}, {end}" if self.sqlite else f"int8range(({begin})::bigint, ({end})::bigint)"

    def make_days(self, days: list[tuple[int, int, int]]) -> None:
        """Make a table of days for this connection."""
        self._connection.execute(
            text("CREATE TEMPORARY TABLE past_days (number BIGINT, day_obs BIGINT, begins BIGINT)")
        )
        rows = [{"number": n, "day_obs": day, "begins": begin} for n, day, begin in days]
        if rows:
            self._connection.execute(text("INSERT INTO past_days VALUES (:number, :day_obs, :begins)"), rows)

    @contextmanager
    def without_indexes(self, table: str) -> Iterator[None]:
        """Make the indexes of a table anew afterwards, which takes a fraction of the time."""
        if not self.sqlite:
            yield
            return
        found = self._connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :t AND sql > ''"),
            {"t": table},
        ).all()
        for name, _ in found:
            self._connection.execute(text(f'DROP INDEX "{name}"'))
        yield
        for _, definition in found:
            self._connection.execute(text(definition))

    def new_collections(self, first: int, number: int, name: str, kind: CollectionType) -> None:
        """Register collections; ``name`` is an expression in ``i``."""
        self.run(
            f"INSERT INTO collection (collection_id, name, type) SELECT :first + i, {name}, :kind FROM n",
            first=first,
            kind=kind.value,
            size=number,
        )

    def dataset_type(self, name: str) -> tuple[int, str, str]:
        """Return the number of a dataset type and its tables."""
        row = self.one(
            "SELECT id, tag_association_table, calibration_association_table FROM dataset_type WHERE name = :n",
            n=name,
        )
        return int(str(row[0])), str(row[1]), str(row[2])

    def summarize(self, collections: str, kind: int, **values: object) -> None:
        """Note that collections, a SELECT of their numbers, hold a dataset type and the instrument."""
        for column, value in (("dataset_type", ":kind"), ("instrument", f"'{LSSTCAM.name}'")):
            name = "dataset_type_id" if column == "dataset_type" else column
            statement = (
                f"INSERT INTO collection_summary_{column} (collection_id, {name}) "
                f"SELECT c.id, {value} FROM ({collections}) c WHERE NOT EXISTS (SELECT 1 FROM "
                f"collection_summary_{column} s WHERE s.collection_id = c.id AND s.{name} = {value})"
            )
            self._connection.execute(text(statement), {"kind": kind, **values})

    def next(self, table: str) -> str:
        """Return the next number of a row, as the butler assigns it."""
        return "NULL" if self.sqlite else f"nextval('{table}_seq_id')"

    def count_on(self) -> None:
        """Let the database assign numbers beyond those that were written."""
        if self.sqlite:
            self._connection.execute(text("ANALYZE"))
            return
        self._connection.execute(
            text("SELECT setval('collection_seq_collection_id', (SELECT MAX(collection_id) FROM collection))")
        )


@contextmanager
def _connected(root: Path) -> Iterator[_Database]:
    registry = yaml.safe_load((root / "butler.yaml").read_text())["registry"]
    address = re.sub("<butlerRoot>", str(root), registry["db"])
    engine = create_engine(address)
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.execute(text("PRAGMA synchronous = OFF"))
            connection.execute(text("PRAGMA cache_size = -400000"))
        else:
            connection.execute(text(f'SET search_path = "{registry["namespace"]}", public'))
            # What refers to what is right as it is written.
            connection.execute(text("SET session_replication_role = replica"))
        database = _Database(connection)
        yield database
        database.count_on()
        connection.commit()
        if not sqlite:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    engine.dispose()


def _jobs(database: _Database, number: int) -> None:
    """Write jobs that each left the statistics of a verification, and the chain of its RUN and its inputs."""
    if not number:
        return
    kind, tags, _ = database.dataset_type("verifyBiasStats")
    first, chains = _FIRST_ID, _FIRST_ID + number
    database.new_collections(first, number, "'u/ocps/past' || i || '/run'", CollectionType.RUN)
    database.new_collections(chains, number, "'u/ocps/past' || i", CollectionType.CHAINED)
    database.run("INSERT INTO run (collection_id) SELECT :first + i FROM n", first=first, size=number)
    children = [
        ":first + i",
        *(_collection(name) for name in (LSSTCAM.raw_collection, LSSTCAM.calib_collection)),
    ]
    for position, child in enumerate(children):
        database.run(
            f"INSERT INTO collection_chain (parent, position, child) SELECT :chains + i, {position}, {child} FROM n",
            chains=chains,
            size=number,
            **({"first": first} if ":first" in child else {}),
        )
    runs = "SELECT collection_id AS id FROM run WHERE collection_id >= :first"
    database.summarize(runs, kind, first=first)
    dataset = database.id("i + 1")
    database.run(
        "INSERT INTO dataset (id, dataset_type_id, ingest_date, run_id) "
        f"SELECT {dataset}, :kind, 0, :first + i FROM n",
        kind=kind,
        first=first,
        size=number,
    )
    database.run(
        f"INSERT INTO {tags} (dataset_type_id, dataset_id, collection_id, instrument) "
        f"SELECT :kind, {dataset}, :first + i, '{LSSTCAM.name}' FROM n",
        kind=kind,
        first=first,
        size=number,
    )


def _certifications(database: _Database) -> None:
    """Certify the reference calibrations for each day, too."""
    for name in _TYPES:
        kind, tags, calibs = database.dataset_type(name)
        more = ", physical_filter" if name == "flat" else ""
        database.summarize(f"SELECT {_collection(DAILY)} AS id", kind)
        with database.without_indexes(calibs):
            # Day after day, as they were certified.
            database.run(
                f"INSERT INTO {calibs} (id, dataset_type_id, dataset_id, collection_id, instrument, detector{more}, "
                f"{database.timespan}) SELECT {database.next(calibs)}, t.dataset_type_id, t.dataset_id, "
                f"{_collection(DAILY)}, t.instrument, "
                f"t.detector{more}, {database.span('d.begins', f'd.begins + {86400 * _SECOND}')} "
                f"FROM past_days d CROSS JOIN {tags} t WHERE t.dataset_type_id = :kind "
                f"AND t.collection_id = {_collection(f'{LSSTCAM.calib_collection}/reference/run')} ORDER BY d.number",
                kind=kind,
            )


def _exposures(database: _Database, a_day: int) -> None:
    """Write exposures, as many each day, with their days and groups, and a raw image of the first detector."""
    instrument = f"'{LSSTCAM.name}'"
    number = "d.day_obs * 100000 + i + 1"
    begin = f"d.begins + i * {30 * _SECOND}"
    database.run(
        f"INSERT INTO day_obs (instrument, id, {database.timespan}) SELECT {instrument}, d.day_obs, "
        f"{database.span('d.begins', f'd.begins + {86400 * _SECOND}')} FROM past_days d"
    )
    database.run(
        f"INSERT INTO \"group\" (instrument, name) SELECT {instrument}, 'past' || ({number}) FROM past_days d, n",
        size=a_day,
    )
    database.run(
        f'INSERT INTO exposure (instrument, id, day_obs, "group", physical_filter, obs_id, exposure_time, dark_time, '
        f"observation_type, observation_reason, seq_num, has_simulated, can_see_sky, {database.timespan}) "
        f"SELECT {instrument}, {number}, d.day_obs, 'past' || ({number}), '{FILTER}', 'past' || ({number}), 15.0, "
        f"15.0, 'dark', 'calibration', i + 1, {'0, 0' if database.sqlite else 'false, false'}, "
        f"{database.span(begin, f'{begin} + {15 * _SECOND}')} FROM past_days d, n",
        size=a_day,
    )
    kind, tags, _ = database.dataset_type("raw")
    dataset = database.id(f"10000000000 + d.number * {a_day} + i")
    raws = _collection(LSSTCAM.raw_collection)
    database.run(
        f"INSERT INTO dataset (id, dataset_type_id, ingest_date, run_id) SELECT {dataset}, :kind, 0, {raws} "
        "FROM past_days d, n",
        kind=kind,
        size=a_day,
    )
    database.run(
        f"INSERT INTO {tags} (dataset_type_id, dataset_id, collection_id, instrument, detector, exposure) "
        f"SELECT :kind, {dataset}, {raws}, {instrument}, {LSSTCAM.detectors[0]}, {number} FROM past_days d, n",
        kind=kind,
        size=a_day,
    )


def _collection(name: str) -> str:
    """Return the number of a collection, in SQL."""
    return f"(SELECT collection_id FROM collection WHERE name = '{name}')"
