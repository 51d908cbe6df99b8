"""What a run is to do is one record, the same for the script and for those who only check its configuration."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibscripts.auxtel import MakeLatissCalibrations
from lsst.ts.calibscripts.check import check_text, check_values, look_up_pipelines
from lsst.ts.calibscripts.check.blocks import check_files
from lsst.ts.calibscripts.config import PropertyNames
from lsst.ts.calibscripts.config.scripts import SCRIPTS
from lsst.ts.calibscripts.maintel import MakeComCamCalibrations, MakeLSSTCamCalibrations
from lsst.ts.calibscripts.tables.products import PRODUCTS, ImageType

MAKERS: dict[str, Any] = {
    "auxtel/make_latiss_calibrations.py": MakeLatissCalibrations,
    "maintel/make_comcam_calibrations.py": MakeComCamCalibrations,
    "maintel/make_lsstcam_calibrations.py": MakeLSSTCamCalibrations,
}
ALWAYS = {"certify_calib_begin_date": None, "certify_calib_end_date": None}
"""With them no advice depends on the time of day."""

EVERYTHING = {
    "script_mode": "BIAS_DARK_FLAT",
    "generate_calibrations": True,
    "do_defects": True,
    "do_ptc": True,
    "exp_times_flat": [1, 1, 2, 2, 4, 4],
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    "values",
    [
        {"script_mode": "BIAS"},
        {"script_mode": "BIAS_DARK", "detectors": [0], "config_options_dark": "-c isr:doBias=False"},
        {"script_mode": "FLAT", "filter": "r_03", "generate_calibrations": True},
        {"script_mode": "FLAT", "exposures": {"FLAT": [2026091800001, 2026091800002]}, "exp_times_flat": 3},
        {**EVERYTHING, "wait_between_exposures": 1.5, "n_processes": 2},
    ],
)
async def test_the_script_and_its_checks_agree_on_what_a_run_is_to_do(
    name: str, values: dict[str, Any]
) -> None:
    given = {**values, **ALWAYS}
    script = MAKERS[name](index=1)
    await script.start_task
    try:
        await script.configure(SimpleNamespace(**script.config_validator.validate(given)))
        checked = look_up_pipelines(check_values(SCRIPTS[name], given), insist=False).spec
        read = look_up_pipelines(check_text(SCRIPTS[name], json.dumps(given)), insist=False).spec
        assert script.spec == checked == read
        assert script.spec.detectors == tuple(values.get("detectors") or SCRIPTS[name].instrument.detectors)
        assert set(script.spec.pipelines.installed) == {
            step.id for step in script.spec.plan.steps if step.id.action != "CERTIFY"
        }
    finally:
        await script.close()


def test_a_block_is_checked_for_the_same(tmp_path: Path) -> None:
    name, given = "auxtel/make_latiss_calibrations.py", {**EVERYTHING, **ALWAYS}
    block = {
        "name": "x",
        "program": "BLOCK-295",
        "constraints": [],
        "scripts": [{"name": name, "standard": False, "parameters": given}],
    }
    path = tmp_path / "BLOCK-295.json"
    path.write_text(json.dumps(block))
    (found,) = check_files([path])
    (call,) = found.calls
    assert call.checked is not None
    assert call.checked.spec == look_up_pipelines(check_values(SCRIPTS[name], given), insist=False).spec


@pytest.mark.parametrize("kind", PRODUCTS)
def test_settings_of_a_type_are_those_of_its_properties(kind: str) -> None:
    checked = check_values(
        SCRIPTS["auxtel/make_latiss_calibrations.py"],
        {
            **EVERYTHING,
            **{names.options: f"-c {names.options}:x=1" for names in map(PropertyNames.of, PRODUCTS)},
            "input_collections_bias": "LATISS/calib, u/me/bias",
            "exposures": {"DARK": [2026091800001]},
            "n_bias": 7,
            "number_verification_tests_threshold_dark": 3,
        },
    )
    assert checked.spec is not None
    values, names, own = dict(checked.spec.config), PropertyNames.of(kind), checked.spec.config.of(kind)
    assert own.options == values[names.options]
    assert (own.n, own.n_discard) == (values.get(names.n, 0), values.get(names.n_discard, 0))
    assert own.times == values.get(names.times, 0.0)
    assert own.threshold == values.get(names.threshold, 0)
    assert ", ".join(own.inputs) == values[names.inputs].replace(",", ", ").replace("  ", " ")
    assert own.taken == ((2026091800001,) if kind == "DARK" else ())


def test_certifications_are_in_the_filter_of_the_run() -> None:
    checked = check_values(SCRIPTS["maintel/make_lsstcam_calibrations.py"], {**EVERYTHING, **ALWAYS})
    assert checked.spec is not None
    spec = replace(checked.spec, physical_filter="r_57", detectors=(1, 2))
    assert [wanted.product for wanted in spec.certifications] == ["BIAS", "DARK", "FLAT", "DEFECTS", "PTC"]
    assert {wanted.detectors for wanted in spec.certifications} == {(1, 2)}
    filters = {wanted.product: wanted.physical_filter for wanted in spec.certifications}
    assert filters.pop(ImageType.FLAT) == "r_57"
    assert set(filters.values()) == {None}
