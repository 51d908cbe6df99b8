"""The documents' example of 27 September 2022: external verification fails for every type.

It "could be due to the fact that a new LATISS sequencer file was used": every amplifier reads noisier than it
did when the calibrations in LATISS/calib were made. In flats that shows where there is so little light that
they, too, are dominated by the read noise.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from e2e_support import LATISS_SCRIPT, Rehearsed, opened, rehearse

from lsst.ts.calibscripts.events.events import Certified, JobSubmitted, Verdicted
from lsst.ts.calibscripts.sal import ScriptState

TYPES = ("BIAS", "DARK", "FLAT")
N_IMAGES = 3

CONFIG = {
    "n_bias": N_IMAGES,
    "n_dark": N_IMAGES,
    "exp_times_dark": 1,
    "n_flat": N_IMAGES,
    "exp_times_flat": 0.1,
    "filter": "empty_1",
    "grating": "SDSSy_65mm",
    "do_gain_from_flat_pairs": False,
}


@pytest.fixture(scope="module")
def changed(fresh_latiss: Callable[[str], str]) -> Rehearsed:
    """The run after the change."""
    return rehearse(
        fresh_latiss("sequencer"),
        LATISS_SCRIPT,
        CONFIG,
        begin="2022-09-27T20:00:00",
        faults=["verification-fails-majority"],
    )


def test_script_fails_with_a_sentence_for_each_type(changed: Rehearsed) -> None:
    assert changed.outcome.state is ScriptState.FAILED, changed.text
    sentences = changed.outcome.reason.removeprefix("Error in run: ").splitlines()
    assert len(sentences) == len(TYPES)
    for image_type in TYPES:
        (sentence,) = (text for text in sentences if text.startswith(image_type))
        assert "3 of 3 exposures failed, limit 3: verification FAILED" in sentence
        assert f"see u/ocps/{changed.job_id(f'VERIFY {image_type}')}" in sentence


@pytest.mark.parametrize("image_type", TYPES)
def test_each_type_has_its_report(changed: Rehearsed, image_type: str) -> None:
    exposures = changed.kept(image_type)
    assert all(str(exposure).startswith("20220927") for exposure in exposures)
    (report,) = (
        line for line in changed.log if line.message.startswith(f"{image_type} exposures failed verification")
    )
    assert report.level_name == "ERROR"
    lines = [line.strip() for line in report.message.splitlines()]
    position = lines.index("Exposures with verification tests that failed:")
    assert lines[position + 1].split() == [str(exposure) for exposure in exposures]
    assert lines.count("NOISE: 16") == N_IMAGES
    assert lines.count("RXX_S00 C00 NOISE") == N_IMAGES
    assert "Final number of exposures that failed verification: 3" in lines
    assert "Generation collection: None. 'generate_calibrations' is False." in lines
    assert f"Verification collection: u/ocps/{changed.job_id(f'VERIFY {image_type}')}" in lines


def test_three_verification_collections_can_be_looked_into(changed: Rehearsed) -> None:
    named = {event.collection for event in changed.events(Verdicted) if not event.passed}
    assert named == {f"u/ocps/{changed.job_id(f'VERIFY {name}')}" for name in TYPES}
    with opened(changed.repo) as butler:
        for name in TYPES:
            run = changed.run_collection(f"VERIFY {name}")
            (ref,) = butler.query_datasets(f"verify{name.title()}Stats", run)
            statistics = butler.get(ref)
            assert not statistics["SUCCESS"]
            assert {key for key in statistics if isinstance(key, int)} == {*changed.kept(name)}


def test_against_the_calibrations_that_were_there(changed: Rehearsed) -> None:
    submitted = changed.events(JobSubmitted)
    assert [str(event.step) for event in submitted] == [f"VERIFY {name}" for name in TYPES]
    assert {event.config.partition("-i ")[2].split()[0] for event in submitted} == {"LATISS/calib"}
    assert changed.events(Certified) == ()
    assert len(changed.readouts) == 3 * (N_IMAGES + 1)
