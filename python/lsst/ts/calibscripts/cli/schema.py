"""`calibscripts schema`: what LOVE shows, for editors."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["schema"]


@click.command()
@click.argument("script", required=False)
@click.option(
    "--write",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write the schemas of all scripts into this directory, for editors.",
)
def schema(script: str | None, directory: Path | None) -> None:
    """Print the configuration schema of SCRIPT, as LOVE shows it."""
    from ..config import schema_text, write_schemas

    if directory is not None:
        for path in write_schemas(directory):
            click.echo(path)
        return
    from ..config.scripts import find_record

    if script is None:
        raise click.UsageError("Name a script, e.g. auxtel/make_latiss_calibrations.py, or use --write")
    click.echo(schema_text(find_record(script).model))
