"""Whatever stands in the directory of records, every page is a page: never an error of the server, never markup."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from altering import altered_text, altered_values, hostile
from click.testing import CliRunner
from hostile import json_lines, record_lines
from hypothesis import given
from hypothesis import strategies as st
from web_support import Client, serving

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.decisions import LEDGER, ExposureSubject, ProductSubject, Verb, decide
from lsst.ts.calibscripts.record.index import INDEX
from lsst.ts.calibscripts.report.runs.past import ENDING
from lsst.ts.calibscripts.report.runs.rows import list_of_runs
from lsst.ts.calibscripts.report.trends import Measured, Past
from lsst.ts.calibscripts.web.security import Doorkeeper

EXAMPLES = 60 * (20 if os.environ.get("CALIBSCRIPTS_SOAK") else 1)
NAME = "LATISS_20260918T120000_00000001"
DAY = "20260917"
OPEN = Doorkeeper("X-Auth-Request-User", True)


@dataclass(frozen=True)
class Shelf:
    """A directory of records: its server, and what its files hold where all is right."""

    directory: Path
    client: Client
    right: dict[str, Any]

    def write(self, name: str, content: bytes) -> None:
        for path in self.directory.iterdir():
            path.unlink()
        for known, text in self.right.items():
            (self.directory / known).write_bytes(json_lines(text).encode())
        (self.directory / name).write_bytes(content)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    directory = tmp_path_factory.mktemp("hostile")
    record = record_lines(directory)
    (directory / f"{NAME}.jsonl").write_text(json_lines(record))
    measured = Measured("read noise", "own bias", {"R00_S00 C00": 5.0})
    past = json.loads(json.dumps(asdict(Past(NAME, "2026-09-18T12:00:00", (measured,)))))
    decide(directory, "ada", "warm", Verb.REJECT, ProductSubject(NAME, "BIAS"))
    decide(directory, "ada", "a streak", Verb.MARK_BAD, ExposureSubject("LATISS", 2026091800002))
    ledger = [json.loads(line) for line in (directory / LEDGER).read_text().splitlines()]
    list_of_runs(directory).refresh(60)
    index = json.loads((directory / INDEX).read_text())
    right = {f"{NAME}.jsonl": record, f"{NAME}{ENDING}": past, LEDGER: ledger, INDEX: index}
    with serving(directory, doorkeeper=OPEN) as client:
        yield Shelf(directory, client, right)


PAGES = ("/", f"/runs/{NAME}", "/nights", f"/nights/{DAY}", "/trends?instrument=LATISS", "/decisions")
COMMANDS = (["history", "LATISS"], ["night"], ["night", DAY, "--format", "markdown"], ["decide", "list"])


@hostile(EXAMPLES)
@given(data=st.data())
def test_no_file_makes_a_page_or_a_command_stumble(data: st.DataObject, shelf: Shelf):
    name = data.draw(st.sampled_from([*shelf.right]), label="file")
    content = data.draw(altered_values(shelf.right[name]), label="content")
    try:
        text = json_lines(content)
    except UnicodeEncodeError:
        return
    shelf.write(name, data.draw(altered_text(text), label="text"))
    for page in PAGES:
        answer = shelf.client.get(page)
        assert answer.status in (200, 404), page
        for markup in ("<script>alert", "<img src=x", "<svg onload"):
            assert markup not in answer.text, page
    form = f"token={OPEN.token('ada')}&run={NAME}&product=BIAS&verb=approve&why=fine"
    assert shelf.client.post("/decisions", form, X_Auth_Request_User="ada").status in (303, 409)
    for words in COMMANDS:
        result = CliRunner().invoke(main, [*words, "--records", str(shelf.directory)])
        assert isinstance(result.exception, SystemExit | None), (words, result.exc_info)


def test_what_is_right_is_shown_on_every_page(shelf: Shelf):
    shelf.write(LEDGER, json_lines(shelf.right[LEDGER]).encode())
    for page in PAGES:
        answer = shelf.client.get(page)
        assert answer.status == 200, page
        assert NAME in answer.text, page
