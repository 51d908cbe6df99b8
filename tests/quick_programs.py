"""The programs pipetask and butler, forked from a server that has imported everything: they start at once.

Importing takes most of the time of a small job. What calls them sees programs like any others: words, directory,
environment, streams and exit code are those of the caller.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

__all__ = ["quick_programs"]

MODULES = {"pipetask": "lsst.ctrl.mpexec.cli.pipetask", "butler": "lsst.daf.butler.cli.butler"}
"""Program -> module with its `main`."""

PROGRAM = f"""#!{sys.executable} -IS
import json, os, socket, sys
told = [os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), dict(os.environ)]
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "socket"))
    socket.send_fds(server, [b" "], [0, 1, 2])
    server.sendall(json.dumps(told).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(16) or b"1"))
"""


@contextmanager
def quick_programs() -> Iterator[Path]:
    """Start the server; gives the directory with the programs."""
    with TemporaryDirectory(prefix="programs") as name:
        directory = Path(name)
        for program in MODULES:
            (directory / program).write_text(PROGRAM)
            (directory / program).chmod(0o755)
        words = [sys.executable, __file__, str(directory / "socket")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == "ready\n"
                yield directory
            finally:
                server.terminate()


def _serve(path: str) -> None:
    # Here and not above: whoever only starts the server does not need it.
    from lsst.ts.calibscripts.summit.ocps.pipetask import PRELOADED

    for name in (*MODULES.values(), *PRELOADED):
        import_module(name)
    gc.freeze()
    # Children that answer for a program are not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        # Looked for now and then, since a test that is killed does not end the server.
        server.settimeout(10.0)
        tests = os.getppid()
        print("ready", flush=True)
        while os.getppid() == tests:
            try:
                caller, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                server.close()
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> NoReturn:
    """Run a program in another process, and send its exit code to the caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    with caller.makefile() as text:
        program, words, directory, environment = json.load(text)
    child = os.fork()
    if child == 0:
        caller.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[:] = [program, *words]
        sys.exit(import_module(MODULES[program]).main())
    _, status = os.waitpid(child, 0)
    caller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
