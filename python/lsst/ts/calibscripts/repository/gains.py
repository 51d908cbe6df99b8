"""Gains out of whatever dataset the installed Science Pipelines write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..verification import WrittenGains

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["written_gains"]


def written_gains(ref: DatasetRef, dataset: Any) -> WrittenGains | None:
    """Extract gains from whatever the stack writes; None for the second, empty half of a pair."""
    gain, noise = dict(dataset.gain), dict(dataset.noise)
    if str(getattr(dataset, "ptcFitType", "")) == "DUMMY" or not any(map(math.isfinite, gain.values())):
        return None
    exposure = ref.dataId.get("exposure")
    if exposure is None:
        pair: tuple[int, ...] = ()
    else:
        pairs = getattr(dataset, "exposure_pairs", None) or _input_pairs(dataset)
        pair = next((tuple(p) for p in pairs if int(exposure) in p), (int(exposure),))
    # The Science Pipelines note down the overscan's noise for a pair, in ADU; the fit's is in electrons.
    unit = "ADU" if str(getattr(dataset, "ptcFitType", "")) == "PARTIAL" else "electron"
    # The record of the simulated summit has a name of its own for it.
    errors = dict(getattr(dataset, "gainErr", None) or getattr(dataset, "gain_error", {}))
    return WrittenGains(int(ref.dataId["detector"]), pair, gain, noise, unit, errors)


def _input_pairs(dataset: Any) -> list[tuple[int, ...]]:
    """Return the exposure pairs of a PhotonTransferCurveDataset, which nests them by amplifier."""
    found: list[tuple[int, ...]] = []
    for pairs in getattr(dataset, "inputExpIdPairs", {}).values():
        for pair in pairs:
            flat = pair[0] if pair and isinstance(pair[0], Sequence) else pair
            found.append(tuple(int(exposure) for exposure in flat))
    return found
