"""Gains that cannot be right: said with their amplifiers, and a failure where most cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import run_in_memory

from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.summit.queue.script_queue import LogLine, Outcome
from lsst.ts.calibscripts.testing.memory import (
    NOMINAL_GAIN,
    Behaviour,
    MemoryButler,
    reference_calibrations,
)
from lsst.ts.calibscripts.verification import WrittenGains
from lsst.ts.calibscripts.verification.reading import doubtful_gains

CURVE = {"do_ptc": True, "exp_times_flat": [1, 1, 2, 2, 4, 4]}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBSCRIPTS_RECORD_DIR", str(tmp_path))


async def run_with(gains: Sequence[float], **config: object) -> tuple[Outcome, list[LogLine], list[str]]:
    """Run with the gains that the jobs find for the amplifiers of each pair; 20 flats of one time by default."""
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,))
    given = {"generate_calibrations": True, "n_bias": 3, "n_dark": 3, "exp_times_dark": 5, **config}
    return await run_in_memory(butler, lambda job: Behaviour(gains=gains), given)


async def test_ten_pairs_are_reported_in_full() -> None:
    outcome, log, _ = await run_with([NOMINAL_GAIN])
    assert outcome.state is ScriptState.DONE, outcome.reason
    (report,) = (line for line in log if "Gains estimated from flats pairs" in line.message)
    assert report.message.startswith("Gains estimated from flats pairs: 10 pairs, 1 detector\n")
    rows = [line.split() for line in report.message.splitlines() if line.startswith("  C")]
    assert [row[1:11] for row in rows] == [[f"{NOMINAL_GAIN:.3f}"] * 10] * 16
    assert len(report.message.splitlines()) < 25
    assert "left out" not in report.message
    assert not any("gains are outside" in line.message for line in log)


async def test_single_gains_that_cannot_be_right_are_a_warning() -> None:
    outcome, log, certified = await run_with([*[NOMINAL_GAIN] * 14, -0.001, 2.1 * NOMINAL_GAIN], n_flat=4)
    assert outcome.state is ScriptState.DONE, outcome.reason
    (warning,) = (
        line.message for line in log if line.level_name == "WARNING" and "gains are" in line.message
    )
    assert warning == (
        "GENERATE GAIN: 4 of 32 gains are outside 0.5 to 2 times nominal, negative or not measured (-0.001 to 1.197 "
        "electron/ADU): RXX_S00 C06, C07. Check the light of the flats before these are used."
    )
    assert warning in next(line.message for line in log if " ends DONE" in line.message)
    assert certified == ["bias", "dark", "flat"]


@pytest.mark.parametrize("curve", [False, True])
async def test_gains_of_dark_flats_fail_the_step(curve: bool) -> None:
    outcome, _, certified = await run_with([0.0001, -0.0002, 0.0003], **(CURVE if curve else {"n_flat": 4}))
    assert outcome.state is ScriptState.FAILED
    step, n = ("PTC", 16) if curve else ("GAIN", 32)
    assert f"GENERATE {step}: {n} of {n} gains are outside 0.5 to 2 times nominal" in outcome.reason
    assert "Check that the flats had light" in outcome.reason
    assert "ptc" not in certified


async def test_a_curve_half_of_whose_gains_cannot_be_right_is_certified_with_a_warning() -> None:
    gains = [math.nan] * 8 + [NOMINAL_GAIN] * 8
    outcome, _, certified = await run_with(gains, **CURVE, do_verify_products=False)
    assert outcome.state is ScriptState.DONE, outcome.reason
    assert "ptc" in certified


async def test_a_curve_most_of_whose_gains_cannot_be_right_is_not_certified() -> None:
    gains = [math.nan] * 9 + [NOMINAL_GAIN] * 7
    outcome, _, certified = await run_with(gains, **CURVE, do_verify_products=False)
    assert outcome.state is ScriptState.FAILED
    assert "GENERATE PTC: 9 of 16 gains are outside" in outcome.reason
    assert "ptc" not in certified


GAINS = st.sampled_from([-1.0, 0.0, 0.49, 0.5, 1.0, 2.0, 2.01, math.nan, math.inf])


@given(
    st.lists(st.lists(GAINS, min_size=1, max_size=4), min_size=1, max_size=4),
    st.booleans(),
)
def test_what_is_found_is_what_is_outside(pairs: list[list[float]], known: bool) -> None:
    names = ("C00", "C01", "C02", "C03")
    written = [
        WrittenGains(n % 2, (n, n + 1), dict(zip(names, gains, strict=False)), {})
        for n, gains in enumerate(pairs)
    ]
    nominal = {(detector, name): 1.0 for detector in (0, 1) for name in names} if known else {}
    text, most = doubtful_gains(written, nominal, {0: "R22_S11", 1: "R22_S12"})
    right = (0.5, 1.0, 2.0) if known else (0.49, 0.5, 1.0, 2.0, 2.01)
    values = [gain for gains in pairs for gain in gains]
    wrong = [gain for gain in values if gain not in right]
    assert most is (len(wrong) > len(values) / 2)
    assert text.startswith(f"{len(wrong)} of {len(values)} gains are") if wrong else text == ""
    for one in written:
        bad = [name for name, gain in one.gain.items() if gain not in right]
        name = {0: "R22_S11", 1: "R22_S12"}[one.detector]
        said = next((part for part in text.rpartition(": ")[2].split("; ") if part.startswith(name)), "")
        assert set(bad) <= set(said.removeprefix(name).replace(",", " ").split())
