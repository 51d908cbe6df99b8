"""The simulated dome of the Simonyi telescope, whose states the script for LSSTCam looks at before flats."""

from __future__ import annotations

from ...faults.faults import Faults
from ..csc import SimulatedCsc

__all__ = ["dome"]


def dome(faults: Faults | None = None) -> tuple[SimulatedCsc, ...]:
    """Make MTDome and MTDomeTrajectory, which do nothing but have a state.

    Parameters
    ----------
    faults : `Faults`
        What misbehaves.
    """
    return tuple(SimulatedCsc(name, faults=faults) for name in ("MTDome", "MTDomeTrajectory"))
