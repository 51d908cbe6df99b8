"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

from ..tables.instruments import INSTRUMENTS

__all__ = ["DIRECTORY", "FILE", "INSTRUMENT", "RECORD", "RECORDS", "RECORD_DIRECTORIES"]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(file_okay=False, path_type=Path)
RECORD = click.argument("record", type=FILE)
INSTRUMENT = click.argument("instrument", type=click.Choice(list(INSTRUMENTS)))
RECORDS = click.option(
    "--records",
    type=DIRECTORY,
    help="Directory of the records; that of this user, or CALIBSCRIPTS_RECORD_DIR, by default.",
)
RECORD_DIRECTORIES = click.option(
    "--records",
    "directories",
    multiple=True,
    type=DIRECTORY,
    help="Directory of records; may be repeated. Default: that of this user, or CALIBSCRIPTS_RECORD_DIR.",
)
