"""What the configurations of all tasks share."""

from __future__ import annotations

__all__ = ["NoLogDataset"]


class NoLogDataset:
    """Mixed into a task configuration: no log dataset per quantum.

    The log of a job is one file that the OCPS keeps; a dataset more per quantum would cost more than the quantum.
    """

    saveLogOutput: bool  # noqa: N815 - the field of PipelineTaskConfig

    def setDefaults(self) -> None:  # noqa: N802
        """Set the defaults."""
        super().setDefaults()  # type: ignore[misc]  # Config, behind this class in the order of resolution
        self.saveLogOutput = False
