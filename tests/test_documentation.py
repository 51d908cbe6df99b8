"""What the manual shows is true: properties, examples, commands, scripts and pictures."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import lsst.ts.calibscripts
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, parse, warnings
from lsst.ts.calibscripts.config.scripts import SCRIPTS, ScriptRecord
from lsst.ts.calibscripts.events.stages import TRANSITIONS, Stage
from lsst.ts.calibscripts.plan import Action, Plan, StepId, build
from lsst.ts.calibscripts.summit.queue.script_queue import script_names
from lsst.ts.calibscripts.summit.queue.stand_ins import STAND_INS

DOC = Path(__file__).parents[1] / "doc"
PAGES = sorted(DOC.glob("*.rst"))
RECORDS = {
    "latiss": SCRIPTS["auxtel/make_latiss_calibrations.py"],
    "comcam": SCRIPTS["maintel/make_comcam_calibrations.py"],
    "lsstcam": SCRIPTS["maintel/make_lsstcam_calibrations.py"],
}
FEW_FLATS = ("Few images: n_flat is 14. DMTN-222 recommends 20 of each type.",)
NO_PAIRS = (
    "No two consecutive flats have the same exposure time, unpaired: 1 (5 s), 2 (10 s), 3 (15 s), 4 (20 s), "
    "5 (25 s), 6 (30 s), 7 (35 s), 8 (40 s), 9 (45 s), 10 (50 s). No gain is estimated from flat pairs.",
)
EXAMPLES: dict[str, tuple[dict[str, int], list[str], tuple[str, ...]]] = {
    "latiss/daily_default": ({"BIAS": 21, "DARK": 23, "FLAT": 21}, [], ()),
    "latiss/exposure_times": ({"BIAS": 21, "DARK": 23, "FLAT": 21}, [], ()),
    "latiss/flats_to_a_level": ({"BIAS": 21, "DARK": 23, "FLAT": 21}, [], ()),
    "latiss/numbers_and_times": ({"BIAS": 31, "DARK": 6, "FLAT": 11}, [], NO_PAIRS),
    "latiss/internal_verification": (
        {"BIAS": 21, "DARK": 23, "FLAT": 21},
        ["BIAS", "DARK", "FLAT"],
        (),
    ),
    "latiss/ptc": (
        {"BIAS": 21, "DARK": 23, "FLAT": 15},
        ["BIAS", "DARK", "FLAT", "DEFECTS", "PTC"],
        FEW_FLATS,
    ),
    "latiss/existing_calibrations": ({"BIAS": 7, "DARK": 7, "FLAT": 15}, ["DEFECTS", "PTC"], ()),
    "latiss/gain": ({"BIAS": 21, "DARK": 23, "FLAT": 3}, [], ()),
    "latiss/existing_exposures": ({"BIAS": 0, "DARK": 0}, [], ()),
    "comcam/internal_verification": (
        {"BIAS": 21, "DARK": 21, "FLAT": 21},
        ["BIAS", "DARK", "FLAT"],
        (),
    ),
    "comcam/few_detectors": ({"BIAS": 21, "DARK": 21, "FLAT": 21}, [], ()),
    "lsstcam/biases": ({"BIAS": 21}, [], ()),
    "lsstcam/flats": ({"BIAS": 21, "DARK": 21, "FLAT": 21}, [], ()),
    "lsstcam/internal_verification": ({"BIAS": 21, "DARK": 21}, ["BIAS", "DARK"], ()),
    "lsstcam/few_detectors": ({"BIAS": 21}, [], ()),
}
"""What each example of the manual takes, what it certifies, and what it is warned of."""


@pytest.fixture(scope="module")
def calibdoc() -> Iterator[Any]:
    """The directives of the manual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOC / "_ext"))
        importlib.import_module("calibdoc.properties")
        importlib.import_module("calibdoc.pictures")
        yield sys.modules["calibdoc"]


NIGHT = datetime(2026, 9, 18, 22, tzinfo=UTC)


def page(name: str) -> str:
    return (DOC / f"{name}.rst").read_text()


