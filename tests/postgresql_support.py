"""A PostgreSQL server of the tests' own, from Debian's packages, and a connection that breaks at a chosen moment."""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


def find_server() -> Path | None:
    """Return the directory with initdb and pg_ctl, None where no server is installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).parent] if on_path else []
    return next(
        (p for p in (*candidates, *debian) if (p / "initdb").exists() and (p / "pg_ctl").exists()), None
    )


@dataclass(frozen=True)
class Server:
    """A server on loopback; it is restarted, not made anew, so that its databases stay."""

    programs: Path
    root: Path
    port: int

    def run(self, *words: str) -> None:
        """Run one of the server's programs; as root, which they refuse, as somebody else."""
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        command = [str(self.programs / words[0]), *words[1:]]
        with (self.root / "programs.log").open("ab") as log:
            done = subprocess.run(
                command,
                **who,  # type: ignore[call-overload]
                cwd=self.root,
                env={**os.environ, "HOME": str(self.root), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=600,
            )
        assert done.returncode == 0, (self.root / "programs.log").read_text()

    def control(self, what: str) -> None:
        options = f"-p {self.port} -k {self.root} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self.root / "server.log")
        self.run("pg_ctl", "-D", str(self.root / "data"), "-o", options, "-l", log, "-w", "-m", "fast", what)

    def restart(self) -> None:
        """End all connections, as a restart does, and come back."""
        self.control("restart")

    def make_database(self, name: str, *, extension: bool = True) -> str:
        """Make a database and give its address."""
        self._sql("postgres", f'CREATE DATABASE "{name}"')
        if extension:
            self._sql(name, "CREATE EXTENSION btree_gist")
        return self.address(name)

    def address(self, database: str) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/{database}"

    def _sql(self, database: str, statement: str) -> None:
        import psycopg2

        # No transaction around it: a database cannot be made in one.
        address = {"host": "127.0.0.1", "port": self.port, "user": "owner", "dbname": database}
        with contextlib.closing(psycopg2.connect(**address)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)


@contextlib.contextmanager
def serve(programs: Path) -> Iterator[Server]:
    """Make and start a server; it is gone afterwards."""
    # Not below pytest's own directory, which nobody else may enter.
    root = Path(tempfile.mkdtemp(prefix="calibscripts-postgresql-"))
    try:
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(root, nobody.pw_uid, nobody.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = Server(programs, root, free.getsockname()[1])
        server.run("initdb", "-D", str(root / "data"), "-A", "trust", "-U", "owner", "--no-sync")
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop")
    finally:
        shutil.rmtree(root)


@dataclass
class Breaking:
    """A way to the server that breaks when the next transaction is committed, before or after it has been."""

    port: int
    after: bool
    armed: bool = False
    broken: int = 0
    _listener: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> int:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *args: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is client and self.armed and b"COMMIT" in data:
                        self.armed = False
                        self.broken += 1
                        if self.after:
                            server.sendall(data)
                            server.recv(1 << 16)
                        return
                    (server if source is client else client).sendall(data)
