"""Stand-in for the script that takes images with LATISS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ....sal import LATISS
from .base import StandIn

__all__ = ["TakeImageLatiss"]

_TYPES = ("BIAS", "DARK", "FLAT", "OBJECT", "ENGTEST", "ACQ")


class TakeImageLatiss(StandIn):
    """Take images with LATISS."""

    schema = f"""
        properties:
          filter: {{description: Filter; null leaves it., type: [string, integer, 'null'], default: null}}
          grating: {{description: Grating; null leaves it., type: [string, integer, 'null'], default: null}}
          linear_stage: {{description: Position (mm); null leaves it., type: [number, 'null'], default: null}}
          nimages: {{description: Number of images., type: [integer, 'null'], minimum: 1, default: null}}
          exp_times:
            description: Exposure time of each image (s), or of all.
            anyOf:
              - {{type: array, minItems: 1, items: {{type: number, minimum: 0}}}}
              - {{type: number, minimum: 0}}
            default: 0
          image_type: {{description: Image type., type: string, enum: [{", ".join(_TYPES)}]}}
          reason: {{description: Reason., type: string}}
          program: {{description: Program., type: string}}
          note: {{description: Note., type: string}}
          sleep_between_exposures: {{description: Ignored., type: number, default: 0}}
          slew_time: {{description: Ignored., type: number, default: 0}}
        required: [image_type]
    """

    async def configure(self, config: SimpleNamespace) -> None:
        """Make the remotes.

        Raises
        ------
        ValueError
            If nimages is not the number of exposure times.
        """
        times = config.exp_times
        listed = list(times) if isinstance(times, list) else [times] * (config.nimages or 1)
        if config.nimages not in (None, len(listed)):
            raise ValueError(
                f"nimages is {config.nimages}, but exp_times has {len(listed)} times: leave nimages out"
            )
        await super().configure(config)
        self._times: list[float] = listed
        self._latiss = LATISS(domain=self.domain, log=self.log)
        await self._latiss.start_task

    def set_metadata(self, metadata: Any) -> None:
        """Report how long it takes."""
        overhead = self._latiss.read_out_time + self._latiss.shutter_time
        metadata.duration = sum(self._times) + overhead * len(self._times)
        metadata.nimages = len(self._times)
        metadata.instrument = "LATISS"

    async def run(self) -> None:
        """Take one after another."""
        config = self.config
        await self.checkpoint("setup instrument")
        await self._latiss.assert_all_enabled("All components of LATISS need to be enabled.")
        await self._latiss.setup_instrument(
            filter=config.filter, grating=config.grating, linear_stage=config.linear_stage
        )
        words: dict[str, Any] = {name: getattr(config, name, None) for name in ("reason", "program", "note")}
        for number, time in enumerate(self._times, 1):
            await self.checkpoint(f"exposure {number} of {len(self._times)}")
            await self._latiss.take_imgtype(config.image_type, time, 1, group_id=self.group_id, **words)
