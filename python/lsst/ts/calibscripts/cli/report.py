"""`calibscripts report`: what came of a run, to be looked at and decided from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import CalibScriptsError

if TYPE_CHECKING:
    from ..report.account import Account

__all__ = ["report"]

_FILE_ENDINGS = {"html": "html", "text": "txt", "json": "json", "markdown": "md", "cp_verify": "sh"}


@click.command()
@click.argument("record", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--collections",
    help="Instead of a record: collections to report on, separated by commas (of jobs, RUNs, CALIBRATION).",
)
@click.option("--repo", help="Butler repository; by default the one of the record.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write into, beside the record by default; only --format html needs one.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FILE_ENDINGS)),
    default="html",
    show_default=True,
    help="html is one file that needs no network; cp_verify is the command of cp_verify's own report.",
)
@click.option(
    "--images/--no-images", default=True, help="Read images, too; of many detectors that takes minutes."
)
def report(
    record: Path | None, collections: str | None, repo: str | None, out: Path | None, form: str, images: bool
) -> None:
    """Report on the run of RECORD, or on --collections of a --repo."""
    from ..history import with_history
    from ..report.formats import FORMATS
    from ..report.page import as_html

    try:
        account = with_history(_account(record, collections, repo, images))
    except CalibScriptsError as error:
        raise click.ClickException(str(error)) from error
    text = as_html(account) if form == "html" else FORMATS[form](account)
    if out is None and form != "html":
        click.echo(text, nl=False)
        return
    path = _place(record, out, account).with_suffix(f".{_FILE_ENDINGS[form]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(path)


def _account(record: Path | None, collections: str | None, repo: str | None, images: bool) -> Account:
    from ..record import read_record
    from ..report.account import of_collections, of_record
    from ..report.archive import ALL_IMAGES

    wanted = ALL_IMAGES if images else ()
    if record is not None and collections is None:
        return of_record(read_record(record), repo, images=wanted)
    if collections is None or record is not None:
        raise click.UsageError("Name a record or --collections, not both.")
    if repo is None:
        raise click.UsageError("--collections needs --repo.")
    names = [name for part in collections.split(",") if (name := part.strip())]
    return of_collections(names, repo, images=wanted)


def _place(record: Path | None, out: Path | None, account: Account) -> Path:
    name = record.stem if record else account.title.replace("/", "_").replace(" ", "_")
    return (out or (record.parent if record else Path())) / name
