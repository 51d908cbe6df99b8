"""The registry of a repository in a PostgreSQL database, as the summit's butlers have it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from astropy.nddata import CCDData
from astropy.time import Time
from click.testing import CliRunner
from lsst.daf.butler import Butler, CollectionType
from postgresql_support import Breaking, Server, find_server, serve
from recorded import THREE_BIASES
from scripts_over import ComCamInMemory, LatissInMemory

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.events.events import Event, ExposureTaken, Verdicted
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.repository import ButlerRepository, Certification
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.butler.repository import make_repository
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome, ScriptQueue
from lsst.ts.calibscripts.summit.site import Summit

PROGRAMS = find_server()

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL server is installed here (Debian's package postgresql)"
)

BIASES = THREE_BIASES | {"n_processes": 1}
LATISS, COMCAM = "auxtel/make_latiss_calibrations.py", "maintel/make_comcam_calibrations.py"
RUN, COLLECTION = "made/run", "LATISS/calib/daily"
BIAS = Certification("BIAS", "LATISS", "bias", COLLECTION, TimeRange.of("2026-01-01", "2027-01-01"), (0,))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    assert PROGRAMS is not None
    with serve(PROGRAMS) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: Server) -> str:
    return server.make_database("summit")


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))


def certified(repo: str, collection: str, instrument: str) -> list[int]:
    """Return the detectors for which there is a certified bias."""
    with Butler.from_config(repo) as butler:
        found = butler.registry.queryDatasetAssociations("bias", collection)
        return sorted(
            int(f.ref.dataId["detector"]) for f in found if f.ref.dataId["instrument"] == instrument
        )


def run_scripts(
    repo: str,
    scripts: dict[str, dict[str, Any]],
    watch: Callable[[Event], None] = lambda event: None,
    make: dict[str, Any] | None = None,
) -> tuple[list[Outcome], list[str]]:
    """Run scripts at the same time, each in a queue of its own, with the real pipetask."""
    log: list[LogLine] = []

    async def run() -> list[Outcome]:
        names = [name for script, name in ((LATISS, "LATISS"), (COMCAM, "LSSTComCam")) if script in scripts]
        start = Time("2026-09-18T15:00:00", scale="tai").unix_tai
        async with Summit(repo, names, speed=1000.0, start=start, detectors=[0]):
            return await asyncio.gather(
                *(
                    ScriptQueue(log.append).run(
                        script,
                        yaml.safe_dump({**config, "repo": repo}),
                        observers=[watch],
                        make=(make or {}).get(script),
                    )
                    for script, config in scripts.items()
                )
            )

    outcomes = asyncio.run(run())
    return outcomes, [f"{line.level_name} {line.message}" for line in log]


def test_rehearsal_by_the_command(server: Server, database: str, tmp_path: Path, pipelines: None):
    (tmp_path / "biases.yaml").write_text(yaml.safe_dump(BIASES))
    repo = tmp_path / "by_command"
    files = ["--config", str(tmp_path / "biases.yaml"), "--repo", str(repo)]
    words = ["rehearse", LATISS, *files, "--speed", "1000", "--registry", database]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "ended DONE" in done.stdout
    assert f"psycopg2://owner@127.0.0.1:{server.port}/summit" in (repo / "butler.yaml").read_text()
    assert not list(repo.glob("*.sqlite3"))
    assert certified(str(repo), COLLECTION, "LATISS") == [0]
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 1
    assert "holds a repository already" in again.stderr


def test_two_scripts_certify_at_the_same_time(database: str, tmp_path: Path, pipelines: None):
    repo = make_rehearsal_repository(
        tmp_path / "two", ["LATISS", "LSSTComCam"], detectors=[0], filters=[], registry=database
    )
    both = threading.Barrier(2)

    class Together(ButlerRepository):
        """Certifies when the other script does."""

        def certify(
            self, wanted: Certification, run: str, may_commit: Callable[[], bool]
        ) -> tuple[str, ...] | None:
            both.wait(timeout=600)
            return super().certify(wanted, run, may_commit)

    common = {"calib_collection": "both/calib/daily"}
    outcomes, log = run_scripts(
        repo,
        {LATISS: BIASES | common, COMCAM: BIASES | common | {"detectors": [0]}},
        make={LATISS: LatissInMemory.over(Together(repo)), COMCAM: ComCamInMemory.over(Together(repo))},
    )
    assert [outcome.state for outcome in outcomes] == [ScriptState.DONE] * 2, "\n".join(log)
    assert certified(repo, "both/calib/daily", "LATISS") == [0]
    assert certified(repo, "both/calib/daily", "LSSTComCam") == [0]


def test_server_is_restarted_in_the_middle_of_a_run(
    server: Server, database: str, tmp_path: Path, pipelines: None
):
    repo = make_rehearsal_repository(tmp_path / "restarted", filters=[], registry=database)
    restarts: list[str] = []

    def watch(event: Event) -> None:
        taken = isinstance(event, ExposureTaken) and event.exposure % 100 == 3
        if taken or isinstance(event, Verdicted):
            server.restart()
            restarts.append(type(event).__name__)

    outcomes, log = run_scripts(repo, {LATISS: BIASES | {"n_bias": 5}}, watch)
    assert restarts == ["ExposureTaken", "Verdicted"], "\n".join(log)
    assert outcomes[0].state is ScriptState.DONE, "\n".join(log)
    assert certified(repo, COLLECTION, "LATISS") == [0]


@pytest.fixture
def with_bias(database: str, tmp_path: Path) -> Path:
    """Make a repository with a bias in a RUN."""
    root = tmp_path / "with_bias"
    make_repository(root, registry=f"{database}?namespace=of_{tmp_path.name}")
    with Butler.from_config(str(root), writeable=True) as butler:
        butler.collections.register(RUN, CollectionType.RUN)
        place = {"instrument": "LATISS", "detector": 0}
        butler.put(CCDData(np.zeros((4, 4), np.float32), unit="electron"), "bias", place, run=RUN)
    return root


@pytest.mark.parametrize("after", [True, False])
def test_connection_is_lost_with_the_answer_to_the_commit(server: Server, with_bias: Path, after: bool):
    way = Breaking(server.port, after)
    with way as port:
        text = (with_bias / "butler.yaml").read_text()
        (with_bias / "butler.yaml").write_text(text.replace(f":{server.port}/", f":{port}/"))
        repository = ButlerRepository(str(with_bias))
        repository.check(writing=True)

        def may_commit() -> bool:
            way.armed = True
            return True

        if after:
            assert repository.certify(BIAS, RUN, may_commit) is not None
        else:
            with pytest.raises(Exception, match="server closed the connection"):
                repository.certify(BIAS, RUN, may_commit)
        assert way.broken == 1
        assert bool(repository.conflicts(BIAS)) is after
        if after:
            assert certified(str(with_bias), COLLECTION, "LATISS") == [0]
        repository.close()


def test_reading_waits_for_a_server_that_comes_back(server: Server, with_bias: Path):
    repository = ButlerRepository(str(with_bias))
    repository.check(writing=True)
    server.control("stop")
    back = threading.Timer(1.0, server.control, ["start"])
    back.start()
    try:
        assert repository.made(RUN, "bias").keys() == {0}
    finally:
        back.join()
    assert repository.certify(BIAS, RUN, lambda: True) is not None
    repository.close()


def test_repositories_share_a_database(database: str, tmp_path: Path):
    for name in ("one", "another"):
        make_repository(tmp_path / name, registry=database)
    with pytest.raises(RepositoryError, match=r"holds a repository already; .* DROP SCHEMA \"one\" CASCADE"):
        make_repository(tmp_path / "below" / "one", registry=database)
    assert not (tmp_path / "below" / "one").exists()
    make_repository(tmp_path / "below" / "one", registry=f"{database}?namespace=third")


def test_database_that_cannot_be_used(server: Server, tmp_path: Path):
    plain = server.make_database("plain", extension=False)
    for address, message in (
        (plain, "CREATE EXTENSION btree_gist"),
        (server.address("nowhere"), 'database "nowhere" does not exist'),
        ("postgresql://owner@127.0.0.1:9/summit", "Connection refused"),
    ):
        with pytest.raises(RepositoryError, match=message):
            make_repository(tmp_path / "repo", registry=address)
        assert not (tmp_path / "repo").exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://owner:secret@localhost/summit", "contains a password"),
        ("postgresql://owner@localhost/summit?password=secret", "contains a password"),
        ("postgresql://owner@localhost/summit?namespace=n&sslpassword=secret", "contains a password"),
        (
            "mysql://owner@localhost/summit?password=secret",
            "is not of the form postgresql://user@host:port/database",
        ),
        ("sqlite:///somewhere", "is not of the form postgresql://user@host:port/database"),
        ("postgresql://owner@localhost", "is not of the form postgresql://user@host:port/database"),
        ("localhost", "is not of the form postgresql://user@host:port/database"),
    ],
)
def test_addresses_that_are_refused(address: str, message: str, tmp_path: Path):
    words = ["rehearse", LATISS, "--repo", str(tmp_path / "repo"), "--registry", address]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert message in result.output
    assert "secret" not in result.output
    assert not (tmp_path / "repo").exists()
