"""Has the camera take one exposure, and finds out which it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from ...errors import ExposureError, ImageSetError, describe
from ...ground.cancellation import heed_cancellation
from ...plan import Exposure
from ...sal import AckError, AckTimeoutError
from ..context import RunContext
from .flat_setup import Looked

__all__ = ["Camera", "Count"]

EXPOSURE_TIMEOUT = 600.0
"""Longest wait for an exposure beyond its exposure time, seconds: the set-up, and images of others, take minutes.

The camera class itself waits for ever where it has missed that an earlier image was read out.
"""


@dataclass(frozen=True)
class Count:
    """How far the exposures of one kind have come."""

    name: str  #: What they are called, e.g. BIAS.
    taken: int  #: How many were taken.
    wanted: int  #: How many are to be taken.


@dataclass(frozen=True)
class Camera:
    """Takes the exposures of a run, one at a time."""

    context: RunContext  #: The run.
    looked: Looked  #: Whether images of a type can be taken.

    async def expose(self, exposure: Exposure, note: str, count: Count) -> int:
        """Take one exposure, and return its id.

        Parameters
        ----------
        note : `str`
            What its header is to say beside the note of the configuration.
        count : `Count`
            Those of its kind.

        Raises
        ------
        ImageSetError
            If it is the first of them, and images of its type cannot be taken now.
        ExposureError
            If it was not taken, or its id is unknown.
        """
        if not count.taken:
            await self._require(exposure.image_type.name, count)
        last = self._last_begun()
        try:
            return self._new_exposure(await self._take_image(exposure, note))
        except Exception as error:
            # Whatever the camera or a subclass raises: the image was not taken, or its id is unknown.
            heed_cancellation()
            answered = isinstance(error, AckError) and not isinstance(error, AckTimeoutError)
            # It may have failed after the image was begun: then there may be one.
            refused = answered and self._last_begun() == last
            raise ExposureError(count.name, count.taken, count.wanted, error, refused=refused) from error

    async def _require(self, image_type: str, count: Count) -> None:
        """Look whether images of a type can be taken, before the first one of a kind.

        Raises
        ------
        ImageSetError
            If they cannot.
        """
        try:
            await self.looked.require(image_type)
        except Exception as error:
            # Whatever a subclass raises: here it only means no.
            heed_cancellation()
            raise ImageSetError(
                image_type,
                f"{count.name} exposure 1 of {count.wanted} was not taken: {describe(error)}. No further images are "
                "taken. Fix that, then queue the script or its BLOCK again.",
            ) from error

    def _last_begun(self) -> str:
        """Return the name of the image that the camera has begun last, as far as it has reported one."""
        begun = self.context.host.camera.camera.evt_startIntegration.get()
        return "" if begun is None else str(begun.imageName)

    async def _take_image(self, exposure: Exposure, note: str) -> Any:
        """Have the camera take an image, and return what it returns.

        Raises
        ------
        TimeoutError
            If it does not within `EXPOSURE_TIMEOUT`.
        """
        config = self.context.config
        try:
            async with asyncio.timeout(exposure.exposure_time + EXPOSURE_TIMEOUT) as limit:
                return await self.context.host.camera.take_imgtype(
                    exposure.image_type.name,
                    exposure.exposure_time,
                    1,
                    group_id=self.context.host.get_group_id(),
                    reason=config.reason,
                    program=config.program,
                    note="; ".join(filter(None, (config.note, note))) or None,
                )
        except TimeoutError as error:
            if not limit.expired():
                raise
            seconds = f"{EXPOSURE_TIMEOUT:.0f} s and its exposure time"
            perhaps = "the readout of an earlier image may not have been reported either"
            raise TimeoutError(f"no exposure was reported within {seconds}; {perhaps}") from error

    def _new_exposure(self, returned: Any) -> int:
        """Return the id of the one exposure the camera has reported; an earlier one must not be used a second time.

        Raises
        ------
        ValueError
            If it is not the id of one exposure that is later than the others of this run.
        """
        before = max(self.context.state.exposures_taken, default=0)
        match returned:
            case [int(exposure)] if exposure > before:
                return exposure
        later = f" (later than {before})" if before else ""
        raise ValueError(f"the camera returned {returned} instead of one new exposure id{later}")
