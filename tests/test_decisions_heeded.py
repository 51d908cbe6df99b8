"""What people have decided is heeded before a run, and where calibrations are looked up."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recorded import recorded_run
from test_repository import BIAS, COLLECTION, DAY, FLAT, RUN, template

from lsst.ts.calibscripts.decisions import ExposureSubject, MasterSubject, Verb, decide
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.ground.time_range import ALWAYS
from lsst.ts.calibscripts.production.deployed import check
from lsst.ts.calibscripts.production.selection.choosing import Wanted
from lsst.ts.calibscripts.production.selection.naming import Names
from lsst.ts.calibscripts.production.steps.selecting import Request, select
from lsst.ts.calibscripts.record import DIRECTORY_VARIABLE, find_records, read_record
from lsst.ts.calibscripts.repository import ButlerRepository

__all__ = ["template"]


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """Copy the repository with a raw flat and a bias, and certify the bias."""
    root = Path(shutil.copytree(template, tmp_path / "repo"))
    repository = ButlerRepository(str(root))
    repository.check(writing=True)
    repository.certify(replace(BIAS, validity=ALWAYS), RUN, lambda: True)
    repository.close()
    return root


def test_the_run_of_a_reference_is_known(root: Path):
    repository = ButlerRepository(str(root))
    repository.check(writing=False)
    for collections in ([COLLECTION], [RUN], [RUN, COLLECTION]):
        (source,) = repository.sources("bias", "LATISS", collections, None, [DAY])
        assert (source.run, source.detectors, source.validity) == (RUN, frozenset({0}), ALWAYS)
        # It has just been written, wherever it was certified.
        assert source.age(datetime.now(UTC).replace(tzinfo=None)) == 0
    assert repository.sources("bias", "LATISS", [], None, [DAY]) == ()
    assert repository.sources("nothing", "LATISS", [RUN], None, [DAY]) == ()
    repository.close()


async def test_a_bad_exposure_is_refused(tmp_path: Path):
    given = {"script_mode": "BIAS", "n_bias": 3, "generate_calibrations": True}
    record, _ = await recorded_run(tmp_path, given)
    kept = record.state.sets[next(iter(record.state.sets))].kept
    decision = decide(tmp_path, "ada", "a streak", Verb.MARK_BAD, ExposureSubject("LATISS", kept[1]))
    again = {"script_mode": "BIAS", "exposures": {"BIAS": list(kept)}, "generate_calibrations": True}
    refused, outcome = await recorded_run(tmp_path, again)
    assert outcome.state.name == "FAILED"
    texts = [
        text for text in refused.state.failures if str(kept[1]) in text and "marked as bad by ada" in text
    ]
    assert len(texts) == 1
    assert decision.id in texts[0]
    assert "a streak" in texts[0]
    decide(tmp_path, "ada", "no", Verb.WITHDRAW, decision.subject, withdraws=decision.id)
    third, _ = await recorded_run(tmp_path, again)
    assert not any("marked as bad" in text for text in third.state.failures)


async def test_a_bad_master_is_warned_of_where_it_would_be_the_reference(tmp_path: Path):
    given = {"script_mode": "DARK", "n_dark": 3, "exp_times_dark": 5, "generate_calibrations": True}
    before, _ = await recorded_run(tmp_path, given)
    assert not any("marked as bad" in text for text in before.state.warnings)
    for run in ("reference/run", "LATISS/calib/reference", "reference"):
        decide(tmp_path, "ada", f"warm {run}", Verb.MARK_BAD, MasterSubject("LATISS", "bias", run))
    decide(tmp_path, "ada", "warm", Verb.MARK_BAD, MasterSubject("LATISS", "bias", _reference_run()))
    decide(tmp_path, "ada", "not asked for", Verb.MARK_BAD, MasterSubject("LATISS", "flat", _reference_run()))
    warned, _ = await recorded_run(tmp_path, given)
    texts = [text for text in warned.state.warnings if "marked as bad by ada" in text]
    assert len(texts) == 1
    assert "The bias that jobs of this run will use" in texts[0]
    assert len(find_records(tmp_path)) == 2
    assert read_record(find_records(tmp_path)[0]).outcome == before.outcome


def _reference_run() -> str:
    from lsst.ts.calibscripts.testing.memory import MemoryButler, reference_calibrations

    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,), ("bias",))
    (dataset,) = butler.all("bias", "LATISS", ["LATISS/calib"], [DAY])
    return dataset.run


def test_a_bad_exposure_is_not_selected(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    decide(tmp_path, "ada", "light leak", Verb.MARK_BAD, ExposureSubject("LATISS", FLAT.exposure_id))
    said: list[str] = []
    names = Names("LATISS", "DM-1", "t", "20260918a")
    request = Request(str(root), names, (0,), (20260918, 20260918), None, Wanted(("FLAT",)))
    with pytest.raises(ConfigurationError):
        # It was the only one.
        select(request, tmp_path / "selection.yaml", said.append)
    assert f"# Left out: {FLAT.exposure_id} was marked as bad by ada" in "\n".join(said)


def test_check_deployed_says_that_a_master_is_bad(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    said: list[str] = []

    def ask() -> str:
        said.clear()
        check(
            str(root),
            FLAT.exposure_id,
            said.append,
            instrument="LATISS",
            detectors="0",
            collection=COLLECTION,
        )
        return "\n".join(said)

    assert "BAD" not in ask()
    decide(tmp_path, "ada", "warm", Verb.MARK_BAD, MasterSubject("LATISS", "bias", RUN))
    assert "BAD: marked as bad by ada" in ask()
