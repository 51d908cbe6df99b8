"""The wheel holds what the tree holds, run bits included; scripts start without the simulated summit."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS

ROOT = Path(__file__).parents[1]
EXECUTABLE = stat.S_IXUSR
SCRIPTS = [instrument.script for instrument in INSTRUMENTS.values()]
SUMMIT_ONLY = {
    "astropy",
    "jinja2",
    "lsst.ctrl",
    "lsst.daf",
    "lsst.pipe",
    "matplotlib",
    "rich",
    "scipy",
}
"""What no script needs before it is configured."""

if not (ROOT / ".git").exists():
    pytest.skip("what belongs to the tree is known in a git checkout only", allow_module_level=True)


def tree() -> list[str]:
    """List the files of the tree, as git has or would have them."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """Build a wheel of a copy of the tree without git, as of a tarball."""
    copy, built = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in tree():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(built),
        str(copy),
    ]
    done = subprocess.run(words, cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [path] = built.glob("*.whl")
    return zipfile.Path(path)


def modes(wheel: zipfile.Path) -> dict[str, bool]:
    """Say of each file of the package whether it can be run."""
    return {
        entry.filename: bool((entry.external_attr >> 16) & EXECUTABLE)
        for entry in wheel.root.infolist()
        if entry.filename.startswith("lsst/")
    }


def test_the_wheel_holds_the_package_with_its_data_and_run_bits(wheel: zipfile.Path):
    expected = {
        name.removeprefix("python/"): bool((ROOT / name).stat().st_mode & EXECUTABLE)
        for name in tree()
        if name.startswith("python/")
    }
    assert modes(wheel) == expected
    assert {name for name, runs in expected.items() if runs} == {
        f"lsst/ts/calibscripts/data/scripts/{script}" for script in SCRIPTS
    }


def test_the_wheel_says_what_it_is(wheel: zipfile.Path):
    [about] = [entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info")]
    metadata = message_from_string((about / "METADATA").read_text())
    assert metadata["Version"] == "0.1.0"
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert set(metadata.get_all("Provides-Extra", [])) == {"summit", "bps", "postgres", "web", "doc", "test"}
    assert (about / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "calibscripts = lsst.ts.calibscripts.cli:main" in (about / "entry_points.txt").read_text()


def test_what_is_required_is_used():
    """Each package that is installed costs whoever begins minutes and room, with all that it needs itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = {
        re.match(r"[\w-]+", text)[0] for text in [*project["dependencies"], *extras["summit"], *extras["web"]]
    }
    source = "\n".join(path.read_text() for path in (ROOT / "python").rglob("*.py"))
    imported = {*re.findall(r"^\s*(?:import|from) ([\w.]+)", source, re.MULTILINE)}
    of_modules = {module: {*map(str.lower, names)} for module, names in packages_distributions().items()}
    used = {name for module in imported for name in of_modules.get(module.partition(".")[0], ())}
    # Those of the namespace are told apart by their second and third names.
    used -= {name for name in used if name.startswith("lsst-")}
    used |= {name for name in required if any(i.startswith(name.replace("-", ".")) for i in imported)}
    assert required - used == set()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_starts_with_little(script: str):
    """A ScriptQueue waits for each script to start; what reports and butlers need is imported when they are."""
    module = script.removesuffix(".py").replace("/", ".")
    program = f"import sys, lsst.ts.calibscripts.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not SUMMIT_ONLY & set(done.stdout.split())


@pytest.mark.parametrize("missing", ["lsst.pipe", "rich"])
def test_a_rehearsal_without_its_packages_says_what_to_install(missing: str, tmp_path: Path):
    program = "\n".join(
        [
            "import sys",
            "class Missing:",
            "    def find_spec(self, name, path=None, target=None):",
            f"        if name == {missing!r}:",
            "            raise ModuleNotFoundError(name, name=name)",
            "sys.meta_path.insert(0, Missing())",
            "from lsst.ts.calibscripts.cli import main",
            "main(['rehearse', 'auxtel/make_latiss_calibrations.py'])",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "CALIBSCRIPTS_RECORD_DIR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: rehearse needs the package {missing}, which is not installed; nothing was done. "
        "Install what the simulated summit needs: pip install 'lsst-ts-calibscripts[summit]'\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_rehearsal_is_simulated_where_the_middleware_of_the_observatory_is_installed(tmp_path: Path):
    for name in ("salobj", "observatory/control"):
        (tmp_path / "lsst/ts" / name).mkdir(parents=True)
        (tmp_path / "lsst/ts" / name / "__init__.py").write_text(
            "raise RuntimeError('this is the real summit')"
        )
    environ = {name: value for name, value in os.environ.items() if name != "CALIBSCRIPTS_SAL"}
    paths = {"PYTHONPATH": f"{tmp_path}:{ROOT / 'python'}"}
    scripts, rehearsals = (
        subprocess.run(
            [sys.executable, "-c", program], env=environ | paths, capture_output=True, text=True, check=False
        )
        for program in (
            "import lsst.ts.calibscripts.auxtel.make_latiss_calibrations",
            "from lsst.ts.calibscripts.cli import main; main(['rehearse', '--list-faults'])",
        )
    )
    assert "this is the real summit" in scripts.stderr
    assert rehearsals.returncode == 0
    assert "component-standby" in rehearsals.stdout
