"""What is installed in LATISS -> the BLOCK of its weekly calibrations, like the one that is shipped.

The shipped BLOCK is the template: its scripts, their parameters and the exposure times of the sets stand there only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ... import get_blocks_dir
from ...config import as_yaml
from ...errors import ConfigurationError
from ...tables.instruments import LATISS, physical_filter
from .model import Block
from .reading import load_block

__all__ = ["LightPath", "WeeklySet", "light_paths", "weekly_block", "weekly_sets"]

WEEKLY = "block-295-latiss_weekly_calibrations.json"
"""The shipped BLOCK."""

GUESS = 6.0
"""Exposure time of flats in a filter of which nothing is known, seconds: that of most sets of the shipped BLOCK."""

_FIRST = "SDSSr_65mm"
"""The filter of the first set, which takes the full number of biases and darks, and of the Photon Transfer Curve."""


@dataclass(frozen=True)
class LightPath:
    """Filter and grating, as the wheels name them."""

    filter: str
    grating: str

    @property
    def physical_filter(self) -> str:
        """What the butler calls it."""
        return physical_filter(self.filter, self.grating)


@dataclass(frozen=True)
class WeeklySet:
    """One set of the BLOCK: what the flats are taken through, exposure times, and where these are from."""

    path: LightPath
    #: Exposure times of flats and darks, seconds.
    flat: float
    dark: float
    source: str  #: Where the time of the flats is from, in words.


def light_paths(filters: Sequence[str], gratings: Sequence[str]) -> tuple[LightPath, ...]:
    """Return what the weekly flats are taken through: each filter of either wheel, and nothing at all.

    Parameters
    ----------
    filters, gratings : sequence of `str`
        Names in the wheels, in their order. Of the gratings only those that are filters count.

    Raises
    ------
    ConfigurationError
        If no set can be made of these.
    """
    no_filter, no_grating = (next((n for n in names if _is_empty(n)), None) for names in (filters, gratings))
    if no_grating is None:
        text = f"No place among the gratings ({', '.join(gratings)}) is empty: no filter can be used alone."
        raise ConfigurationError([text])
    own = dict.fromkeys(sorted((n for n in filters if not _is_empty(n)), key=lambda name: name != _FIRST))
    paths = [LightPath(name, no_grating) for name in own]
    if no_filter is not None:
        others = dict.fromkeys(name for name in gratings if name not in own and _is_filter(name))
        paths += [LightPath(no_filter, name) for name in others]
        paths.append(LightPath(no_filter, no_grating))
    if not paths:
        raise ConfigurationError(["No filter is named, so there is nothing to take flats through."])
    return tuple(paths)


def _is_empty(name: str) -> bool:
    return name.startswith("empty")


def _is_filter(name: str) -> bool:
    return name in LATISS.light.filters and not _is_empty(name)


def weekly_sets(paths: Iterable[LightPath], last: Mapping[str, float]) -> tuple[WeeklySet, ...]:
    """Return the sets of a BLOCK.

    Parameters
    ----------
    paths : iterable of `LightPath`
        What their flats are taken through.
    last : mapping
        Filter as the butler calls it -> exposure time of its last flats, seconds.
    """
    known = _shipped_times(load_block(get_blocks_dir() / WEEKLY))
    return tuple(_set(path, last.get(path.physical_filter), known) for path in paths)


def _set(
    path: LightPath, last: float | None, known: Mapping[frozenset[str], tuple[float, float]]
) -> WeeklySet:
    shipped = known.get(_names(path.physical_filter))
    flat, dark = shipped or (GUESS, GUESS)
    if last is not None:
        return WeeklySet(path, last, dark, "the last flats in this filter")
    return WeeklySet(path, flat, dark, "BLOCK-295 as shipped" if shipped else "a guess: check it")


def _names(physical_filter: str) -> frozenset[str]:
    """Return the names in the beam: a filter lets the same light through in either wheel."""
    return frozenset(physical_filter.split("~"))


def _shipped_times(block: Block) -> dict[frozenset[str], tuple[float, float]]:
    """Return the exposure times of flats and darks of the shipped sets, seconds, by the names in the beam."""
    properties = _properties(block)

    def default(number: int, what: str) -> Any:
        return properties.get(f"set{number}_{what}", {}).get("default")

    return {
        _names(physical_filter(default(number, "filter"), default(number, "grating"))): (
            default(number, "exp_times_flat"),
            default(number, "exp_times_dark") or GUESS,
        )
        for number in range(1, _n_sets(block) + 1)
    }


def _properties(block: Block) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = yaml.safe_load(block.configuration_schema)["properties"]
    return properties


def _n_sets(block: Block) -> int:
    return sum(script.name == LATISS.script for script in block.scripts)


def weekly_block(sets: Sequence[WeeklySet], program: str) -> dict[str, Any]:
    """Return the BLOCK of some sets, as its file holds it.

    Parameters
    ----------
    sets : sequence of `WeeklySet`
        At least one; the first takes the full number of biases and darks, its filter also the Photon Transfer Curve.
    program : `str`
        Name that the Scheduler finds it by, e.g. ``BLOCK-295``.
    """
    shipped = load_block(get_blocks_dir() / WEEKLY)
    first, other, *_, curve = (script.model_dump() for script in shipped.scripts)
    scripts = [first, *(_numbered(other, 2, number) for number in range(2, len(sets) + 1)), curve]
    schema = yaml.safe_load(shipped.configuration_schema)
    schema["properties"] = _described(_properties(shipped), sets)
    return {
        "name": shipped.name,
        "program": program,
        "constraints": [],
        "scripts": scripts,
        "configuration_schema": as_yaml(schema),
    }


def _described(shipped: Mapping[str, Any], sets: Sequence[WeeklySet]) -> dict[str, Any]:
    """Return the properties that add_block may override, with the sets' own defaults."""
    names = [name for name in shipped if not re.match(r"set\d", name)]
    place = next(index for index, name in enumerate(names) if name.startswith("ptc"))
    found = {name: shipped[name] for name in names[:place]}
    for number, each in enumerate(sets, 1):
        template = 1 if number == 1 else 2
        values = {
            "filter": each.path.filter,
            "grating": each.path.grating,
            "exp_times_dark": _plain(each.dark),
            "exp_times_flat": _plain(each.flat),
        }
        for what, value in values.items():
            if (known := shipped.get(f"set{template}_{what}")) is not None:
                found[f"set{number}_{what}"] = {**_numbered(known, template, number), "default": value}
    curve = {"ptc_filter": sets[0].path.filter, "ptc_grating": sets[0].path.grating}
    for name in names[place:]:
        found[name] = {**shipped[name], **({"default": curve[name]} if name in curve else {})}
    return found


def _plain(seconds: float) -> float:
    """Write whole seconds without a fraction."""
    return int(seconds) if float(seconds).is_integer() else seconds


def _numbered(value: Any, template: int, number: int) -> Any:
    """Return what is said of a set as it is said of another one."""
    if isinstance(value, str):
        return re.sub(
            rf"\bset{template}_|\bset {template}\b", lambda m: m[0].replace(str(template), str(number)), value
        )
    if isinstance(value, dict):
        return {key: _numbered(item, template, number) for key, item in value.items()}
    return value
