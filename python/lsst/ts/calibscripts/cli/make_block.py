"""`calibscripts make-block`: a BLOCK for what is installed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from ..errors import ConfigurationError

__all__ = ["installed", "make_block"]

SPECTROGRAPH = "ATSpectrograph"
TIMEOUT = 10.0
"""Longest wait for the spectrograph to say what is in its wheels, seconds."""


@click.command()
@click.argument("kind", type=click.Choice(["latiss-weekly"]))
@click.option(
    "--filters",
    metavar="NAMES",
    help="Names in the filter wheel, with commas. By default what the ATSpectrograph reports for both wheels.",
)
@click.option(
    "--gratings",
    metavar="NAMES",
    default="empty_1",
    show_default=True,
    help="With --filters: names in the grating wheel. Those that are filters get a set, too.",
)
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the records with the last exposure times; that of this user, or CALIBSCRIPTS_RECORD_DIR, by "
    "default.",
)
@click.option(
    "--program", default="BLOCK-295", show_default=True, help="Name that the Scheduler finds it by."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; standard output by default.",
)
def make_block(
    kind: str, filters: str | None, gratings: str, records: Path | None, program: str, output: Path | None
) -> None:
    """Write a BLOCK for what is installed; latiss-weekly: like BLOCK-295, with a set for each filter.

    Exposure times are those of the last good flats in each filter that a record has, else those of BLOCK-295 as
    shipped. Check the file with check-block before it goes to the Scheduler.
    """
    from ..check.blocks.weekly import light_paths, weekly_block, weekly_sets
    from ..record import last_good_times, record_directory
    from ..tables.instruments import LATISS

    try:
        wheels = asyncio.run(installed()) if filters is None else (_names(filters), _names(gratings))
        paths = light_paths(*wheels)
    except ConfigurationError as error:
        raise click.ClickException(f"{error} No BLOCK was written.") from error
    wanted = {path.physical_filter for path in paths}
    last = last_good_times(records or record_directory(), LATISS.name, wanted)
    sets = weekly_sets(paths, last)
    text = json.dumps(weekly_block(sets, program), indent=2) + "\n"
    for number, each in enumerate(sets, 1):
        said = (
            f"Set {number}: {each.path.filter}, {each.path.grating}: flats of {each.flat:g} s ({each.source})"
        )
        click.echo(said, err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


async def installed(timeout: float = TIMEOUT) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names in the wheels of the ATSpectrograph: filters and gratings.

    Parameters
    ----------
    timeout : `float`
        Longest wait for it, seconds.

    Raises
    ------
    ConfigurationError
        If it does not say.
    """
    from ..sal import Domain, Remote
    from ..tables.instruments import listed

    async with Domain() as domain:
        remote = Remote(domain, SPECTROGRAPH, readonly=True, include=("settingsAppliedValues",))
        await remote.start_task
        try:
            said = await remote.evt_settingsAppliedValues.aget(timeout=timeout)
        except TimeoutError:
            raise ConfigurationError(
                [
                    f"{SPECTROGRAPH} has not reported within {timeout:g} s what is in its wheels: enable it, or name "
                    "the filters with --filters."
                ]
            ) from None
        finally:
            await remote.close()
    return listed(said.filterNames), listed(said.gratingNames)
