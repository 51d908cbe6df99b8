"""`calibscripts link-scripts`: deployment to a ScriptQueue."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["link_scripts"]


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--remove", is_flag=True, help="Remove the links again; what is not a link to this package stays."
)
def link_scripts(directory: Path, remove: bool) -> None:
    """Link the scripts into DIR, the external tree of a ScriptQueue.

    Nothing but a link to this package is ever replaced or removed.
    """
    from .linking import link_scripts, links, unlink_scripts

    changed = unlink_scripts(directory) if remove else link_scripts(directory)
    for link in changed:
        click.echo(f"{'removed' if remove else 'linked'} {link.path}{'' if remove else f' -> {link.target}'}")
    for link in links(directory):
        if link not in changed:
            click.echo(f"{link.path} {_unchanged(link.is_free, remove)}")


def _unchanged(is_free: bool, remove: bool) -> str:
    if not remove:
        return "was linked already"
    return "did not exist" if is_free else "is not a link to this package, and stays"
