"""What is wrong with BLOCK files, each by itself and beside one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ..checking import Checked, check_values, look_up_pipelines
from ..config.explain import hint
from ..errors import ConfigurationError
from ..repository import Certification
from ..scripts import SCRIPTS, find_record
from .expansion import ScriptCall, block_configuration, expand, names_used
from .model import Block, load_block

__all__ = ["CheckedBlock", "CheckedCall", "check_block", "check_files"]


@dataclass(frozen=True)
class CheckedCall:
    """A script of a BLOCK and what there is to say of it.

    Attributes
    ----------
    name : `str`
        Name of the script.
    checked : `Checked` or `None`
        Its configuration; None for a script of another package, which is not checked.
    problems, warnings : `tuple` [`str`]
        One sentence each.
    """

    name: str
    checked: Checked | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckedBlock:
    """A BLOCK and what there is to say of it.

    Attributes
    ----------
    path : `pathlib.Path`
        Its file.
    block : `Block` or `None`
        None where the file cannot be read as one.
    calls : `tuple` [`CheckedCall`]
        Its scripts; empty where the BLOCK cannot be expanded.
    problems, warnings : `tuple` [`str`]
        Everything, that of the scripts included.
    """

    path: Path
    block: Block | None = None
    calls: tuple[CheckedCall, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_files(
    paths: Iterable[Path], overrides: Mapping[str, Any] | None = None
) -> tuple[CheckedBlock, ...]:
    """Check BLOCK files.

    Parameters
    ----------
    paths : iterable of `pathlib.Path`
        Files, and directories that the Scheduler reads: all ``*.json`` below them.
    overrides : mapping, optional
        Values given to ``add_block``, for all of them.

    Returns
    -------
    `tuple` [`CheckedBlock`]
        One for each file. The files, and each directory, are also held against each other: a program may be
        there only once.
    """
    files: dict[Path, None] = {}
    found: list[CheckedBlock] = []
    for path in paths:
        if not path.is_dir():
            files[path] = None
        elif below := sorted(path.rglob("*.json")):
            found += _check_group(below, overrides)
        else:
            found.append(CheckedBlock(path, problems=("there is no *.json in or below this directory",)))
    return (*_check_group(files, overrides), *found)


def _check_group(paths: Iterable[Path], overrides: Mapping[str, Any] | None) -> Iterator[CheckedBlock]:
    """Check what a Scheduler loads together."""
    found = [_check_file(path, overrides) for path in paths]
    holders: dict[str, list[Path]] = defaultdict(list)
    for checked in found:
        if checked.block is not None:
            holders[checked.block.program].append(checked.path)
    for checked in found:
        program = checked.block.program if checked.block is not None else ""
        if others := [str(path) for path in holders[program] if path != checked.path]:
            text = (
                f"program {program} is also that of {', '.join(others)}: the Scheduler silently replaces a BLOCK by "
                "one it reads later with the same program. Keep one of them"
            )
            yield replace(checked, problems=(*checked.problems, text))
        else:
            yield checked


def _check_file(path: Path, overrides: Mapping[str, Any] | None) -> CheckedBlock:
    try:
        return check_block(load_block(path), overrides, path)
    except ConfigurationError as error:
        return CheckedBlock(path, problems=error.problems)


def check_block(
    block: Block, overrides: Mapping[str, Any] | None = None, path: Path = Path()
) -> CheckedBlock:
    """Check a BLOCK.

    Parameters
    ----------
    block : `Block`
        The BLOCK.
    overrides : mapping, optional
        Values given to ``add_block``.
    path : `pathlib.Path`, optional
        Its file.

    Returns
    -------
    `CheckedBlock`
        With everything that is wrong.
    """
    try:
        # When it is configured, the Scheduler expands every BLOCK without overrides.
        expand(block)
        calls = tuple(_certified_once([_check_call(call, block) for call in expand(block, overrides)]))
    except ConfigurationError as error:
        return CheckedBlock(path, block, problems=error.problems)
    unused = sorted(set(block_configuration(block, overrides)) - names_used(block))
    return CheckedBlock(
        path,
        block,
        calls,
        problems=tuple(_numbered(calls, "problems")),
        warnings=(
            *_numbered(calls, "warnings"),
            *(f"configuration_schema: no script uses ${name}, so it changes nothing" for name in unused),
        ),
    )


def _numbered(calls: Sequence[CheckedCall], kind: str) -> Iterator[str]:
    for number, call in enumerate(calls, 1):
        for text in getattr(call, kind):
            yield f"script {number} ({call.name}): {text}"


def _check_call(call: ScriptCall, block: Block) -> CheckedCall:
    values: dict[str, Any] = yaml.safe_load(call.config_text) or {}
    if call.name not in SCRIPTS:
        return _foreign(call.name, values)
    checked = look_up_pipelines(check_values(SCRIPTS[call.name], values), insist=False)
    problems = (*_misplaced(call, values), *checked.problems)
    program = checked.config.program if checked.config is not None else None
    other = (
        [f"program is {program}, so the headers of its images do not name {block.program}, the BLOCK's"]
        if program not in (None, block.program)
        else []
    )
    return CheckedCall(call.name, checked, problems, warnings=(*other, *checked.warnings))


def _misplaced(call: ScriptCall, values: Mapping[str, Any]) -> Iterator[str]:
    """Say what only the Scheduler would refuse."""
    if call.standard:
        yield "standard must be false: it is not among the standard scripts, so it would not be found"
    for name, value in values.items():
        if isinstance(value, date):
            yield (
                f"{name}: the Scheduler refuses a date that is not a text: write it as ${{name}}T00:00:00, which "
                "stays one"
            )


def _foreign(name: str, values: Mapping[str, Any]) -> CheckedCall:
    """Say what can be said of a script of another package."""
    if PurePosixPath(name).match("make_*_calibrations.py"):
        try:
            find_record(name)
        except LookupError as error:
            return CheckedCall(name, problems=(str(error),))
    hints = ((key, hint(key, value)) for key, value in values.items())
    return CheckedCall(name, warnings=tuple(f"{key}: {text}" for key, text in hints if text))


def _certified_once(calls: Sequence[CheckedCall]) -> Iterator[CheckedCall]:
    """Give the scripts with what each would certify although an earlier one has certified it."""
    before: list[tuple[int, Certification]] = []
    for number, call in enumerate(calls, 1):
        wanted = call.checked.certifications if call.checked is not None else ()
        problems = [
            f"certifies {one.product} into {one.collection} for {one.validity}, as script {first} does before it, so "
            "it will refuse to start: give it another calib_collection or other dates"
            for one in wanted
            for first in [next((n for n, earlier in before if _overlap(earlier, one)), None)]
            if first is not None
        ]
        yield replace(call, problems=(*call.problems, *problems))
        before += [(number, one) for one in wanted]


def _overlap(one: Certification, other: Certification) -> bool:
    filters = {one.physical_filter, other.physical_filter} - {None}
    return (
        (one.instrument, one.product, one.collection) == (other.instrument, other.product, other.collection)
        and len(filters) < 2
        and not set(one.detectors).isdisjoint(other.detectors)
        and _begin(one) < _end(other)
        and _begin(other) < _end(one)
    )


def _begin(wanted: Certification) -> datetime:
    return datetime.fromisoformat(wanted.begin) if wanted.begin else datetime.min


def _end(wanted: Certification) -> datetime:
    return datetime.fromisoformat(wanted.end) if wanted.end else datetime.max
