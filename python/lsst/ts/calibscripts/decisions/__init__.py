"""What people decide on calibrations and exposures, signed and kept in a ledger beside the records."""

from .against import decision_against
from .decided import NO_DECISIONS, Decisions, decisions_on, last_word
from .decision import Decision, ExposureSubject, MasterSubject, ProductSubject, Subject, Verb
from .ledger import LEDGER, check_signature, check_writable, decide, own_decisions, read_decisions

__all__ = [
    "LEDGER",
    "NO_DECISIONS",
    "Decision",
    "Decisions",
    "ExposureSubject",
    "MasterSubject",
    "ProductSubject",
    "Subject",
    "Verb",
    "check_signature",
    "check_writable",
    "decide",
    "decision_against",
    "decisions_on",
    "last_word",
    "own_decisions",
    "read_decisions",
]
