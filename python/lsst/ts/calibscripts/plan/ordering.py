"""Which step waits for which: from what their jobs read. Pure.

Reading never makes a circle: where the pipelines of a run read each other's products, the order of the documents
decides, and the earlier one reads what the collections have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ..tables.bootstraps import RECORDS
from ..tables.products import Product
from .steps import Action, Step, StepId, closure

__all__ = ["NOT_KNOWN", "Order", "Reads", "arranged", "order"]

Reads = Mapping[StepId, Collection[str]]
"""Products that the job of a step reads, of those steps of which it is known."""

NOT_KNOWN: Reads = MappingProxyType({})


@dataclass(frozen=True)
class Order:
    """Which products of a run the jobs of the same run read."""

    #: The inputs of each product that the run makes, without circles.
    made_from: Mapping[str, tuple[str, ...]]
    verified_with: Mapping[str, tuple[str, ...]]  #: What the verification of each reads, itself included.
    wait: bool = False  #: Does generation wait until what it reads is certified?

    def origins(self, name: str) -> frozenset[str]:
        """Return the inputs of a product, direct and indirect."""
        return closure(name, self.made_from)

    def judged_by(self, product: Product) -> tuple[str, ...]:
        """Return the products whose verdicts a certification waits for besides its own and those of its origins.

        They are those it was verified with and, of a product that is no combined image, the images it was made from.
        Where generation waits for certification these must not be made from such a product themselves.
        """
        known = {product.name, *self.origins(product.name)}
        others = [name for name in self.verified_with[product.name] if name not in known]
        if not product.always_verified:
            others_made = (name for name in self.made_from if not RECORDS[name].always_verified)
            asked = {*others_made} if self.wait else set()
            others += [str(name) for name in product.images if not asked & self.origins(str(name))]
        return tuple(dict.fromkeys(others))


def order(made: Sequence[str], reads: Reads, *, wait: bool) -> Order:
    """Find out which products of a run the jobs of the same run read.

    Parameters
    ----------
    made : sequence of `str`
        Products that the run makes, in the order of the table.
    reads : mapping
        What is known of the jobs; of others the table of products says what they read.
    wait : `bool`
        Does generation wait until what it reads is certified? Then a verification waits for no other product.
    """
    graph = {name: tuple(_made_before(name, made, reads)) for name in made}
    origins = {name: closure(name, graph) for name in made}
    made_from = {
        name: tuple(
            source
            for source in graph[name]
            if name not in origins[source] or source in RECORDS[name].made_from
        )
        for name in made
    }
    verified_with = {name: tuple(_verified_with(name, made_from, reads, wait=wait)) for name in made}
    return Order(made_from, verified_with, wait)


def _made_before(name: str, made: Sequence[str], reads: Reads) -> Iterator[str]:
    known = reads.get(StepId(Action.GENERATE, name))
    wanted = RECORDS[name].made_from if known is None else known
    yield from (other for other in made if other in wanted and other != name)


def _verified_with(
    name: str, made_from: Mapping[str, Sequence[str]], reads: Reads, *, wait: bool
) -> Iterator[str]:
    """Return which products of a run the verification of one of them reads.

    It does not wait for the products whose input it verifies: that it reads from the collections, so that a bad
    calibration is known before anything else is made from it.
    """
    wanted = {name, *closure(name, made_from)}
    if not wait:
        others = set(reads.get(StepId(Action.VERIFY, name), ())) & made_from.keys()
        wanted |= {other for other in others if name not in closure(other, made_from)}
    yield from (other for other in made_from if other in wanted)


def arranged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Put every step after those it waits for, and leave the order as it is elsewhere."""
    waiting = list(steps)
    there = {step.id for step in waiting}
    done: dict[StepId, Step] = {}
    while waiting:
        ready = next(
            step
            for step in waiting
            if all(o in done or o not in there for o in (*step.after, *step.once_over))
        )
        waiting.remove(ready)
        done[ready.id] = ready
    return tuple(done.values())
