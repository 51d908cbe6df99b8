"""The simulated CCCamera and MTCamera, which have filters of their own."""

from __future__ import annotations

from typing import Any

from ...sal import ExpectedError
from .camera import SimulatedCamera
from .csc import write
from .focalplane import INSTALLED

__all__ = ["SimulatedFilterCamera"]

FILTER_CHANGE_TIME = 20.0


class SimulatedFilterCamera(SimulatedCamera):
    """CCCamera or MTCamera, which change filters themselves. Parameters as those of `SimulatedCamera`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._filters, _ = INSTALLED[self.instrument.name]
        self._filter = next(name for name in self._filters if name.startswith("r"))

    @property
    def filter(self) -> str:
        """Name of the filter in the beam."""
        return self._filter

    async def lose_filter(self) -> None:
        """Put another filter into the beam, as another user may do at any time."""
        self._filter = next(name for name in self._filters if name != self._filter)
        await self._publish_filter()

    async def begin(self) -> None:
        """Handle commands, and publish the filters there are and the one in the beam."""
        await super().begin()
        self.controller.cmd_setFilter.callback = self.set_filter
        if hasattr(self.controller, "cmd_initGuiders"):
            self.controller.cmd_initGuiders.callback = self.init_guiders
        await self.controller.evt_availableFilters.set_write(filterNames=",".join(self._filters))
        await self._publish_filter()

    async def set_filter(self, data: Any) -> None:
        """Put the filter ``data.name`` into the beam.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            If the camera is not enabled, is busy, or has no such filter.
        """
        self.assert_enabled("setFilter")
        if self._busy:
            raise ExpectedError(f"{self.name} is busy; send setFilter when the image has been read out")
        if data.name not in self._filters:
            raise ExpectedError(f"{self.name} has no filter {data.name!r}, only {', '.join(self._filters)}")
        await self._clock.sleep(FILTER_CHANGE_TIME)
        self._filter = data.name
        await self._publish_filter()

    async def init_guiders(self, data: Any) -> None:
        """Take the regions of interest of the guiders; the simulated camera does not guide."""
        self.assert_enabled("initGuiders")

    async def _publish_filter(self) -> None:
        await write(
            self.controller.evt_endSetFilter,
            filterName=self._filter,
            filterType=self._filter.partition("_")[0],
        )
