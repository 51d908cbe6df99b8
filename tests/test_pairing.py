"""How flats are paired: by the installed task, by what the user set, and as cp_pipe itself would count."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.check import check_text, look_up_pipelines
from lsst.ts.calibscripts.check.words import report
from lsst.ts.calibscripts.config import (
    ConfigValidator,
    LatissConfig,
    Pairing,
    flat_pairs,
    json_schema,
    parse,
)
from lsst.ts.calibscripts.config.scripts import find_record
from lsst.ts.calibscripts.ocps.pairing import pairing_warning
from lsst.ts.calibscripts.ocps.requests import StepPipelines, different_times, install, pairs_of
from lsst.ts.calibscripts.plan import Action, StepId, build
from lsst.ts.calibscripts.summit.tasks.photon_transfer import find_pairs

ROOT = Path(__file__).parents[1]
PIPELINES = ROOT / "python/lsst/ts/calibscripts/summit/pipelines"
GAIN, PTC = StepId(Action.GENERATE, "GAIN"), StepId(Action.GENERATE, "PTC")
TODAY = "-c cpPtcExtractPair:matchExposuresType=EXPID"

PIPELINE = """
description: An installed pipeline of another generation.
tasks:
  isr:
    class: lsst.ip.isr.IsrTask
  {label}:
    class: {class_name}
    config:
      connections.outputCovariances: cpPtcExtract
  cpPtcSolve:
    class: lsst.cp.pipe.ptc.PhotonTransferCurveSolveTask
subsets:
  cpPtcGainFromFlatPairs:
    subset: [isr, {label}]
"""
COMBINES = """
description: x
tasks:
  combine:
    class: lsst.cp.pipe.CalibCombineTask
    config:
      connections.outputData: {}
"""
BEFORE_2023 = "lsst.cp.pipe.ptc.PhotonTransferCurveExtractTask"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that installs a cp_pipe with this pair task, or the stand-ins, or nothing readable."""
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))

    def install_it(class_name: str = "", label: str = "cpPtcExtract") -> None:
        if class_name:
            for made in ("Bias", "Dark", "Flat"):
                _write(tmp_path / f"pipelines/LATISS/cp{made}.yaml", COMBINES.format(made.lower()))
            text = PIPELINE.format(label=label, class_name=class_name)
            _write(tmp_path / "pipelines/LATISS/cpPtc.yaml", text)
            monkeypatch.setenv("CP_PIPE_DIR", str(tmp_path))
        else:
            monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))

    return install_it


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def found(**values: Any) -> StepPipelines:
    validator = ConfigValidator(json_schema(LatissConfig), LatissConfig)
    config = parse(validator.validate({"script_mode": "BIAS_DARK_FLAT", **values}), LatissConfig)
    return install(config, build(config, n_detectors=1), "LATISS")


def test_today_s_task_is_told_to_pair_by_exposure(installed: Any) -> None:
    installed()
    gain = found()
    assert (str(gain.options[GAIN]), gain.pairing, gain.warnings) == (TODAY, Pairing.EXPID, ())
    times = [1, 1, 2, 2, 4, 4]
    curve = found(do_ptc=True, exp_times_flat=times)
    assert (str(curve.options[PTC]), curve.pairing) == (TODAY, Pairing.EXPID)


def test_a_pipeline_that_cannot_be_read_is_taken_for_today_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CP_PIPE_DIR", raising=False)
    gain = found()
    assert (str(gain.options[GAIN]), gain.pairing) == (TODAY, Pairing.EXPID)


@pytest.mark.parametrize("text", ["-c cpPtcExtractPair:matchExposuresType=TIME", "-c isr:doDefect=False"])
def test_what_the_user_set_stays(installed: Any, text: str) -> None:
    installed()
    gain = found(config_options_ptc=text)
    if "TIME" in text:
        assert (str(gain.options[GAIN]), gain.pairing) == (text, Pairing.TIME)
        assert "Of these 20 flats 1 pair is used, not 10" in gain.warnings[-1]
    else:
        assert str(gain.options[GAIN]) == f"-c cpPtcIsr:doDefect=False {TODAY}"


