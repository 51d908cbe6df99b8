"""Texts of a report that a reader may want to copy: how to repeat the run, and how to resume it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..events.resume import resumption
from ..record import Record
from ..record.replay import replay_script
from .page import CONFIGURATION_TO_RESUME

__all__ = ["scripts_of"]


def scripts_of(record: Record | None) -> Mapping[str, str]:
    """Return the texts of a run that a reader may want to copy.

    Parameters
    ----------
    record : `Record` or `None`
        The run; None where a report is of collections alone.

    Returns
    -------
    mapping [`str`, `str`]
        Title -> text.

    Raises
    ------
    RecordError
        If the options of a job in the record cannot be read.
    """
    if record is None:
        return {}
    texts = {"The shell script that repeats the processing by hand": replay_script(record)}
    if not record.state.is_complete:
        found = resumption(record.state, record.about.given)
        texts[CONFIGURATION_TO_RESUME] = f"# {found.sentence}.\n{found.text}\n"
    return texts
