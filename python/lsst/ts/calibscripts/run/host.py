"""What a run needs of the script whose run it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from ..config import CalibrationsConfig
from ..errors import NoAnswerError
from ..events.events import Observer
from ..preflight.spec import RunSpec
from ..repository import Repository

__all__ = ["Host", "answer_of", "script_name"]

T = TypeVar("T")

HOOK_TIMEOUT = 120.0
"""Longest wait for the answer of a method that a subclass may have written, seconds."""


class Host(Protocol):
    """The script, as the parts of its run see it: `BaseMakeCalibrations` is one."""

    spec: RunSpec
    observers: list[Observer]
    log: logging.Logger
    config_model: type[CalibrationsConfig]

    @property
    def state(self) -> Any:
        """State of the script, with its ScriptState in ``state``."""

    @property
    def salinfo(self) -> Any:
        """SAL component of the script, with its index."""

    @property
    def checkpoints(self) -> Any:
        """Regular expressions of the checkpoints at which to pause and to stop."""

    @property
    def group_id(self) -> str:
        """Group id that the ScriptQueue has set."""

    @property
    def obs_id(self) -> str:
        """Identifier of the BLOCK's execution; empty without one."""

    @property
    def camera(self) -> Any:
        """Camera, as lsst.ts.observatory.control has it."""

    @property
    def ocps_group(self) -> Any:
        """Group with the OCPS of the instrument."""

    @property
    def ocps(self) -> Any:
        """Remote of the OCPS of the instrument."""

    @property
    def instrument_name(self) -> str:
        """Butler instrument name."""

    @property
    def n_detectors(self) -> int:
        """Number of detectors that are processed."""

    @property
    def image_in_oods(self) -> Any:
        """The event imageInOODS of the instrument's OODS."""

    def get_instrument_configuration(self) -> dict[str, Any]:
        """Return the arguments of the camera's ``setup_instrument``."""

    async def assert_feasibility(self, image_type: str) -> None:
        """Raise if images of this type cannot be taken now."""

    async def not_ready_for_flats(self) -> Sequence[str]:
        """Return what is not ready for flats."""

    async def get_physical_filter(self, *, set_up: bool) -> str | None:
        """Return the physical_filter the flats will have, None where it is unknown."""

    async def get_installed(self) -> Mapping[str, Sequence[str]]:
        """Return the names that the instrument reports as installed, by setup attribute; empty if unknown."""

    def get_group_id(self) -> str:
        """Return the group id of the images."""

    def make_repository(self, repo: str) -> Repository:
        """Make the repository of the run."""

    async def checkpoint(self, name: str = "") -> None:
        """Pass a checkpoint."""


async def answer_of(hook: str, answer: Awaitable[T]) -> T:
    """Return what a method answers that a subclass may have written.

    Parameters
    ----------
    hook : `str`
        Name of the method.
    answer : awaitable
        What it returned.

    Raises
    ------
    NoAnswerError
        If it does not answer within `HOOK_TIMEOUT`.
    """
    try:
        async with asyncio.timeout(HOOK_TIMEOUT) as limit:
            return await answer
    except TimeoutError:
        if not limit.expired():
            raise
        raise NoAnswerError(f"the script's {hook} did not answer within {HOOK_TIMEOUT:.0f} s") from None


def script_name(host: Host) -> str:
    """Return the name of a script as the ScriptQueue lists it, or its class where it is not listed."""
    return host.config_model.script or type(host).__name__