def test_an_older_task_counts_as_cp_pipe_does(installed: Any) -> None:
    """Its class cannot be imported here, so nobody knows whether it has the setting."""
    installed(BEFORE_2023)
    gain = found(exp_times_flat=[5, 5, 5, 5, 10, 10, 5, 5])
    assert (str(gain.options[GAIN]), gain.pairing) == ("", Pairing.TIME)
    assert gain.warnings == (
        "Flats are paired by matchExposuresType=TIME: of a run of equal exposure times only the first two make a "
        "pair. Of these 8 flats 3 pairs are used, not 4. Let neighbouring pairs have different times in "
        "exp_times_flat to use them all.",
    )


def test_an_older_task_that_has_the_setting_is_reported(installed: Any) -> None:
    installed("lsst.ts.calibscripts.summit.tasks.ptc.PtcExtractPairTask", label="theirs")
    assert str(found().options[GAIN]) == "-c theirs:matchExposuresType=EXPID"
    installed(f"{OlderExtractTask.__module__}.OlderExtractTask")
    assert str(found().options[GAIN]) == "-c cpPtcExtract:matchExposuresType=EXPID"


class OlderExtractTask:
    """A task with the setting that is not today's."""

    class ConfigClass:
        """Its configuration."""

        matchExposuresType = "TIME"  # noqa: N815 - as cp_pipe has it


@pytest.mark.parametrize(("options", "pairs"), [("", "20 flats (10 pairs)"), ("TIME", "20 flats (1 pair)")])
def test_check_says_how_many_pairs_there_will_be(installed: Any, options: str, pairs: str) -> None:
    installed()
    text = (
        f"config_options_ptc: '-c cpPtcExtractPair:matchExposuresType={options}'\n"
        if options
        else "n_flat: 20\n"
    )
    script = find_record("auxtel/make_latiss_calibrations.py")
    said = " ".join(report(look_up_pipelines(check_text(script, text), insist=True)).split())
    assert f"cpPtc.yaml#cpPtcGainFromFlatPairs on {pairs}," in said


TIMES = st.lists(st.sampled_from([1.0, 1.004, 2.0, 3.0]), max_size=12)


@given(TIMES)
def test_counts_are_those_of_cp_pipe(times: list[float]) -> None:
    """With TIME: each run of times that equal its first makes one pair; with EXPID: each two of what it is given."""
    exposures = [2026091800000 + n for n in range(len(times))]
    by_id = dict(zip(exposures, times, strict=True))
    runs = sum(len(run) > 1 for run in _runs(times))
    by_time = flat_pairs(times, Pairing.TIME)
    assert len(by_time.pairs) == runs
    assert sorted([*sum(by_time.pairs, ()), *by_time.unpaired]) == list(range(len(times)))
    assert find_pairs(list(by_id.items()), "TIME") == list(pairs_of(exposures, by_id, Pairing.TIME))
    ours = pairs_of(list(reversed(exposures)), by_id)
    given_to_job = [(exposure, by_id[exposure]) for pair in ours for exposure in pair]
    assert find_pairs(given_to_job, "EXPID") == list(ours)
    assert different_times(ours, by_id) <= len({round(time, 1) for time in times})
    assert bool(pairing_warning(times, Pairing.TIME)) is (runs < len(ours))
    assert pairing_warning(times, Pairing.EXPID) == pairing_warning(times, Pairing.FLUX) == ""


def _runs(times: list[float]) -> list[list[float]]:
    """Split where a time differs from the first of its run by more than 5 ms; these times only have such steps."""
    return [list(run) for _, run in groupby(times, key=lambda time: round(time, 1))]
