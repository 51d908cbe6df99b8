"""The simulated ATSpectrograph: a filter wheel, a grating wheel and a linear stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...sal import ExpectedError
from ..faults.faults import Faults
from .csc import HardwareClock, SimulatedCsc
from .focalplane import INSTALLED

__all__ = ["SimulatedSpectrograph"]

WHEEL_TIME = 5.0
STAGE_SPEED = 10.0

FILTERS, GRATINGS = INSTALLED["LATISS"]


class SimulatedSpectrograph(SimulatedCsc):
    """ATSpectrograph with the filters and gratings in its wheels.

    Parameters
    ----------
    clock : `HardwareClock`
        Time of the wheels and of the stage.
    faults : `Faults`
        What misbehaves.

    Attributes
    ----------
    filter, grating : `str`
        Names in the beam.
    position : `float`
        Of the linear stage, in mm from home.
    """

    def __init__(self, clock: HardwareClock, *, faults: Faults | None = None) -> None:
        super().__init__("ATSpectrograph", faults=faults)
        self._clock = clock
        self.filter = "SDSSr_65mm"
        self.grating = "empty_1"
        self.position = 0.0

    async def begin(self) -> None:
        """Handle commands and publish what is in the beam."""
        self.controller.cmd_changeFilter.callback = self.change_filter
        self.controller.cmd_changeDisperser.callback = self.change_disperser
        self.controller.cmd_moveLinearStage.callback = self.move_linear_stage
        await self.controller.evt_settingsAppliedValues.set_write(
            filterNames=",".join(FILTERS), gratingNames=",".join(GRATINGS)
        )
        await self._report()

    async def change_filter(self, data: Any) -> None:
        """Turn the filter wheel to a slot (``filter``) or to a name (``name``)."""
        self.assert_enabled("changeFilter")
        name = _select(FILTERS, data.filter, data.name, "filter")
        await self._clock.sleep(WHEEL_TIME if name != self.filter else 0.0)
        self.filter = FILTERS[-1] if self.faults.hits("filter-stuck", self.name) else name
        await self._report()

    async def turn_away(self) -> None:
        """Put another filter into the beam, as another user may do at any time."""
        self.filter = next(name for name in FILTERS if name != self.filter)
        await self._report()

    async def change_disperser(self, data: Any) -> None:
        """Turn the grating wheel to a slot (``disperser``) or to a name (``name``)."""
        self.assert_enabled("changeDisperser")
        name = _select(GRATINGS, data.disperser, data.name, "grating")
        await self._clock.sleep(WHEEL_TIME if name != self.grating else 0.0)
        self.grating = name
        await self._report()

    async def move_linear_stage(self, data: Any) -> None:
        """Move the linear stage to ``distanceFromHome``, in mm."""
        self.assert_enabled("moveLinearStage")
        await self._clock.sleep(abs(data.distanceFromHome - self.position) / STAGE_SPEED)
        self.position = data.distanceFromHome
        await self._report()

    async def _report(self) -> None:
        await self.controller.evt_reportedFilterPosition.set_write(
            slot=FILTERS.index(self.filter), name=self.filter
        )
        await self.controller.evt_reportedDisperserPosition.set_write(
            slot=GRATINGS.index(self.grating), name=self.grating
        )
        await self.controller.evt_reportedLinearStagePosition.set_write(position=self.position)


def _select(names: Sequence[str], slot: int, name: str, what: str) -> str:
    if name and slot:
        raise ExpectedError(f"Both a {what} slot ({slot}) and a name ({name!r}) are set; set only one")
    if name and name not in names:
        raise ExpectedError(f"{what.capitalize()} {name!r} is not installed, only {', '.join(names)}")
    if not 0 <= slot < len(names):
        raise ExpectedError(f"{what.capitalize()} slot {slot} does not exist, only 0 to {len(names) - 1}")
    return name or names[slot]
