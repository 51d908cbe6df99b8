"""What a script reports about itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .base import ExpectedError, ScriptState
from .controller import Controller
from .messages import Message

__all__ = ["FINAL_STATES", "ScriptStatus"]

FINAL_STATES = {
    ScriptState.ENDING: ScriptState.DONE,
    ScriptState.STOPPING: ScriptState.STOPPED,
    ScriptState.FAILING: ScriptState.FAILED,
    ScriptState.CONFIGURE_FAILED: ScriptState.CONFIGURE_FAILED,
}
"""Where a script that is ending comes to."""


class ScriptStatus(Controller):
    """State, checkpoints and group id of a script.

    Parameters
    ----------
    index : `int`
        SAL index of the script.

    Attributes
    ----------
    num_checkpoints : `int`
        Checkpoints seen.
    last_checkpoint : `str`
        Name of the last of them.
    timestamps : `dict` [`ScriptState`, `float`]
        When each state was entered, TAI unix seconds.
    """

    def __init__(self, index: int) -> None:
        self.num_checkpoints = 0
        self.last_checkpoint = ""
        self.timestamps: dict[ScriptState, float] = {}
        self._sub_group_id = 0
        self._is_exiting = False
        super().__init__("Script", index, do_callbacks=True)

    @property
    def state(self) -> Message:
        """State, with fields state, reason, lastCheckpoint, numCheckpoints."""
        data: Message = self.evt_state.data
        return data

    @property
    def state_name(self) -> str:
        """Name of the state."""
        return ScriptState(self.state.state).name

    @property
    def group_id(self) -> str:
        """Group id, or ""."""
        return str(self.state.groupId)

    @property
    def obs_id(self) -> str:
        """Block id passed to configure, or ""."""
        return str(self.state.blockId)

    @property
    def checkpoints(self) -> Message:
        """Where to pause and to stop: fields pause and stop, regular expressions."""
        data: Message = self.evt_checkpoints.data
        return data

    async def _set_checkpoints(self, pause: str, stop: str) -> None:
        """Set where to pause and to stop, and report it.

        Parameters
        ----------
        pause, stop : `str`
            Regular expressions.

        Raises
        ------
        ExpectedError
            If one is none.
        """
        for name, expression in (("pause", pause), ("stop", stop)):
            try:
                re.compile(expression)
            except re.error as error:
                raise ExpectedError(f"{name}={expression!r} not a valid regex: {error}") from None
        await self.evt_checkpoints.set_write(pause=pause, stop=stop, force_output=True)

    def next_supplemented_group_id(self) -> str:
        """Make a group id of its own for a part of the work.

        Returns
        -------
        group_id : `str`
            ``<group id>#<n>``, n from 1.

        Raises
        ------
        RuntimeError
            If there is no group id.
        """
        if not self.group_id:
            raise RuntimeError("No group ID")
        self._sub_group_id += 1
        return f"{self.group_id}#{self._sub_group_id}"

    def assert_state(self, action: str, states: Sequence[ScriptState]) -> None:
        """Make sure that the script is in one of some states, and not about to end.

        Parameters
        ----------
        action : `str`
            What is to be done, for the message.
        states : sequence of `ScriptState`
            The states in which it can.

        Raises
        ------
        ExpectedError
            If the script is in another state, or exiting.
        """
        if self._is_exiting:
            raise ExpectedError(f"Cannot {action}: script is exiting")
        if self.state.state not in states:
            names = ", ".join(state.name for state in states)
            raise ExpectedError(f"Cannot {action}: state={self.state_name} instead of {names}")

    async def set_state(
        self,
        state: ScriptState | int | None = None,
        reason: str | None = None,
        keep_old_reason: bool = False,
        force_output: bool = False,
    ) -> None:
        """Change the state and report it.

        Parameters
        ----------
        state : `ScriptState`, optional
            New state.
        reason : `str`, optional
            Why; `None` leaves the reason as it is.
        keep_old_reason : `bool`, optional
            Append the reason to the one there is?
        force_output : `bool`, optional
            Report even if nothing changed?
        """
        if state is not None:
            state = ScriptState(state)
            self.timestamps[state] = self.domain.bus.tai()
        if reason is not None and keep_old_reason:
            reason = "; ".join(filter(None, [self.state.reason, reason]))
        await self.evt_state.set_write(
            state=state,
            reason=reason,
            lastCheckpoint=self.last_checkpoint,
            numCheckpoints=self.num_checkpoints,
            force_output=force_output,
        )
