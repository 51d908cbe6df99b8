"""The selection file: YAML that `calibscripts produce select` writes and a person may edit; later steps read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ...config import did_you_mean, read_yaml
from ...errors import ConfigurationError
from ...ground.text import exposure_range, parse_ranges
from ...ground.untrusted import InputError, read_text
from ...tables.products import PRODUCTS
from .naming import Names, product_of
from .selection import ExposureChoice, Selection

__all__ = ["read_selection", "selection_text"]


_HEADER = """\
# Exposures of a calibration production. Edit it where you know better: drop or add exposures, sets or options.
# An exposure is written as its id, several as first..last. `generate` is the input of a calibration, `verify`
# what else it is verified with.
"""


def selection_text(selection: Selection) -> str:
    """Write a selection as YAML."""
    names = selection.names
    sets: dict[str, Any] = {}
    for choice in selection.choices:
        entry: dict[str, Any] = {"generate": _ranges(choice.generate)}
        if choice.verify:
            entry["verify"] = _ranges(choice.verify)
        if choice.physical_filter:
            entry = {"physical_filter": choice.physical_filter, **entry}
        entry |= {name: value for name in ("options", "rerun") if (value := getattr(choice, name))}
        sets[choice.label] = entry
    content = {
        "repo": selection.repo,
        "instrument": names.instrument,
        "ticket": names.ticket,
        "tag": names.tag,
        "rerun": names.rerun,
        **({"cert_rerun": names.cert_rerun} if names.cert_rerun else {}),
        "detectors": _ranges(selection.detectors),
        "sets": sets,
    }
    return _HEADER + yaml.safe_dump(content, sort_keys=False, width=118)


def read_selection(path: Path) -> Selection:
    """Read a selection file.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or is not a selection; all that is wrong is reported.
    """
    try:
        text = read_text(path)
    except InputError as error:
        raise ConfigurationError([f"The selection {path} cannot be read: {error}"]) from error
    content, found = read_yaml(text)
    if found:
        raise ConfigurationError([f"{path}: {problem}" for problem in found])
    reader = _Reader(path)
    selection = reader.selection(content)
    if selection is None or reader.problems:
        raise ConfigurationError(reader.problems)
    return selection


def _ranges(numbers: Sequence[int]) -> list[int | str]:
    words = exposure_range(numbers).split(", ") if numbers else []
    return [int(word) if word.isdecimal() else word for word in words]


class _Reader:
    """Makes a selection of what YAML read, and gathers what is wrong with it."""

    _PROPERTIES = ("repo", "instrument", "ticket", "tag", "rerun", "cert_rerun", "detectors", "sets")
    _OF_SETS = ("physical_filter", "generate", "verify", "options", "rerun")

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self._path = path

    def selection(self, content: Mapping[str, Any]) -> Selection | None:
        self._unknown(content, self._PROPERTIES, "")
        text = {
            name: str(content.get(name) or "")
            for name in self._PROPERTIES
            if name not in ("detectors", "sets")
        }
        for name in ("repo", "instrument"):
            if not text[name]:
                self._tell(f"{name} is missing")
        detectors = self._numbers(content, "detectors", "")
        choices = tuple(self._choices(content.get("sets")))
        try:
            names = Names(text["instrument"], text["ticket"], text["tag"], text["rerun"], text["cert_rerun"])
        except ConfigurationError as error:
            self.problems += [f"{self._path}: {problem}" for problem in error.problems]
            return None
        for choice in choices:
            self._check_rerun(names, choice)
        # In the order of the table, and otherwise as it is written.
        rank = list(PRODUCTS)
        ordered = sorted(choices, key=lambda choice: rank.index(choice.product.name))
        return Selection(text["repo"], names, detectors, tuple(ordered))

    def _choices(self, sets: object) -> Iterator[ExposureChoice]:
        if not isinstance(sets, Mapping) or not sets:
            self._tell("sets is missing: there is nothing to make")
            return
        for label, entry in sets.items():
            where = f"{label}: "
            try:
                product = product_of(str(label))
            except ConfigurationError as error:
                self._tell(str(error))
                continue
            if not isinstance(entry, Mapping):
                self._tell(f"{where}write `generate` and `verify` with their exposures")
                continue
            self._unknown(entry, self._OF_SETS, where)
            physical_filter = str(entry.get("physical_filter") or "") or None
            if product.by_filter and physical_filter is None:
                self._tell(f"{where}physical_filter is missing")
            verify = self._numbers(entry, "verify", where) if entry.get("verify") else ()
            generate = self._numbers(entry, "generate", where)
            options, rerun = (str(entry.get(name) or "") for name in ("options", "rerun"))
            yield ExposureChoice(str(label), generate, verify, physical_filter, options, rerun)

    def _check_rerun(self, names: Names, choice: ExposureChoice) -> None:
        try:
            replace(names, rerun=choice.rerun or names.rerun)
        except ConfigurationError as error:
            self._tell(f"{choice.label}: {error}")

    def _numbers(self, content: Mapping[str, Any], name: str, where: str) -> tuple[int, ...]:
        value = content.get(name)
        if value is None or value == []:
            self._tell(f"{where}{name} is missing")
            return ()
        try:
            return tuple(dict.fromkeys(parse_ranges(value)))
        except ValueError as error:
            self._tell(f"{where}{name}: {error}")
            return ()

    def _unknown(self, content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for name in content:
            if name not in known:
                self._tell(f"{where}unknown property '{name}' {did_you_mean(name, known)}".rstrip())

    def _tell(self, problem: str) -> None:
        self.problems.append(f"{self._path}: {problem}")
