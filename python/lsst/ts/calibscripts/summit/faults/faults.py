"""Named misbehaviour of the simulated summit, switched on by keyword.

A fault that is switched on is its record from `FAULTS`, with other options where they were set
(``image-missing:of=DARK,at=3,count=2``). What a fault does follows from these and from the number of the
exposure or job alone, so that the same run misbehaves in the same way again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from ...errors import ConfigurationError
from .fault import Fault, Target, nearest, with_options
from .table import FAULTS

__all__ = ["FAULTS", "Fault", "Faults", "Target", "parse_fault"]


_MANY = 50


class Faults(Mapping[str, Fault]):
    """The faults that are switched on, by name, and which of them have acted; of several of a name the one that acts.

    Parameters
    ----------
    faults : iterable of `Fault` or `str`
        Records, or texts as `parse_fault` takes them.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or option.
    """

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        records = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        self._all = tuple(records)
        # Of several the one that was the last to act; before that any.
        self._faults = {fault.name: fault for fault in records}
        self._acted: set[int] = set()

    def __getitem__(self, name: str) -> Fault:
        return self._faults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def hits(self, name: str, kind: str | None = None, number: int = 1) -> bool:
        """Return whether a fault is switched on and strikes; if so, it has acted.

        Parameters
        ----------
        name : `str`
            One of `FAULTS`.
        kind : `str` or `None`
            Image type, pipeline, component or detector's id; None where it does not matter.
        number : `int`
            Number of the exposure or job of that kind, counted from 1.
        """
        for place, fault in enumerate(self._all):
            if fault.name == name and fault.hits(fault.of if kind is None else kind, number):
                self._faults[name] = fault
                self._acted.add(place)
                return True
        return False

    @property
    def idle(self) -> tuple[Fault, ...]:
        """Those that have not acted yet."""
        return tuple(fault for place, fault in enumerate(self._all) if place not in self._acted)

    def check(self, names: Mapping[Target, Collection[str]]) -> None:
        """Refuse faults that could never act.

        Parameters
        ----------
        names : mapping
            What can be hit, for each kind of target.

        Raises
        ------
        lsst.ts.calibscripts.errors.ConfigurationError
            If what one of them names is not there.
        """
        problems = [
            f"Fault {fault.name}: unknown {fault.target.noun} {fault.of!r} in this rehearsal."
            f"{nearest(fault.of, known) or _those_of(known)}"
            for fault in self._all
            if (known := names.get(fault.target, ())) and fault.of and fault.of not in known
        ]
        if problems:
            raise ConfigurationError(problems)


def _those_of(known: Collection[str]) -> str:
    return f" Known are {', '.join(known)}." if len(known) < _MANY else ""


def parse_fault(text: str) -> Fault:
    """Read a fault with its options.

    Parameters
    ----------
    text : `str`
        ``name`` or ``name:option=value,...`` with some of the options ``of``, ``at``, ``count`` and ``delay``.

    Returns
    -------
    fault : `Fault`
        The record of the table with what was set.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault or option, or a value that it cannot have.
    """
    name, _, given = text.partition(":")
    if name not in FAULTS:
        raise ConfigurationError(
            [f"Unknown fault {name!r}.{nearest(name, FAULTS)} --list-faults shows them all."]
        )
    return with_options(FAULTS[name], given)
