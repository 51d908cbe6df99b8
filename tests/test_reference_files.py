"""A reference calibration that the butler lists, but whose file is gone, costs no exposure."""

from __future__ import annotations

import pytest
from in_memory import run_in_memory

from lsst.ts.calibscripts.events.events import Event, ExposureTaken
from lsst.ts.calibscripts.sal import ScriptState
from lsst.ts.calibscripts.testing.memory import Behaviour, MemoryButler, reference_calibrations

REFERENCES = "LATISS/calib/reference/run"
CONFIG: dict[str, object] = {"n_bias": 3, "n_dark": 3, "exp_times_dark": 5, "n_flat": 2, "exp_times_flat": 1}
FLATS = CONFIG | {"script_mode": "BIAS_DARK_FLAT", "filter": "SDSSr_65mm", "grating": "empty_1"}


@pytest.mark.parametrize(
    ("config", "kind", "physical_filter", "needed"),
    [
        (CONFIG | {"script_mode": "BIAS_DARK"}, "bias", None, "VERIFY BIAS and VERIFY DARK need a bias"),
        (CONFIG | {"script_mode": "BIAS_DARK"}, "dark", None, "VERIFY DARK needs a dark"),
        (FLATS, "flat", "SDSSr_65mm~empty", "VERIFY FLAT needs a flat in SDSSr_65mm~empty"),
        (FLATS, "flat", "SDSSg_65mm~empty", ""),
        (CONFIG | {"script_mode": "BIAS_DARK"}, "flat", "SDSSr_65mm~empty", ""),
    ],
)
async def test_a_reference_without_a_file_is_seen_before_the_first_exposure(
    config: dict[str, object], kind: str, physical_filter: str | None, needed: str
) -> None:
    butler, events = MemoryButler(), list[Event]()
    reference_calibrations(butler, "LATISS")
    for found in butler.remove(REFERENCES, kind):
        lost = FileNotFoundError() if found.physical_filter == physical_filter else found.value
        place = {"detector": found.detector, "physical_filter": found.physical_filter}
        butler.put(kind, REFERENCES, "LATISS", value=lost, **place)
    outcome, _, _ = await run_in_memory(butler, lambda job: Behaviour(), config, observers=[events.append])
    taken = sum(isinstance(event, ExposureTaken) for event in events)
    if needed:
        assert (outcome.state, taken) == (ScriptState.FAILED, 0)
        file = f"{needed}, but its file for detector 0 in {REFERENCES} is missing or damaged"
        assert file in outcome.reason
    else:
        assert outcome.state is ScriptState.DONE, outcome.reason
        assert taken > 0


async def test_a_datastore_that_cannot_be_seen_from_here_is_a_warning() -> None:
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS")
    for kind in {found.dataset_type for found in butler.datasets(REFERENCES)}:
        for found in butler.remove(REFERENCES, kind):
            place = {"detector": found.detector, "physical_filter": found.physical_filter}
            butler.put(kind, REFERENCES, "LATISS", value=FileNotFoundError(), **place)
    config = CONFIG | {"script_mode": "BIAS_DARK"}
    outcome, log, _ = await run_in_memory(butler, lambda job: Behaviour(), config)
    assert outcome.state is ScriptState.DONE, outcome.reason
    (warning,) = {line.message for line in log if line.message.startswith("Most files of the calibrations")}
    assert "so whether they are there is unknown. For example, VERIFY BIAS" in warning
