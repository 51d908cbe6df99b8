"""Which image numbers a simulated camera has used."""

from __future__ import annotations

import asyncio
from pathlib import Path

__all__ = ["ImageNumbers"]


class ImageNumbers:
    """The id of a camera's last exposure, kept in a file, as images that get lost are in no repository.

    Parameters
    ----------
    file : `pathlib.Path` or `None`
        The file; None keeps nothing.
    last : `int`
        Id of the last exposure that is known otherwise; 0 for none.
    """

    def __init__(self, file: Path | None = None, last: int = 0) -> None:
        self._file = file
        kept = file.read_text() if file is not None and file.exists() else ""
        self.last = max(last, int(kept) if kept.isdecimal() else 0)

    async def keep(self, exposure: int) -> None:
        """Keep the id of an exposure that begins."""
        self.last = exposure
        if self._file is not None:
            await asyncio.to_thread(self._write, self._file)

    def _write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(self.last))
