"""Links of the scripts in the external tree of a ScriptQueue."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lsst.ts.calibscripts import get_scripts_dir
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.cli.linking import link_scripts, links, unlink_scripts
from lsst.ts.calibscripts.config import LatissConfig, json_schema
from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS

NAMES = {instrument.script for instrument in INSTRUMENTS.values()}
UPSTREAM = {
    "auxtel/make_latiss_calibrations.py",
    "auxtel/other.py",
    "maintel/make_comcam_calibrations.py",
    "maintel/make_lsstcam_calibrations.py",
}
"""What ts_externalscripts has."""
OLD = "/opt/old/lib/python3.11/site-packages/lsst/ts/calibscripts/data/scripts/auxtel/make_latiss_calibrations.py"


def listed(root: Path) -> set[str]:
    """List a tree as the ScriptQueue does: executables, no directory links, no hidden names."""
    return {
        str(Path(folder, name).relative_to(root))
        for folder, _, names in os.walk(root, followlinks=False)
        for name in names
        if name[0] not in "._" and os.access(Path(folder, name), os.X_OK)
    }


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["link-scripts", *map(str, words)])


def test_links_are_made_once_and_taken_out(tmp_path: Path) -> None:
    (tmp_path / "auxtel").mkdir()
    assert {link.path for link in link_scripts(tmp_path)} == {tmp_path / name for name in NAMES}
    assert listed(tmp_path) == NAMES
    assert all((tmp_path / name).resolve() == get_scripts_dir() / name for name in NAMES)
    assert link_scripts(tmp_path) == ()
    assert len(unlink_scripts(tmp_path)) == len(NAMES)
    assert listed(tmp_path) == set()
    assert unlink_scripts(tmp_path) == ()


def test_a_linked_script_runs_as_the_queue_runs_it(tmp_path: Path) -> None:
    link_scripts(tmp_path)
    path = tmp_path / "auxtel/make_latiss_calibrations.py"
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    told = subprocess.run([path, "1", "--schema"], capture_output=True, text=True, check=True, env=env)
    assert yaml.safe_load(told.stdout) == json_schema(LatissConfig)


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    other = tmp_path / "auxtel" / "make_latiss_calibrations.py"
    other.parent.mkdir()
    other.write_text("#!/usr/bin/env python\n")
    with pytest.raises(ConfigurationError) as caught:
        link_scripts(tmp_path)
    assert caught.value.problems == (
        f"{other} exists and is not a link to this package: it is not replaced. Remove it, or use another "
        "external tree for the ScriptQueue.",
        "No link was made.",
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["auxtel", "make_latiss_calibrations.py"]
    assert unlink_scripts(tmp_path) == ()
    assert other.read_text() == "#!/usr/bin/env python\n"


@pytest.mark.parametrize(
    ("target", "ours"),
    [
        (OLD, True),
        ("/somewhere/make_latiss_calibrations.py", False),
        (OLD.replace("calibscripts", "externalscripts"), False),
        (OLD.replace("make_latiss_calibrations", "take_image_latiss"), False),
    ],
)
def test_only_links_to_this_package_are_replaced(tmp_path: Path, target: str, ours: bool) -> None:
    path = tmp_path / "auxtel" / "make_latiss_calibrations.py"
    path.parent.mkdir()
    path.symlink_to(target)
    if ours:
        assert path in {link.path for link in link_scripts(tmp_path)}
        assert path.resolve().is_file()
    else:
        with pytest.raises(ConfigurationError, match="not a link to this package"):
            link_scripts(tmp_path)
        assert unlink_scripts(tmp_path) == ()
        assert os.readlink(path) == target


def test_a_directory_that_the_queue_does_not_walk(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "auxtel").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "maintel").write_text("")
    with pytest.raises(ConfigurationError) as caught:
        link_scripts(tmp_path)
    assert caught.value.problems == (
        f"{tmp_path}/auxtel is a link to a directory, which the ScriptQueue does not follow: make it a directory.",
        f"{tmp_path}/maintel is not a directory.",
        "No link was made.",
    )


def test_states_of_a_link(tmp_path: Path) -> None:
    link = next(link for link in links(tmp_path) if link.path.parent.name == "auxtel")
    assert (link.is_free, link.is_own, link.is_made) == (True, False, False)
    link.path.parent.mkdir()
    link.path.symlink_to(OLD)
    assert (link.is_free, link.is_own, link.is_made) == (False, True, False)
    link_scripts(tmp_path)
    assert (link.is_free, link.is_own, link.is_made) == (False, True, True)


def test_the_command(tmp_path: Path) -> None:
    made = run(tmp_path)
    assert made.exit_code == 0
    assert made.output.count("linked ") == len(NAMES)
    assert run(tmp_path).output.count("was linked already") == len(NAMES)
    (tmp_path / "auxtel/make_latiss_calibrations.py").unlink()
    (tmp_path / "auxtel/make_latiss_calibrations.py").write_text("")
    refused = run(tmp_path)
    assert refused.exit_code == 1
    assert "it is not replaced" in refused.output
    removed = run(tmp_path, "--remove")
    assert removed.exit_code == 0
    assert removed.output.count("removed ") == len(NAMES) - 1
    assert "make_latiss_calibrations.py is not a link to this package, and stays" in removed.output
    assert "did not exist" in run(tmp_path, "--remove").output
    assert run(tmp_path / "nowhere").exit_code == 2


def test_the_way_of_the_manual_beside_scripts_of_the_same_names(tmp_path: Path) -> None:
    upstream, site = tmp_path / "upstream", tmp_path / "site"
    for name in UPSTREAM:
        (upstream / name).parent.mkdir(parents=True, exist_ok=True)
        (upstream / name).touch(mode=0o755)
    assert run(upstream).exit_code == 1
    page = Path(__file__).parents[1] / "doc" / "deploying.rst"
    _, commands = page.read_text().split(".. code-block:: sh\n\n")
    first, *rest = textwrap.dedent(commands.split("\n\n")[0]).splitlines()
    assert first.startswith("external=")
    script = "\n".join([f"external={upstream}", *rest]).replace("/path/of/the/site/external", str(site))
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", script], check=True, capture_output=True, env=env)
    assert listed(site) == NAMES | UPSTREAM
    assert {name for name in listed(site) if (site / name).resolve() == get_scripts_dir() / name} == NAMES
