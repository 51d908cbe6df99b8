"""What runs have measured, kept beside their records: read once, and again where it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..report.runs.past import beside, recall
from ..report.trends import Past

__all__ = ["Memories"]


class Memories:
    """Reads what runs have measured; may be used by several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, Past | None]] = {}

    def of(self, records: Sequence[Path]) -> tuple[Past, ...]:
        """Return what runs have measured, the oldest first. Blocks.

        Parameters
        ----------
        records : sequence of `pathlib.Path`
            Their records; those of which nothing is kept are left out.
        """
        found = [past for record in records if (past := self._of(record)) is not None]
        return tuple(sorted(found, key=lambda past: past.tai))

    def _of(self, record: Path) -> Past | None:
        try:
            changed = beside(record).stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(record)
        if known is None or known[0] != changed:
            self._known[record] = known = (changed, recall(record))
        return known[1]
