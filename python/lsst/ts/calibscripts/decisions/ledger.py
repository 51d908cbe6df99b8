"""The ledger of decisions beside the records: only ever appended to, by several people at once."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import DecisionError, InputError, describe
from ..events.events import Certified
from ..ground.appending import append_line, is_whole
from ..ground.home import record_directory
from ..ground.tai import tai_now
from ..ground.threads import within
from ..ground.untrusted import RECORD, parse_json, read_text
from .decided import NO_DECISIONS, Decisions
from .decision import Decision, Subject, Verb

__all__ = ["LEDGER", "check_signature", "check_writable", "decide", "own_decisions", "read_decisions"]

LEDGER = "calibscripts.decisions.jsonl"
"""Name of the ledger in a directory of records."""

LEDGER_TIMEOUT = 10.0
"""Longest wait for the disk with the ledger, seconds."""

_LONGEST = 2000
"""Longest reason, characters."""

_ADAPTER = TypeAdapter(Decision)


def read_decisions(directories: Sequence[Path]) -> Decisions:
    """Return the decisions in the ledgers of some directories. Blocks.

    Parameters
    ----------
    directories : sequence of `pathlib.Path`
        Where records are; there need not be a ledger.

    Returns
    -------
    `Decisions`
        All that can be read; what cannot is among its problems.
    """
    found: list[Decision] = []
    problems: list[str] = []
    for directory in dict.fromkeys(directories):
        _read(directory / LEDGER, found, problems)
    return Decisions(tuple(sorted(found, key=lambda decision: decision.tai)), tuple(problems))


def own_decisions() -> Decisions:
    """Return the decisions in the ledger that scripts and commands of this user heed. Blocks."""
    try:
        directory = record_directory()
        return within(LEDGER_TIMEOUT, read_decisions, [directory])
    except FileNotFoundError:
        # Where records have no place nobody can have decided anything.
        return NO_DECISIONS
    except TimeoutError:
        problem = (
            f"The decisions in {directory} were not read within {LEDGER_TIMEOUT:.0f} s: look at its disk. None of "
            "them is heeded."
        )
        return Decisions(problems=(problem,))


def _read(path: Path, found: list[Decision], problems: list[str]) -> None:
    try:
        if not path.exists() and not path.is_symlink():
            return
        *texts, last = read_text(path, RECORD, replacing=True).split("\n")
    except (InputError, OSError) as error:
        problems.append(f"The decisions in {path} cannot be read: {describe(error)}. None of them is heeded.")
        return
    if is_whole(last):
        # Somebody has edited the file; what was not written to its end records nothing.
        texts.append(last)
    for number, text in enumerate(texts, 1):
        try:
            found.append(_ADAPTER.validate_python(parse_json(text, RECORD)))
        except (InputError, ValidationError) as error:
            problems.append(f"{path}, line {number} is not a decision and is not heeded: {describe(error)}")


def decide(
    directory: Path,
    who: str,
    why: str,
    verb: Verb,
    subject: Subject,
    *,
    withdraws: str = "",
    certified: Certified | None = None,
) -> Decision:
    """Sign a decision and keep it in the ledger of a directory. Blocks.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are.
    verb : `Verb`
        What.
    subject : `ProductSubject`, `ExposureSubject` or `MasterSubject`
        On what.
    withdraws : `str`, optional
        Identifier of the decision that is withdrawn.
    certified : `Certified`, optional
        What was certified.

    Raises
    ------
    DecisionError
        If it has no name or no reason, or cannot be written.
    """
    check_signature(who, why)
    tai = tai_now().isoformat(timespec="seconds")
    decision = Decision(
        uuid.uuid4().hex[:12], tai, who.strip(), why.strip(), verb, subject, withdraws, certified
    )
    text = json.dumps(asdict(decision), ensure_ascii=False, separators=(",", ":"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        append_line(directory / LEDGER, text)
    except (OSError, UnicodeError) as error:
        raise DecisionError(
            f"The decision cannot be written to {directory / LEDGER}: {describe(error)}. Not recorded: {text}"
        ) from error
    return decision


def check_signature(who: str, why: str) -> None:
    """Check that somebody signs a decision with a name and a reason.

    Raises
    ------
    DecisionError
        If one of them is missing or too long.
    """
    if not who.strip():
        raise DecisionError("Nothing was decided: a decision needs the name of whoever signs it.")
    if not why.strip():
        raise DecisionError("Nothing was decided: a decision needs a reason.")
    if len(why) > _LONGEST or len(who) > _LONGEST:
        raise DecisionError(f"Nothing was decided: the reason is longer than {_LONGEST} characters.")


def check_writable(directory: Path) -> None:
    """Check that a decision could be kept in the ledger of a directory, before anything is done because of it.

    Parameters
    ----------
    directory : `pathlib.Path`
        Where the records are.

    Raises
    ------
    DecisionError
        If it could not.
    """
    ledger = directory / LEDGER
    if not os.access(ledger if ledger.exists() else directory, os.W_OK):
        raise DecisionError(f"The ledger {ledger} cannot be written to. Nothing was decided.")
