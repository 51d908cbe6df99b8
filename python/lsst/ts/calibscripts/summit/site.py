"""The simulated summit as a whole: every component an instrument's script talks to, over one butler repository."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from lsst.daf.butler import Butler

from ..sal import State
from ..tables.instruments import INSTRUMENTS, LATISS, LSSTCAM, Instrument
from .butler.rehearsal import frame_scale
from .faults.faults import Fault, Faults
from .hardware.calsys import CalibrationSystem, dome
from .hardware.camera import Readout
from .hardware.csc import HardwareClock, SimulatedCsc
from .hardware.filter_camera import SimulatedFilterCamera
from .hardware.focalplane import detectors as detectors_of
from .hardware.image_numbers import ImageNumbers
from .hardware.latiss_camera import SimulatedLatissCamera
from .hardware.spectrograph import SimulatedSpectrograph
from .ocps.csc import Job, JobRunner, SimulatedOcps
from .ocps.pipetask import PipetaskRunner
from .ocps.repository_faults import FaultyRepository, spoil
from .oods.csc import Ingest, SimulatedOods
from .oods.pixels import PixelStore
from .queue.interruption import Interruptions
from .queue.scheduler import SimulatedScheduler

__all__ = ["Summit"]

BEFORE_SETUP = ("ATWhiteLight", "OCPS:1")
"""What is in STANDBY before BLOCK-309 has set LATISS up for calibrations."""


class Summit:
    """All components of some instruments, on the running event loop.

    An asynchronous context manager: when it is left, jobs that run are killed and nothing of it runs on.

    Parameters
    ----------
    repo : `str`
        Butler repository of all the instruments.
    instruments : iterable of `str`
        LATISS, LSSTComCam, LSSTCam.
    speed : `float`
        Divides the times of the hardware.
    seed : `int`
        Seed of the detectors and their frames.
    faults : iterable of `Fault` or `str`
        What misbehaves, see `faults.parse_fault`.
    workers : `int` or `None`
        How many jobs run at once; None is without limit.
    full_scale : `bool`
        Make frames of 4000 x 4072 pixels.
    scratch : `pathlib.Path` or `None`
        Where logs of jobs and files in transit are; where it is None a directory beside the repository whose name
        ends in ``-scratch``.
    detectors : collection of `int` or `None`
        Detectors that the cameras read out; all they have where it is None.
    start : `float` or `None`
        TAI at the start in seconds since 1970, which decides the exposure ids, and these the noise of the frames;
        None is now.
    ready : `bool`
        Begin with LATISS ready for flats: lamp warm, dome and telescope at the screen; else as before BLOCK-309.
    ingest : `Ingest` or `None`
        What is done with images; None makes pixels and ingests them into the repository.
    runner : `JobRunner` or `None`
        What runs the jobs; None is the real pipetask on the repository.
    on_job : callable
        Takes every `Job` whenever its phase has changed.

    Attributes
    ----------
    repo : `str`
        As given.
    scratch : `pathlib.Path`
        Where the logs of jobs are: ``uws/<jobId>/outs/ocps.log`` below it.
    readouts : `list` [`Readout`]
        Exposures that were taken, in order.
    components : `dict` [`str`, `SimulatedCsc`]
        All CSCs by name, as in ``OCPS:1``.
    calibration_system : `CalibrationSystem` or `None`
        Lamp, dome and telescope of LATISS, if it is among the instruments.
    interrupt : coroutine function
        To be run beside a script with its remote: stops or pauses it as the faults say.

    Raises
    ------
    lsst.ts.calibscripts.errors.ConfigurationError
        For an unknown fault.
    KeyError
        For an unknown instrument.
    """

    def __init__(
        self,
        repo: str,
        instruments: Iterable[str] = ("LATISS",),
        *,
        speed: float = 1.0,
        seed: int = 0,
        faults: Iterable[Fault | str] = (),
        workers: int | None = None,
        full_scale: bool = False,
        scratch: Path | None = None,
        detectors: Collection[int] | None = None,
        start: float | None = None,
        ready: bool = True,
        ingest: Ingest | None = None,
        runner: JobRunner | None = None,
        on_job: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self.repo = repo
        root = Path(repo).absolute()
        self.scratch = root.with_name(f"{root.name}-scratch") if scratch is None else scratch
        self.readouts: list[Readout] = []
        self.components: dict[str, SimulatedCsc] = {}
        self.calibration_system: CalibrationSystem | None = None
        self._instruments = [INSTRUMENTS[name] for name in instruments]
        self._speed, self._seed, self._full_scale = speed, seed, full_scale
        self.faults = faults if isinstance(faults, Faults) else Faults(faults)
        self._interruptions = Interruptions(self.faults)
        self.interrupt = self._interruptions.interrupt
        self._workers = None if workers is None else asyncio.Semaphore(workers)
        self._detectors, self._start, self._ready = detectors, start, ready
        self._ingest, self._runner, self._on_job = ingest, runner, on_job
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            spoiler = None
            if self._runner is None:
                pipetask = stack.enter_context(PipetaskRunner(self.repo, self.scratch))
                names = [instrument.name for instrument in self._instruments]
                self._runner = spoiler = FaultyRepository(pipetask, self.repo, names, self.faults)
            clock = HardwareClock(self._speed, self._start)
            for instrument in self._instruments:
                for component in await self._components(instrument, clock, stack):
                    self.components[component.name] = await stack.enter_async_context(component)
                    if component.name in BEFORE_SETUP and not self._ready:
                        await component.set_state(State.STANDBY)
            if spoiler is not None:
                await stack.enter_async_context(spoiler)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *error: Any) -> None:
        # One after another, as the stack does it, would take a second each.
        await asyncio.gather(*(component.stop() for component in self.components.values()))
        await self._stack.__aexit__(*error)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs as they are now, those of one OCPS in the order they were submitted."""
        return tuple(
            job for csc in self.components.values() if isinstance(csc, SimulatedOcps) for job in csc.jobs
        )

    @property
    def arrived(self) -> tuple[int, ...]:
        """Ids of the exposures that the OODS have announced."""
        return tuple(
            id for csc in self.components.values() if isinstance(csc, SimulatedOods) for id in csc.arrived
        )

    async def _components(
        self, instrument: Instrument, clock: HardwareClock, stack: AsyncExitStack
    ) -> list[SimulatedCsc]:
        """Make the components of an instrument, in the order in which they start."""
        ingest, numbers = self._ingest, ImageNumbers()
        if ingest is None:
            ingest = stack.enter_context(self._pixel_store(instrument))
            last = await asyncio.to_thread(_last_exposure, self.repo, instrument.name)
            numbers = ImageNumbers(self.scratch / f"last_{instrument.components.camera}", last)
        oods = SimulatedOods(instrument, ingest, faults=self.faults)
        header_service = SimulatedCsc(instrument.components.header_service, faults=self.faults)
        return [
            oods,
            self._ocps(instrument),
            header_service,
            *self._hardware(instrument, clock, oods, numbers),
        ]

    def _pixel_store(self, instrument: Instrument) -> PixelStore:
        scale = 1 if self._full_scale else frame_scale(instrument.name)
        spoiled = partial(spoil, faults=self.faults)
        return PixelStore(self.repo, self.scratch / "spool", seed=self._seed, scale=scale, spoil=spoiled)

    def _ocps(self, instrument: Instrument) -> SimulatedOcps:
        assert self._runner is not None  # There is one from the start on.
        return SimulatedOcps(
            instrument.components.ocps_index,
            instrument.name,
            self._runner,
            workers=self._workers,
            faults=self.faults,
            on_change=self._note_job,
        )

    def _note_job(self, job: Job) -> None:
        self._interruptions.note_job(job)
        self._on_job(job)

    def _hardware(
        self, instrument: Instrument, clock: HardwareClock, oods: SimulatedOods, numbers: ImageNumbers
    ) -> list[SimulatedCsc]:
        """Make the camera and what stands before it."""

        async def deliver(readout: Readout) -> None:
            self.readouts.append(readout)
            self._interruptions.note_readout(readout)
            await oods.receive(readout)

        wanted = self._detectors
        detectors = [d for d in detectors_of(instrument.name) if wanted is None or d.id in wanted]
        common = instrument, detectors, clock, deliver
        if instrument is LATISS:
            system = self.calibration_system = CalibrationSystem(
                clock, ready=self._ready, seed=self._seed, faults=self.faults
            )
            spectrograph = SimulatedSpectrograph(clock, faults=self.faults)
            light = system.illumination
            camera = SimulatedLatissCamera(
                spectrograph, *common, illumination=light, numbers=numbers, faults=self.faults
            )
            return [*system.components, SimulatedScheduler(faults=self.faults), spectrograph, camera]
        others = dome(self.faults) if instrument is LSSTCAM else ()
        return [*others, SimulatedFilterCamera(*common, numbers=numbers, faults=self.faults)]


def _last_exposure(repo: str, instrument: str) -> int:
    with Butler.from_config(repo) as butler, butler.query() as query:
        records = query.where(instrument=instrument).dimension_records("exposure")
        return max((int(record.id) for record in records.order_by("-exposure").limit(1)), default=0)
