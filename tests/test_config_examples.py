"""Every configuration that the documents show, with its answer."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lsst.ts.calibscripts.config import (
    CalibrationsConfig,
    ComCamConfig,
    ConfigValidator,
    LatissConfig,
    json_schema,
    parse,
    warnings,
)

EXAMPLES = Path(__file__).parent / "data" / "examples"
NIGHT = datetime(2026, 9, 18, 22, tzinfo=UTC)
LATISS_DARKS = [5] * 5 + [15] * 2 + [30] * 16


def validator(model: type[CalibrationsConfig] = LatissConfig) -> ConfigValidator:
    return ConfigValidator(json_schema(model), model)


def images(config: CalibrationsConfig) -> dict[str, tuple[float, ...]]:
    return {image_type: config.image_set(image_type).times for image_type in config.image_types}


BIASES_6, DARKS_6 = (0.0,) * 7, (5.0, 5.0, 5.0, 5.0, 10.0, 15.0, 20.0)
FLATS_14 = (0.1, 0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 0.8, 0.8, 1.0, 1.0, 1.35, 1.35, 1.6, 1.6)
TEN_FLATS = ", ".join(f"{n} ({5 * n} s)" for n in range(1, 11))
NO_PAIRS = (
    f"No two consecutive flats have the same exposure time, unpaired: {TEN_FLATS}. "
    "No gain is estimated from flat pairs."
)
FIVE_UNPAIRED = (
    "Flats without a partner of the same exposure time beside them: 7 (1 s), 8 (1.5 s), 9 (1.7 s), 10 (2.1 s), "
    "11 (2.3 s), counted without the discarded ones. They do not contribute to gains or the Photon Transfer "
    "Curve."
)
OF_2021 = (
    "The validity range, 2021-07-15 to 2021-07-17, does not contain the night of 2026-09-18, when images are taken: "
    "check certify_calib_begin_date and certify_calib_end_date."
)
FEW = "Few images: n_bias is 3, n_dark is 3. DMTN-222 recommends 20 of each type."


def weekly(exp_time_dark: float, exp_time_flat: float) -> dict[str, tuple[float, ...]]:
    return {"BIAS": (0.0,) * 4, "DARK": (exp_time_dark,) * 4, "FLAT": (exp_time_flat,) * 21}


DAILY = {"BIAS": (0.0,) * 21, "DARK": tuple(map(float, LATISS_DARKS)), "FLAT": (5.0,) * 21}
NUMBERS_AND_TIMES = {
    "BIAS": (0.0,) * 31,
    "DARK": (5.0, 5.0, 10.0, 15.0, 20.0, 25.0),
    "FLAT": (5.0, *(5.0 * n for n in range(1, 11))),
}

ACCEPTED: dict[str, tuple[dict[str, tuple[float, ...]], dict[str, Any], tuple[str, ...]]] = {
    "daily_default": (DAILY, {"n_dark": 22, "do_gain_from_flat_pairs": True}, ()),
    "gain_one_pair": (
        {**DAILY, "FLAT": (1.2, 1.2, 1.2)},
        {"n_flat": 2, "do_gain_from_flat_pairs": True},
        (),
    ),
    "gain_three_pairs": (
        {**DAILY, "FLAT": (0.1, 0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1.0, 1.5, 1.7, 2.1, 2.3)},
        {"n_flat": 11, "do_gain_from_flat_pairs": True},
        (FIVE_UNPAIRED,),
    ),
    **{
        f"{camera}_numbers_and_times": (
            NUMBERS_AND_TIMES,
            {"n_bias": 30, "n_dark": 5, "n_flat": 10, "do_gain_from_flat_pairs": False},
            (NO_PAIRS,),
        )
        for camera in ("latiss", "comcam")
    },
    **{
        name: (
            {"BIAS": BIASES_6, "DARK": DARKS_6, "FLAT": FLATS_14},
            {"n_flat": 14, "do_ptc": True, "do_defects": True, "certify_calib_end_date": "2021-07-17"},
            (OF_2021,),
        )
        for name in ("latiss_2021_ptc_and_defects", "latiss_ptc_and_defects", "comcam_ptc_and_defects")
    },
    "latiss_three_images": (
        {"BIAS": (0.0,) * 4, "DARK": (15.0,) * 4},
        {"script_mode": "BIAS_DARK", "do_gain_from_flat_pairs": False},
        (FEW,),
    ),
    "weekly_1_sdssr": ({**DAILY, "FLAT": (6.0,) * 21}, {"filter": "SDSSr_65mm", "grating": "empty_1"}, ()),
    "weekly_2_sdssg": (weekly(6, 6), {"filter": "SDSSg_65mm", "grating": "empty_1"}, ()),
    "weekly_3_sdssz": (weekly(6, 3), {"filter": "SDSSz_65mm", "grating": "empty_1"}, ()),
    "weekly_4_sdssy": (weekly(6, 30), {"filter": "empty_1", "grating": "SDSSy_65mm"}, ()),
    "weekly_5_empty": (weekly(1, 1), {"filter": "empty_1", "grating": "empty_1"}, ()),
}

FLATS_TYPO = ["line 2: exp_times_flats: unknown property; did you mean exp_times_flat?"]
INTERNAL = [
    "lines 3 and 4: certify_calib_begin_date is set twice; YAML silently keeps the last: keep one; is line 4 "
    "meant to be certify_calib_end_date?",
    "line 2: calibration_collection: unknown property; did you mean calib_collection?",
]
FILTER = "filter: replace the placeholder ${FILTER_NAME_OR_ID} by a value, or leave the line out"
GRATING = "grating: replace the placeholder ${GRATING_NAME_OR_ID} by a value, or leave the line out"

REFUSED: dict[str, list[str]] = {
    "latiss_exposure_times": FLATS_TYPO,
    "comcam_exposure_times": FLATS_TYPO,
    "latiss_internal_verification": INTERNAL,
    "comcam_internal_verification": INTERNAL,
    "latiss_ptc": [
        "line 6: write `generate_calibrations: True` instead of `generate_calibrations=True`",
        f"line 4: {FILTER}",
        f"line 5: {GRATING}",
    ],
    "comcam_ptc": [
        "line 5: write `generate_calibrations: True` instead of `generate_calibrations=True`",
        f"line 4: {FILTER}",
    ],
    # It is the configuration of auxtel/take_image_latiss.py, whose list was printed without brackets.
    "weekly_6_ptc": [
        "line 1: image_type: unknown property",
        "line 5: exp_times: unknown property; write a list, in brackets: exp_times: [0.25, 0.25, 1.42, 1.42, "
        "...]; did you mean exp_times_dark or exp_times_flat?",
    ],
}


def example_model(name: str) -> type[CalibrationsConfig]:
    return ComCamConfig if name.startswith("comcam") else LatissConfig


def test_every_example_has_its_answer() -> None:
    assert sorted(file.stem for file in EXAMPLES.glob("*.yaml")) == sorted([*ACCEPTED, *REFUSED])


@pytest.mark.parametrize("name", ACCEPTED)
def test_example_is_accepted(name: str) -> None:
    taken, values, advice = ACCEPTED[name]
    model = example_model(name)
    text = (EXAMPLES / f"{name}.yaml").read_text()
    filled = validator(model).validate_text(text)
    assert filled == validator(model).validate(yaml.safe_load(text))
    config = parse(filled, model)
    assert images(config) == taken
    assert {key: filled[key] for key in values} == values
    assert warnings(config, NIGHT) == advice


@pytest.mark.parametrize("name", REFUSED)
def test_example_is_refused(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError) as caught:
        validator(example_model(name)).validate_text((EXAMPLES / f"{name}.yaml").read_text())
    assert str(caught.value).splitlines() == REFUSED[name]
