"""BLOCK files: what they hold, what the Scheduler makes of them, and what is wrong with them."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from lsst.ts.calibscripts.check.blocks import (
    Block,
    CheckedBlock,
    ScriptCall,
    check_block,
    check_files,
    expand,
    expand_all,
    get_blocks_dir,
    load_block,
    parse_overrides,
    queue_prefix,
)
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.config import CalibrationsConfig
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.queue.script_queue import block_entries

EXAMPLES = Path(__file__).parent / "data" / "examples"
LATISS = "auxtel/make_latiss_calibrations.py"
WEEKLY = "block-295-latiss_weekly_calibrations.json"
SCHEMA = """\
type: object
properties:
  run_filter: {type: string, default: SDSSr_65mm}
  run_times: {type: array, items: {type: number}, default: [6, 6]}
  run_day: {type: string, default: '2026-09-18'}
  limits: {type: object, default: {}, properties: {low: {type: number, default: 1}}}
required: [run_filter]
"""


def script(name: str = LATISS, standard: bool = False, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "standard": standard, "parameters": parameters}


def data(*scripts: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"name": "test", "program": "BLOCK-901", "scripts": list(scripts) or [script()], **keys}


def block(*scripts: dict[str, Any], **keys: Any) -> Block:
    return Block.model_validate(data(*scripts, **keys))


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def parameters(calls: tuple[ScriptCall, ...]) -> list[dict[str, Any]]:
    return [yaml.safe_load(call.config_text) or {} for call in calls]


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_block(path)
    return caught.value.problems


# The model.


def test_a_whole_block(tmp_path: Path) -> None:
    constraints = [
        {"name": "airmass", "max": 1.5},
        {"name": "sky_brightness", "max": 20, "band": "r", "extra": 1},
    ]
    content = data(
        id="0e1d1c8e-2f0b-4a9c-9a53-1f3f5a8b9c0d", constraints=constraints, configuration_schema=SCHEMA
    )
    loaded = load_block(write(tmp_path / "x.json", content))
    assert (loaded.name, loaded.program, loaded.configuration_schema) == ("test", "BLOCK-901", SCHEMA)
    assert [(limit.name, limit.max, limit.band) for limit in loaded.constraints] == [
        ("airmass", 1.5, None),
        ("sky_brightness", 20, "r"),
    ]
    assert [(s.name, s.standard, s.parameters) for s in loaded.scripts] == [(LATISS, False, {})]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (
            '{"name": "x",\n "program" "y"}',
            [
                "line 2, column 12: not JSON: Expecting ':' delimiter; the Scheduler cannot be configured while this "
                "file exists"
            ],
        ),
        ("[]", ["a BLOCK must be a JSON object: { ... }"]),
        ({}, ["name: is missing", "program: is missing", "scripts: is missing"]),
        (
            data(constraint=[], configuration_shema=""),
            [
                "constraint: unknown key, which the Scheduler silently drops; did you mean constraints?",
                "configuration_shema: unknown key, which the Scheduler silently drops; did you mean "
                "configuration_schema?",
            ],
        ),
        (
            data({"name": LATISS, "params": {}, "standard": "false"}),
            [
                "script 1: standard: input should be a valid boolean",
                "script 1: parameters: is missing",
                "script 1: params: unknown key, which the Scheduler silently drops; did you mean parameters?",
            ],
        ),
        (
            '{"name": "x", "program": "BLOCK-1", "program": "BLOCK-2", "scripts": [{"name": "a.py", "standard": true,'
            ' "parameters": {"n": 1, "n": 2}}]}',
            [
                "program: set twice; JSON silently keeps the last: keep one",
                "script 1: parameters: n: set twice; JSON silently keeps the last: keep one",
            ],
        ),
        (
            {**data(), "scripts": []},
            ["scripts: none; the Scheduler never accepts such a BLOCK as valid"],
        ),
        (
            data(constraints=[{"name": "airmass", "max": 0.5}, {"name": "sky_brightness", "max": 20}]),
            ["constraint 1: max must be from 1 to inf, not 0.5", "constraint 2: band is missing"],
        ),
    ],
)
def test_files_that_the_scheduler_would_not_take_as_they_are_meant(
    tmp_path: Path, content: object, problems: list[str]
) -> None:
    assert list(problems_of(write(tmp_path / "x.json", content))) == problems


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "no.json")[0].startswith("cannot be read: ")
    (tmp_path / "x.json").write_bytes(b'{"name": "\xff"}')
    assert problems_of(tmp_path / "x.json")[0] == (
        "cannot be read: line 1: byte 0xff is not UTF-8: save the file with this encoding"
    )


@pytest.mark.parametrize(
    ("program", "prefix"),
    [
        ("BLOCK-295", "BL295"),
        ("BLOCK-T19", "BT19"),
        ("BLOCK-0", "BL0"),
        ("BLOCK-T595_v4", "BT595"),
        ("BLOCK-271_1", "BL271"),
        ("BLOCK-295x", "BL295"),
        ("BLOCK-T40_HD92055", "BT40"),
        ("295", "BL295"),
    ],
)
def test_programs(tmp_path: Path, program: str, prefix: str) -> None:
    assert load_block(write(tmp_path / "x.json", data(program=program))).program == program
    assert queue_prefix(program) == prefix
    assert block_entries(program, [])[:1] == ()
    (entry,) = block_entries(program, expand(block(program=program)), 3)
    assert re.fullmatch(rf"{prefix}_O_\d{{8}}_000003", entry.block_id)


@pytest.mark.parametrize(
    "program",
    ["latiss_daily_calibrations", "", "BLOCK-", "BLOCK-T", "BLOCK-x295", "block-295", "T295", " 295"],
)
def test_programs_that_the_scheduler_skips(tmp_path: Path, program: str) -> None:
    (problem,) = problems_of(write(tmp_path / "x.json", data(program=program)))
    assert problem.startswith(
        f"program: must begin with a number as in BLOCK-123, BLOCK-T123 or BLOCK-123_v2, not '{program}'"
    )


# Expansion.


def test_values_are_put_in_as_text_before_the_yaml_is_read() -> None:
    found = block(
        script(
            filter="$run_filter",
            exp_times_flat="$run_times",
            program="$program",
            reason="$observation_reason",
        ),
        script("auxtel/other.py", True),
        script(
            "o.py",
            True,
            data=[["OCPS:1", "ENABLED"]],
            text="12:30",
            path="${run_filter}:x",
            yes="no",
            date="2026-09-18",
        ),
        configuration_schema=SCHEMA,
    )
    calls = expand(found, {"run_filter": "SDSSg_65mm"})
    assert [(call.name, call.standard) for call in calls] == [
        (LATISS, False),
        ("auxtel/other.py", True),
        ("o.py", True),
    ]
    assert calls[1].config_text == ""
    assert parameters(calls) == [
        {
            "filter": "SDSSg_65mm",
            "exp_times_flat": [6, 6],
            "program": "BLOCK-901",
            "reason": "Scheduler_Driven_Observation",
        },
        {},
        {
            "data": [["OCPS:1", "ENABLED"]],
            "text": "12:30",
            "path": "SDSSg_65mm:x",
            "yes": "no",
            "date": "2026-09-18",
        },
    ]


def test_names_that_every_block_has_and_doubled_dollars() -> None:
    found = block(
        script("o.py", True, ra="$ra", target="$name", n="$num_exp", times="$exp_times", cost="5 $$$$")
    )
    assert parameters(expand(found)) == [
        {"ra": "+0:00:00", "target": "Target", "n": 0, "times": [], "cost": "5 $"}
    ]


def test_defaults_are_filled_two_levels_deep() -> None:
    found = block(configuration_schema=SCHEMA)
    assert expand_all(found).configuration.values["limits"] == {"low": 1}
    without_own = SCHEMA.replace("limits: {type: object, default: {},", "limits: {type: object,")
    assert expand_all(block(configuration_schema=without_own)).configuration.values["limits"] == {"low": 1}
    assert expand_all(found, {"limits": {"low": 3}, "run_times": [1]}).configuration.values == {
        "limits": {"low": 3},
        "run_times": [1],
        "run_filter": "SDSSr_65mm",
        "run_day": "2026-09-18",
    }


@pytest.mark.parametrize(
    ("found", "overrides", "problems"),
    [
        (
            block(
                script("o.py", True, a="$run_filtr", b="$x"),
                script(n_bias="$nr"),
                configuration_schema=SCHEMA,
            ),
            {},
            [
                "script 1 (o.py): $run_filtr has no value, so the BLOCK would fail: add it to "
                "configuration_schema with a default; did you mean run_filter?",
                "script 1 (o.py): $x has no value, so the BLOCK would fail: add it to configuration_schema with a "
                "default",
                f"script 2 ({LATISS}): $nr has no value, so the BLOCK would fail: add it to "
                "configuration_schema with a default",
            ],
        ),
        (
            block(script("o.py", True, a="5 $"), script("p.py", True, a="5 $$")),
            {},
            [
                "script 1 (o.py): a $ stands alone: write $name, or $$$$ for a $ (values are put in twice)",
                "script 2 (p.py): a $ stands alone: write $name, or $$$$ for a $ (values are put in twice)",
            ],
        ),
        (
            block(configuration_schema="type: object\nproperties:\n  a: {default: null}\n"),
            {"b": 1},
            ["override b: the configuration_schema has no such property, so it changes nothing; known are a"],
        ),
        (
            block(
                script(filter="$a"), configuration_schema="type: object\nproperties:\n  a: {default: null}\n"
            ),
            {},
            [f"script 1 ({LATISS}): $a is null, which becomes the text None: set a value"],
        ),
        (
            block(),
            {"a": 1},
            ["override a: the BLOCK has no configuration_schema, so the Scheduler ignores every override"],
        ),
        (
            block(configuration_schema=SCHEMA),
            {"run_filter": 3, "run_time": [1]},
            [
                "override run_filter: must be a text, not 3; put the text in quotes",
                "override run_time: the configuration_schema has no such property, so it changes nothing; did you "
                "mean run_times?",
            ],
        ),
        (
            block(configuration_schema="type: objekt"),
            {},
            ["configuration_schema: type: 'objekt' is not valid under any of the given schemas"],
        ),
        (
            block(configuration_schema="a: [1\n"),
            {},
            ["configuration_schema: line 2, column 1: not YAML: expected ',' or ']', but got '<stream end>'"],
        ),
        (
            block(configuration_schema="type: object\ntype: object\n"),
            {},
            [
                "configuration_schema: lines 1 and 2: type is set twice; YAML silently keeps the last: keep one"
            ],
        ),
        (
            block(configuration_schema="type: object\nproperties:\n  n: {type: integer, default: x}\n"),
            {},
            ['configuration_schema n: must be a whole number, not "x"'],
        ),
        (
            block(
                configuration_schema="type: object\nproperties:\n  d: {type: string, default: 2026-09-18}\n"
            ),
            {},
            ["configuration_schema d: must be a text, not 2026-09-18: put it in quotes"],
        ),
        (
            block(
                script(filter="$a"),
                configuration_schema="type: object\nproperties:\n  a: {default: '[x: y'}\n",
            ),
            {},
            [
                f"script 1 ({LATISS}): with the values put in: line 2, column 1: not YAML: expected ',' or ']', but "
                "got '<stream end>'"
            ],
        ),
    ],
)
def test_blocks_that_cannot_be_expanded(found: Block, overrides: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        expand(found, overrides)
    assert list(caught.value.problems) == problems


def test_overrides_as_they_are_typed() -> None:
    words = ["run_filter=SDSSg_65mm", "n=3", "times=[1, 2]", "text=a=b", "on=true"]
    assert parse_overrides(words) == {
        "run_filter": "SDSSg_65mm",
        "n": 3,
        "times": [1, 2],
        "text": "a=b",
        "on": True,
    }
    with pytest.raises(ConfigurationError) as caught:
        parse_overrides(["n", "=3", "t=[1"])
    assert caught.value.problems[:2] == ("override 'n': write name=value", "override '=3': write name=value")
    assert caught.value.problems[2].startswith("override 't=[1': line 1, column 3: not YAML")


# Checks.


@pytest.mark.parametrize(
    ("scripts", "problems", "warnings"),
    [
        ([script(n_bias=20)], [], []),
        (
            [script(exp_times_flats=3, n_bias="x"), script("auxtel/other.py", True, n_bias="x")],
            [
                "script 1 (auxtel/make_latiss_calibrations.py): exp_times_flats: unknown property; did you mean "
                "exp_times_flat?",
                "script 1 (auxtel/make_latiss_calibrations.py): n_bias: must be a whole number of at least 1 or "
                'null, not "x"',
            ],
            [],
        ),
        (
            [script(standard=True)],
            [
                "script 1 (auxtel/make_latiss_calibrations.py): standard must be false: it is not among the standard "
                "scripts, so it would not be found"
            ],
            [],
        ),
        (
            [script("maintel/make_latiss_calibrations.py")],
            [
                "script 1 (maintel/make_latiss_calibrations.py): this package has no script "
                "maintel/make_latiss_calibrations.py; did you mean auxtel/make_latiss_calibrations.py?"
            ],
            [],
        ),
        (
            [script("auxtel/take_image_latiss.py", True, exp_times="0.25, 0.25, 1.42")],
            [],
            [
                "script 1 (auxtel/take_image_latiss.py): exp_times: write a list, in brackets: exp_times: [0.25, "
                "0.25, 1.42]"
            ],
        ),
        (
            [script(script_mode="BIAS", n_bias=5, generate_calibrations=True, calib_collection="u/x",
                    certify_calib_begin_date="2026-09-18", certify_calib_end_date="2099-01-01")],
            [],
            ["script 1 (auxtel/make_latiss_calibrations.py): Few images: n_bias is 5. DMTN-222 recommends 20 of each "
             "type."],
        ),
        (
            [script(program="BLOCK-295")],
            [],
            [
                "script 1 (auxtel/make_latiss_calibrations.py): program is BLOCK-295, so the headers of its images "
                "do not name BLOCK-901, the BLOCK's"
            ],
        ),
    ],
)  # fmt: skip
def test_checks_of_scripts(scripts: list[dict[str, Any]], problems: list[str], warnings: list[str]) -> None:
    checked = check_block(block(*scripts))
    assert (list(checked.problems), list(checked.warnings)) == (problems, warnings)


def generating(**values: Any) -> dict[str, Any]:
    dates = {"certify_calib_begin_date": "2026-09-18", "certify_calib_end_date": "2026-09-19"}
    return script(**{"script_mode": "BIAS", "generate_calibrations": True, **dates, **values})


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ({}, {}, ["BIAS"]),
        ({}, {"calib_collection": "u/other"}, []),
        ({}, {"certify_calib_begin_date": "2026-09-19T00:00:00", "certify_calib_end_date": None}, []),
        ({}, {"certify_calib_begin_date": None}, ["BIAS"]),
        ({}, {"certify_calib_begin_date": None, "certify_calib_end_date": "2026-09-18"}, []),
        ({}, {"generate_calibrations": False}, []),
        ({}, {"script_mode": "DARK"}, []),
        ({"script_mode": "BIAS_DARK"}, {"script_mode": "BIAS_DARK_FLAT"}, ["BIAS", "DARK"]),
        (
            {"script_mode": "FLAT", "filter": "SDSSr_65mm", "grating": "empty_1"},
            {"script_mode": "FLAT", "filter": "SDSSg_65mm", "grating": "empty_1"},
            [],
        ),
        (
            {"script_mode": "FLAT"},
            {"script_mode": "FLAT", "filter": "SDSSg_65mm", "grating": "empty_1"},
            ["FLAT"],
        ),
    ],
)
def test_scripts_that_would_certify_the_same_twice(
    first: dict[str, Any], second: dict[str, Any], refused: list[str]
) -> None:
    checked = check_block(block(generating(**first), generating(**second)))
    told = [text.split("certifies ")[1].split(" into ")[0] for text in checked.problems]
    assert told == refused
    assert all("as script 1 does before it" in text for text in checked.problems)


def test_a_date_that_is_put_in_is_no_text() -> None:
    dates = {"certify_calib_begin_date": "$run_day", "certify_calib_end_date": "2026-09-19"}
    (problem,) = check_block(block(script(**dates), configuration_schema=SCHEMA)).problems
    assert "certify_calib_begin_date: the Scheduler refuses a date that is not a text" in problem
    dates["certify_calib_begin_date"] = "${run_day}T00:00:00"
    found = block(script(**dates), configuration_schema=SCHEMA)
    assert check_block(found).problems == ()
    assert parameters(expand(found))[0]["certify_calib_begin_date"] == "2026-09-18T00:00:00"


def test_properties_that_no_script_uses() -> None:
    checked = check_block(block(script(filter="$a"), configuration_schema="""
