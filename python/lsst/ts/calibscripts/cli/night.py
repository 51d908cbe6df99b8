"""`calibscripts night`: what came of a night, and what is missing."""

from __future__ import annotations

from pathlib import Path

import click

from ..ground.home import record_directory
from ._options import RECORD_DIRECTORIES

__all__ = ["night"]


@click.command()
@click.argument("day", required=False, type=click.IntRange(10**7, 10**8 - 1))
@RECORD_DIRECTORIES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="markdown is for the night log.",
)
def night(day: int | None, directories: tuple[Path, ...], form: str) -> None:
    """Print what came of the night DAY (YYYYMMDD, by default the last one with runs), and who has signed what.

    The exit code is 1 where something is missing.
    """
    from ..decisions import read_decisions
    from ..ground.tai import tai_now
    from ..web.nights import nights_of, text_of_nights
    from ..web.shelf import Shelf

    places = directories or (record_directory(),)
    rows, _ = Shelf(places).rows(seconds=float("inf"))
    wanted = day or max((row.night for row in rows if row.night), default=None)
    of_day = (row for row in rows if row.night == wanted)
    chosen = nights_of(of_day, read_decisions(places), tai_now())
    if not chosen:
        raise click.ClickException(
            f"No run of {wanted or 'any night'} is recorded in {', '.join(map(str, places))}."
        )
    click.echo(text_of_nights(chosen, markdown=form == "markdown"), nl=False)
    if any(each.missing for each in chosen):
        raise click.exceptions.Exit(1)
