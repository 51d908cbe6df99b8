"""What a rehearsal prints when it is over: times, what was certified, how scripts and summit ended."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ...events.events import Certified
from ...tables.products import PRODUCTS
from ..faults.faults import Faults
from ..queue.queue_entries import Entry, Finished, Outcome
from ..site import Summit
from .display import Display

__all__ = ["Ended", "print_certified", "print_end_state", "print_idle", "print_scripts", "print_timeline"]


@dataclass(frozen=True)
class Ended:
    """A script that has ended, and how long it took, in seconds of the event loop's clock."""

    entry: Entry
    outcome: Outcome
    seconds: float


def print_timeline(console: Console, display: Display) -> None:
    """Print what took how long, and beside what."""
    lines = list(display.timeline())
    if lines:
        console.print("\nTime line")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _whole(head: str) -> Column:
    """Make a column of names, which are looked for as a whole: rather two lines than an ellipsis."""
    return Column(head, overflow="fold")


def print_certified(console: Console, certified: Iterable[Certified], repo: str) -> None:
    """Print what was certified, and how to see it."""
    heads = ("product", _whole("collection"), "validity range (TAI)", "datasets")
    table = Table(*heads, title="Certified", title_justify="left")
    commands = []
    for product in certified:
        kind = PRODUCTS[product.product].dataset_type
        validity = f"{product.begin or 'open'} to {product.end or 'open'}"
        table.add_row(product.product, product.collection, validity, str(len(product.datasets)))
        commands.append(
            shlex.join(("butler", "query-datasets", repo, kind, "--collections", product.collection))
        )
    console.print()
    if not commands:
        console.print("Nothing was certified.")
        return
    console.print(table)
    console.print("To see it:")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)


def print_idle(console: Console, faults: Faults) -> None:
    """Print which faults have not acted, for then the rehearsal has shown nothing about them."""
    for fault in faults.idle:
        console.print(
            Text(
                f"Fault {fault.name} has never acted: what it hits did not happen in this rehearsal ({fault.text}).",
                style="bold yellow",
            ),
            soft_wrap=True,
        )


def print_scripts(console: Console, ended: Sequence[Ended], finished: Finished) -> None:
    """Print the scripts of BLOCKs with their states, those that were not run too."""
    heads = ("", "BLOCK", _whole("script"), "state", "seconds")
    table = Table(*heads, title="Scripts", title_justify="left")
    for number, each in enumerate(ended, 1):
        row = (each.entry.program, each.entry.name, each.outcome.state.name, f"{each.seconds:.1f}")
        table.add_row(str(number), *row)
    for number, entry in enumerate(finished.waiting, len(ended) + 1):
        table.add_row(str(number), entry.program, entry.name, "not run", "")
    console.print()
    console.print(table)


def print_end_state(console: Console, summit: Summit) -> None:
    """Print the states of all components, and where lamp, dome and telescope are."""
    console.print("\nEnd state")
    by_state: dict[str, list[str]] = defaultdict(list)
    for name, component in summit.components.items():
        by_state[component.state.name].append(name)
    for state, names in sorted(by_state.items()):
        console.print(f"  {state}: {', '.join(names)}", highlight=False, soft_wrap=True)
    system = summit.calibration_system
    for name, words in system.describe() if system is not None else ():
        console.print(f"  {name}: {words}", highlight=False, soft_wrap=True)
