"""What a job has used is compared with what it was to use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.preflight.images import looked_at
from lsst.ts.calibscripts.preflight.references import Reference
from lsst.ts.calibscripts.repository import FOR_ALL, Source, UsedInput
from lsst.ts.calibscripts.run.steps.inputs import others_used, runs_meant
from lsst.ts.calibscripts.tables.products import PRODUCTS, verified_where_possible

INPUTS = ("LATISS/calib/daily", "LATISS/calib")


def used(**runs: str) -> tuple[UsedInput, ...]:
    return tuple(UsedInput(kind, run, f"{kind} of {run}") for kind, run in runs.items())


def reference(kind: str, **runs: frozenset[int]) -> Reference:
    sources = tuple(Source(run, detectors) for run, detectors in runs.items())
    return Reference(kind, None, INPUTS, (0, 1), (), sources=sources)


def test_what_the_run_has_made_counts_and_not_what_was_found() -> None:
    found = [reference("bias", old=frozenset({0, 1})), reference("dark", old=frozenset({0, 1}))]
    meant = runs_meant({"BIAS": "new"}, found, INPUTS)
    assert others_used({0: used(bias="new", dark="old", raw="raws")}, meant) == ()
    assert others_used({0: used(bias="old", dark="old")}, meant) == (
        "the bias of detector 0 in old instead of that in new",
    )


def test_each_detector_may_have_its_own() -> None:
    meant = runs_meant({}, [reference("dark", a=frozenset({0}), b=frozenset({1}))], INPUTS)
    assert others_used({0: used(dark="a"), 1: used(dark="b")}, meant) == ()
    assert others_used({0: used(dark="b"), 1: used(dark="c")}, meant) == (
        "the dark of detector 0 in b instead of that in a",
        "the dark of detector 1 in c instead of that in b",
    )


def test_one_for_all_detectors_is_that_of_each() -> None:
    meant = {"bias": {"a": frozenset({FOR_ALL})}}
    assert others_used({7: used(bias="a")}, meant) == ()
    assert others_used({7: used(bias="b"), 8: used(bias="b")}, meant) == (
        "the bias of detectors 7..8 in b instead of that in a",
    )


def test_what_was_looked_for_twice_may_be_either() -> None:
    found = [reference("dark", a=frozenset({0})), reference("dark", a=frozenset({1}), b=frozenset({0}))]
    meant = runs_meant({}, found, INPUTS)
    assert others_used({0: used(dark="b"), 1: used(dark="a")}, meant) == ()
    assert others_used({0: used(dark="a")}, meant) == ()


def test_what_was_found_elsewhere_says_nothing() -> None:
    assert runs_meant({}, [reference("dark", a=frozenset({0}))], INPUTS[1:]) == {}


def test_of_bootstraps_and_the_camera_there_is_one() -> None:
    found = [reference("biasBootstrap", a=frozenset({0}))]
    camera = replace(reference("camera", a=frozenset({FOR_ALL})), by_detector=False)
    assert runs_meant({"BIAS_BOOTSTRAP": "new"}, [*found, camera], INPUTS) == {}


@given(st.lists(st.integers(0, 300), unique=True).map(sorted))
def test_three_detectors_are_looked_at(detectors: list[int]) -> None:
    found = looked_at(detectors)
    assert len(found) == min(3, len(detectors))
    assert {*detectors[:1], *detectors[-1:]} <= {*found} <= {*detectors}


@pytest.mark.parametrize("name", PRODUCTS)
def test_images_have_the_names_of_cp_pipe_and_cp_verify(name: str) -> None:
    title = {"GAIN": "Ptc"}.get(name, name.title())
    assert PRODUCTS[name].processed == f"cp{title}IsrExp"
    if PRODUCTS[name] in verified_where_possible():
        assert PRODUCTS[name].corrected == f"verify{name.title()}IsrExp"
