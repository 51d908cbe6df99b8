"""Calibration production off the summit: the steps of a run, over exposures that exist already.

Each step can be run by itself and again: what is done already is left as it is. It prints the butler and pipetask
commands that do the same, and records in a ledger what was done.
"""

from .comparing import contents, differences
from .deployed import Question, ask, find_exposure
from .desk import Desk, open_desk
from .engines import BPS_LOCAL, Bps, Engine, Pipetask
from .ledger import Ledger
from .selection.choosing import Wanted, choose
from .selection.naming import Names
from .selection.selection import ExposureChoice, Selection
from .selection.selection_file import read_selection, selection_text
from .steps.approving import Approval, approve
from .steps.certifying import certify, validity_range
from .steps.chaining import chain, undo
from .steps.making import GENERATE, VERIFY, Work, make
from .steps.selecting import Request, select
from .steps.transferring import export, import_to

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