type: object
properties: {a: {default: SDSSr_65mm}, b: {default: 2}}
"""))  # fmt: skip
    assert checked.problems == ()
    assert checked.warnings == ("configuration_schema: no script uses $b, so it changes nothing",)


def test_the_scheduler_expands_without_overrides_too() -> None:
    found = block(
        script(filter="$a"), configuration_schema="type: object\nproperties:\n  a: {type: string}\n"
    )
    (problem,) = check_block(found, {"a": "SDSSr_65mm"}).problems
    assert "$a has no value" in problem
    assert parameters(expand(found, {"a": "SDSSr_65mm"})) == [{"filter": "SDSSr_65mm"}]


def test_a_program_that_is_there_twice(tmp_path: Path) -> None:
    one, two, three = (
        write(tmp_path / name, data(program=program))
        for name, program in (("a.json", "BLOCK-1"), ("deep/b.json", "BLOCK-1"), ("c.json", "BLOCK-2"))
    )

    def told(*paths: Path) -> dict[str, tuple[str, ...]]:
        return {found.path.name: found.problems for found in check_files(paths)}

    replaced = (
        "program BLOCK-1 is also that of {}: the Scheduler silently replaces a BLOCK by one it reads later with the "
        "same program. Keep one of them"
    )
    expected = {"a.json": (replaced.format(two),), "b.json": (replaced.format(one),), "c.json": ()}
    assert told(tmp_path) == expected
    assert told(one, two, three) == expected
    assert told(one, three, one) == {"a.json": (), "c.json": ()}
    # The Schedulers of two telescopes each read a directory of their own.
    assert told(tmp_path / "deep", one) == {"a.json": (), "b.json": ()}


def test_a_directory_without_blocks_is_a_mistake(tmp_path: Path) -> None:
    assert check_files([tmp_path]) == (
        CheckedBlock(tmp_path, problems=("no *.json in or below this directory",)),
    )


# The BLOCKs of this package.


def shipped(program: str) -> Block:
    (found,) = (b for path in get_blocks_dir().glob("*.json") if (b := load_block(path)).program == program)
    return found


def test_the_blocks_of_this_package_are_right() -> None:
    found = check_files([get_blocks_dir()])
    assert {checked.block.program for checked in found if checked.block} == {
        "BLOCK-295",
        "BLOCK-295_generate",
        "BLOCK-309",
        "BLOCK-310",
    }
    assert [(checked.problems, checked.warnings) for checked in found] == [((), ())] * 4


@pytest.mark.parametrize(
    ("program", "scripts"),
    [
        (
            "BLOCK-309",
            [
                ("set_summary_state.py", {"data": [["ATWhiteLight", "ENABLED"]]}),
                ("set_summary_state.py", {"data": [["OCPS:1", "ENABLED"]]}),
                ("auxtel/calibrations/power_on_atcalsys.py", {}),
                ("auxtel/prepare_for/flat.py", {}),
            ],
        ),
        (
            "BLOCK-310",
            [
                ("auxtel/calibrations/power_off_atcalsys.py", {}),
                ("set_summary_state.py", {"data": [["ATWhiteLight", "STANDBY"]]}),
                ("auxtel/stop_tracking.py", {}),
            ],
        ),
    ],
)
def test_setup_and_shutdown(program: str, scripts: list[tuple[str, dict[str, Any]]]) -> None:
    calls = expand(shipped(program))
    assert [(call.name, values) for call, values in zip(calls, parameters(calls), strict=True)] == scripts
    assert all(call.standard for call in calls)


def test_the_weekly_block_is_the_documented_procedure() -> None:
    calls = expand(shipped("BLOCK-295"))
    *sets, ptc = parameters(calls)
    documented = [yaml.safe_load(path.read_text()) for path in sorted(EXAMPLES.glob("weekly_[1-5]_*.yaml"))]
    window = {"flat_counts_min": 10000, "flat_counts_max": 110000, "bias_dark_counts_max": 10}
    window |= {"flat_setup": "require", "flat_counts_target": 0}
    passed_on = {"program": "BLOCK-295", "reason": "weekly_calibrations"}
    assert sets == [{**values, **window, **passed_on} for values in documented]
    times = [float(word) for word in (EXAMPLES / "weekly_6_ptc.yaml").read_text().split(":")[-1].split(",")]
    assert (len(times), sum(times)) == (60, pytest.approx(1132.5, abs=0.05))
    assert ptc == {
        "image_type": "FLAT",
        "filter": "SDSSr_65mm",
        "grating": "empty_1",
        "reason": "weekly_PTC",
        "program": "BLOCK-295",
        "exp_times": times,
    }
    assert [(call.name, call.standard) for call in calls] == [
        *[(LATISS, False)] * 5,
        ("auxtel/take_image_latiss.py", True),
    ]


def test_the_weekly_block_that_generates_makes_one_bias_and_the_flats_of_all_filters() -> None:
    overrides = {"day": "2026-11-26", "end_day": "2026-12-03", "set4_exp_times_flat": 20}
    *sets, ptc = parameters(expand(shipped("BLOCK-295_generate"), overrides))
    *daily, same_ptc = parameters(expand(shipped("BLOCK-295"), {"set4_exp_times_flat": 20}))
    assert {**ptc, "program": "BLOCK-295"} == same_ptc
    certified = {
        "generate_calibrations": True,
        "calib_collection": "LATISS/calib/weekly/2026-11-26",
        "certify_calib_begin_date": "2026-11-26T00:00:00",
        "certify_calib_end_date": "2026-12-03T00:00:00",
        "program": "BLOCK-295_generate",
    }
    left_out = ("n_bias", "n_dark", "exp_times_dark")
    for number, (found, without) in enumerate(zip(sets, daily, strict=True)):
        kept = {name: value for name, value in without.items() if name not in left_out or not number}
        assert found == {**kept, "script_mode": "FLAT" if number else "BIAS_DARK_FLAT", **certified}
    assert check_block(shipped("BLOCK-295_generate"), overrides).problems == ()
    same_filter = check_block(shipped("BLOCK-295_generate"), {"set2_filter": "SDSSr_65mm"})
    assert any("certifies FLAT into LATISS/calib/weekly" in text for text in same_filter.problems)
    (unquoted,) = check_block(shipped("BLOCK-295_generate"), {"day": date(2026, 11, 26)}).problems
    assert unquoted == "override day: must be a text, not 2026-11-26: put it in quotes"


def test_filters_and_times_of_the_weekly_block_can_be_overridden() -> None:
    overrides = {
        "set4_filter": "OG550_65mm_1",
        "set4_grating": "empty_1",
        "set4_exp_times_flat": [2, 2, 3, 3],
    }
    overrides |= {"set2_exp_times_dark": 12, "ptc_exp_times": [1, 1], "reason": "after_filter_change"}
    checked = check_block(shipped("BLOCK-295"), overrides)
    # Four times do not fit twenty flats.
    assert [text.split(": ")[1] for text in checked.problems] == ["exp_times_flat"]
    *sets, ptc = parameters(expand(shipped("BLOCK-295"), overrides))
    assert (sets[3]["filter"], sets[3]["grating"]) == ("OG550_65mm_1", "empty_1")
    assert {values["reason"] for values in sets} == {"after_filter_change"}
    assert (sets[1]["exp_times_dark"], ptc["exp_times"], ptc["reason"]) == (12, [1, 1], "weekly_PTC")


def test_a_site_s_own_weekly_block_beside_ours(tmp_path: Path) -> None:
    write(tmp_path / "ours.json", (get_blocks_dir() / WEEKLY).read_text())
    write(tmp_path / "site.json", data(script(program="$program"), program="BLOCK-295"))
    assert all("program BLOCK-295 is also that of" in found.problems[-1] for found in check_files([tmp_path]))


def test_values_of_the_weekly_block_are_properties() -> None:
    for found in (shipped("BLOCK-295").scripts)[:5]:
        assert set(found.parameters) <= {*CalibrationsConfig.model_fields, "filter", "grating"}


# The command.


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["check-block", *map(str, words)])


def test_the_command() -> None:
    result = run(get_blocks_dir())
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == f"{get_blocks_dir() / WEEKLY}: BLOCK-295 (latiss_weekly_calibrations)"
    assert lines[2] == (
        f"   2 {LATISS}: 4 biases (first 1 discarded); 4 darks (first 1 discarded): 4 x 6 s; "
        "21 flats (first 1 discarded): 21 x 6 s; about 4 min 29 s"
    )
    assert lines[6] == "   6 auxtel/take_image_latiss.py: of another package, not checked"
    assert lines[-1] == "OK: 0 problems, 0 warnings in 4 files"


def test_the_command_refuses(tmp_path: Path) -> None:
    write(
        tmp_path / "x.json",
        data(script(n_bias=0), script(script_mode="BIAS", n_bias=3, generate_calibrations=True)),
    )
    result = run(tmp_path / "x.json")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[1:3] == [
        f"   1 {LATISS}: refused",
        f"   2 {LATISS}: 4 biases (first 1 discarded); about 1 min 11 s",
    ]
    assert sum(line.startswith("  WARNING script 2") for line in lines) == 3
    assert (
        "  PROBLEM script 1 (auxtel/make_latiss_calibrations.py): n_bias: must be a whole number"
        in result.output
    )
    assert lines[-1] == "REFUSED: 1 problem, 3 warnings in 1 file"


def test_parameters_that_are_mappings(tmp_path: Path) -> None:
    ids = [2026091800002, 2026091800003]
    ours = script(
        script_mode="BIAS",
        exposures={"BIAS": ids},
        test_case={"name": "BLOCK-T1", "step": {"n": 1}},
        metadata={},
    )
    other = script("set_summary_state.py", standard=True, data=[["ATOODS", {"state": "$program"}]])
    path = write(tmp_path / "x.json", data(ours, other))
    result = run(path)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "OK: 0 problems, 1 warning in 1 file"
    first, second = parameters(expand(load_block(path)))
    assert (first["exposures"], first["test_case"]["step"]) == ({"BIAS": ids}, {"n": 1})
    assert second == {"data": [["ATOODS", {"state": "BLOCK-901"}]]}


def test_the_command_with_overrides() -> None:
    weekly = get_blocks_dir() / WEEKLY
    result = run(weekly, "--override", "set1_filter=SDSSi_65mm", "--override", "set1_exp_times_flat=8")
    assert result.exit_code == 0, result.output
    assert "21 x 8 s" in result.output
    assert "did you mean set1_filter" in run(weekly, "--override", "set1_fliter=SDSSi_65mm").output
    unknown = run(weekly, "--override", "set1_filter=SDSSx_65mm")
    assert unknown.exit_code == 0
    assert "filter: SDSSx_65mm is not in the list of known filters of LATISS" in " ".join(
        unknown.output.split()
    )
    assert "write name=value" in run(weekly, "--override", "set1_filter").output
    assert "YAML reads 010 as 8 (octal)" in run(weekly, "--override", "set1_exp_times_flat=010").output
