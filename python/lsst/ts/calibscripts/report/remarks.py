"""What of the evidence deserves a look though nothing failed. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from ..ground.text import counted, exposure_range, first_few
from .reading.evidence import Evidence
from .reading.exposed import saturated

__all__ = ["gain_sentence", "remarks"]

_FAR_FROM_NOMINAL = 0.05
_PLAUSIBLE = (0.5, 2.0)
"""Times the nominal gain."""
_MOST_NAMED = 8


def remarks(evidence: Evidence, *, generated_flat: bool) -> tuple[str, ...]:
    """Report what deserves a look: saturated flats, and gains far from the nominal ones.

    Parameters
    ----------
    generated_flat : `bool`
        Was a combined flat made from the flats?
    """
    return *_saturation(evidence, generated_flat), *_gains(evidence)


def _saturation(evidence: Evidence, generated_flat: bool) -> Iterator[str]:
    found = saturated(evidence.levels)
    if found:
        use = " They are part of the combined flat." if generated_flat else ""
        yield (
            f"Flats {exposure_range(found)} are saturated: their level by exposure time is more than 10 % below that "
            f"of the shorter flats.{use} Use shorter exposure times for the combined flat."
        )


def gain_sentence(evidence: Evidence) -> str:
    """Return the gain in a sentence: median, range, and how far it is from the nominal one; empty without gains."""
    gains = [gain for gain in evidence.amplifier_gains().values() if math.isfinite(gain)]
    if not gains:
        return ""
    ratio = _ratio(evidence)
    known = "" if ratio is None else f", {_departure(ratio)}"
    pairs = {pair.exposures for pair in evidence.gains if pair.exposures}
    source = "the photon transfer curve" if evidence.curves else counted(len(pairs), "pair") + " of flats"
    return (
        f"Gain {statistics.median(gains):.3f} electron/ADU (median of {counted(len(gains), 'amplifier')}, "
        f"{min(gains):.3f} to {max(gains):.3f}{known}) from {source}."
    )


def _departure(ratio: float) -> str:
    percent = 100 * (ratio - 1)
    return f"{abs(percent):.1f} % {'above' if percent >= 0 else 'below'} nominal"


def _ratios(evidence: Evidence) -> dict[tuple[str, str], float]:
    gains, nominal = evidence.amplifier_gains(), evidence.nominal.gains
    return {
        key: gain / nominal[key]
        for key, gain in gains.items()
        if math.isfinite(gain) and nominal.get(key, 0.0) > 0
    }


def _ratio(evidence: Evidence) -> float | None:
    ratios = _ratios(evidence)
    return statistics.median(ratios.values()) if ratios else None


def _gains(evidence: Evidence) -> Iterator[str]:
    ratio = _ratio(evidence)
    if ratio is not None and abs(ratio - 1) > _FAR_FROM_NOMINAL:
        yield (
            f"Gains: the median is {_departure(ratio)}. A gain from few pairs is an approximation, better at low "
            "levels; a photon transfer curve decides."
        )
    low, high = _PLAUSIBLE
    odd = [f"{d} {a}" for (d, a), r in _ratios(evidence).items() if not low <= r <= high]
    if odd:
        yield f"Gains below {low:g} or above {high:g} times nominal: {first_few(odd, _MOST_NAMED)}."
