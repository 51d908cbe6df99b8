"""Stand-ins for the tasks of ip_isr, cp_pipe and cp_verify, run by the real pipetask.

Importing the package imports all tasks, so that a server which jobs are forked from has them at hand.
"""

from . import combine, defects, flat, isr, ptc, verify

__all__ = ["combine", "defects", "flat", "isr", "ptc", "verify"]
