"""What holds of every run, whatever goes wrong. Each rule yields a sentence for everything that does not."""

from __future__ import annotations

from collections.abc import Callable

from soak import certifying, ending, flats, pacing, resuming, selecting, telling, working
from soak.reading import Problems
from soak.story import Story

__all__ = ["INVARIANTS", "broken", "broken_by_the_second"]

INVARIANTS: tuple[Callable[[Story], Problems], ...] = tuple(
    getattr(module, name)
    for module in (certifying, selecting, flats, working, pacing, ending, telling)
    for name in module.__all__
)


def broken(story: Story) -> list[str]:
    """Return everything in which a run was not as every run is to be."""
    return [f"{rule.__name__}: {problem}" for rule in INVARIANTS for problem in rule(story)]


def broken_by_the_second(first: Story, second: Story) -> list[str]:
    """Return everything in which a run that was offered by another was not as every such run is to be."""
    of_two = resuming.PAIR_INVARIANTS
    found = [f"{rule.__name__}: {problem}" for rule in of_two for problem in rule(first, second)]
    return [*found, *(f"second run: {problem}" for problem in broken(second))]
