"""Decisions are signed, kept, shown, and heeded."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.nddata import CCDData
from click.testing import CliRunner
from lsst.daf.butler import Butler, CollectionType
from web_support import (
    DONE,
    FAILED,
    FIRST,
    GENERATED,
    PLANNED,
    RUN,
    TAKEN,
    Client,
    of_that_night,
    record,
    serving,
    verdict,
)

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.decisions import (
    LEDGER,
    NO_DECISIONS,
    ExposureSubject,
    MasterSubject,
    ProductSubject,
    Verb,
    decide,
    read_decisions,
)
from lsst.ts.calibscripts.errors import DecisionError
from lsst.ts.calibscripts.events.events import (
    DatasetsMade,
    Ended,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    OutputsFound,
    RunOutcome,
    StepEnded,
    StepOutcome,
)
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record import read_record
from lsst.ts.calibscripts.run.afterwards import certifiable
from lsst.ts.calibscripts.summit.butler.repository import make_repository
from lsst.ts.calibscripts.web.security import Doorkeeper

ADA = {"X_Auth_Request_User": "ada"}
OPEN = Doorkeeper("X-Auth-Request-User", True)
EXPOSURE = ExposureSubject("LATISS", FIRST + 1)


def token(client: Client, page: str = "/decisions", **headers: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', client.get(page, **(headers or ADA)).text)
    assert found is not None
    return found[1]


def test_what_is_decided_is_kept_in_order_and_can_be_withdrawn(tmp_path: Path):
    first = decide(tmp_path, "ada", "a streak", Verb.MARK_BAD, EXPOSURE)
    second = decide(tmp_path, "grace", "warm", Verb.MARK_BAD, MasterSubject("LATISS", "bias", RUN))
    found = read_decisions([tmp_path, tmp_path])
    assert found.all == (first, second)
    assert found.bad_exposures("LATISS") == {FIRST + 1: first}
    assert found.bad_exposures("LSSTCam") == {}
    assert found.bad_masters("LATISS") == {("bias", RUN): second}
    decide(tmp_path, "ada", "it was the Moon", Verb.WITHDRAW, EXPOSURE, withdraws=first.id)
    found = read_decisions([tmp_path])
    assert found.bad_exposures("LATISS") == {}
    assert len(found.all) == 3
    assert found.withdrawn[first.id].why == "it was the Moon"


@pytest.mark.parametrize(("who", "why"), [("", "x"), (" ", "x"), ("ada", ""), ("ada", "x" * 3000)])
def test_nobody_decides_without_a_name_and_a_reason(tmp_path: Path, who: str, why: str):
    with pytest.raises(DecisionError, match="Nothing was decided"):
        decide(tmp_path, who, why, Verb.MARK_BAD, EXPOSURE)
    assert not (tmp_path / LEDGER).exists()


def test_what_is_damaged_is_said_and_the_rest_is_heeded(tmp_path: Path):
    decide(tmp_path, "ada", "a streak", Verb.MARK_BAD, EXPOSURE)
    ledger = tmp_path / LEDGER
    ledger.write_text(ledger.read_text() + '{"id": 5}\n[]\nnot JSON\n{"half')
    decide(tmp_path, "ada", "good", Verb.APPROVE, ProductSubject("a", "BIAS"))
    found = read_decisions([tmp_path])
    assert [d.verb for d in found.all] == [Verb.MARK_BAD, Verb.APPROVE]
    assert len(found.problems) == 3
    assert all("is not heeded" in problem for problem in found.problems)


def test_decisions_are_signed_on_the_page_and_shown_there(tmp_path: Path):
    path = of_that_night(record(tmp_path, FAILED))
    page = f"/runs/{path.stem}"
    with serving(tmp_path, doorkeeper=OPEN) as client:
        form = f"token={token(client, page)}&run={path.stem}&product=BIAS&verb=approve&why=The+%3Cb%3Elamp"
        answer = client.post("/decisions", form, **ADA)
        assert (answer.status, answer.headers["location"]) == (303, f"{page}#decisions")
        form = f"token={token(client)}&instrument=LATISS&exposure={FIRST + 1}&why=A+streak"
        assert client.post("/decisions", form, **ADA).status == 303
        assert "already marked as bad by ada" in client.post("/decisions", form, **ADA).text
        for place in (page, "/", "/decisions", "/nights"):
            text = client.get(place).text
            assert "approved by ada" in text
            assert "The &lt;b&gt;lamp" in text
            assert "A streak" in text or place == "/"
        night = client.get("/nights").text
        assert "complete, with remarks" in night
        (approval, _) = read_decisions([tmp_path]).all
        form = f"token={token(client)}&decision={approval.id}&why=wrong+run"
        assert client.post("/decisions", form, **ADA).status == 303
        assert "withdrawn by ada" in client.get(page).text
        assert "incomplete" in client.get("/nights").text


@pytest.mark.parametrize(
    ("doorkeeper", "headers", "why"),
    [
        (Doorkeeper(), ADA, "only shows"),
        (Doorkeeper("X-Auth-Request-User", False), ADA, "only shows"),
        (OPEN, {}, "Your name is unknown"),
        (OPEN, {"X_Auth_Request_User": "a\tb"}, "Your name is unknown"),
        (OPEN, {**ADA, "Origin": "https://elsewhere.example"}, "another site"),
        (OPEN, {"X_Auth_Request_User": "eve"}, "reload the page"),
    ],
)
def test_who_may_not_decide_is_refused(
    tmp_path: Path, doorkeeper: Doorkeeper, headers: dict[str, str], why: str
):
    with serving(tmp_path, doorkeeper=doorkeeper) as client:
        form = f"token={doorkeeper.token('ada')}&instrument=LATISS&exposure=1&why=x"
        answer = client.post("/decisions", form, **headers)
        assert answer.status == 403
        assert why in answer.text
    assert not (tmp_path / LEDGER).exists()


@pytest.mark.parametrize("form", ["", "token=%ff", "a=1&" * 50, "x" * 200_000, "=", "token=&token="])
def test_forms_that_are_something_else_decide_nothing(tmp_path: Path, form: str):
    with serving(tmp_path, doorkeeper=OPEN) as client:
        assert client.post("/decisions", form, **ADA).status == 403
    assert not (tmp_path / LEDGER).exists()


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("run=../x&product=BIAS&verb=approve&why=x", "No record is called"),
        ("instrument=LATISS&exposure=abc&why=x", "not an exposure id"),
        ("instrument=LATISS&exposure=1&why=", "needs a reason"),
        ("instrument=LATISS&type=bias&collection=&why=x", "RUN collection"),
        ("decision=nothing&why=x", "no decision"),
    ],
)
def test_what_cannot_be_decided_is_said(tmp_path: Path, form: str, why: str):
    with serving(tmp_path, doorkeeper=OPEN) as client:
        answer = client.post("/decisions", f"token={OPEN.token('ada')}&{form}", **ADA)
        assert answer.status == 409
        assert why in answer.text
    assert not (tmp_path / LEDGER).exists()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make a repository with the bias that a run has made."""
    root = tmp_path / "repo"
    with Butler.from_config(make_repository(root, ["LATISS"]), writeable=True) as butler:
        butler.collections.register(RUN, CollectionType.RUN)
        bias = CCDData(np.zeros((4, 4), np.float32), unit="electron")
        butler.put(bias, "bias", instrument="LATISS", detector=0, run=RUN)
    return root


