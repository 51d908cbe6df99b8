"""`calibscripts history`: the recorded runs of a camera over time."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import CalibScriptsError
from ..tables.instruments import INSTRUMENTS

__all__ = ["history"]


@click.command()
@click.argument("instrument", type=click.Choice(list(INSTRUMENTS)))
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the records; that of this user, or CALIBSCRIPTS_RECORD_DIR, by default.",
)
@click.option("--repo", help="Butler repository to measure in; by default that of each run.")
@click.option("--measure/--no-measure", default=True, help="Measure runs that were never measured before.")
def history(instrument: str, records: Path | None, repo: str | None, measure: bool) -> None:
    """Print the recorded runs of INSTRUMENT: verdicts, read noise, gain, dark current, level of the flats."""
    from ..decisions import read_decisions
    from ..record import read_record, record_directory
    from ..report.formats import departure_lines
    from ..report.runs import history as histories
    from ..report.runs.past import trends_of

    directory = records or record_directory()
    try:
        runs = histories.history(directory, instrument, repo=repo, measuring=measure)
        trends = trends_of(read_record(directory / f"{runs[-1].name}.jsonl")) if runs else ()
    except CalibScriptsError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Records of {instrument} in {directory}")
    click.echo(histories.history_table(runs, read_decisions([directory])), nl=False)
    if departures := list(departure_lines(trends)):
        click.echo("Outside the usual range in the last run:")
        for line in departures:
            click.echo(f"    {line}")
