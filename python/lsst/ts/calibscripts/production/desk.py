"""Where a step of a production works: its selection, its repository, its ledger, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ConfigurationError, RunFailedError
from ..repository.production import ProductionRepository
from .ledger import Did, Ledger
from .selection.selection import ExposureChoice, Selection
from .selection.selection_file import read_selection

__all__ = ["Desk", "chosen", "fail", "located", "open_desk"]


@dataclass(frozen=True)
class Desk:
    """What a step needs."""

    selection: Selection  #: What is made.
    directory: Path  #: Where logs, exports and the ledger are: that of the selection.
    repository: ProductionRepository  #: Repository the step works on.
    ledger: Ledger  #: What was done before, and is done now.
    #: Takes the lines a step says: commands as a shell reads them, everything else as comments.
    print: Callable[[str], None]

    def say(self, text: str) -> None:
        """Write a remark, which is not a command."""
        for line in text.splitlines():
            self.print(f"# {line}".rstrip())

    def show(self, commands: Iterable[str]) -> None:
        """Show commands."""
        for command in commands:
            self.print(command)

    def did(self, step: str, what: str, text: str, commands: Sequence[str], **facts: str) -> None:
        """Record what was done, and say so."""
        self._note(Did(step, what, self.repository.uri, True, text, tuple(commands), facts))

    def failed(self, step: str, what: str, text: str, commands: Sequence[str], **facts: str) -> None:
        """Record what failed, and say so."""
        self._note(Did(step, what, self.repository.uri, False, text, tuple(commands), facts))

    def _note(self, event: Did) -> None:
        self.ledger.write(event)
        self.say(f"{event.what}: {'' if event.succeeded else 'FAILED: '}{event.text}")

    def already(self, what: str, text: str = "") -> None:
        """Report that something was done before, and that nothing is changed."""
        self.say(f"{what}: already done{f': {text}' if text else ''}")

    def at(self, repo: str) -> Desk:
        """Return the desk of the same production at another repository."""
        return replace(self, repository=ProductionRepository(located(repo)))


def located(repo: str) -> str:
    """Return the address of a repository that holds everywhere: a path becomes absolute."""
    return str(Path(repo).absolute()) if Path(repo).exists() else repo


def open_desk(path: Path, print: Callable[[str], None]) -> Desk:
    """Begin to work on a selection.

    Raises
    ------
    ConfigurationError
        If it is not a selection.
    """
    selection = read_selection(path)
    return Desk(selection, path.parent, ProductionRepository(selection.repo), Ledger.beside(path), print)


def chosen(selection: Selection, labels: Sequence[str]) -> tuple[ExposureChoice, ...]:
    """Return the calibrations that a step is for: those named, in the order of the selection, or all.

    Raises
    ------
    ConfigurationError
        If one is not in the selection.
    """
    if unknown := [label for label in labels if label not in {c.label for c in selection.choices}]:
        known = ", ".join(choice.label for choice in selection.choices)
        raise ConfigurationError([f"The selection has no {', '.join(unknown)}, only {known}"])
    return tuple(choice for choice in selection.choices if not labels or choice.label in labels)


def fail(failures: Sequence[str]) -> None:
    """Raise `RunFailedError` if anything failed."""
    if failures:
        raise RunFailedError(failures)
