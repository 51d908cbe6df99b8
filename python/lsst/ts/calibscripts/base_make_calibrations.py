"""The story of a run: take images, generate, verify and certify calibrations."""

from __future__ import annotations

import abc
import asyncio
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Self

from .config import CalibrationsConfig, ConfigValidator, as_yaml, json_schema, parse
from .errors import describe
from .events.events import Observer
from .ground.home import provide_home
from .ground.pacing import Pacing
from .preflight.spec import CameraFacts, RunSpec, prepare
from .record import record_directory
from .repository import ButlerRepository, Repository
from .run.run import Run
from .run.steps.certifying import certify
from .run.steps.generating import generate
from .run.steps.verifying import verify
from .sal import BaseScript, RemoteGroup
from .tables.products import ImageType

__all__ = ["BaseMakeCalibrations"]

LAST_WORDS_TIMEOUT = 2.0
"""Longest wait for what a run reports when its script is terminated, seconds: the ScriptQueue waits no longer."""

DRAIN_TIMEOUT = 0.5
"""How much of it is for the log messages that wait to be written, seconds."""


class BaseMakeCalibrations(BaseScript, metaclass=abc.ABCMeta):
    """Take bias, dark and flat exposures; generate, verify and certify calibrations from them.

    Parameters
    ----------
    index : `int`
        Index of the Script SAL component.
    descr : `str`
        What the script does, for operators.

    Notes
    -----
    A subclass names its instrument and its remotes through the abstract members below, under the names that
    upstream's class of the same name has; all that this class knows about an instrument comes from them.
    """

    config_model: type[CalibrationsConfig] = CalibrationsConfig
    """Model of the configuration; a subclass may bring one of its own."""

    def __init__(self, index: int, descr: str) -> None:
        super().__init__(index=index, descr=descr)
        self._pacing = Pacing.of(self.log)
        self._running: asyncio.Task[Any] | None = None
        self.config: Any = None
        # Ours reports everything that is wrong at once, and knows what was set and what was defaulted.
        self._validator = self.config_validator = ConfigValidator(self.get_schema(), self.config_model)
        self.observers: list[Observer] = []
        self.spec: RunSpec

    # What a subclass says about its instrument.

    @property
    @abc.abstractmethod
    def camera(self) -> Any:
        """Camera, as lsst.ts.observatory.control has it."""

    @property
    @abc.abstractmethod
    def ocps_group(self) -> RemoteGroup:
        """Group with the OCPS of the instrument."""

    @property
    @abc.abstractmethod
    def ocps(self) -> Any:
        """Remote of the OCPS of the instrument."""

    @property
    @abc.abstractmethod
    def instrument_name(self) -> str:
        """Butler instrument name."""

    @property
    @abc.abstractmethod
    def pipeline_instrument(self) -> str:
        """Name of the instrument's directory among the pipelines."""

    @property
    @abc.abstractmethod
    def detectors(self) -> list[int]:
        """Detectors that are processed; an empty list stands for ``range(n_detectors)``."""

    @property
    @abc.abstractmethod
    def n_detectors(self) -> int:
        """Number of detectors that are processed."""

    @property
    @abc.abstractmethod
    def image_in_oods(self) -> Any:
        """The event imageInOODS of the instrument's OODS."""

    @abc.abstractmethod
    async def start_remotes(self) -> None:
        """Make and start the remotes that are not there yet."""

    @abc.abstractmethod
    def get_instrument_configuration(self) -> dict[str, Any]:
        """Return the arguments of the camera's ``setup_instrument``."""

    async def assert_feasibility(self, image_type: str) -> None:
        """Raise if images of this type cannot be taken now: flats that need a setup which is not ready.

        Raises
        ------
        RuntimeError
            If ``flat_setup`` is ``require``, and something is not ready for flats, or cannot be looked at.
        """
        if image_type != ImageType.FLAT or self.config.flat_setup != "require":
            return
        try:
            problems = await self.not_ready_for_flats()
        except Exception as error:
            # Whatever a subclass raises of its components.
            why = f"whether all is ready for them could not be looked at ({describe(error)})"
            raise RuntimeError(f"No flats can be taken: {why}") from error
        if problems:
            raise RuntimeError(f"No flats can be taken: {'; '.join(problems)}")

    async def not_ready_for_flats(self) -> Sequence[str]:
        """Return what is not ready for flats, one sentence each, without full stop; by default nothing."""
        return ()

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Return the physical_filter the flats will have, None where it is unknown.

        Parameters
        ----------
        set_up : `bool`
            Has the instrument been set up already, so that what is in the beam is what the flats will have?
        """
        return None

    async def get_installed(self) -> Mapping[str, Sequence[str]]:
        """Return the names that the instrument reports as installed, by setup attribute; empty if unknown."""
        return {}

    def get_group_id(self) -> str:
        """Return the group id of the images, as upstream has it."""
        return f"{self.obs_id}_{self.salinfo.index}" if self.obs_id else str(self.group_id)

    def make_repository(self, repo: str) -> Repository:
        """Make the repository of a run; a test may bring its own."""
        return ButlerRepository(repo)

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Return the JSON schema (draft 7) of the model's properties; a subclass may add its own."""
        return json_schema(cls.config_model)

    @classmethod
    def make_from_cmd_line(cls, **kwargs: Any) -> Self | None:
        """Make the script that the command line asks for; print the schema for ``--schema``, as LOVE shows it.

        Parameters
        ----------
        **kwargs
            For the constructor; without ``index``.

        Returns
        -------
        `BaseMakeCalibrations` or `None`
            The script; None where the schema was printed.
        """
        # The middleware would sort the properties by their names: the deprecated ones first, script_mode 44th.
        if "--schema" not in sys.argv[1:]:
            provide_home()
            return super().make_from_cmd_line(**kwargs)
        print(as_yaml(cls.get_schema()))
        return None

    # The story.

    async def configure(self, config: SimpleNamespace) -> None:
        """Turn the configuration into what the run is to do, and refuse what cannot work.

        Parameters
        ----------
        config : `types.SimpleNamespace`
            Checked configuration, with its defaults filled in.

        Raises
        ------
        ConfigurationError
            If pipelines or their options are wrong, or something is asked for that is not there.
        """
        self.config = config
        settings = parse(vars(config), self.config_model, self.instrument_name)
        await self.start_remotes()
        camera = CameraFacts(
            self.instrument_name,
            tuple(self.detectors or range(self.n_detectors)),
            self.camera.read_out_time,
            self.camera.shutter_time,
        )
        spec = prepare(settings, camera, self._validator.given)
        self.spec = await asyncio.to_thread(spec.with_pipelines, self.pipeline_instrument)
        for warning in self.spec.warnings:
            self.log.warning(warning)
        await self._pacing.drain()

    def set_metadata(self, metadata: Any) -> None:
        """Report how long the run takes: its exposures, and the processing that cannot overlap with them."""
        metadata.duration = self.spec.plan.seconds
        metadata.nimages = self.spec.plan.n_exposures
        metadata.instrument = self.instrument_name
        metadata.totalCheckpoints = self.spec.plan.n_checkpoints
        name = self.get_instrument_configuration().get("filter")
        metadata.filters = "" if name is None else str(name)

    async def run(self) -> None:
        """Take images; beside the camera generate, verify and certify calibrations; report the outcome.

        Raises
        ------
        PreconditionError
            If something that could be seen before the first exposure is wrong.
        RunFailedError
            If not everything that was asked for was done; the text has a sentence for each failure.
        """
        self._running = asyncio.current_task()
        async with Run(self) as run:
            await run.check()
            await run.set_up_instrument()
            async with run.processing(generate=generate, verify=verify, certify=certify) as exposing:
                await exposing.take_images()

    async def cleanup(self) -> None:
        """Let LOVE have the summary before the final state."""
        await super().cleanup()
        # Not at the end of run(): a stop that came while messages wait would end as STOPPED a run whose summary
        # and record say DONE or FAILED already.
        await self._pacing.drain()

    async def close_tasks(self) -> None:
        """End what runs in the background; let a run that is terminated report what it did and what it did not."""
        await super().close_tasks()
        if self._running is not None and not self._running.done():
            await asyncio.wait([self._running], timeout=LAST_WORDS_TIMEOUT - DRAIN_TIMEOUT)
            if not self._running.done():
                self.log.warning(
                    "The script was terminated before its run could report how it ended. Its jobs are being aborted, "
                    f"and no further certification begins; what was done is in its record in {record_directory()}."
                )
        await self._pacing.drain(DRAIN_TIMEOUT)
