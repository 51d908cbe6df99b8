"""Stand-ins for the tasks of ip_isr, cp_pipe and cp_verify, run by the real pipetask.

Importing the package imports all tasks, so that a server which jobs are forked from has them at hand.
"""

from . import (
    binning,
    combine,
    cosmic_rays,
    curve_products,
    defects,
    flat,
    gain_ratios,
    isr,
    linearity,
    ptc,
    verify,
    verify_calibrations,
    verify_defects,
)

__all__ = [
    "binning",
    "combine",
    "cosmic_rays",
    "curve_products",
    "defects",
    "flat",
    "gain_ratios",
    "isr",
    "linearity",
    "ptc",
    "verify",
    "verify_calibrations",
    "verify_defects",
]
