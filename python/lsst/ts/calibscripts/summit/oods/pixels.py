"""Makes the frames of an exposure and ingests them, as the archiver and the OODS do together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Self

from lsst.daf.butler import Butler

from ..butler.repository import ingest_raw
from ..datasets.raw_files import write_raw
from ..hardware.focalplane import Detector
from ..hardware.observation import Observation
from ..sensor import SMALL_SCALE, SensorModel, expose

__all__ = ["PixelStore"]

_MAKERS = 4


class PixelStore:
    """The `Ingest` that makes pixels.

    A context manager; leaving it waits for the threads.

    Parameters
    ----------
    repo : `str`
        Butler repository.
    spool : `pathlib.Path`
        Directory for files on their way into the repository; made when it is needed.
    seed : `int`
        Seed of the detectors and their frames.
    scale : `int`
        1 for full-size frames, else that much smaller in each direction.
    spoil : callable
        Changes the model of a detector before its first frame.
    """

    def __init__(
        self,
        repo: str,
        spool: Path,
        *,
        seed: int = 0,
        scale: int = SMALL_SCALE,
        spoil: Callable[[SensorModel], SensorModel] = lambda model: model,
    ) -> None:
        self._repo = repo
        self._spool = spool
        self._seed = seed
        self._scale = scale
        self._spoil = spoil
        self._models: dict[tuple[str, int], SensorModel] = {}
        self._makers = ThreadPoolExecutor(_MAKERS, thread_name_prefix="frames")
        # One thread, because a butler belongs to one.
        self._ingester = ThreadPoolExecutor(1, thread_name_prefix="ingest")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._makers.shutdown(cancel_futures=True)
        if "_butler" in vars(self):
            self._ingester.submit(self._butler.close)
        self._ingester.shutdown()

    async def __call__(self, observation: Observation, detectors: tuple[Detector, ...]) -> None:
        """Make the frames of these detectors and ingest them into ``<INSTRUMENT>/raw/all``.

        Raises
        ------
        Exception
            What the butler says if it cannot take them.
        """
        loop = asyncio.get_running_loop()
        paths = await asyncio.gather(
            *(loop.run_in_executor(self._makers, self._make, observation, detector) for detector in detectors)
        )
        await loop.run_in_executor(self._ingester, self._ingest, paths)

    @cached_property
    def _butler(self) -> Butler:
        return Butler.from_config(self._repo, writeable=True)

    def _make(self, observation: Observation, detector: Detector) -> Path:
        key = observation.instrument, detector.id
        if key not in self._models:
            model = SensorModel.for_detector(*key, seed=self._seed, scale=self._scale)
            self._models[key] = self._spoil(model)
        self._spool.mkdir(parents=True, exist_ok=True)
        path = self._spool / f"{observation.obs_id}_{detector.full_name}.fits"
        write_raw(expose(self._models[key], observation), path)
        return path

    def _ingest(self, paths: list[Path]) -> None:
        ingest_raw(self._butler, paths)
