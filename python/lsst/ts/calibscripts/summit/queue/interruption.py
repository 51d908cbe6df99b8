"""Somebody who stops or pauses the script at a stage of the run."""

from __future__ import annotations

import asyncio
from typing import Any

from ...sal import ScriptState
from ..faults.faults import Fault, Faults
from ..hardware.camera import Readout
from ..ocps.job import Job, Phase

__all__ = ["STAGES", "Interruptions"]

STAGES = ("taking", "generating", "verifying", "certifying")
"""What the summit sees of a run: exposures, jobs of cp_pipe and of cp_verify, and that one of these has ended."""

_TIMEOUT = 60.0
_PERIOD = 0.1


class Interruptions:
    """Sends commands to the script when the faults say so.

    Parameters
    ----------
    faults : `Faults`
        Those called ``script-stopped-<stage>`` and ``script-paused-<stage>``.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._due: asyncio.Queue[Fault] = asyncio.Queue()

    def note_readout(self, readout: Readout) -> None:
        """Note an exposure that was read out."""
        self._note("taking", readout.observation.image_type, readout.number)

    def note_job(self, job: Job) -> None:
        """Note a job whose phase has changed."""
        verifies = job.name.startswith("verify")
        if job.phase is Phase.EXECUTING:
            self._note("verifying" if verifies else "generating", job.name, job.number)
        elif job.phase is Phase.COMPLETED and verifies:
            self._note("certifying", job.name, job.number)

    async def interrupt(self, script: Any) -> None:
        """Stop or pause a script whenever it is due; to be run beside it and cancelled with it.

        Parameters
        ----------
        script : `Remote`
            Remote of the script.
        """
        while True:
            fault = await self._due.get()
            if fault.name.startswith("script-stopped"):
                await script.cmd_stop.start(timeout=_TIMEOUT)
            else:
                await self._pause(script, fault.delay)

    async def _pause(self, script: Any, seconds: float) -> None:
        """Pause the script at its next checkpoint and resume it later."""
        await script.cmd_setCheckpoints.set_start(pause=".*", stop="", timeout=_TIMEOUT)
        while not _is_paused(script):  # noqa: ASYNC110 - the event may have a callback, then next() is refused.
            await asyncio.sleep(_PERIOD)
        await asyncio.sleep(seconds)
        await script.cmd_setCheckpoints.set_start(pause="", stop="", timeout=_TIMEOUT)
        await script.cmd_resume.start(timeout=_TIMEOUT)

    def _note(self, stage: str, kind: str, number: int) -> None:
        for name in (f"script-stopped-{stage}", f"script-paused-{stage}"):
            if self._faults.hits(name, kind, number):
                self._due.put_nowait(self._faults[name])


def _is_paused(script: Any) -> bool:
    state = script.evt_state.get()
    return state is not None and state.state == ScriptState.PAUSED
