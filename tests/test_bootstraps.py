"""Calibrations that are only made to make others: made where the pipelines read them and the inputs lack them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from in_memory import run_in_memory

from lsst.ts.calibscripts.check import check_values, look_up_pipelines, without_repository
from lsst.ts.calibscripts.config.scripts import SCRIPTS
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.summit.queue.script_queue import Outcome
from lsst.ts.calibscripts.tables.bootstraps import BOOTSTRAPS, RECORDS, everything_before
from lsst.ts.calibscripts.tables.products import PRODUCTS
from lsst.ts.calibscripts.testing.memory import (
    Behaviour,
    MemoryButler,
    reference_calibrations,
)

FLAT = "SDSSr_65mm~empty"

CONFIG = {
    "generate_calibrations": True,
    "do_defects": True,
    "do_gain_from_flat_pairs": False,
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": 5,
    "n_flat": 3,
    "filter": "SDSSr_65mm",
    "grating": "empty_1",
}

READS = {
    "cpBias": (),
    "cpDark": ("bias", "defects"),
    "cpFlat": ("bias", "dark"),
    "cpDefects": ("biasBootstrap", "darkBootstrap", "flatBootstrap"),
    "cpBiasBootstrap": (),
    "cpDarkBootstrap": ("biasBootstrap",),
    "cpFlatBootstrap": ("biasBootstrap", "darkBootstrap"),
}
"""What small definitions in the style of today's read."""


def install(root: Path, monkeypatch: pytest.MonkeyPatch, *without: str) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(root / "records"))
    monkeypatch.delenv("CP_VERIFY_DIR", raising=False)
    monkeypatch.setenv("CP_PIPE_DIR", str(root))
    directory = root / "pipelines" / "LATISS"
    directory.mkdir(parents=True)
    for name, reads in READS.items():
        if name not in without:
            written = name[2].lower() + name[3:]
            tasks = {
                f"{name}{number}": {
                    "class": "lsst.cp.pipe.MeasureDefectsCombinedTask",
                    "config": {"connections.inputExp": dataset_type, "connections.outputDefects": written},
                }
                for number, dataset_type in enumerate(reads or ("camera",))
            }
            (directory / f"{name}.yaml").write_text(yaml.safe_dump({"description": "x", "tasks": tasks}))


async def run(butler: MemoryButler, **config: object) -> tuple[Outcome, list[str], list[str]]:
    """Run in memory, and return the jobs and what was certified, too."""
    jobs: list[str] = []
    reference_calibrations(butler, "LATISS", (0,), ("bias", "dark", "flat", "camera"), electronics=())

    def behave(job: Job) -> Behaviour:
        jobs.append(job.name)
        return Behaviour()

    outcome, _, certified = await run_in_memory(butler, behave, CONFIG | config)
    return outcome, [name for name in jobs if name.startswith("cp")], certified


async def test_they_are_made_first_and_never_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch)
    outcome, made, certified = await run(MemoryButler())
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert {"cpBiasBootstrap", "cpDarkBootstrap", "cpFlatBootstrap"} <= set(made)
    assert made.index("cpFlatBootstrap") < made.index("cpDefects") < made.index("cpDark")
    assert made.index("cpBiasBootstrap") < made.index("cpFlatBootstrap")
    assert certified == ["bias", "dark", "defects", "flat"]


async def test_those_in_the_inputs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    butler = MemoryButler()
    for kind, name in (("bias", None), ("dark", None), ("flat", FLAT)):
        butler.put(f"{kind}Bootstrap", "u/me/bootstraps", "LATISS", detector=0, physical_filter=name)
    inputs = {"input_collections_defects": "u/me/bootstraps,LATISS/calib"}
    outcome, made, certified = await run(butler, **inputs)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert not [name for name in made if "Bootstrap" in name]
    assert "defects" in certified


async def test_one_of_another_filter_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    butler = MemoryButler()
    for kind, name in (("bias", None), ("dark", None), ("flat", "SDSSg_65mm~empty")):
        butler.put(f"{kind}Bootstrap", "u/me/bootstraps", "LATISS", detector=0, physical_filter=name)
    outcome, made, _ = await run(butler, input_collections_defects="u/me/bootstraps,LATISS/calib")
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert "cpFlatBootstrap" in made


async def test_where_they_can_be_neither_made_nor_found_no_image_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "cpBiasBootstrap", "cpDarkBootstrap", "cpFlatBootstrap")
    outcome, made, _ = await run(MemoryButler())
    assert outcome.state is ScriptState.FAILED
    assert made == []
    for kind in ("bias", "dark", "flat"):
        assert f"GENERATE DEFECTS needs a {kind}Bootstrap" in outcome.reason
    checked = check_values(SCRIPTS["auxtel/make_latiss_calibrations.py"], CONFIG)
    (problem,) = without_repository(look_up_pipelines(checked, insist=False)).problems
    assert problem.startswith("do_defects: the installed cpDefects.yaml reads biasBootstrap, darkBootstrap")


def test_nothing_is_refused_where_the_run_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    checked = look_up_pipelines(
        check_values(SCRIPTS["auxtel/make_latiss_calibrations.py"], CONFIG), insist=False
    )
    assert without_repository(checked).problems == ()
    assert checked.spec is not None
    assert [step.id.product for step in checked.spec.bootstraps] == list(BOOTSTRAPS)
    alone = checked.spec.without_bootstraps()
    assert alone.bootstraps == ()
    assert alone.without_bootstraps() is alone


def test_names_of_what_a_run_can_make_are_different() -> None:
    assert list(RECORDS) == [*BOOTSTRAPS, *PRODUCTS]
    assert list(everything_before("FLAT_BOOTSTRAP")) == ["BIAS_BOOTSTRAP", "DARK_BOOTSTRAP"]
    assert not any(product.certified for product in BOOTSTRAPS.values())
