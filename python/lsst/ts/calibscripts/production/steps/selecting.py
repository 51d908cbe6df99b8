"""The step `select`: which exposures go into which calibration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...decisions import Decision, own_decisions
from ...errors import ConfigurationError, describe
from ...repository.production import ProductionRepository
from ...repository.production_records import Frame
from ...tables.products import ImageType
from ..commands import query_exposures, shell_text
from ..desk import located
from ..ledger import Did, Ledger
from ..selection.choosing import Wanted, choose, table
from ..selection.naming import Names
from ..selection.rules import State
from ..selection.selection import Selection
from ..selection.selection_file import read_selection, selection_text

__all__ = ["Request", "parse_days", "select"]


@dataclass(frozen=True)
class Request:
    """What is to be selected."""

    repo: str  #: Butler repository.
    names: Names  #: What the production is called.
    detectors: tuple[int, ...]
    days: tuple[int, int]  #: First and last observing day of the exposures that calibrations are made from.
    verify_days: tuple[int, int] | None  #: First and last observing day of others, to verify them with.
    wanted: Wanted  #: Products and what narrows the selection down.

    def command(self) -> str:
        """Return the command that shows the exposures."""
        return shell_text(query_exposures(self.repo, self.names.instrument, [self.days, *self._others()]))

    def _others(self) -> Sequence[tuple[int, int]]:
        return [self.verify_days] if self.verify_days else []


@dataclass(frozen=True)
class _Exposures:
    """Exposures of the days asked for, those of other days, and how the camera was set up for them."""

    frames: tuple[Frame, ...]
    others: tuple[Frame, ...]
    states: Mapping[int, State]


def select(request: Request, path: Path, print: Callable[[str], None]) -> None:
    """Select exposures, show them as a table, and write the selection.

    Parameters
    ----------
    path : `pathlib.Path`
        Selection file to write.
    print : callable
        Takes the lines that are said.

    Raises
    ------
    ConfigurationError
        If there are no suitable exposures, or another selection exists already; nothing was written.
    """

    def say(text: str) -> None:
        for line in text.splitlines():
            print(f"# {line}".rstrip())

    print(request.command())
    found = _exposures(request)
    found, left_out = _without_bad(found, own_decisions().bad_exposures(request.names.instrument))
    for text in left_out:
        say(text)
    chosen = choose(request.wanted, found.frames, found.others, found.states)
    for remark in chosen.remarks:
        say(remark)
    if chosen.problems:
        first, last = request.days
        looked = f"Looked at {len(found.frames)} exposures of {first} to {last}. Nothing was written."
        raise ConfigurationError([*chosen.problems, looked])
    selection = Selection(located(request.repo), request.names, request.detectors, chosen.choices)
    shown = table(selection.choices, {frame.id: frame for frame in (*found.frames, *found.others)})
    say(shown)
    if _write(selection, path, say):
        did = Did("select", str(path), selection.repo, True, shown, (request.command(),))
        Ledger.beside(path).write(did)


def _exposures(request: Request) -> _Exposures:
    instrument = request.names.instrument
    with closing(ProductionRepository(request.repo)) as repository:
        days = {*repository.days(instrument, *request.days)}
        other_days = {*repository.days(instrument, *request.verify_days)} if request.verify_days else set()
        frames = repository.frames(instrument, days)
        others = repository.frames(instrument, other_days - days)
        kinds = {str(image_type) for image_type in ImageType}
        useful = [frame.id for frame in (*frames, *others) if frame.image_type in kinds]
        return _Exposures(frames, others, repository.states(instrument, useful, request.detectors[0]))


def _without_bad(found: _Exposures, bad: Mapping[int, Decision]) -> tuple[_Exposures, list[str]]:
    """Return the same without exposures that somebody has marked as bad, and what there is to say of those."""
    frames, others = (
        tuple(frame for frame in all_ if frame.id not in bad) for all_ in (found.frames, found.others)
    )
    left_out = [frame.id for frame in (*found.frames, *found.others) if frame.id in bad]
    texts = [f"Left out: {exposure} was {bad[exposure].signed}" for exposure in left_out]
    return _Exposures(frames, others, found.states), texts


def _write(selection: Selection, path: Path, say: Callable[[str], None]) -> bool:
    """Write a selection unless it exists already."""
    if path.exists():
        if read_selection(path) != selection:
            raise ConfigurationError(
                [f"{path} holds another selection, perhaps edited, and was left as it is: use another -o."]
            )
        say(f"select: already done: {path}")
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(selection_text(selection))
    except OSError as error:
        raise ConfigurationError([f"{path} cannot be written: {describe(error)}"]) from error
    say(f"select: {path} was written. Edit it where you know better.")
    return True


def parse_days(text: str) -> tuple[int, int]:
    """Read an observing day, or a range of them, ``20240325..20240327``.

    Raises
    ------
    ValueError
        If it is something else.
    """
    match = re.fullmatch(r"(\d{8})(?:\.\.(\d{8}))?", text)
    if match is None or int(match[1]) > int(match[2] or match[1]):
        raise ValueError(f"'{text}' is not an observing day (YYYYMMDD) or a range of them (first..last)")
    return int(match[1]), int(match[2] or match[1])
