"""`calibscripts serve`: pages to watch runs on, to look back at nights and trends, and to sign decisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ._options import RECORD_DIRECTORIES

__all__ = ["parse_repos", "serve"]


@click.command()
@RECORD_DIRECTORIES
@click.option(
    "--repo",
    "repos",
    multiple=True,
    metavar="NAME=URI",
    help="Butler repository to read for an instrument, or instead of the repository that runs name; may be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Port to listen at."
)
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name by which browsers, or the observatory's gateway, ask this server, besides localhost and --host; may "
    "be repeated. Requests by any other name are refused: another site could have its own name lead here.",
)
@click.option(
    "--user-header",
    metavar="NAME",
    help="Header in which the observatory's gateway hands over the user's name, e.g. X-Auth-Request-User. Only where "
    "nobody reaches this server but through the gateway.",
)
@click.option("--allow-decisions", is_flag=True, help="Let users whose name is known sign decisions.")
def serve(
    directories: tuple[Path, ...],
    repos: tuple[str, ...],
    host: str,
    port: int,
    hosts: tuple[str, ...],
    user_header: str | None,
    allow_decisions: bool,
) -> None:
    """Serve pages that show the recorded runs, those under way as they happen, until it is interrupted."""
    from ..record import record_directory
    from ..web.app import Setup
    from ..web.security import Doorkeeper
    from ..web.server import serve as serve_pages

    if allow_decisions and not user_header:
        raise click.UsageError(
            "--allow-decisions needs --user-header: a decision is signed with the user's name"
        )
    places = directories or (record_directory(),)
    setup = Setup(places, parse_repos(repos), Doorkeeper(user_header, allow_decisions), hosts)
    for place in places:
        if not place.is_dir():
            click.echo(f"{place} does not exist yet; its runs appear once it does.", err=True)
    click.echo(f"Records in {', '.join(map(str, places))}\nPages at http://{host}:{port}/ (end with Ctrl-C)")
    serve_pages(setup, host, port)


def parse_repos(texts: Sequence[str]) -> dict[str, str]:
    """Read what ``--repo`` was given.

    Parameters
    ----------
    texts : sequence of `str`
        ``NAME=URI`` each.

    Returns
    -------
    `dict` [`str`, `str`]
        Name -> URI.

    Raises
    ------
    click.BadParameter
        If one is something else.
    """
    pairs = [text.partition("=")[::2] for text in texts]
    for text, (name, uri) in zip(texts, pairs, strict=True):
        if not name or not uri:
            raise click.BadParameter(
                f"{text!r}: write NAME=URI, e.g. LATISS=/repo/LATISS", param_hint="--repo"
            )
    return dict(pairs)
