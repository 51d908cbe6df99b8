"""LSSTCam: its configuration, its camera and its dome; no sequencing."""

from __future__ import annotations

from ..config import LSSTCamConfig
from ..make_calibrations import MakeCalibrations
from ..sal import LSSTCam, RemoteGroup, State
from ..tables import instruments

__all__ = ["MakeLSSTCamCalibrations"]


DOME_STATES = dict(
    zip(instruments.DOME_COMPONENTS, ((State.ENABLED,), (State.DISABLED, State.ENABLED)), strict=True)
)
"""Components of the dome and the states in which flats may be taken (as upstream's class has it)."""


class MakeLSSTCamCalibrations(MakeCalibrations):
    """Take, generate, verify and certify calibrations of LSSTCam.

    Parameters
    ----------
    index : `int`, optional
        Index of the Script SAL component.
    """

    instrument = instruments.LSSTCAM
    config_model = LSSTCamConfig
    camera_type = LSSTCam

    def __init__(self, index: int = 1) -> None:
        super().__init__(index)
        self._dome: RemoteGroup | None = None

    async def start_remotes(self) -> None:
        """Make and start the remotes of LSSTCam, its OCPS and the dome, unless they exist."""
        if self._dome is None:
            self._dome = self.make_group(*DOME_STATES)
        await super().start_remotes()
        await self._dome.start_task

    async def not_ready_for_flats(self) -> tuple[str, ...]:
        """Look at the dome: what it says of its vignetting goes into the headers of flats.

        Components that the property ``ignore`` names are not looked at.
        """
        if self._dome is None:
            return ()
        ignored = {name.lower() for name in self.config.ignore}
        problems = []
        for name, wanted in DOME_STATES.items():
            if name.lower() in ignored:
                continue
            try:
                state = await self._dome.get_state(name.lower())
            except TimeoutError:
                problems.append(f"{name} is silent")
                continue
            if state not in wanted:
                problems.append(f"{name} is {State(state).name}")
        if not problems:
            return ()
        allowed = "; ".join(f"{n} must be {' or '.join(s.name for s in w)}" for n, w in DOME_STATES.items())
        return (f"{', '.join(problems)}. {allowed}; or name it in 'ignore'",)
