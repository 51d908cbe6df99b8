"""Small stand-ins for scripts of other packages that the weekly calibrations queue. Not for production.

Each has the name and takes the configuration of the script it stands for, and does as much of its work as matters in
the simulated summit. They are not below `lsst.ts.calibscripts.get_scripts_dir`, so that no ScriptQueue finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .base import StandIn
from .blocks import AddBlock
from .states import EnableATCS, EnableLATISS, EnableScheduler, SetSummaryState
from .take_image import TakeImageLatiss
from .telescope import HomeDome, PrepareForFlat, SlewDome, StopTracking
from .white_light import PowerOffATCalSys, PowerOnATCalSys

__all__ = ["STAND_INS", "StandIn"]

STAND_INS: Mapping[str, type[StandIn]] = MappingProxyType(
    {
        "set_summary_state.py": SetSummaryState,
        "auxtel/enable_atcs.py": EnableATCS,
        "auxtel/enable_latiss.py": EnableLATISS,
        "auxtel/scheduler/enable.py": EnableScheduler,
        "auxtel/scheduler/add_block.py": AddBlock,
        "auxtel/calibrations/power_on_atcalsys.py": PowerOnATCalSys,
        "auxtel/calibrations/power_off_atcalsys.py": PowerOffATCalSys,
        "auxtel/prepare_for/flat.py": PrepareForFlat,
        "auxtel/take_image_latiss.py": TakeImageLatiss,
        "auxtel/stop_tracking.py": StopTracking,
        "auxtel/atdome/home_dome.py": HomeDome,
        "auxtel/atdome/slew_dome.py": SlewDome,
    }
)
"""Stand-ins by the name of the script in the ScriptQueue."""