def certified(repo: Path) -> int:
    with Butler.from_config(repo) as butler:
        if not butler.collections.query("LATISS/calib/daily/t*"):
            return 0
        return len([*butler.registry.queryDatasetAssociations("bias", "LATISS/calib/daily/t")])


def test_what_failed_is_certified_when_somebody_signs_for_it(tmp_path: Path, repo: Path):
    records = tmp_path / "records"
    path = record(records, FAILED, repo=str(repo))
    with serving(records, doorkeeper=OPEN) as client:
        form = f"token={OPEN.token('ada')}&run={path.stem}&product=BIAS&verb=certify&why=only+one+amplifier"
        assert client.post("/decisions", form, **ADA).status == 303
        assert certified(repo) == 1
        page = client.get(f"/runs/{path.stem}").text
        assert "certified in spite of failures by ada" in page
        again = client.post("/decisions", form, **ADA)
        assert again.status == 409
        assert "is certified already" in again.text
    (decision,) = read_decisions([records]).all
    assert decision.certified is not None
    assert (decision.certified.product, decision.certified.collection) == ("BIAS", "LATISS/calib/daily/t")
    assert not decision.certified.unverified


def test_of_two_servers_that_certify_at_the_same_time_one_does(tmp_path: Path, repo: Path):
    records = tmp_path / "records"
    path = record(records, FAILED, repo=str(repo))
    form = f"token={OPEN.token('ada')}&run={path.stem}&product=BIAS&verb=certify&why=fine"
    with (
        serving(records, doorkeeper=OPEN) as one,
        serving(records, doorkeeper=OPEN) as other,
        ThreadPoolExecutor() as pool,
    ):
        answers = [*pool.map(lambda client: client.post("/decisions", form, **ADA), (one, other))]
    assert sorted(answer.status for answer in answers) == [303, 409]
    assert "is certified already. Nothing was certified." in max(answers, key=lambda a: a.status).text
    assert certified(repo) == 1
    assert len(read_decisions([records]).all) == 1