def plan_of(record: ScriptRecord, text: str) -> tuple[Plan, tuple[str, ...]]:
    filled = ConfigValidator(json_schema(record.model), record.model).validate_text(text)
    config = parse(filled, record.model)
    return build(config, n_detectors=len(record.instrument.detectors)), warnings(config, NIGHT)


# Properties.


@pytest.mark.parametrize("name", RECORDS)
def test_tables_have_every_property_once(calibdoc: Any, name: str) -> None:
    record = RECORDS[name]
    tables = calibdoc.properties.grouped(record.model)
    rows = [row for rows in tables.values() for row in rows]
    schema = json_schema(record.model)["properties"]
    assert sorted(row.name for row in rows) == sorted(schema)
    assert {row.name: row.description for row in rows} == {
        name: property["description"] for name, property in schema.items()
    }
    required = [row.name for row in rows if not row.default]
    assert required == json_schema(record.model).get("required", [])
    assert f".. property-tables:: {record.name}" in page(name)


def test_property_without_a_place_is_reported(calibdoc: Any) -> None:
    class Wider(LatissConfig):
        shutter_speed: int = LatissConfig.model_fields["n_bias"]

    with pytest.raises(LookupError, match="no table has a place for shutter_speed"):
        calibdoc.properties.grouped(Wider)


@pytest.mark.parametrize("name", ["observing", "latiss", "comcam", "lsstcam", "decisions", "weekly"])
def test_settings_in_the_text_are_accepted(name: str) -> None:
    record = RECORDS.get(name, RECORDS["latiss"])
    known = json_schema(record.model)["properties"]
    settings = [
        literal
        for literal in re.findall(r"``([a-z_]+: [^`<]+)``", page(name))
        if literal.split(":")[0] in known
    ]
    assert settings
    for setting in settings:
        given = {"script_mode": "BIAS_DARK_FLAT"} | yaml.safe_load(setting)
        ConfigValidator(json_schema(record.model), record.model).validate(given)


# Examples.


def test_every_example_has_its_answer_and_is_shown() -> None:
    files = {f"{file.parent.name}/{file.stem}" for file in DOC.glob("examples/*/*.yaml")}
    assert files == set(EXAMPLES)
    for name in EXAMPLES:
        assert f"examples/{name}.yaml" in page(name.split("/")[0])


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_does_what_the_manual_says(name: str) -> None:
    taken, certified, told = EXAMPLES[name]
    plan, advice = plan_of(RECORDS[name.split("/")[0]], (DOC / "examples" / f"{name}.yaml").read_text())
    assert {images.image_type.name: len(images.exposures) for images in plan.sets} == taken
    assert [step.id.product for step in plan.steps if step.id.action is Action.CERTIFY] == certified
    assert advice == told


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_files_that_a_page_names_exist(path: Path) -> None:
    text = path.read_text()
    included = re.findall(r"\.\. (?:literalinclude|include|figure|image):: (\S+)", text)
    from_root = re.findall(r"(?<![\w/.])((?:doc|tests|schemas|python)/[\w/.+-]+\.\w+)", text)
    missing = [name for name in included if not (DOC / name).is_file()]
    missing += [
        name for name in from_root if "+" not in name and not (DOC.parent / name.rstrip(".")).is_file()
    ]
    assert not missing


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (DOC.parent / "README.md").read_text())
    assert "doc/_static/time_line.png" in links
    assert [link for link in links if not (DOC.parent / link).is_file()] == []


def test_pictures_are_small_and_shown() -> None:
    texts = [path.read_text() for path in [*PAGES, DOC.parent / "README.md"]]
    for picture in DOC.glob("_static/*.png"):
        assert picture.stat().st_size < 300_000, picture
        assert any(f"_static/{picture.name}" in text for text in texts), picture


# Commands and scripts.


def commands() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        text = re.sub(r"\\\n\s*", "", path.read_text())
        found = [
            *re.findall(r"^ +(?:\.\. command-output:: )?(calibscripts .+)$", text, flags=re.MULTILINE),
            *re.findall(r"^\.\. command-output:: (calibscripts .+)$", text, flags=re.MULTILINE),
            *re.findall(r"``(calibscripts [^`]+)``", text),
        ]
        yield from ((path.stem, " ".join(command.split())) for command in found)


