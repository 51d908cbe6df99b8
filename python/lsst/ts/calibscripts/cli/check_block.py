"""`calibscripts check-block`: what is wrong with BLOCK files of the Scheduler."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..check.blocks import CheckedBlock, CheckedCall

__all__ = ["check_block"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    help="What add_block would get as override; may be repeated.",
)
def check_block(files: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Check BLOCK FILES of the Scheduler; a directory stands for all the *.json below it.

    The exit code is 0 if the Scheduler would take them as they are meant, and 1 if anything is wrong. Scripts of
    other packages are named, and not checked.
    """
    from ..check.blocks import check_files, parse_overrides
    from ..check.words import verdict
    from ..ground.text import counted

    found = check_files(files, parse_overrides(overrides))
    for checked in found:
        click.echo("\n".join(_lines(checked)))
    problems = [text for checked in found for text in checked.problems]
    warnings = [text for checked in found for text in checked.warnings]
    click.echo(f"{verdict(problems, warnings)} in {counted(len(found), 'file')}")
    sys.exit(1 if problems else 0)


def _lines(checked: CheckedBlock) -> Iterator[str]:
    title = f": {checked.block.program} ({checked.block.name})" if checked.block is not None else ""
    yield f"{checked.path}{title}"
    for number, call in enumerate(checked.calls, 1):
        yield f"  {number:2} {call.name}: {_call(call)}"
    yield from (f"  WARNING {text}" for text in checked.warnings)
    yield from (f"  PROBLEM {text}" for text in checked.problems)
    yield ""


def _call(call: CheckedCall) -> str:
    from ..check.words import images
    from ..plan import duration

    if call.problems:
        return "refused"
    if call.checked is None:
        return "of another package, not checked"
    if call.checked.spec is None:
        return "refused"
    plan = call.checked.spec.plan
    return f"{'; '.join(map(images, plan.sets))}; about {duration(plan.seconds)}"