def test_what_could_not_be_certified_can_be_tried_again(tmp_path: Path, repo: Path):
    records = tmp_path / "records"
    path = record(records, FAILED, repo=str(repo))
    form = f"token={OPEN.token('ada')}&run={path.stem}&product=BIAS&verb=certify&why=only+%3Cone%3E"
    away = repo.rename(tmp_path / "away")
    with serving(records, doorkeeper=OPEN) as client:
        refused = client.post("/decisions", form, **ADA)
        assert refused.status == 409
        assert "failed and nothing of it was certified" in refused.text
        assert f'href="/runs/{path.stem}#decisions"' in refused.text
        assert "<q>only &lt;one&gt;</q>" in refused.text
        assert not (records / LEDGER).exists()
        away.rename(repo)
        assert client.post("/decisions", form, **ADA).status == 303
    assert certified(repo) == 1


def test_what_is_in_the_way_of_a_decision_is_said(tmp_path: Path, repo: Path):
    first, second = (record(tmp_path / name, FAILED, repo=str(repo)) for name in ("one", "two"))
    runner = CliRunner()
    words = ["decide", "certify", str(first), "BIAS", "--by", "ada", "--why", "fine"]
    done = runner.invoke(main, words)
    assert (done.exit_code, done.output.count("Certified into LATISS/calib/daily/t")) == (0, 1)
    words[2] = str(second)
    refused = runner.invoke(main, words)
    assert refused.exit_code == 1
    assert "nothing of it was certified" in refused.output
    assert "bias" in refused.output
    assert certified(repo) == 1
    assert not (tmp_path / "two" / LEDGER).exists()


@pytest.mark.parametrize(
    ("events", "product", "why"),
    [
        (DONE, "BIAS", "certified already"),
        ((*PLANNED, *TAKEN), "BIAS", "has no end"),
        (FAILED, "DARK", "has not made DARK"),
        (FAILED, "GAIN", "not something that is certified"),
    ],
)
def test_only_what_a_run_has_made_can_be_certified(tmp_path: Path, events: tuple, product: str, why: str):  # type: ignore[type-arg]
    path = record(tmp_path, events)
    done = CliRunner().invoke(main, ["decide", "certify", str(path), product, "--by", "ada", "--why", "x"])
    assert done.exit_code == 1
    assert why in done.output
    assert not (tmp_path / LEDGER).exists()


@pytest.mark.parametrize(
    ("verb", "subject"),
    [
        (Verb.REJECT, None),
        (Verb.MARK_BAD, MasterSubject("LATISS", "bias", RUN)),
        (Verb.MARK_BAD, ExposureSubject("LATISS", FIRST + 1)),
    ],
    ids=["rejected", "bad master", "bad exposure"],
)
def test_what_a_decision_speaks_against_is_certified_only_when_that_is_withdrawn(
    tmp_path: Path, repo: Path, verb: Verb, subject: ExposureSubject | MasterSubject | None
):
    records = tmp_path / "records"
    path, runner = record(records, FAILED, repo=str(repo)), CliRunner()
    against = decide(records, "grace", "a glow", verb, subject or ProductSubject(path.stem, "BIAS"))
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    refused = runner.invoke(main, words)
    assert refused.exit_code == 1
    assert f"{against.subject} is {verb.past} by grace on" in refused.output
    assert f"a glow (decision {against.id}). If that is wrong, withdraw it first." in refused.output
    assert certified(repo) == 0
    decide(records, "grace", "it was the Moon", Verb.WITHDRAW, against.subject, withdraws=against.id)
    assert runner.invoke(main, words).exit_code == 0
    assert certified(repo) == 1


