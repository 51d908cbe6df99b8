"""The selection file: what a production is called, and which exposures go into each calibration.

It is YAML that `calibscripts produce select` writes and a person may edit; all later steps read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ..config import did_you_mean, read_yaml
from ..errors import ConfigurationError
from ..ground.text import exposure_range
from ..ground.untrusted import InputError, read_text
from ..tables.products import PRODUCTS, Product, made_from_closure
from .naming import Names, product_of

__all__ = ["ExposureChoice", "Selection", "parse_ranges", "read_selection", "selection_text"]

_RANGE = re.compile(r"(\d+)(?:\.\.(\d+))?")
_LONGEST_RANGE = 10_000

_HEADER = """\
# Exposures of a calibration production. Edit it where you know better: drop or add exposures, sets or options.
# An exposure is written as its id, several as first..last. `generate` is what a calibration is made from, `verify`
# what else it is verified with.
"""


@dataclass(frozen=True)
class ExposureChoice:
    """Exposures for one calibration.

    Attributes
    ----------
    label : `str`
        ``bias``, ``dark``, ``flat-g``, ``defects`` or ``ptc``.
    generate : `tuple` [`int`]
        Exposures it is made from.
    verify : `tuple` [`int`]
        Further exposures it is verified with.
    physical_filter : `str` or `None`
        Filter of a flat.
    options : `str`
        Options of the generation's pipetask, e.g. ``-c cpBiasIsr:doDefect=False``.
    rerun : `str`
        When this one was made anew: another rerun than that of the others.
    """

    label: str
    generate: tuple[int, ...]
    verify: tuple[int, ...] = ()
    physical_filter: str | None = None
    options: str = ""
    rerun: str = ""

    @property
    def product(self) -> Product:
        """What is made."""
        return product_of(self.label)

    @property
    def verified_with(self) -> tuple[int, ...]:
        """All exposures of the verification, including those it is made from."""
        return tuple(sorted({*self.generate, *self.verify}))


@dataclass(frozen=True)
class Selection:
    """A production.

    Attributes
    ----------
    repo : `str`
        Butler repository it is made in.
    names : `Names`
        Names of its collections.
    detectors : `tuple` [`int`]
        Detectors to make calibrations for.
    choices : `tuple` [`ExposureChoice`]
        Calibrations to make, each after its inputs.
    """

    repo: str
    names: Names
    detectors: tuple[int, ...]
    choices: tuple[ExposureChoice, ...] = field(default=())

    @property
    def instrument(self) -> str:
        """Butler instrument name."""
        return self.names.instrument

    def generation(self, choice: ExposureChoice) -> str:
        """Return the CHAINED collection in which a calibration is generated."""
        return self._names_of(choice).generation(choice.label)

    def verification(self, choice: ExposureChoice) -> str:
        """Return the CHAINED collection in which a calibration is verified."""
        return self._names_of(choice).verification(choice.label)

    def certified(self, choice: ExposureChoice) -> str:
        """Return the CALIBRATION collection of a calibration."""
        return self.names.certified(choice.label)

    def prerequisites(self, choice: ExposureChoice) -> tuple[ExposureChoice, ...]:
        """Return those calibrations of the selection that another one is made from, directly and indirectly.

        Of the flats only those that share exposures with it: in what light defects are looked for is said by their
        exposures.
        """
        names = {*made_from_closure(choice.product.name)}
        return tuple(
            made
            for made in self.choices
            if made.product.name in names
            and (not made.product.by_filter or {*made.generate} & {*choice.generate})
        )

    def _names_of(self, choice: ExposureChoice) -> Names:
        return replace(self.names, rerun=choice.rerun or self.names.rerun)


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


def parse_ranges(value: object) -> tuple[int, ...]:
    """Read numbers such as ``2024032600002..2024032600021, 2024032600066``, or a list of such.

    Raises
    ------
    ValueError
        If it is something else.
    """
    parts = value if isinstance(value, list | tuple) else [value]
    words = [word.strip() for part in parts for word in str(part).split(",")]
    found: list[int] = []
    for word in words:
        match = _RANGE.fullmatch(word)
        if match is None:
            raise ValueError(f"'{word}' is not a number or a range (first..last)")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < _LONGEST_RANGE:
            raise ValueError(f"the range {word} is empty or too long")
        found += range(first, last + 1)
    return tuple(found)


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
        # Each after its inputs, and otherwise as it is written.
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
