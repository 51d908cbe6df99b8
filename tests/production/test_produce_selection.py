"""The selection file."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from production_support import ids, selection

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.ground.text import parse_ranges
from lsst.ts.calibscripts.plan import Action, Reads, StepId
from lsst.ts.calibscripts.production.selection.selection import ExposureChoice
from lsst.ts.calibscripts.production.selection.selection_file import read_selection, selection_text

GOOD = """\
repo: /repo/embargo
instrument: LATISS
ticket: DM-43525
tag: lowerSetTemp
rerun: 20240326a
detectors: 0
sets:
  flat-y:
    physical_filter: SDSSy_65mm~empty
    generate: 2024032600131..2024032600133, 2024032600140
    rerun: 20240328a
  bias:
    generate:
    - 2024032600002..2024032600004
    verify: [2024032600001]
    options: -c cpBiasIsr:doDefect=False
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "selection.yaml"
    path.write_text(text)
    return read_selection(path)


def test_written_and_read_again(tmp_path: Path):
    original = selection(
        ExposureChoice("bias", ids(2, 9), (*ids(1, 1), *ids(20, 22)), options="-c cpBiasIsr:doDefect=False"),
        ExposureChoice("flat-g", ids(11, 14), ids(10, 10), "SDSSg_65mm~empty", rerun="20240328a"),
        ExposureChoice("defects", ids(11, 14)),
        detectors=(0, 1, 2),
    )
    assert read(tmp_path, selection_text(original)) == original


def test_written_by_hand(tmp_path: Path):
    found = read(tmp_path, GOOD)
    bias, flat = found.choices
    assert (bias.label, bias.generate, bias.verify) == ("bias", ids(2, 4), ids(1, 1))
    assert bias.verified_with == ids(1, 4)
    assert flat.generate == (*ids(131, 133), *ids(140, 140))
    assert found.detectors == (0,)
    assert found.generation(bias).endswith("/biasGen.20240326a")
    assert found.generation(flat).endswith("/flatGen-y.20240328a")
    assert found.verification(flat).endswith("/verifyFlat-y.20240328a")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("repo: /repo/embargo\n", "", "repo is missing"),
        ("rerun: 20240326a\n", "rerun: 20240326\n", "rerun is '20240326'"),
        ("rerun: 20240328a", "rerun: later", "flat-y: rerun is 'later'"),
        ("detectors: 0", "detectors: none", "detectors: 'none' is not a number or a range"),
        ("detectors: 0\n", "", "detectors is missing"),
        ("    physical_filter: SDSSy_65mm~empty\n", "", "flat-y: physical_filter is missing"),
        (
            "    verify: [2024032600001]",
            "    verfy: [2024032600001]",
            "bias: unknown property 'verfy' did you mean verify?",
        ),
        ("  bias:", "  baias:", "'baias' is not a product"),
        (
            "2024032600133, 2024032600140",
            "2024032600133,..2024032600140",
            "'..2024032600140' is not a number or a range",
        ),
        ("2024032600131..2024032600133", "2024032600133..2024032600131", "is empty or too long"),
        ("tag: lowerSetTemp", "tag: lowerSetTemp\ntag: other", "tag"),
        ("sets:", "exposures:", "sets is missing"),
        ("  bias:\n", "  dark: 7\n  bias:\n", "dark: write `generate` and `verify` with their exposures"),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, old: str, new: str, problem: str):
    assert old in GOOD
    with pytest.raises(ConfigurationError, match="selection") as error:
        read(tmp_path, GOOD.replace(old, new))
    assert problem in str(error.value)


def test_all_that_is_wrong_is_reported_at_once(tmp_path: Path):
    with pytest.raises(ConfigurationError) as error:
        read(
            tmp_path,
            GOOD.replace("detectors: 0", "detectors: x").replace("    generate:\n", "    generated:\n"),
        )
    assert len(error.value.problems) == 3


TODAY = {
    StepId(Action.GENERATE, "DEFECTS"): (),
    StepId(Action.GENERATE, "LINEARIZER"): ("DEFECTS",),
    StepId(Action.GENERATE, "BIAS"): ("LINEARIZER",),
    StepId(Action.GENERATE, "DARK"): ("BIAS", "DEFECTS", "LINEARIZER"),
    StepId(Action.GENERATE, "FLAT"): ("BIAS", "DARK", "LINEARIZER"),
    StepId(Action.VERIFY, "BIAS"): ("BIAS", "DEFECTS", "LINEARIZER"),
    StepId(Action.VERIFY, "DEFECTS"): ("BIAS", "DARK", "DEFECTS", "FLAT", "LINEARIZER"),
}
"""What today's pipelines read of each other's products."""

EVERYTHING = (
    ExposureChoice("bias", ids(2, 4)),
    ExposureChoice("dark", ids(6, 8), verify=ids(5, 5)),
    ExposureChoice("flat-g", ids(11, 14), physical_filter="SDSSg_65mm~empty"),
    ExposureChoice("flat-r", ids(21, 24), physical_filter="SDSSr_65mm~empty"),
    ExposureChoice("defects", (*ids(6, 8), *ids(11, 14))),
    ExposureChoice("linearizer", ids(21, 24)),
)


def labels(choices: Iterable[ExposureChoice]) -> list[str]:
    return [choice.label for choice in choices]


@pytest.mark.parametrize(
    ("reads", "order", "before_dark"),
    [
        ({}, ["bias", "dark", "flat-g", "flat-r", "defects", "linearizer"], ["bias"]),
        (
            TODAY,
            ["defects", "linearizer", "bias", "dark", "flat-g", "flat-r"],
            ["defects", "linearizer", "bias"],
        ),
    ],
)
def test_each_is_made_after_what_its_pipeline_reads(reads: Reads, order: list[str], before_dark: list[str]):
    made = replace(selection(*EVERYTHING), reads=reads)
    assert labels(made.in_order().choices) == order
    assert labels(made.prerequisites(EVERYTHING[1])) == before_dark


def test_a_verification_reads_what_is_not_made_from_what_it_verifies():
    made = replace(selection(*EVERYTHING), reads=TODAY)
    bias, *_, defects, linearizer = EVERYTHING
    assert labels(made.verified_from(bias)) == ["defects", "linearizer", "bias"]
    assert labels(made.verified_from(defects)) == ["defects"]
    assert labels(made.verified_from(linearizer)) == ["defects", "linearizer"]


def test_defects_are_verified_in_flats():
    assert selection(*EVERYTHING).verification_exposures(EVERYTHING[4]) == ids(11, 14)
    assert selection(*EVERYTHING).verification_exposures(EVERYTHING[1]) == ids(5, 8)


def test_no_file(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_selection(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("value", "numbers"), [(7, (7,)), ("0..2", (0, 1, 2)), ("1, 3..4", (1, 3, 4)), ([1, "3..4"], (1, 3, 4))]
)
def test_ranges(value: object, numbers: tuple[int, ...]):
    assert parse_ranges(value) == numbers
