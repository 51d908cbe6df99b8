"""Looks whether images can be taken, beside the exposures before them: the camera does not wait for that."""

from __future__ import annotations

import asyncio

from ...errors import describe
from ...ground.cancellation import heed_cancellation
from ..context import RunContext
from ..host import answer_of

__all__ = ["Looked", "warn_of_flat_setup"]

LASTS = 60.0
"""How long a look beside an exposure counts, seconds: a pause may lie between it and the images."""


class Looked:
    """What was seen of images that are to be taken, while those before them were.

    Parameters
    ----------
    context : `RunContext`
        The run.
    tasks : `asyncio.TaskGroup`
        Has what goes on beside the camera.
    """

    def __init__(self, context: RunContext, tasks: asyncio.TaskGroup) -> None:
        self._context = context
        self._tasks = tasks
        self._begun: dict[str, tuple[float, asyncio.Task[Exception | None]]] = {}

    def begin(self, image_type: str) -> None:
        """Begin to look whether images of a type can be taken; what is in their way is kept for `require`."""
        look = self._tasks.create_task(self._look(image_type))
        self._begun[image_type] = asyncio.get_running_loop().time(), look

    async def require(self, image_type: str) -> None:
        """Raise what the subclass raised where images of a type cannot be taken; look now where nobody has lately."""
        begun, look = self._begun.pop(image_type, (-LASTS, None))
        if look is None or asyncio.get_running_loop().time() > begun + LASTS:
            await answer_of("assert_feasibility", self._context.host.assert_feasibility(image_type))
        elif error := await look:
            raise error

    async def _look(self, image_type: str) -> Exception | None:
        try:
            await answer_of("assert_feasibility", self._context.host.assert_feasibility(image_type))
        except Exception as error:
            # Subclasses raise what they like; it concerns the images that come next, not those that are taken now.
            return error
        return None


async def warn_of_flat_setup(context: RunContext) -> None:
    """Warn of what is not ready for flats, if ``flat_setup`` is ``warn``; of the same only once."""
    if context.config.flat_setup != "warn":
        return
    try:
        found = await answer_of("not_ready_for_flats", context.host.not_ready_for_flats())
    except Exception as error:
        # Whatever a subclass raises: a run does not end for a warning.
        heed_cancellation()
        text = f"Whether all is ready for flats could not be looked at: {describe(error)}."
        context.journal.warn_once(text, text)
        return
    for text in found:
        context.journal.warn_once(text, f"Not ready for flats: {text}.")