def test_every_command_is_on_its_page() -> None:
    shown = {command for stem, command in commands() if stem == "commands"}
    names = main.list_commands(click.Context(main))
    assert shown == {"calibscripts --help", *(f"calibscripts {name} --help" for name in names)}


@pytest.mark.parametrize(
    ("stem", "command"), sorted({command for command in commands() if command[0] != "commands"})
)
def test_commands_of_the_manual_are_understood(stem: str, command: str) -> None:
    _, *words = shlex.split(re.sub(r"[<>]", "_", command))
    group: click.Command = main
    context = click.Context(main)
    while isinstance(group, click.Group) and words:
        name = words.pop(0)
        found = group.get_command(context, name)
        assert found is not None, f"{stem}: there is no command {name}"
        group = found
    if words:
        if words[-1].startswith("--"):
            words.append("value")  # an option that a sentence names
        # The options must exist; files and repositories are the reader's.
        options, _, _ = group.make_parser(click.Context(group)).parse_args(words)
        for parameter in group.params:
            value = options.get(parameter.name or "")
            if isinstance(parameter.type, click.Choice) and value is not None:
                assert value in parameter.type.choices


def test_scripts_that_pages_name_are_known() -> None:
    known = {*script_names(), *STAND_INS}
    for path in PAGES:
        named = set(re.findall(r"``((?:auxtel|maintel)/[\w/]+\.py)``", path.read_text()))
        assert named <= known, path.stem


# Pictures and reference.


def test_picture_has_every_stage_and_transition(calibdoc: Any) -> None:
    drawing = calibdoc.pictures.stages()
    root = ElementTree.fromstring(drawing.svg())
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert {text.text for text in root.findall(".//svg:text", space)} == set(Stage)
    ends = frozenset.intersection(*(later for later in TRANSITIONS.values() if later))
    assert ends == {Stage.FAILED, Stage.CANCELLED}
    drawn = sum(len(later - ends) for later in TRANSITIONS.values()) + len(ends)
    assert len(root.findall(".//svg:path[@class='tip']", space)) == drawn


def test_stages_stand_in_their_order(calibdoc: Any) -> None:
    ranks = calibdoc.pictures.stage_ranks()
    assert sorted(ranks, key=ranks.__getitem__) == [
        "WAITING",
        "TAKING",
        "INGESTED",
        "GENERATED",
        "VERIFIED",
        "CERTIFIED",
    ]


def test_arrows_of_the_steps_are_those_that_do_not_follow_from_others(calibdoc: Any) -> None:
    plan, _ = plan_of(
        RECORDS["latiss"], "generate_calibrations: True\ndo_ptc: True\nexp_times_flat: [1, 1, 2, 2, 4, 4]\n"
    )
    edges = calibdoc.pictures.edges(plan)
    assert {earlier for earlier, later in edges if later == "GENERATE PTC"} == {"GENERATE DARK", "TAKE FLAT"}
    assert {earlier for earlier, later in edges if later == "CERTIFY DARK"} == {"VERIFY DARK", "CERTIFY BIAS"}
    for step in plan.steps:
        wanted = {*map(str, step.after), *(f"TAKE {image_type}" for image_type in step.images)}
        assert _behind(edges, str(step.id)) >= wanted
    names = {str(step.id) for step in plan.steps} | {f"TAKE {images.image_type}" for images in plan.sets}
    assert set(calibdoc.pictures.steps(plan).boxes) == names
    assert str(StepId(Action.CERTIFY, "PTC")) in names


def _behind(edges: list[tuple[str, str]], name: str) -> set[str]:
    direct = {earlier for earlier, later in edges if later == name}
    return direct.union(*(_behind(edges, earlier) for earlier in direct))


def test_reference_has_every_module() -> None:
    package = lsst.ts.calibscripts
    listed = set(re.findall(r"^   lsst\.ts\.calibscripts\.?(\S*)$", page("reference"), re.MULTILINE))
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert {name.split(".")[0] for name in listed} - {""} == modules
    summit = {module.name for module in pkgutil.iter_modules([str(Path(package.__path__[0]) / "summit")])}
    assert {name.split(".")[1] for name in listed if name.startswith("summit.")} == summit
