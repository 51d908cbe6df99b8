"""The form LOVE makes of the schemas, in a browser: every property is there, and its YAML is valid."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lsst.ts.calibscripts import get_scripts_dir
from lsst.ts.calibscripts.config import (
    CalibrationsConfig,
    ComCamConfig,
    ConfigValidator,
    LatissConfig,
    LSSTCamConfig,
    json_schema,
)

SOURCES = Path(__file__).parent / "love"
EXAMPLES = Path(__file__).parent / "data" / "examples"
MODELS: dict[str, type[CalibrationsConfig]] = {
    "latiss": LatissConfig,
    "lsstcam": LSSTCamConfig,
    "comcam": ComCamConfig,
}
FORMS = [f"{camera}_{given}" for camera in MODELS for given in ("saved", "checked")]
CLICKED = {"do_ptc": False, "generate_calibrations": True, "record": False}
TYPED = {"n_bias": 7, "calib_collection": "u/observer/calib.2026SEP18.1"}
UNREACHABLE = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "EHOSTUNREACH",
)


@dataclass(frozen=True)
class Answer:
    """What a user saw of a form, and what came of it."""

    fields: list[dict[str, Any]]
    yaml: str
    errors: list[str]
    requested: list[str]
    problems: list[str]


def example(camera: str) -> str:
    """Return the long example of the documents; LSSTCam's is that of LSSTComCam with its own collections."""
    name = "latiss" if camera == "latiss" else "comcam"
    text = (EXAMPLES / f"{name}_ptc_and_defects.yaml").read_text()
    return text.replace("LSSTComCam", "LSSTCam") if camera == "lsstcam" else text


def form_data(camera: str, given: str) -> dict[str, Any]:
    """Return what LOVE opens the form with: a saved configuration, or one its server has checked and filled."""
    properties = json_schema(MODELS[camera])["properties"]
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return {**(defaults if given == "checked" else {}), **yaml.safe_load(example(camera))}


@cache
def shown_schema(camera: str) -> dict[str, Any]:
    """Return the schema that the executable prints, as the ScriptQueue runs it for LOVE."""
    path = get_scripts_dir() / str(MODELS[camera].script)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [path, "0", "--schema"], capture_output=True, text=True, check=True, timeout=600, env=env
    )
    schema: dict[str, Any] = yaml.safe_load(ended.stdout)
    return schema


def run(*command: str | Path, cwd: Path) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, f"{command[0]} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"


def program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    return found or pytest.skip(f"{names[0]} is not installed: the form of LOVE is not shown")


def install(place: Path) -> None:
    """Install the packages of the lock file, unless a previous run has installed these."""
    npm, installed, lock = program("npm"), place / "installed.json", SOURCES / "package-lock.json"
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCES / name, place)
    if installed.exists() and installed.read_text() == lock.read_text():
        return
    options = (
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=500",
    )
    ended = subprocess.run([npm, "ci", *options], cwd=place, capture_output=True, text=True, timeout=120)
    if ended.returncode and any(code in ended.stderr for code in UNREACHABLE):
        pytest.skip("npm does not reach its registry: the form of LOVE is not shown")
    assert ended.returncode == 0, ended.stderr
    shutil.copy(lock, installed)


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Path:
    """Return the directory with the page and its driver; screenshots are left there."""
    node, cache = program("node"), request.config.cache
    assert cache is not None
    place = cache.mkdir("love_form")
    install(place)
    for name in ("form.jsx", "page.html", "drive.mjs"):
        shutil.copy(SOURCES / name, place)
    production = '--define:process.env.NODE_ENV="production"'
    esbuild = place / "node_modules" / "esbuild" / "bin" / "esbuild"
    run(node, esbuild, "form.jsx", "--bundle", "--jsx=automatic", production, "--outfile=form.js", cwd=place)
    return place


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Mapping[str, Answer]:
    """Show each form in one browser; click boxes and type as a user does."""
    chromium, node = program("chromium", "chromium-browser", "google-chrome"), program("node")
    place: Path = request.getfixturevalue("place")
    scratch = tmp_path_factory.mktemp("browser")
    tasks = {
        form: {
            "schema": shown_schema(camera),
            "data": form_data(camera, given),
            "click": list(CLICKED),
            "fill": {name: str(value) for name, value in TYPED.items()},
            "screenshot": str(place / f"love_form_{form}.png"),
        }
        for form in FORMS
        for camera, given in [form.split("_")]
    }
    (scratch / "tasks.json").write_text(json.dumps(tasks))
    files = ("profile", "tasks.json", "answers.json")
    run(node, "drive.mjs", chromium, place / "page.html", *(scratch / name for name in files), cwd=place)
    told = json.loads((scratch / "answers.json").read_text())
    return {form: Answer(**answer) for form, answer in told.items()}


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("camera", MODELS)
def test_the_executable_shows_the_schema_in_the_order_of_the_model(camera: str) -> None:
    schema = shown_schema(camera)
    assert schema == json_schema(MODELS[camera])
    names = list(schema["properties"])
    assert names == list(json_schema(MODELS[camera])["properties"])
    assert names[0] == "script_mode"
    deprecated = [
        name for name in names if schema["properties"][name]["description"].startswith("Deprecated")
    ]
    assert names[-len(deprecated) :] == deprecated == ["background_task_timeout", "test_case"]


@pytest.mark.parametrize("form", FORMS)
def test_every_property_is_shown_with_its_name_and_description(
    form: str, answers: Mapping[str, Answer]
) -> None:
    properties = shown_schema(form.split("_")[0])["properties"]
    fields = answers[form].fields
    # The form marks what is required with an asterisk.
    assert [field["label"].removesuffix("*") for field in fields] == list(properties)
    for field, (name, schema) in zip(fields, properties.items(), strict=True):
        assert words(schema["description"]) in words(field["text"]), name


@pytest.mark.parametrize("form", FORMS)
def test_check_boxes_are_labelled_with_the_names_of_their_properties(
    form: str, answers: Mapping[str, Answer]
) -> None:
    properties = json_schema(MODELS[form.split("_")[0]])["properties"]
    boxes = [field["label"] for field in answers[form].fields if field["checkBox"]]
    assert boxes == [name for name, schema in properties.items() if schema.get("type") == "boolean"]
    assert set(CLICKED) <= set(boxes)


@pytest.mark.parametrize("form", FORMS)
def test_yaml_of_the_form_is_the_example_with_what_was_clicked_and_typed(
    form: str, answers: Mapping[str, Answer]
) -> None:
    camera, _ = form.split("_")
    model, answer = MODELS[camera], answers[form]
    schema = json_schema(model)
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(answer.yaml))
    validator = ConfigValidator(schema, model)
    wanted = {**yaml.safe_load(example(camera)), **CLICKED, **TYPED}
    assert validator.validate_text(answer.yaml) == validator.validate(wanted)
    assert answer.errors == []


@pytest.mark.parametrize("form", FORMS)
def test_page_makes_no_errors_and_fetches_nothing(form: str, answers: Mapping[str, Answer]) -> None:
    assert answers[form].problems == []
    assert all(url.startswith("file:") for url in answers[form].requested)
    assert len(answers[form].requested) >= 2
