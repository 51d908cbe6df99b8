"""The record of a run: what was done, as it happened, so that it can be repeated, reported and resumed.

A file of JSON Lines, one for the header, one for each event and one for the end, written while the script
runs. What happened before a script was killed is kept.
"""

from ..errors import RecordError
from .afterwards import with_decisions
from .flat_times import last_flat_time, last_good_times
from .following import Following, read_record
from .reading import find_records, time_in_name
from .recorder import DIRECTORY_VARIABLE, Recorder, open_record, record_directory
from .records import About, Entry, Header, Job, Record
from .versions import environment, versions

__all__ = [
    "DIRECTORY_VARIABLE",
    "About",
    "Entry",
    "Following",
    "Header",
    "Job",
    "Record",
    "RecordError",
    "Recorder",
    "environment",
    "find_records",
    "last_flat_time",
    "last_good_times",
    "open_record",
    "read_record",
    "record_directory",
    "time_in_name",
    "versions",
    "with_decisions",
]
