"""The configuration of an instrument that the package does not know."""

from typing import Any

import jsonschema
import pytest
import yaml

from lsst.ts.calibscripts.config import (
    CalibrationsConfig,
    ConfigValidator,
    LatissConfig,
    LSSTCamConfig,
    json_schema,
    parse,
)
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.tables.products import PRODUCTS

COLLECTIONS = {
    "calib_collection",
    "repo",
    *(f"input_collections_{product.option}" for product in PRODUCTS.values()),
    *(
        f"input_collections_verify_{product.option}"
        for product in PRODUCTS.values()
        if product.always_verified
    ),
}


def new_camera_schema() -> dict[str, Any]:
    """Merge schemas as upstream's subclasses do: the base's properties over its own."""
    schema: dict[str, Any] = yaml.safe_load(
        """
        $schema: http://json-schema.org/draft-07/schema#
        title: MakeNewCalibrations v1
        type: object
        properties:
          detectors: {type: array, items: [{type: integer}], default: [3]}
          calib_collection: {type: string, default: New/calib/tests}
          shutter: {type: object, properties: {speed: {type: number, default: 2}, side: {type: string}}}
        additionalProperties: false
        required: [script_mode]
        """
    )
    schema["properties"].update(json_schema(CalibrationsConfig)["properties"])
    return schema


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ignore": ["foo"]}, "foo: only mtdometrajectory and mtdome are checked and can be ignored"),
        ({"ignore": ["MTDome", "mtdom"]}, "mtdom: only mtdometrajectory"),
        ({"filter": 5}, "filter: "),
    ],
)
def test_lsstcam_refuses_what_its_dome_and_camera_do_not_have(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse({"script_mode": "BIAS", **given}, LSSTCamConfig)


@pytest.mark.parametrize("ignored", [[], ["mtdome"], ["MTDomeTrajectory", "mtdome"]])
def test_components_of_the_dome_are_ignored_in_any_case(ignored: list[str]) -> None:
    config = parse({"script_mode": "BIAS", "ignore": ignored}, LSSTCamConfig)
    assert config.ignore == tuple(ignored)


def test_the_common_schema_leaves_to_an_instrument_what_only_it_knows() -> None:
    left_out = set(LatissConfig.model_fields) - set(json_schema(CalibrationsConfig)["properties"])
    assert left_out == {*COLLECTIONS, "detectors", "filter", "grating"}


def test_a_fourth_instrument_has_its_own_properties_and_defaults() -> None:
    own = ConfigValidator(new_camera_schema(), CalibrationsConfig)
    filled = own.validate({"script_mode": "BIAS"})
    assert filled["detectors"] == [3]
    assert filled["calib_collection"] == "New/calib/tests"
    assert filled["shutter"] == {"speed": 2}
    assert "repo" not in filled
    assert own.validate(filled) == filled
    config = parse(filled, CalibrationsConfig, "New")
    assert config.detectors == (3,)
    assert config.calib_collection == "New/calib/tests"
    assert config.repo == "/repo/New"
    assert config.input_collections_verify_bias == "New/calib"


def test_a_fourth_instrument_gets_the_same_refusals() -> None:
    own = ConfigValidator(new_camera_schema(), CalibrationsConfig)
    with pytest.raises(jsonschema.ValidationError) as caught:
        own.validate(
            {"shuter": {}, "detectors": ["x"], "n_bias": 0, "exp_times_flat": [1, 2], "do_ptc": True}
        )
    assert str(caught.value).splitlines() == [
        "shuter: unknown property; did you mean shutter?",
        """detectors: 'x' is not of type 'integer'""",
        "n_bias: must be a whole number of at least 1 or null, not 0",
        "script_mode: is missing: must be one of BIAS, DARK, FLAT, BIAS_DARK, BIAS_DARK_FLAT",
    ]


def test_a_default_of_its_own_for_the_number_of_darks() -> None:
    schema = new_camera_schema()
    schema["properties"]["n_dark"] = {"type": "integer", "default": 7}
    filled = ConfigValidator(schema, CalibrationsConfig).validate({"script_mode": "DARK"})
    assert filled["n_dark"] == 7
    assert len(parse(filled, CalibrationsConfig, "New").image_set("DARK").times) == 8


def test_without_the_name_of_the_instrument_nothing_is_guessed() -> None:
    filled = ConfigValidator(new_camera_schema(), CalibrationsConfig).validate({"script_mode": "BIAS"})
    with pytest.raises(ConfigurationError, match="repo: has no default"):
        parse(filled, CalibrationsConfig)


def test_a_wrong_default_of_a_schema_is_refused() -> None:
    schema = json_schema(LatissConfig)
    schema["properties"]["exp_times_flat"]["default"] = -1
    with pytest.raises(jsonschema.ValidationError, match="exp_times_flat"):
        ConfigValidator(schema, LatissConfig).validate({})


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(jsonschema.SchemaError):
        ConfigValidator({"type": "nothing"}, LatissConfig)


def test_components_and_names_of_the_instruments() -> None:
    told = {
        name: (own.ocps_index, own.camera, own.oods, i.prefix, i.repo, i.calib_collection, i.daily_collection)
        for name, i in INSTRUMENTS.items()
        for own in [i.components]
    }
    assert told == {
        name: (index, camera, oods, prefix, f"/repo/{name}", f"{name}/calib", f"{name}/calib/daily")
        for name, index, camera, oods, prefix in (
            ("LATISS", 1, "ATCamera", "ATOODS", "AT"),
            ("LSSTComCam", 2, "CCCamera", "CCOODS", "CC"),
            ("LSSTCam", 3, "MTCamera", "MTOODS", "MC"),
        )
    }
