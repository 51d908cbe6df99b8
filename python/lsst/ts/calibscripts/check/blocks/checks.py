"""What is wrong with BLOCK files, each by itself and beside one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from ...config import did_you_mean
from ...config.scripts import SCRIPTS, UnknownScriptError, find_record
from ...config.text.explain import hint
from ...repository import Certification
from .. import Checked, check_values, look_up_pipelines, without_repository, wrong_values
from .expansion import ExpandedScript, ScriptCall, expand_all
from .model import Block, queue_prefix
from .reading import read_block

__all__ = ["CheckedBlock", "CheckedCall", "check_block", "check_files"]

_SHOWN = 3
"""Most files that one problem names."""


@dataclass(frozen=True)
class CheckedCall:
    """A script of a BLOCK and what there is to say of it."""

    name: str  #: Name of the script.
    #: Its configuration; None for a script of another package, which is not checked.
    checked: Checked | None = None
    #: One sentence each.
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckedBlock:
    """A BLOCK and what there is to say of it."""

    path: Path  #: Its file.
    block: Block | None = None  #: None where nothing of the file can be read as one.
    calls: tuple[CheckedCall, ...] = ()  #: Its scripts.
    #: Everything, that of the scripts included.
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
            found.append(CheckedBlock(path, problems=("no *.json in or below this directory",)))
    return (*_check_group(files, overrides), *found)


def _check_group(paths: Iterable[Path], overrides: Mapping[str, Any] | None) -> Iterator[CheckedBlock]:
    """Check what a Scheduler loads together."""
    found = [_check_file(path, overrides) for path in paths]
    holders: dict[str, list[Path]] = defaultdict(list)
    for checked in found:
        if checked.block is not None and checked.block.program:
            holders[checked.block.program].append(checked.path)
    for checked in found:
        program = checked.block.program if checked.block is not None else ""
        shown = [str(path) for path in holders.get(program, ())[: _SHOWN + 1] if path != checked.path][
            :_SHOWN
        ]
        if shown:
            more = len(holders[program]) - 1 - len(shown)
            text = (
                f"program {program} is also that of {', '.join(shown)}{f' and {more} more' if more else ''}: the "
                "Scheduler silently replaces a BLOCK by one it reads later with the same program. Keep one of them"
            )
            yield replace(checked, problems=(*checked.problems, text))
        else:
            yield checked


def _check_file(path: Path, overrides: Mapping[str, Any] | None) -> CheckedBlock:
    found = read_block(path)
    if found.block is None:
        return CheckedBlock(path, problems=found.problems)
    checked = check_block(found.block, overrides, path)
    return replace(checked, problems=(*found.problems, *checked.problems))


def check_block(
    block: Block, overrides: Mapping[str, Any] | None = None, path: Path = Path()
) -> CheckedBlock:
    """Check a BLOCK.

    Parameters
    ----------
    overrides : mapping, optional
        Values given to ``add_block``.
    """
    expanded = expand_all(block, overrides)
    # When it is configured, the Scheduler expands every BLOCK without overrides.
    first = expand_all(block).problems if overrides else ()
    checked = [_check_script(script, block) for script in expanded.scripts]
    calls = tuple(_certified_once(checked))
    return CheckedBlock(
        path,
        block,
        calls,
        problems=(
            *dict.fromkeys((*first, *expanded.problems)),
            *_numbered((call.name, call.problems) for call in calls),
        ),
        warnings=(
            *_numbered((call.name, call.warnings) for call in calls),
            *(
                f"configuration_schema: no script uses ${name}, so it changes nothing"
                for name in expanded.unused
            ),
        ),
    )


def _numbered(found: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """Write before each text about a script the script's number and name."""
    for number, (name, texts) in enumerate(found, 1):
        for text in texts:
            yield f"script {number} ({name}): {text}"


def _check_script(script: ExpandedScript, block: Block) -> CheckedCall:
    call = script.call
    if call.name not in SCRIPTS:
        return _foreign(call.name, call.parameters)
    if not script.complete:
        return _check_values_alone(call)
    checked = without_repository(
        look_up_pipelines(check_values(SCRIPTS[call.name], call.parameters), insist=False)
    )
    problems = (*_misplaced(call), *checked.problems)
    program = checked.spec.config.program if checked.spec is not None else None
    other = (
        [f"program is {program}, so the headers of its images do not name {block.program}, the BLOCK's"]
        if program and not _names(program, block.program)
        else []
    )
    return CheckedCall(call.name, checked, problems, warnings=(*other, *checked.warnings))


def _names(program: str, block_program: str) -> bool:
    """Return whether the program of some images names the BLOCK, or the number of which it is a variant."""
    try:
        return program == block_program or queue_prefix(program) == queue_prefix(block_program)
    except ValueError:
        return False


def _check_values_alone(call: ScriptCall) -> CheckedCall:
    """Check the values of a script some of whose parameters are not known: each by itself."""
    record = SCRIPTS[call.name]
    wrong = wrong_values(record, call.parameters)
    problems = (*_misplaced(call), *(f"{name}: {text}" for name, text in wrong.items()))
    return CheckedCall(call.name, Checked(record), problems)


def _misplaced(call: ScriptCall) -> Iterator[str]:
    """Report what only the Scheduler would refuse."""
    if call.standard:
        yield "standard must be false: it is not among the standard scripts, so it would not be found"
    for name, value in call.parameters.items():
        if isinstance(value, date):
            yield (
                f"{name}: the Scheduler refuses a date that is not a text: write it as ${{name}}T00:00:00, which "
                "stays one"
            )


def _foreign(name: str, values: Mapping[str, Any]) -> CheckedCall:
    """Report what can be said of a script of another package."""
    if _meant(name):
        try:
            find_record(name)
        except UnknownScriptError as error:
            return CheckedCall(name, problems=(str(error),))
    hints = ((key, hint(key, value)) for key, value in values.items())
    warnings = [f"{key}: {text}" for key, text in hints if text]
    if not name.endswith(".py"):
        warnings.insert(0, "the name does not end in .py, as those of all scripts of the ScriptQueue do")
    return CheckedCall(name, warnings=tuple(warnings))


def _meant(name: str) -> bool:
    """Return whether a name is meant to be that of a script of this package."""
    stem = PurePosixPath(name.strip().lower()).name.removesuffix(".py")
    ours = [PurePosixPath(known).stem for known in SCRIPTS]
    return PurePosixPath(stem).match("make_*_calibrations") or bool(did_you_mean(stem, ours, like=0.9))


def _certified_once(calls: Sequence[CheckedCall]) -> Iterator[CheckedCall]:
    """Return the scripts with what each would certify although an earlier one has certified it."""
    before: list[tuple[int, Certification]] = []
    for number, call in enumerate(calls, 1):
        spec = None if call.checked is None else call.checked.spec
        wanted = () if spec is None else spec.certifications
        problems = [
            f"certifies {one.product} into {one.collection} for {one.validity.interval}, as script {first} does "
            "before it, so it will refuse to start: set another calib_collection or other dates"
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
        and one.validity.overlaps(other.validity)
    )
