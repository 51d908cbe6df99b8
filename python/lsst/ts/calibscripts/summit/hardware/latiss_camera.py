"""The simulated ATCamera."""

from __future__ import annotations

from typing import Any

from .camera import SimulatedCamera
from .spectrograph import SimulatedSpectrograph

__all__ = ["SimulatedLatissCamera"]


class SimulatedLatissCamera(SimulatedCamera):
    """ATCamera; its filter and grating are those of ATSpectrograph.

    Parameters
    ----------
    spectrograph : `SimulatedSpectrograph`
        What is in the beam.
    *arguments, **options
        As `SimulatedCamera` takes them.
    """

    def __init__(self, spectrograph: SimulatedSpectrograph, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._spectrograph = spectrograph

    @property
    def filter(self) -> str:
        """Name of the filter in the beam."""
        return self._spectrograph.filter

    @property
    def grating(self) -> str:
        """Name of the grating in the beam."""
        return self._spectrograph.grating

    async def lose_filter(self) -> None:
        """Turn the filter wheel, as another user would."""
        await self._spectrograph.turn_away()
