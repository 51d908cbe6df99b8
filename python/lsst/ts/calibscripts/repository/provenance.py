"""What an image was made from, as the butler writes it into its FITS header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["UsedInput", "inputs_in_header", "inputs_of_file"]

_INPUT = "LSST BUTLER INPUT"
_NUMBER = "LSST BUTLER N_INPUTS"


@dataclass(frozen=True, order=True)
class UsedInput:
    """A dataset that a task read.

    Attributes
    ----------
    dataset_type, run, dataset_id : `str`
        Its dataset type, its RUN, and its id in the butler.
    """

    dataset_type: str
    run: str
    dataset_id: str


def inputs_in_header(header: Mapping[str, Any]) -> tuple[UsedInput, ...]:
    """Read the inputs from a header.

    Parameters
    ----------
    header : mapping
        Primary FITS header of an image that a task wrote.

    Returns
    -------
    inputs : `tuple` [`UsedInput`]
        In order; empty where the header does not have them, for example since there were too many.
    """
    keys = [f"{_INPUT} {index}" for index in range(int(header.get(_NUMBER, 0)))]
    if not all(f"{key} {part}" in header for key in keys for part in ("DATASETTYPE", "RUN", "ID")):
        return ()
    return tuple(
        sorted(
            UsedInput(str(header[f"{key} DATASETTYPE"]), str(header[f"{key} RUN"]), str(header[f"{key} ID"]))
            for key in keys
        )
    )


def inputs_of_file(path: str | Path) -> tuple[UsedInput, ...]:
    """Read the inputs of an image from its file, see `inputs_in_header`.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        A FITS file.

    Raises
    ------
    OSError
        If it cannot be read as FITS.
    """
    from astropy.io import fits

    return inputs_in_header(fits.getheader(path))
