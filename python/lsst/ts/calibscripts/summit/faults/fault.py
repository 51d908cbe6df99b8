"""One fault of the simulated summit: what it hits, and the options it is switched on with."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ...errors import ConfigurationError

__all__ = ["ALL", "Fault", "Target", "nearest", "with_options"]

ALL = 1_000_000
"""More exposures or jobs than there ever are."""


class Target(Enum):
    """What a fault hits: what its option ``of`` names, and which options it has."""

    ANYTHING = "anything", ("of", "at", "count")
    NOTHING = "component", ()
    IMAGES = "image type", ("of", "at", "count")
    JOBS = "pipeline", ("of", "at", "count")
    COMPONENT = "component", ("of",)
    ATTEMPTS = "component", ("at", "count")
    DETECTOR = "detector id", ("of",)
    DATASETS = "dataset type", ("of",)

    def __init__(self, noun: str, options: tuple[str, ...]) -> None:
        self.noun = noun
        self.options = options


@dataclass(frozen=True)
class Fault:
    """One misbehaviour and its options."""

    name: str  #: What switches it on.
    description: str  #: One sentence for ``--list-faults``.
    target: Target = Target.ANYTHING  #: What it hits.
    #: Name of what is hit: an image type, a pipeline (``cpBias``), a component or a detector's id; empty for
    #: any.
    of: str = ""
    at: int = 1  #: The first exposure or job that is hit, counted from 1 within its image type or pipeline.
    count: int = 1  #: How many are hit one after another.
    delay: float = 0.0  #: Seconds, of the event loop, for faults that are about time.

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        return (*self.target.options, *(("delay",) if self.delay else ()))

    @property
    def names(self) -> str:
        """What its option ``of`` names, in words; empty where it has no such option."""
        return f" (of: {self.target.noun})" if "of" in self.options else ""

    @property
    def text(self) -> str:
        """The fault as `parse_fault` reads it, with all its options."""
        options = ",".join(f"{name}={_written(getattr(self, name))}" for name in self.options)
        return f"{self.name}:{options}" if options else self.name

    def hits(self, kind: str, number: int = 1) -> bool:
        """Return whether the fault strikes.

        Parameters
        ----------
        kind : `str`
            Image type, pipeline, component or detector's id.
        number : `int`
            Number of the exposure or job of that kind, counted from 1.
        """
        return self.of in ("", kind) and self.at <= number < self.at + self.count


def with_options(fault: Fault, given: str) -> Fault:
    """Return a fault with other options.

    Parameters
    ----------
    fault : `Fault`
        The fault as the table has it.
    given : `str`
        ``option=value,...``; empty for none.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an option that the fault does not have, or a value that the option cannot have.
    """
    changes: dict[str, str | int | float] = {}
    for part in filter(None, given.split(",")):
        option, _, value = part.partition("=")
        if option not in fault.options:
            only = f"only {', '.join(fault.options)}" if fault.options else "and no other"
            raise ConfigurationError([f"Fault {fault.name} has no option {option!r}, {only}."])
        try:
            changes[option] = _PARSERS[option](value)
        except ValueError as error:
            raise ConfigurationError([f"Fault {fault.name}: {option} is {value!r}; {error}."]) from None
    return dataclasses.replace(fault, **changes)  # type: ignore[arg-type]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at names that were perhaps meant, upper and lower case aside.

    Parameters
    ----------
    name : `str`
        What was written.
    known : iterable of `str`
        What there is.
    """
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower)
    return f" Did you mean {' or '.join(by_lower[each] for each in near)}?" if near else ""


def _number(value: str) -> int:
    """Read a number of exposures or jobs; ``all`` is more than there ever are."""
    if value == "all":
        return ALL
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("write a whole number, 1 or more")
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError("write a number of seconds, 0 or more")
    return seconds


def _written(value: str | int | float) -> str:
    return "all" if value == ALL else f"{value:g}" if isinstance(value, float) else str(value)


_PARSERS: Mapping[str, Callable[[str], str | int | float]] = MappingProxyType(
    {"of": str, "at": _number, "count": _number, "delay": _seconds}
)
