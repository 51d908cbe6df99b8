"""Chromium without a window, for the tests of what a person with a keyboard does and sees.

It is driven over a pipe, by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/): that needs
no further package.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest

__all__ = ["Page", "browsing"]

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PATIENCE = 60.0
"""How long anything may take on a busy machine, seconds."""
BEGIN = "import os, sys; _, r, w, *to = sys.argv; os.dup2(int(r), 3); os.dup2(int(w), 4); os.execv(to[0], to)"
"""The browser reads from descriptor 3 and writes to 4."""
KEYS = {"Tab": 9, "Enter": 13, " ": 32}


@dataclass
class _Pipe:
    """Sends commands, and waits for their answers."""

    out: BinaryIO
    back: int
    sent: int = 0
    unread: bytes = b""

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self.sent += 1
        told = {"id": self.sent, "method": method, "params": parameters}
        self.out.write(json.dumps(told | ({"sessionId": session} if session else {})).encode() + b"\0")
        while (answer := self._next()).get("id") != self.sent:
            pass
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.back], [], [], PATIENCE)
            assert ready, "the browser does not answer"
            part = os.read(self.back, 1 << 20)
            assert part, "the browser has ended"
            self.unread += part
        message, _, self.unread = self.unread.partition(b"\0")
        return dict(json.loads(message))


@dataclass
class Page:
    """A page in the browser, and a keyboard."""

    pipe: _Pipe
    session: str = field(default="")

    def open(self, url: str, **headers: str) -> None:
        """Open an address, with headers in this and all later requests."""
        if not self.session:
            target = self.pipe.ask("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._ask("Network.enable")
        self._ask("Network.setExtraHTTPHeaders", headers=headers)
        self._ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.protocol === 'http:'")

    def see(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression holds in the page."""
        end = time.monotonic() + PATIENCE
        # While another page is loaded there may be nothing to look at.
        holds = f"(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"
        while not self.see(holds):
            assert time.monotonic() < end, f"{expression}: {self.see('document.body?.innerText')}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key and release it."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        code = {"windowsVirtualKeyCode": KEYS[key]} if key in KEYS else {}
        self._ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def tab_to(self, text: str) -> None:
        """Press Tab until a control with a text, or the name of a field, has the focus."""
        held = "(document.activeElement.name || document.activeElement.innerText || '')"
        for _ in range(60):
            self.press("Tab")
            if self.see(held) == text:
                return
        raise AssertionError(f"{text} is out of the keyboard's reach")

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        for key in text:
            self.press(key)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.pipe.ask(method, self.session, **parameters)


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """Start a browser; skip the test where none is installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"{PROGRAMS[0]} is not installed: no page is looked at")
    (reading, out), (back, writing) = os.pipe(), os.pipe()
    words = [sys.executable, "-IS", "-c", BEGIN, str(reading), str(writing), program, *OPTIONS]
    words += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    with (
        subprocess.Popen(words, pass_fds=(reading, writing), stderr=subprocess.DEVNULL) as process,
        os.fdopen(out, "wb", buffering=0) as pipe,
    ):
        os.close(reading)
        os.close(writing)
        try:
            yield Page(_Pipe(pipe, back))
        finally:
            process.terminate()
            os.close(back)
