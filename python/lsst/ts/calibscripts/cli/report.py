"""`calibscripts report`: what came of a run, to be looked at and decided from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import CalibScriptsError

if TYPE_CHECKING:
    from ..report.account import Account

__all__ = ["report", "write_page"]

_LONGEST_NAME = 100
_FILE_ENDINGS = {"html": "html", "text": "txt", "json": "json", "markdown": "md", "cp_verify": "sh"}


def write_page(record: Path) -> Path:
    """Write the HTML report of a record beside it. Blocks.

    Raises
    ------
    RecordError
        If it is not a record.
    """
    account = _account(record, None, None, images=True)
    return _write(account, "html", _place(account, None))


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
    "--images/--no-images", default=True, help="Read images, too; with many detectors this takes minutes."
)
def report(
    record: Path | None, collections: str | None, repo: str | None, out: Path | None, form: str, images: bool
) -> None:
    """Report on the run of RECORD, or on --collections of a --repo."""
    try:
        account = _account(record, collections, repo, images)
    except CalibScriptsError as error:
        raise click.ClickException(str(error)) from error
    if out is None and form != "html":
        click.echo(_text(account, form), nl=False)
    else:
        click.echo(_write(account, form, _place(account, out)))


def _account(record: Path | None, collections: str | None, repo: str | None, images: bool) -> Account:
    from ..record import read_record
    from ..report.account import of_collections, of_record
    from ..report.reading.gathering import ALL_IMAGES
    from ..report.runs.past import with_history

    wanted = ALL_IMAGES if images else ()
    if record is not None and collections is None:
        return with_history(of_record(read_record(record), repo, images=wanted))
    if collections is None or record is not None:
        raise click.UsageError("Name a record or --collections, not both.")
    if repo is None:
        raise click.UsageError("--collections needs --repo.")
    names = [name for part in collections.split(",") if (name := part.strip())]
    return of_collections(names, repo, images=wanted)


def _place(account: Account, out: Path | None) -> Path:
    """Return where a report goes, without the ending of its name."""
    if account.record is not None:
        return (out or account.record.path.parent) / account.record.name
    return (out or Path()) / _file_name(account)


def _file_name(account: Account) -> str:
    """Return a name for a report on collections that no file system finds too long, one for each set of RUNs."""
    text = re.sub(r"[^\w.+-]+", "_", account.title)
    if len(text) <= _LONGEST_NAME:
        return text
    # What is cut off distinguishes reports.
    runs = "\n".join([account.title, *account.collections])
    return f"{text[:_LONGEST_NAME]}_{hashlib.sha256(runs.encode()).hexdigest()[:8]}"


def _write(account: Account, form: str, place: Path) -> Path:
    # The name of a collection may have a point in it.
    path = place.with_name(f"{place.name}.{_FILE_ENDINGS[form]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(account, form), encoding="utf-8")
    return path


def _text(account: Account, form: str) -> str:
    from ..report.formats import FORMATS
    from ..report.page import as_html
    from ..report.scripts import scripts_of

    return as_html(account, scripts_of(account.record)) if form == "html" else FORMATS[form](account)
