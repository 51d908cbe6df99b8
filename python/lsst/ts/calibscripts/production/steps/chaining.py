"""The step `chain`: puts what was certified in front of everybody's calibrations, and takes it away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from ...errors import ConflictError, RunFailedError
from ..commands import chain as chain_command
from ..commands import shell_text, show_chain
from ..desk import Desk
from ..ledger import Chained
from ..selection.selection import Selection

__all__ = ["Chains", "chain", "changed", "commands", "undo", "undo_commands"]

Chains: TypeAlias = Mapping[str, tuple[str, ...] | None]
"""Chain -> children, in the order they are searched; None where there is no such collection."""


def commands(selection: Selection, repo: str) -> Iterator[str]:
    """Return the commands of the step."""
    names = selection.names
    members = [selection.certified(choice) for choice in selection.choices]
    yield shell_text(show_chain(repo, names.calib))
    yield shell_text(chain_command(repo, names.chain, members))
    yield shell_text(chain_command(repo, names.calib, [names.chain]))
    yield shell_text(show_chain(repo, names.calib))


def changed(selection: Selection, before: Chains) -> Chains:
    """Return the chains with what was certified in front; pure.

    Parameters
    ----------
    before : mapping
        Children of ``<INSTRUMENT>/calib`` and ``<INSTRUMENT>/calib/<TICKET>``.

    Returns
    -------
    mapping
        The same chains afterwards; equal to ``before`` where nothing is to be done.

    Raises
    ------
    ConflictError
        If something of it is in a chain already, in another way than this step puts it there.
    """
    names = selection.names
    top, own = before.get(names.calib) or (), before.get(names.chain) or ()
    members = tuple(selection.certified(choice) for choice in selection.choices)
    if doubled := [member for member in members if member in top]:
        raise ConflictError(
            f"{names.calib} already contains {', '.join(doubled)}, without {names.chain}. The chains were not "
            "changed. Remove it with `butler collection-chain --mode remove` first."
        )
    new = tuple(member for member in members if member not in own)
    if new and names.chain in top[1:]:
        place = top.index(names.chain)
        raise ConflictError(
            f"{names.calib} already contains {names.chain}, behind {', '.join(top[:place])}, which would be found "
            "first. The chains were not changed. Use another ticket, or move it by hand."
        )
    in_front = top if names.chain in top else (names.chain, *top)
    return {names.chain: (*new, *own), names.calib: in_front}


def chain(desk: Desk) -> None:
    """Put what was certified into the chain of the ticket, and that in front of everybody's calibrations.

    Raises
    ------
    RunFailedError
        If not everything is certified; the chains were not changed.
    ConflictError
        If something of it is in a chain already.
    """
    selection, repository = desk.selection, desk.repository
    members = [selection.certified(choice) for choice in selection.choices]
    if missing := repository.missing_collections(members):
        raise RunFailedError(
            [
                f"{', '.join(missing)} is not in {repository.uri}: certify it first. The chains were not changed."
            ]
        )
    before = _chains(desk)
    after = changed(selection, before)
    if after == before:
        desk.already("chain", _words(after))
        return
    new = [member for member in members if member not in (before[selection.names.chain] or ())]
    texts = [
        shell_text(chain_command(repository.uri, selection.names.chain, new)),
        *(
            [shell_text(chain_command(repository.uri, selection.names.calib, [selection.names.chain]))]
            if after[selection.names.calib] != before[selection.names.calib]
            else []
        ),
    ]
    _change(desk, before, after, texts, undoes=False)


def undo(desk: Desk) -> None:
    """Restore the children that the chains had before the last change.

    Raises
    ------
    ConflictError
        If somebody has changed them since.
    """
    repo, last = desk.repository.uri, _last(desk)
    if last is None:
        desk.already("chain --undo", f"nothing to undo for this production in {repo}")
        return
    present = _chains(desk)
    if present != {name: last.after.get(name) for name in present}:
        raise ConflictError(
            f"The chains in {repo} were changed by others since: they are {_words(present)}, and were left by this "
            f"production as {_words(last.after)}. Nothing was undone; do it by hand."
        )
    _change(desk, present, last.before, [*_undoing(repo, last)], undoes=True)


def undo_commands(desk: Desk) -> Iterator[str]:
    """Return the commands that undo the last change."""
    last = _last(desk)
    return _undoing(desk.repository.uri, last) if last is not None else iter(())


def _last(desk: Desk) -> Chained | None:
    """Return the last change in this repository unless it was undone."""
    mine = [event for event in desk.ledger.events(Chained) if event.repo == desk.repository.uri]
    return mine[-1] if mine and not mine[-1].undoes else None


def _undoing(repo: str, last: Chained) -> Iterator[str]:
    # The upper chain first: a chain that another one has in it cannot be removed.
    for name, children in sorted(last.before.items(), key=lambda item: len(item[0])):
        new = [child for child in last.after[name] or () if child not in (children or ())]
        if children is None:
            yield shell_text(["butler", "remove-collections", "--no-confirm", repo, name])
        elif new:
            yield shell_text(chain_command(repo, name, new, "remove"))


def _change(desk: Desk, before: Chains, after: Chains, texts: Sequence[str], *, undoes: bool) -> None:
    show = shell_text(show_chain(desk.repository.uri, desk.selection.names.calib))
    desk.show([show])
    desk.say(f"before: {_words(before)}")
    desk.show(texts)
    desk.repository.set_chains(after)
    desk.ledger.write(Chained(desk.repository.uri, before, after, undoes))
    desk.show([show])
    desk.say(f"after: {_words(_chains(desk))}")


def _chains(desk: Desk) -> dict[str, tuple[str, ...] | None]:
    names = desk.selection.names
    return {name: desk.repository.chain(name) for name in (names.chain, names.calib)}


def _words(chains: Chains) -> str:
    return "; ".join(
        f"{name} does not exist" if children is None else f"{name} = {', '.join(children) or 'nothing'}"
        for name, children in chains.items()
    )
