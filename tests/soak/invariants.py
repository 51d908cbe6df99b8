"""What holds of every run, whatever goes wrong. Each rule yields a sentence for everything that does not."""

from __future__ import annotations

from collections.abc import Callable

from soak import certifying, ending, telling, working
from soak.reading import Problems
from soak.story import Story

__all__ = ["INVARIANTS", "broken"]

INVARIANTS: tuple[Callable[[Story], Problems], ...] = tuple(
    getattr(module, name) for module in (certifying, working, ending, telling) for name in module.__all__
)


def broken(story: Story) -> list[str]:
    """Give everything in which a run was not as every run is to be."""
    return [f"{rule.__name__}: {problem}" for rule in INVARIANTS for problem in rule(story)]
