"""Names of DMTN-222."""

import pytest
from production_support import NAMES

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.production.selection.naming import Names, filter_label, product_of, run_of

BASE = "LATISS/calib/DM-43525/lowerSetTemp"


@pytest.mark.parametrize(
    ("label", "generation", "verification", "certified"),
    [
        ("bias", "biasGen.20240326a", "verifyBias.20240326a", "bias.20240405a"),
        ("dark", "darkGen.20240326a", "verifyDark.20240326a", "dark.20240405a"),
        ("flat-g", "flatGen-g.20240326a", "verifyFlat-g.20240326a", "flat-g.20240405a"),
        ("flat-white", "flatGen-white.20240326a", "verifyFlat-white.20240326a", "flat-white.20240405a"),
        ("defects", "defectGen.20240326a", "verifyDefects.20240326a", "defects.20240405a"),
        ("ptc", "ptcGen.20240326a", "verifyPtc.20240326a", "ptc.20240405a"),
    ],
)
def test_collections(label: str, generation: str, verification: str, certified: str):
    assert NAMES.generation(label) == f"{BASE}/{generation}"
    assert run_of(NAMES.generation(label)) == f"{BASE}/{generation}/run"
    assert NAMES.verification(label) == f"{BASE}/{verification}"
    assert NAMES.certified(label) == f"{BASE}/{certified}"


def test_chains_and_export():
    assert NAMES.calib == "LATISS/calib"
    assert NAMES.chain == "LATISS/calib/DM-43525"
    assert NAMES.export == "calibs.20240405a"


def test_certified_with_the_rerun_of_the_generation_by_default():
    names = Names("LATISS", "DM-43525", "lowerSetTemp", "20240326a")
    assert names.certified("bias").endswith("/bias.20240326a")
    assert names.export == "calibs.20240326a"


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        (("43525", "tag", "20240326a"), ["ticket is '43525'"]),
        (("DM-1", "lower temp", "20240326a"), ["tag is 'lower temp'"]),
        (("DM-1", "a/b", "20240326a"), ["tag is 'a/b'"]),
        (("DM-1", "tag", "20240326"), ["rerun is '20240326'"]),
        (("DM-1", "tag", "20240231a"), ["rerun is '20240231a'"]),
        (("DM-1", "tag", "biasGen,20240326a"), ["rerun is 'biasGen,20240326a'"]),
        (("DM-1", "tag", "20240326a", "today"), ["cert_rerun is 'today'"]),
        (("", "", ""), ["ticket is ''", "tag is ''", "rerun is ''"]),
    ],
)
def test_parts_that_are_none_are_all_reported(parts: tuple[str, ...], wrong: list[str]):
    with pytest.raises(ConfigurationError) as error:
        Names("LATISS", *parts)
    assert [problem.partition(", but it must be")[0] for problem in error.value.problems] == wrong


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("flat", "needs its filter, as in flat-g"),
        ("bias-g", "is the same for all filters"),
        ("fringe", "is not a product: write bias, dark, flat, defects, ptc"),
        ("gain", "is not a product"),
        ("flat.g", "is not a product: write bias"),
    ],
)
def test_labels_that_are_none(label: str, problem: str):
    with pytest.raises(ConfigurationError, match=problem):
        product_of(label)


@pytest.mark.parametrize(
    ("physical_filter", "band", "alone", "expected"),
    [
        ("SDSSr_65mm~empty", "r", True, "r"),
        ("SDSSr_65mm~holo4_003", "r", False, "SDSSr_65mm_holo4_003"),
        ("r_03", "r", True, "r"),
        ("empty~empty", "white", True, "white"),
        ("BG40_65mm_1~empty", "", True, "BG40_65mm_1_empty"),
    ],
)
def test_labels_of_filters(physical_filter: str, band: str, alone: bool, expected: str):
    label = filter_label(physical_filter, band, alone=alone)
    assert label == expected
    assert product_of(f"flat-{label}").name == "FLAT"
