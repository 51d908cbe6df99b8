"""Calibration production off the summit: the steps of a run, over exposures that exist already.

Each step can be run by itself and again: what is done already is left as it is. It prints the butler and pipetask
commands that do the same, and records in a ledger what was done.
"""

from .approving import Approval, approve
from .certifying import certify, validity_range
from .chaining import chain, undo
from .choosing import Wanted, choose
from .comparing import contents, differences
from .deployed import Question, ask, find_exposure
from .desk import Desk, open_desk
from .engines import BPS_LOCAL, Bps, Engine, Pipetask
from .ledger import Ledger
from .making import GENERATE, VERIFY, Work, make
from .naming import Names
from .selecting import Request, select
from .selection import ExposureChoice, Selection
from .selection_file import read_selection, selection_text
from .transferring import export, import_to

__all__ = [
    "BPS_LOCAL",
    "GENERATE",
    "VERIFY",
    "Approval",
    "Bps",
    "Desk",
    "Engine",
    "ExposureChoice",
    "Ledger",
    "Names",
    "Pipetask",
    "Question",
    "Request",
    "Selection",
    "Wanted",
    "Work",
    "approve",
    "ask",
    "certify",
    "chain",
    "choose",
    "contents",
    "differences",
    "export",
    "find_exposure",
    "import_to",
    "make",
    "open_desk",
    "read_selection",
    "select",
    "selection_text",
    "undo",
    "validity_range",
]