def test_a_mark_in_any_ledger_that_is_heeded_speaks_against_certifying(
    tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
):
    records, own = tmp_path / "records", tmp_path / "own"
    path = record(records, FAILED, repo=str(repo))
    offered = 'value="certify"'
    with serving(own, records, doorkeeper=OPEN) as client:
        assert offered in client.get(f"/runs/{path.stem}", **ADA).text
    decide(own, "grace", "a glow", Verb.MARK_BAD, MasterSubject("LATISS", "bias", RUN))
    with serving(own, records, doorkeeper=OPEN) as client:
        assert offered not in client.get(f"/runs/{path.stem}", **ADA).text
        form = f"token={OPEN.token('ada')}&run={path.stem}&product=BIAS&verb=certify&why=fine"
        assert client.post("/decisions", form, **ADA).status == 409
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(own))
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert f"bias in {RUN} of LATISS is marked as bad by grace" in refused.output
    assert certified(repo) == 0


def test_an_approval_after_a_rejection_counts_and_others_do_not(tmp_path: Path, repo: Path):
    records = tmp_path / "records"
    path = record(records, FAILED, repo=str(repo))
    decide(records, "grace", "a glow", Verb.REJECT, ProductSubject(path.stem, "BIAS"))
    decide(records, "grace", "it was the Moon", Verb.APPROVE, ProductSubject(path.stem, "BIAS"))
    decide(records, "grace", "a glow", Verb.REJECT, ProductSubject(path.stem, "DARK"))
    decide(records, "grace", "a glow", Verb.MARK_BAD, MasterSubject("LATISS", "dark", RUN))
    decide(records, "grace", "a glow", Verb.MARK_BAD, ExposureSubject("LSSTCam", FIRST + 1))
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert certified(repo) == 1


def test_a_ledger_that_cannot_be_read_may_speak_against_certifying(tmp_path: Path, repo: Path):
    records = tmp_path / "records"
    path = record(records, FAILED, repo=str(repo))
    decide(records, "grace", "a glow", Verb.REJECT, ProductSubject(path.stem, "BIAS"))
    ledger = records / LEDGER
    ledger.write_text(ledger.read_text()[:-20] + "\n")
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "Whether a decision speaks against BIAS is unknown: " in refused.output
    assert certified(repo) == 0


def test_a_bad_master_is_not_certified_where_the_record_does_not_name_its_run(tmp_path: Path, repo: Path):
    records, run = tmp_path / "records", "u/ocps/abc/run"
    events = tuple(event for event in FAILED if not isinstance(event, OutputsFound))
    path = record(records, events, repo=str(repo))
    decide(records, "grace", "a glow", Verb.MARK_BAD, MasterSubject("LATISS", "bias", run))
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert f"bias in {run} of LATISS is marked as bad by grace" in refused.output
    assert certified(repo) == 0


@pytest.mark.parametrize(
    "subject",
    [ProductSubject("", "BIAS"), MasterSubject("LATISS", "bias", RUN), ExposureSubject("LATISS", FIRST + 1)],
    ids=["rejected", "bad master", "bad exposure"],
)
def test_what_was_made_from_something_bad_is_not_certified(
    tmp_path: Path, subject: ExposureSubject | MasterSubject | ProductSubject
):
    made = StepId(Action.GENERATE, "DARK")
    dark = (
        JobSubmitted(made, "cpDark.yaml", "", "instrument='LATISS'"),
        JobStarted(made, "ghi"),
        JobEnded(made, "ghi", 0, JobOutcome.COMPLETED),
        OutputsFound(made, "u/ocps/ghi/run", (0,)),
        StepEnded(made, StepOutcome.DONE),
    )
    events = (*DONE[:-1], *dark, Ended(RunOutcome.FAILED))
    found = read_record(record(tmp_path, events))
    assert certifiable(found, "DARK", NO_DECISIONS) == ""
    if isinstance(subject, ProductSubject):
        decide(tmp_path, "grace", "a glow", Verb.REJECT, ProductSubject(found.name, "BIAS"))
    else:
        decide(tmp_path, "grace", "a glow", Verb.MARK_BAD, subject)
    why = certifiable(found, "DARK", read_decisions([tmp_path]))
    assert "by grace on" in why
    assert "If that is wrong, withdraw it first." in why


