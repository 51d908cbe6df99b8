"""A script of an instrument that has a record: all that its record says, and its remotes; no sequencing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from .base_make_calibrations import BaseMakeCalibrations
from .sal import RemoteGroup
from .tables.instruments import Instrument, listed, physical_filter

__all__ = ["MakeCalibrations"]


class MakeCalibrations(BaseMakeCalibrations):
    """Take, generate, verify and certify calibrations of an instrument that has a record.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.

    Notes
    -----
    A subclass names its record, its configuration and its camera.
    """

    instrument: ClassVar[Instrument]
    """Record of the instrument."""

    camera_type: ClassVar[Callable[..., Any]]
    """Class of the camera, as lsst.ts.observatory.control has it."""

    def __init__(self, index: int = 1) -> None:
        name = self.instrument.name
        super().__init__(
            index=index,
            descr=f"Take biases, darks and flats with {name}; generate, verify and certify calibrations.",
        )
        self._camera: Any = None
        self._ocps_group: RemoteGroup | None = None

    @property
    def camera(self) -> Any:
        """Camera, as lsst.ts.observatory.control has it."""
        return self._camera

    @property
    def ocps_group(self) -> Any:
        """Group with the OCPS of the instrument."""
        return self._ocps_group

    @property
    def ocps(self) -> Any:
        """Remote of the OCPS of the instrument."""
        return getattr(self.ocps_group.rem, f"ocps_{self.instrument.components.ocps_index}")

    @property
    def instrument_name(self) -> str:
        """Butler instrument name."""
        return self.instrument.name

    @property
    def pipeline_instrument(self) -> str:
        """Name of the instrument's directory among the pipelines."""
        return self.instrument.name

    @property
    def detectors(self) -> list[int]:
        """Detectors that are processed where the configuration names none."""
        return list(self.instrument.detectors)

    @property
    def n_detectors(self) -> int:
        """Number of `detectors`."""
        return len(self.instrument.detectors)

    @property
    def image_in_oods(self) -> Any:
        """The event imageInOODS of the instrument's OODS."""
        return getattr(self.camera.rem, self.instrument.components.oods.lower()).evt_imageInOODS

    async def start_remotes(self) -> None:
        """Make and start the remotes of the camera and of its OCPS, unless they exist; all at once."""
        if self._camera is None:
            self._camera = self.camera_type(domain=self.domain, log=self.log)
        if self._ocps_group is None:
            self._ocps_group = self.make_group(f"OCPS:{self.instrument.components.ocps_index}")
        await asyncio.gather(self._camera.start_task, self._ocps_group.start_task)

    def make_group(self, *components: str) -> RemoteGroup:
        """Make the remotes of components, which begin to start: that takes each some seconds."""
        return RemoteGroup(domain=self.domain, components=list(components), log=self.log)

    async def close_tasks(self) -> None:
        """End what runs in the background, and close the remotes, all at once."""
        await super().close_tasks()
        # The middleware would close one after another, half a second each, and the ScriptQueue waits for the process.
        groups = [group for group in (self._camera, self._ocps_group) if group is not None]
        await asyncio.gather(*(remote.close() for group in groups for remote in vars(group.rem).values()))

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Return the filter; None leaves it as it is."""
        return {"filter": self.config.filter}

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Return the filter of the configuration, or the one that is in now."""
        now = getattr(self.camera.rem, self.instrument.components.camera.lower()).evt_endSetFilter.get()
        here = None if now is None else now.filterName
        name = here if self.config.filter is None or set_up else self.config.filter
        return physical_filter(name) if isinstance(name, str) and name else None

    async def get_installed(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the filters that the camera reports."""
        available = getattr(
            self.camera.rem, self.instrument.components.camera.lower()
        ).evt_availableFilters.get()
        return {"filter": () if available is None else listed(available.filterNames)}
