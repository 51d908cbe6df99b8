"""`calibscripts check`: what is wrong with a configuration, and what it would do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

__all__ = ["check"]


@click.command()
@click.argument("script")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@click.option(
    "--repo",
    metavar="URI",
    help="Also ask this butler repository about conflicts, collections and reference calibrations; nothing is "
    "written to it.",
)
@click.option(
    "--pipelines",
    is_flag=True,
    help="Insist on looking up the names of the pipelines and the labels in their options, in CP_PIPE_DIR and "
    "CP_VERIFY_DIR, and also name their tasks and what they read and write. Without this option they are looked up "
    "where they can be read.",
)
def check(script: str, config: Path, as_json: bool, repo: str | None, pipelines: bool) -> None:
    """Check CONFIG, a YAML file, for SCRIPT, e.g. auxtel/make_latiss_calibrations.py, and say what it would do.

    The exit code is 0 if it can be queued and 1 if anything is wrong. With - the configuration is read from
    standard input.
    """
    from ..check import check_text, look_up_pipelines, without_repository
    from ..check.words import report
    from ..config.scripts import find_record
    from ..ground.untrusted import InputError, read_standard_input, read_text

    record = find_record(script)
    try:
        text = read_standard_input() if str(config) == "-" else read_text(config)
    except InputError as error:
        place = "" if str(config) == "-" else f"{config}: "
        raise click.ClickException(f"{place}{error}") from error
    checked, answers = look_up_pipelines(check_text(record, text), insist=pipelines), None
    if repo is not None:
        from ..check.lookup import ask_repository

        checked, answers = ask_repository(checked, repo)
    else:
        checked = without_repository(checked)
    if as_json:
        from ..check.data import as_data

        click.echo(json.dumps(as_data(checked, answers), indent=2))
    else:
        click.echo(report(checked, answers, pipelines=pipelines))
    sys.exit(1 if checked.problems else 0)
