"""Names of filters and gratings: proposals before a run, and what the instrument has when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .calibrations import CalibrationsConfig
from .text.explain import did_you_mean

__all__ = ["as_installed", "name_warnings", "not_installed"]

_NOTHING = frozenset({"none", "empty", "no_filter", "open"})
"""What people call it when there is nothing in the beam; LSSTCam and LSSTComCam call it NONE."""

_BAND = re.compile(r"(?:SDSS)?([a-z])_")


def name_warnings(config: CalibrationsConfig) -> Iterator[str]:
    """Report which names of filters and gratings may not be meant.

    Yields
    ------
    `str`
        One sentence each.
    """
    if (instrument := config.instrument) is None:
        return
    values = config.light_path
    known = {"filter": instrument.light.filters, "grating": instrument.light.gratings}
    for name, value in values.items():
        if isinstance(value, str) and known[name] and value not in known[name]:
            near = _near(value, known[name], known["grating" if name == "filter" else "filter"], name)
            yield (
                f"{name}: {value} is not in the list of known {name}s of {instrument.name}"
                f"{f'; {near}' if near else '.'} What the instrument reports as installed decides before the first "
                "image."
            )
    bands = [
        match[1] for value in values.values() if isinstance(value, str) and (match := _BAND.match(value))
    ]
    if len(bands) > 1:
        yield (
            f"filter {values['filter']} and grating {values['grating']} are both filters: hardly any light passes "
            "two of them. Set one of them to empty_1."
        )


def not_installed(wanted: Mapping[str, Any], installed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Report what is asked for and is not in the instrument.

    Parameters
    ----------
    wanted : mapping
        Names or slots, by ``filter`` and ``grating``; None where nothing is asked for.
    installed : mapping
        Names that the instrument reports, by the same; empty where it reports none.

    Yields
    ------
    `str`
        One sentence each.
    """
    for name, value in wanted.items():
        names = installed.get(name, ())
        if isinstance(value, str) and names and as_installed(value, names) not in names:
            near = _near(value, names, (), name)
            yield (
                f"{name.capitalize()}: {value} is not installed; installed are {', '.join(names)}"
                f"{f'; {near}' if near else '.'} Change the property {name}, or have it mounted."
            )


def as_installed(value: Any, names: Sequence[str]) -> Any:
    """Write a name as the instrument does: NONE and none both mean that no filter is in the beam.

    Parameters
    ----------
    value : `object`
        A name or a slot.
    names : sequence of `str`
        Names that the instrument reports.

    Returns
    -------
    `object`
        The value, or the instrument's word for no filter.
    """
    if not isinstance(value, str) or value in names or value.lower() != "none":
        return value
    return next((name for name in names if name.lower() == "none"), value)


def _near(value: str, names: Sequence[str], others: Sequence[str], holder: str) -> str:
    """Propose what was probably meant, with its full stop or question mark; nothing where no name is near."""
    if value.isdigit():
        return f"write {value} without quotes for slot {value}?"
    if value in others:
        return f"it is the name of a {'grating' if holder == 'filter' else 'filter'}: are the two swapped?"
    if value.lower() in _NOTHING:
        found = [name for name in names if name.lower() == "none" or name.startswith("empty")][:1]
    else:
        found = [name for name in names if (band := _BAND.match(name)) and band[1] == value.lower()]
    return f"did you mean {' or '.join(found[:3])}?" if found else did_you_mean(value, names)