@pytest.mark.parametrize("same", [True, False])
def test_what_was_replaced_since_its_run_is_not_certified(tmp_path: Path, repo: Path, same: bool):
    with Butler.from_config(repo) as butler:
        (present,) = butler.query_datasets("bias", RUN)
    made = DatasetsMade(StepId(Action.GENERATE, "BIAS"), (str(present.id) if same else "0" * 8,))
    events = (*PLANNED, *TAKEN, *GENERATED, made, *verdict(False), Ended(RunOutcome.FAILED))
    path = record(tmp_path / "records", events, repo=str(repo))
    words = ["decide", "certify", str(path), "BIAS", "--by", "ada", "--why", "fine"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, certified(repo)) == ((0, 1) if same else (1, 0))
    refused = f"{RUN} no longer holds the bias that the job wrote for detector 0: it has been replaced since"
    assert (refused in done.output) is not same


def test_decisions_from_the_command_line_are_listed(tmp_path: Path):
    path, runner = record(tmp_path, FAILED), CliRunner()
    where = ["--records", str(tmp_path), "--by", "ada", "--why", "so"]
    none = runner.invoke(main, ["decide", "list", "--records", str(tmp_path)]).output
    assert none == f"Nobody has decided anything in {tmp_path}.\n"
    for words in (
        ["reject", str(path), "BIAS", "--by", "ada", "--why", "so"],
        ["bad-exposure", "LATISS", str(FIRST), *where],
        ["bad-master", "LATISS", "BIAS", RUN, *where],
    ):
        done = runner.invoke(main, ["decide", *words])
        assert done.exit_code == 0, done.output
    listed = runner.invoke(main, ["decide", "list", "--records", str(tmp_path)]).output
    assert [line.split(": ")[0].split("  ")[1] for line in listed.splitlines()] == [
        f"BIAS of {path.stem}",
        f"exposure {FIRST} of LATISS",
        f"bias in {RUN} of LATISS",
    ]
    id_ = listed.split()[0]
    assert runner.invoke(main, ["decide", "withdraw", id_, *where]).exit_code == 0
    twice = runner.invoke(main, ["decide", "withdraw", id_, *where])
    assert "was withdrawn already" in twice.output
    report = runner.invoke(main, ["report", str(path), "--format", "json", "--no-images"])
    (mark,) = json.loads(report.output)["products"][0]["decisions"]
    assert mark.startswith("Marked as bad by ada")


def test_a_line_without_its_end_counts_if_it_is_whole(tmp_path: Path) -> None:
    subject = ExposureSubject("LATISS", 2026112600012)
    first = decide(tmp_path, "ada", "a streak", Verb.MARK_BAD, subject)
    ledger = tmp_path / LEDGER
    # An editor has left out the last line end.
    ledger.write_bytes(ledger.read_bytes().rstrip(b"\n"))
    assert read_decisions([tmp_path]).all == (first,)
    second = decide(tmp_path, "bob", "the Moon", Verb.WITHDRAW, subject, withdraws=first.id)
    assert read_decisions([tmp_path]).all == (first, second)
    # Whoever was killed while writing has left half a line.
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-20])
    assert read_decisions([tmp_path]).all == (first,)
    third = decide(tmp_path, "bob", "the Moon", Verb.WITHDRAW, subject, withdraws=first.id)
    assert read_decisions([tmp_path]).all == (first, third)


@pytest.mark.parametrize("target", ["nowhere/ledger", LEDGER])
def test_a_ledger_that_leads_nowhere_is_a_problem(tmp_path: Path, target: str) -> None:
    (tmp_path / LEDGER).symlink_to(tmp_path / target)
    decisions = read_decisions([tmp_path])
    assert decisions.all == ()
    (problem,) = decisions.problems
    assert problem.endswith("None of them is heeded.")


@pytest.mark.parametrize("exposure", ["202611274", "2026139900012", "20261126000123"])
def test_what_is_no_id_of_an_exposure_is_not_marked(tmp_path: Path, exposure: str) -> None:
    words = ["decide", "bad-exposure", "LATISS", exposure, "--why", "a streak", "--records", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"{exposure} is not the id of an exposure, YYYYMMDDNNNNN. Nothing was decided." in result.output
    assert not (tmp_path / LEDGER).exists()


def test_the_collection_of_a_job_stands_for_its_run(tmp_path: Path) -> None:
    words = [
        "decide",
        "bad-master",
        "LATISS",
        "BIAS",
        "u/ocps/0a",
        "--why",
        "warm",
        "--records",
        str(tmp_path),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "bias in u/ocps/0a/run of LATISS: marked as bad" in result.output
    assert {*read_decisions([tmp_path]).bad_masters("LATISS")} == {("bias", "u/ocps/0a/run")}
