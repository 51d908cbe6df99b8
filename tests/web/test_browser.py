"""What a person with a keyboard does on a page that changes meanwhile, in a real browser."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browsing
from web_support import DONE, FAILED, GENERATED, PLANNED, TAKEN, begin, record, serving, tell, verdict

from lsst.ts.calibscripts.decisions import ProductSubject, Verb, decide, read_decisions
from lsst.ts.calibscripts.events.events import Ended, RunOutcome
from lsst.ts.calibscripts.web.app import Setup
from lsst.ts.calibscripts.web.security import Doorkeeper
from lsst.ts.calibscripts.web.server import served

ADA = {"X-Auth-Request-User": "ada"}
FOCUSED = "document.activeElement.innerText"


def guarded() -> Doorkeeper:
    """Return a doorkeeper with a secret of its own."""
    return Doorkeeper("X-Auth-Request-User", True)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        yield page


def test_a_decision_is_made_from_the_keyboard_while_the_run_goes_on_and_ends(tmp_path: Path, page: Page):
    recorder = begin(tmp_path)
    tell(recorder, (*PLANNED, *TAKEN, *GENERATED))
    with serving(tmp_path, doorkeeper=guarded()) as client:
        page.open(f"{client.url}runs/{recorder.path.stem}", **ADA)
        page.wait("document.getElementById('connection').innerText === 'Live'")
        page.tab_to("Decide on this run")
        page.press("Enter")
        page.tab_to("why")
        page.type("only C10")
        page.tab_to("Sign as ada")
        # The part with the form changes, then all others, and at last the page becomes the report.
        decide(tmp_path, "grace", "too warm", Verb.REJECT, ProductSubject(recorder.path.stem, "BIAS"))
        page.wait("document.body.innerText.includes('rejected by grace')")
        tell(recorder, (*verdict(False), Ended(RunOutcome.FAILED)))
        page.wait("document.querySelector('header .badge').innerText.includes('FAILED')")
        page.wait("document.getElementById('source').dataset.version.endsWith('-report')")
        assert page.see(FOCUSED) == "Sign as ada"
        assert page.see("document.activeElement.matches(':focus-visible')")
        page.press("Enter")
        page.wait("document.body.innerText.includes('approved by ada')")
    recorder.close()
    assert [decision.why for decision in read_decisions([tmp_path]).all] == ["too warm", "only C10"]


def test_a_run_that_ends_keeps_the_focus_in_the_list(tmp_path: Path, page: Page):
    recorder = begin(tmp_path)
    tell(recorder, (*PLANNED, *TAKEN))
    link = f'"/runs/{recorder.path.stem}"'
    with serving(tmp_path) as client:
        page.open(client.url)
        page.see(f"document.querySelector('a[href={link}]').focus()")
        record(tmp_path, DONE)
        page.wait("document.querySelectorAll('#runs tr[data-key]').length === 1")
        assert page.see("document.activeElement.getAttribute('href')") == link[1:-1]
        tell(recorder, (Ended(RunOutcome.FAILED),))
        page.wait("document.querySelectorAll('#runs tr[data-key]').length === 2")
        assert page.see("document.activeElement.getAttribute('href')") == link[1:-1]
    recorder.close()


def test_what_was_written_outlives_the_server_and_is_signed_on_the_next_one(tmp_path: Path, page: Page):
    path = record(tmp_path, FAILED)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(Setup([tmp_path], doorkeeper=guarded()), "127.0.0.1", port) as url:
        page.open(f"{url}runs/{path.stem}", **ADA)
        page.wait("document.getElementById('source').dataset.version.endsWith('-report')")
        page.tab_to("Decide on this run")
        page.press("Enter")
        page.tab_to("why")
        page.type("the lamp")
        token = page.see("document.querySelector('[name=token]').value")
    page.wait("document.getElementById('connection').innerText.startsWith('Not connected')")
    with served(Setup([tmp_path], doorkeeper=guarded()), "127.0.0.1", port):
        page.wait(f"document.querySelector('[name=token]').value !== '{token}'")
        page.press("Enter")
        page.wait("document.body.innerText.includes('approved by ada')")
    assert [decision.why for decision in read_decisions([tmp_path]).all] == ["the lamp"]


def test_a_directory_that_is_removed_and_made_anew_is_followed(tmp_path: Path, page: Page):
    directory = tmp_path / "records"
    path = record(directory, FAILED)
    with serving(directory) as client:
        page.open(f"{client.url}runs/{path.stem}")
        page.wait("document.getElementById('connection').innerText === 'Live'")
        text = path.read_bytes()
        shutil.rmtree(directory)
        page.wait("document.body.innerText.includes('No record is called')")
        directory.mkdir()
        path.write_bytes(text)
        page.wait("document.querySelector('header .badge')?.innerText.includes('FAILED')")
