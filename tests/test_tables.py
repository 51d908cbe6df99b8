"""What the tables of products and instruments promise to the modules that read them."""

from __future__ import annotations

from typing import get_args

import pytest

from lsst.ts.calibscripts import get_scripts_dir
from lsst.ts.calibscripts.config import CalibrationsConfig
from lsst.ts.calibscripts.config.fields import ScriptMode
from lsst.ts.calibscripts.config.models import MODELS
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS, Instrument
from lsst.ts.calibscripts.tables.products import PRODUCTS, Product, Switch, is_by_filter, parts_of, switched

FIELDS = CalibrationsConfig.model_fields


@pytest.mark.parametrize("product", list(PRODUCTS.values()), ids=list(PRODUCTS))
def test_a_product_has_its_properties(product: Product) -> None:
    expected = [f"config_options_{product.option}", f"input_collections_{product.option}"]
    if product.always_verified:
        expected += [
            f"input_collections_verify_{product.option}",
            f"number_verification_tests_threshold_{product.option}",
        ]
    assert set(expected) <= FIELDS.keys()


@pytest.mark.parametrize(("product", "switch"), list(switched()))
def test_a_switch_is_a_property_of_modes_that_take_the_images(product: Product, switch: Switch) -> None:
    assert FIELDS[switch.name].default is switch.by_default
    assert set(switch.modes) <= set(get_args(ScriptMode))
    assert all(set(product.images) <= set(mode.split("_")) for mode in switch.modes)


def test_a_part_is_made_by_the_job_of_its_whole_and_never_certified() -> None:
    for whole in PRODUCTS.values():
        for part in parts_of(whole.name):
            assert (part.option, part.certified, whole.certified) == (whole.option, False, True)
            assert part.generate.files == whole.generate.files
            assert part.generate.subsets
            assert part.images == whole.images


def test_what_is_by_filter_is_so_as_a_bootstrap_too() -> None:
    assert [name for name in ("bias", "dark", "flat", "defects", "ptc") if is_by_filter(name)] == ["flat"]
    assert is_by_filter("flatBootstrap")
    assert not is_by_filter("biasBootstrap")


@pytest.mark.parametrize("instrument", list(INSTRUMENTS.values()), ids=list(INSTRUMENTS))
def test_an_instrument_has_a_model_and_an_executable(instrument: Instrument) -> None:
    model = MODELS[instrument.name]
    assert (model.instrument, model.script) == (instrument, instrument.script)
    assert (get_scripts_dir() / instrument.script).stat().st_mode & 0o111
    assert instrument.light.too_dark
