"""Warns of what is not ready for flats, where it does not stand in their way."""

from __future__ import annotations

from .context import RunContext

__all__ = ["warn_of_flat_setup"]


async def warn_of_flat_setup(context: RunContext) -> None:
    """Warn of what is not ready for flats, if ``flat_setup`` is ``warn``; of the same only once."""
    if context.config.flat_setup != "warn":
        return
    for text in await context.host.not_ready_for_flats():
        context.journal.warn_once(text, f"Not ready for flats: {text}.")
