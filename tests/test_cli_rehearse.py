"""What `rehearse` refuses before it makes anything."""

from pathlib import Path

from click.testing import CliRunner

from lsst.ts.calibscripts.cli import main


def test_a_directory_with_a_dot_is_refused_since_the_butler_takes_it_for_a_file(tmp_path: Path):
    repo = tmp_path / "rehearsal-1.2"
    done = CliRunner().invoke(main, ["rehearse", "auxtel/make_latiss_calibrations.py", "--repo", str(repo)])
    assert done.exit_code == 2
    assert (
        "the butler takes 'rehearsal-1.2' for the name of a file; choose a name without a dot" in done.output
    )
    assert not list(tmp_path.iterdir())
