"""`calibscripts replay`: the processing of a run, as a shell script."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import RECORD

__all__ = ["replay"]


@click.command()
@RECORD
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write; standard output by default.",
)
def replay(record: Path, output: Path | None) -> None:
    """Write the shell script that repeats the processing of RECORD by hand: pipetask and butler commands."""
    from ..decisions import read_decisions
    from ..record import read_record, with_decisions
    from ..record.replay import replay_script

    text = replay_script(with_decisions(read_record(record), read_decisions([record.parent])))
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    output.chmod(0o755)
    click.echo(f"Wrote {output}; run it with: bash {output} REPO")
