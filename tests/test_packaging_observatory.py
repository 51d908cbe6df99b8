"""The recipe and the table of the observatory name what the package says of itself."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHER_NAMES = {"matplotlib": "matplotlib-base"}
MIDDLEWARE = {"ts-observatory-control", "ts-salobj", "ts-utils", "ts-xml"}


def recipe(**environ: str) -> dict[str, Any]:
    """Render the recipe as conda-build does."""
    template = jinja2.Template((ROOT / "conda/meta.yaml").read_text(), undefined=jinja2.StrictUndefined)
    rendered: dict[str, Any] = yaml.safe_load(template.render(environ=environ, PYTHON="python"))
    return rendered


@pytest.mark.parametrize(
    ("environ", "version"),
    [
        ({}, "0.1.0"),
        ({"GIT_DESCRIBE_TAG": "v1.2.0", "GIT_DESCRIBE_NUMBER": "0"}, "1.2.0"),
        ({"GIT_DESCRIBE_TAG": "v1.2.0", "GIT_DESCRIBE_NUMBER": "3"}, "1.2.0.post3"),
    ],
)
def test_the_recipe_takes_its_version_from_the_tag(environ: dict[str, str], version: str):
    rendered = recipe(**environ)
    assert rendered["package"] == {"name": "ts-calibscripts", "version": version}
    assert rendered["build"]["script_env"] == [f"SETUPTOOLS_SCM_PRETEND_VERSION={version}"]


def test_the_recipe_has_the_requirements_of_the_package_and_the_middleware():
    # The butler comes with the Science Pipelines, which are no conda package. Conda has no extras: it serves pages.
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["web"]]
    wanted = {word for word in needed if not word.startswith("lsst-daf-butler")}
    of_conda = {OTHER_NAMES.get(name, name) + rest for name, rest in (_split(word) for word in wanted)}
    run = {word.replace(" ", "") for word in recipe()["requirements"]["run"]}
    assert run == of_conda | MIDDLEWARE | {f"python{PROJECT['requires-python']}"}


def _split(requirement: str) -> tuple[str, str]:
    name, at_least, version = requirement.partition(">=")
    return name, at_least + version


def test_the_recipe_has_the_commands_and_what_builds_the_package():
    rendered = recipe()
    assert rendered["build"]["noarch"] == "python"
    assert rendered["build"]["entry_points"] == [
        f"{name} = {target}" for name, target in PROJECT["scripts"].items()
    ]
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert set(needed) <= {word.replace(" ", "") for word in rendered["requirements"]["host"]}
    assert rendered["about"]["license"] == PROJECT["license"]
    assert rendered["about"]["summary"] == PROJECT["description"]


def test_the_table_sets_up_the_middleware_and_the_pipelines():
    lines = (ROOT / "ups/ts_calibscripts.table").read_text().splitlines()
    required = {line[len("setupRequired(") : -1] for line in lines if line.startswith("setupRequired(")}
    assert required == {"sconsUtils", "lsst_distrib"} | {name.replace("-", "_") for name in MIDDLEWARE}
    assert "envPrepend(PYTHONPATH, ${PRODUCT_DIR}/python)" in lines


def test_the_command_can_be_called_where_the_package_is_only_set_up():
    words = [sys.executable, "-m", "lsst.ts.calibscripts.cli", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: calibscripts ")
