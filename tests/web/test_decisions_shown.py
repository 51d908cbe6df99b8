"""What a decision changes is said wherever the thing is shown."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from web_support import CERTIFIED, FAILED, FIRST, RUN, Client, of_that_night, record, serving

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.decisions import (
    ExposureSubject,
    MasterSubject,
    ProductSubject,
    Subject,
    Verb,
    decide,
)
from lsst.ts.calibscripts.events.events import Certified
from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.report.runs.past import remember
from lsst.ts.calibscripts.report.trends import Measured

(EVENT,) = (event for event in CERTIFIED if isinstance(event, Certified))


def command(*words: str) -> str:
    return CliRunner().invoke(main, words).output


Place = Callable[[Client, Path], str]

PLACES: Mapping[str, Place] = {
    "list of runs": lambda client, path: client.get("/").text,
    "page of the run": lambda client, path: client.get(f"/runs/{path.stem}").text,
    "nights": lambda client, path: client.get("/nights").text,
    "trends": lambda client, path: client.get("/trends").text,
    "decisions": lambda client, path: client.get("/decisions").text,
    "night": lambda client, path: command("night", "--records", str(path.parent)),
    "history": lambda client, path: command("history", "LATISS", "--records", str(path.parent)),
    **{
        f"report, {form}": lambda client, path, form=form: command(  # type: ignore[misc]
            "report", str(path), "--format", form, "--no-images"
        )
        for form in ("text", "markdown", "json")
    },
    "report, html": lambda client, path: Path(command("report", str(path)).strip()).read_text(),
}


def decided(directory: Path, verb: Verb, subject: Subject | None = None) -> tuple[Path, dict[str, str]]:
    """Decide something on a run that has failed, and return what is said of it in each place."""
    path = of_that_night(record(directory, FAILED))
    remember(read_record(path), [Measured("read noise", "", {"R22_S11 C00": 5.0})])
    certified = EVENT if verb is Verb.CERTIFY else None
    decide(
        directory,
        "ada",
        "one amplifier",
        verb,
        subject or ProductSubject(path.stem, "BIAS"),
        certified=certified,
    )
    with serving(directory) as client:
        return path, {name: place(client, path) for name, place in PLACES.items()}


@pytest.mark.parametrize(
    ("verb", "subject"),
    [
        (Verb.CERTIFY, None),
        (Verb.APPROVE, None),
        (Verb.REJECT, None),
        (Verb.MARK_BAD, MasterSubject("LATISS", "bias", RUN)),
    ],
)
def test_every_place_that_shows_a_product_says_what_was_decided_on_it(
    tmp_path: Path, verb: Verb, subject: Subject | None
):
    _, said = decided(tmp_path, verb, subject)
    assert [name for name, text in said.items() if f"{verb.past} by ada" not in text.lower()] == []


def test_what_a_decision_has_certified_is_not_called_not_certified_anywhere(tmp_path: Path):
    path, said = decided(tmp_path, Verb.CERTIFY)
    assert [name for name, text in said.items() if "not certified" in text.lower()] == []
    report = json.loads(said["report, json"])
    (product,) = report["products"]
    assert product["standing"] == "certified in spite of failures"
    assert product["certified"]["collection"] == EVENT.collection
    assert (report["not_certified"], report["next_steps"], report["resume"]) == ({}, [], None)
    assert "1 product certified" in said["report, text"]
    assert "complete, with remarks" in said["night"]
    assert "After the run a decision has certified this:" in command("replay", str(path))


def test_the_images_of_a_run_say_which_are_bad(tmp_path: Path):
    _, said = decided(tmp_path, Verb.MARK_BAD, ExposureSubject("LATISS", FIRST + 1))
    for place in ("page of the run", "report, html", "nights", "night"):
        assert "marked as bad by ada" in said[place], place
