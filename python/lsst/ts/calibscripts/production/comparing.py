"""`compare`: do several repositories hold the same calibrations?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from ..repository.production import ProductionRepository
from ..repository.production_records import Association

__all__ = ["Contents", "contents", "differences", "text"]


@dataclass(frozen=True)
class Contents:
    """What is behind a collection in a repository."""

    repo: str  #: Repository.
    collections: tuple[str, ...]  #: Collections in the order they are searched.
    associations: tuple[Association, ...]  #: What the CALIBRATION collections among them hold.


def contents(repo: str, collection: str) -> Contents:
    """Read what is behind a collection."""
    with closing(ProductionRepository(repo)) as repository:
        return Contents(repo, repository.flattened(collection), repository.associations(collection))


def text(found: Sequence[Contents]) -> tuple[bool, str]:
    """Report whether repositories agree, and in what they do not, as comments of a shell."""
    lines = [f"# {difference}" for difference in differences(found)]
    if not any(one.collections for one in found):
        lines = ["# None of them has such a collection."]
    if lines:
        return False, "\n".join(lines)
    collections, datasets = len(found[0].collections), len(found[0].associations)
    return True, f"# They agree: {collections} collections, {datasets} certified datasets."


def differences(found: Sequence[Contents]) -> Iterator[str]:
    """Report in what repositories differ from the first of them; pure.

    Yields
    ------
    `str`
        One sentence for each difference in collections, their order, validity ranges and datasets.
    """
    first, *others = found
    for other in others:
        yield from _collections(first, other)
        yield from _associations(first, other)


def _collections(first: Contents, other: Contents) -> Iterator[str]:
    for here, there in ((first, other), (other, first)):
        for name in here.collections:
            if name not in there.collections:
                yield f"{name} is in {here.repo}, but not in {there.repo}."
    common = [name for name in first.collections if name in other.collections]
    order = [name for name in other.collections if name in first.collections]
    if common != order:
        yield f"The order is {', '.join(common)} in {first.repo}, but {', '.join(order)} in {other.repo}."


def _associations(first: Contents, other: Contents) -> Iterator[str]:
    common = {*first.collections} & {*other.collections}
    mine, theirs = (
        {
            (one.collection, one.key, one.validity): one
            for one in contents.associations
            if one.collection in common
        }
        for contents in (first, other)
    )
    for key in sorted(mine.keys() | theirs.keys(), key=lambda key: (*key[:2], str(key[2]))):
        if key not in theirs:
            yield f"{_words(mine[key])} is in {first.repo}, but not in {other.repo}."
        elif key not in mine:
            yield f"{_words(theirs[key])} is in {other.repo}, but not in {first.repo}."
        elif (here := mine[key].dataset) != (there := theirs[key].dataset):
            yield f"{_words(mine[key])} is {here} in {first.repo}, but {there} in {other.repo}."


def _words(one: Association) -> str:
    return f"{one.collection}: {' '.join(one.key)} for {one.validity.interval}"
