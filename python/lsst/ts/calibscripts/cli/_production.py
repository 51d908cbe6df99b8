"""Options and contexts that the commands of `calibscripts produce` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from ..tables.products import PRODUCTS
from ._options import FILE

if TYPE_CHECKING:
    from ..production import Desk, Request, Work

__all__ = [
    "APPROVAL",
    "DRY_RUN",
    "ENGINE",
    "ONLY",
    "SELECTION",
    "TYPES",
    "at_desk",
    "request",
    "validity",
    "work",
]

Decorator: TypeAlias = Callable[[Any], Any]


def _all(*decorators: Decorator) -> Decorator:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


SELECTION = click.argument("selection", type=FILE)
ONLY = click.option(
    "--only",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="bias, dark, flat-g, ...; may be repeated. All of the selection by default.",
)
_CERTIFIED = [product for product in PRODUCTS.values() if product.certified]
TYPES = click.option(
    "--type",
    "products",
    multiple=True,
    type=click.Choice([product.label for product in _CERTIFIED]),
    default=[p.label for p in _CERTIFIED if p.switch is None or not p.switch.by_name_only],
    show_default=True,
    help="What to make; may be repeated.",
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Print the commands and do nothing.")

ENGINE = _all(
    click.option(
        "--engine",
        type=click.Choice(["pipetask", "bps"]),
        default="pipetask",
        show_default=True,
        help="pipetask on this machine, or a batch system through ctrl_bps.",
    ),
    click.option(
        "--bps-config", type=FILE, help="Configuration of ctrl_bps; by default one for this machine."
    ),
    click.option(
        "-j",
        "--processes",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes of this machine, for pipetask.",
    ),
)

APPROVAL = _all(
    click.option(
        "--approved-by",
        default="",
        metavar="NAME",
        help="Name of the approver. Without it the reports are only shown.",
    ),
    click.option("--reason", default="", help="Why."),
    click.option(
        "--despite-failures",
        default="",
        metavar="REASON",
        help="Reason for approving a calibration that failed verification.",
    ),
    click.option(
        "--threshold",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="Failed tests of one type that fail a detector.",
    ),
)


def validity(*, required: bool) -> Decorator:
    """Add the options with the validity range."""
    return _all(
        click.option("--begin-date", required=required, help="Start of the validity range, ISO 8601, TAI."),
        click.option(
            "--end-date", help="End of the validity range (exclusive), ISO 8601, TAI. Default: open."
        ),
    )


@contextmanager
def at_desk(selection: Path) -> Iterator[Desk]:
    """Work on a selection."""
    from ..production import open_desk

    desk = open_desk(selection, click.echo)
    with closing(desk.repository):
        yield desk


def work(desk: Desk, step: str, engine: str, bps_config: Path | None, processes: int) -> Work:
    """Return how pipelines are to be run."""
    from ..production import BPS_LOCAL, Bps, Pipetask, Work

    if engine == "bps":
        return Work(step, Bps(bps_config or BPS_LOCAL, desk.directory / "bps"), processes)
    return Work(step, Pipetask(), processes)


def request(
    *,
    repo: str,
    instrument: str,
    day_obs: str,
    verify_day_obs: str | None,
    detectors: str | None,
    products: Sequence[str],
    reasons: Sequence[str],
    times: Sequence[str],
    number: int,
    every: int,
    filters: Sequence[str],
    **names: str,
) -> Request:
    """Make a request for exposures of the options of the command.

    Raises
    ------
    click.ClickException
        If one cannot be understood.
    """
    from ..ground.text import parse_ranges
    from ..production import Names, Request, Wanted
    from ..production.steps.selecting import parse_days
    from ..tables.instruments import INSTRUMENTS

    try:
        if not detectors and instrument not in INSTRUMENTS:
            raise ValueError(f"Unknown instrument {instrument}: give --detectors")
        wanted = Wanted(
            products=tuple(name.upper() for name in products),
            number=number,
            filters=tuple(filters),
            reasons=_pairs(reasons),
            exposure_times={name: float(value) for name, value in _pairs(times).items()},
            every=every,
        )
        return Request(
            repo=repo,
            names=Names(instrument, **names),
            detectors=parse_ranges(detectors) if detectors else INSTRUMENTS[instrument].detectors,
            days=parse_days(day_obs),
            verify_days=parse_days(verify_day_obs) if verify_day_obs else None,
            wanted=wanted,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read ``flat=REASON``."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"'{text}' must be written TYPE=VALUE, e.g. flat={text}")
        found[name.upper()] = value
    return found
