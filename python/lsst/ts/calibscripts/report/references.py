"""The calibrations that the jobs of a run read and the run did not make, as a table of a page. Pure."""

from __future__ import annotations

from ..events.references import ReferenceFound, references_line
from ..ground.text import exposure_range
from ..record import Record
from .sections import Table

__all__ = ["reference_sentence", "reference_table"]

_HEADS = ("calibration", "filter", "detectors", "RUN", "valid [TAI]", "written [UTC]", "age [days]")


def reference_sentence(record: Record) -> str:
    """Report what the jobs read, and how old it is; empty where the record does not hold it.

    Parameters
    ----------
    record : `Record`
        The run.
    """
    references = record.state.references
    return f"{references_line(references)}." if references else ""


def reference_table(record: Record) -> Table:
    """Return a row for each RUN from which calibrations of a type were read; those that were old are marked.

    Parameters
    ----------
    record : `Record`
        The run.
    """
    rows = tuple((_cells(found), found.old) for found in record.state.references)
    return Table(_HEADS, (False,) * 6 + (True,), rows)


def _cells(found: ReferenceFound) -> tuple[str, ...]:
    age = "" if found.age is None else f"{'△ ' if found.old else ''}{found.age}"
    return (
        found.dataset_type,
        found.physical_filter or "",
        exposure_range(found.detectors) if found.detectors else "all",
        found.run,
        "always" if found.begin is found.end is None else found.validity.removeprefix("valid "),
        found.written or "unknown",
        age,
    )
