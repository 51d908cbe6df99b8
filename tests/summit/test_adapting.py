"""What a rehearsal changes in a configuration, and what it says of it."""

from __future__ import annotations

import io

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.faults.faults import Faults
from lsst.ts.calibscripts.summit.rehearsing.adapting import adapt, choose_detectors
from lsst.ts.calibscripts.summit.rehearsing.closing import print_idle

REPO = "/tmp/rehearsal"


@pytest.mark.parametrize("repo", [None, "/repo/LATISS", "/somewhere/else", "s3://bucket/butler.yaml"])
def test_the_repository_is_always_that_of_the_rehearsal_and_this_is_said(repo: str | None) -> None:
    """Its images are nowhere else."""
    text = "" if repo is None else f"repo: {repo}"
    config, notes = adapt(text, "LATISS", REPO, ())
    assert yaml.safe_load(config) == {"repo": REPO}
    assert notes == (f"repo: {repo or '/repo/LATISS'} is replaced by {REPO}",)


def test_a_configuration_that_names_it_already_is_left_as_it_is() -> None:
    config, notes = adapt(f"repo: {REPO}\nn_bias: 3", "LATISS", REPO, ())
    assert yaml.safe_load(config) == {"repo": REPO, "n_bias": 3}
    assert notes == ()


def test_detectors_of_the_rehearsal_are_those_of_a_script_that_names_none() -> None:
    config, notes = adapt(f"repo: {REPO}\ndetectors: []", "LSSTCam", REPO, (1, 94))
    assert yaml.safe_load(config)["detectors"] == [1, 94]
    assert notes == ("detectors: only detectors 1, 94 are read out and processed",)
    config, notes = adapt(f"repo: {REPO}\ndetectors: [94]", "LSSTCam", REPO, (1, 94))
    assert yaml.safe_load(config)["detectors"] == [94]
    assert notes == ()


def test_what_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        adapt("- n_bias", "LATISS", REPO, ())


IDS = st.lists(st.integers(0, 204), unique=True, min_size=1, max_size=6)


@given(asked=st.lists(IDS, min_size=1, max_size=3), wanted=st.one_of(st.just([]), IDS))
def test_read_out_is_what_is_wanted_else_all_that_is_asked_for(
    asked: list[list[int]], wanted: list[int]
) -> None:
    texts = [f"detectors: {each}" for each in asked]
    every = sorted({detector for each in asked for detector in each})
    if wanted and not set(every) <= set(wanted):
        with pytest.raises(ConfigurationError, match="which --detectors leaves out"):
            choose_detectors(texts, "LSSTCam", wanted)
    else:
        assert choose_detectors(texts, "LSSTCam", wanted) == tuple(sorted(wanted) or every)


@given(asked=IDS)
def test_a_script_that_processes_all_detectors_needs_all(asked: list[int]) -> None:
    assert choose_detectors([f"detectors: {asked}", "n_bias: 3"], "LSSTCam", ()) == ()


def test_unknown_detectors_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"LSSTComCam has no detectors 9, 10, only 0\.\.8"):
        choose_detectors([""], "LSSTComCam", (8, 9, 10))


def test_a_fault_that_never_acted_is_said() -> None:
    faults = Faults(["lamp-not-lit:count=5", "job-error"])
    assert faults.hits("job-error", "cpBias", 1)
    console = Console(file=io.StringIO(), width=200)
    print_idle(console, faults)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == (
        "Fault lamp-not-lit has never acted: what it hits did not happen in this rehearsal "
        "(lamp-not-lit:at=1,count=5).\n"
    )
