"""New combined images beside those that were valid before them, read and compared. Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...repository.archive import Archive
from ...repository.certified.masters import compared_masters
from ...tables.products import PRODUCTS
from ...verification.differences import Master, per_noise
from .adapters import small
from .evidence import Change

__all__ = ["EDGES", "change_of", "read_changes"]

EDGES: NDArray[np.float64] = np.linspace(-10, 10, 81)
"""Edges of the histogram, in units of the noise of both."""


def change_of(product: str, new: Master, old: Master, detector: str, n_detectors: int) -> Change:
    """Return how two combined images differ.

    Parameters
    ----------
    product : `str`
        BIAS, DARK or FLAT.
    new, old : `Master`
        The images.
    detector : `str`
        Full name.
    n_detectors : `int`
        How many detectors are shown beside each other.
    """
    pulls = per_noise(new, old)
    inside = np.clip(pulls[np.isfinite(pulls)], EDGES[0], EDGES[-1])
    image = small(
        pulls, f"difference of the {product.lower()} from the one before", detector, n_detectors, "sigma"
    )
    return Change(product, image, np.histogram(inside, EDGES)[0])


def read_changes(
    archive: Archive, runs: Mapping[str, tuple[str, Sequence[str]]], names: Mapping[int, str]
) -> Iterator[Change]:
    """Read new combined images and those before them. Blocks.

    Parameters
    ----------
    archive : `Archive`
        The repository.
    runs : mapping
        Product -> its RUN, and those of what was valid before.
    names : mapping [`int`, `str`]
        Full names of the detectors.

    Yields
    ------
    `Change`
        Of each detector that has both.
    """
    for product, (run, before) in runs.items():
        kind = PRODUCTS[product].dataset_type
        refs = sorted(archive.refs(run, kind), key=lambda ref: int(ref.dataId["detector"]))
        for ref in refs:
            found = compared_masters(archive, kind, run, before, dict(ref.dataId.mapping))
            if found is not None:
                number_of = int(ref.dataId["detector"])
                yield change_of(product, *found, names.get(number_of, str(number_of)), len(refs))
