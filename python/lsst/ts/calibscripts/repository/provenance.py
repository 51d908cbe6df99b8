"""What an image was made from, as the butler writes it into its FITS header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["UsedInput", "inputs_in_header", "inputs_used"]

_INPUT = "LSST BUTLER INPUT"
_NUMBER = "LSST BUTLER N_INPUTS"


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


def inputs_used(butler: Butler, refs: Iterable[DatasetRef]) -> dict[int, tuple[UsedInput, ...]]:
    """Return what a job has read for each detector, from the header of its first image of it. Blocks.

    Parameters
    ----------
    refs : iterable of `lsst.daf.butler.DatasetRef`
        Processed images that the job wrote.

    Returns
    -------
    inputs : `dict` [`int`, `tuple` [`UsedInput`, ...]]
        By detector; empty where they cannot be read.
    """
    from astropy.io import fits

    found: dict[int, tuple[UsedInput, ...]] = {}
    for ref in refs:
        if (detector := int(ref.dataId["detector"])) in found:
            continue
        with butler.getURI(ref).as_local() as file:
            try:
                found[detector] = inputs_in_header(fits.getheader(file.ospath))
            except OSError:
                # Not FITS: what it was made from is not known.
                found[detector] = ()
    return found
