"""The inputs of an image or a table, as the butler writes them into its header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["UsedInput", "inputs_in_header", "inputs_used"]

_INPUT = "LSST BUTLER INPUT"
_NUMBER = "LSST BUTLER N_INPUTS"

_TABLE = ".parq"
"""Ending of the files of the tables that say it."""


@dataclass(frozen=True, order=True)
class UsedInput:
    """A dataset that a task read."""

    #: Its dataset type, its RUN, and its id in the butler.
    dataset_type: str
    run: str
    dataset_id: str


def inputs_in_header(header: Mapping[str, Any]) -> tuple[UsedInput, ...]:
    """Read the inputs from a header.

    Parameters
    ----------
    header : mapping
        Primary FITS header of an image that a task wrote, or what a table holds beside its columns, where dots stand
        for the blanks.

    Returns
    -------
    inputs : `tuple` [`UsedInput`]
        In order; empty where the header does not have them, for example since there were too many.
    """
    header = {str(key).replace(".", " "): value for key, value in header.items()}
    keys = [f"{_INPUT} {index}" for index in range(int(header.get(_NUMBER, 0)))]
    if not all(f"{key} {part}" in header for key in keys for part in ("DATASETTYPE", "RUN", "ID")):
        return ()
    return tuple(
        sorted(
            UsedInput(str(header[f"{key} DATASETTYPE"]), str(header[f"{key} RUN"]), str(header[f"{key} ID"]))
            for key in keys
        )
    )


def inputs_used(butler: Butler, refs: Iterable[DatasetRef]) -> dict[int, tuple[UsedInput, ...]]:
    """Return what a job has read for each detector, from the header of its first image or table of it. Blocks.

    Parameters
    ----------
    refs : iterable of `lsst.daf.butler.DatasetRef`
        Processed images, or tables, that the job wrote.

    Returns
    -------
    inputs : `dict` [`int`, `tuple` [`UsedInput`, ...]]
        By detector; empty where they cannot be read.
    """
    found: dict[int, tuple[UsedInput, ...]] = {}
    for ref in refs:
        if (detector := int(ref.dataId["detector"])) not in found:
            found[detector] = inputs_in_header(_header(butler, ref))
    return found


def _header(butler: Butler, ref: DatasetRef) -> Mapping[str, Any]:
    """Read the header of an image, or what a table holds beside its columns; that of anything else is empty."""
    from astropy.io import fits

    with butler.getURI(ref).as_local() as file:
        if file.getExtension() == _TABLE:
            return _beside_columns(file.ospath)
        try:
            return dict(fits.getheader(file.ospath))
        except OSError:
            return {}


def _beside_columns(path: str) -> Mapping[str, Any]:
    """Read it from the file: a butler leaves it out of the tables that it returns."""
    import pyarrow.parquet
    from astropy.table.meta import get_header_from_yaml

    text = (pyarrow.parquet.read_schema(path).metadata or {}).get(b"table_meta_yaml", b"")
    meta = get_header_from_yaml(text.decode().splitlines()).get("meta") if text else None
    return dict(meta or {})
