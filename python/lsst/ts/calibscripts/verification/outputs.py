"""What verification and gain jobs have written, as the butler returns it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RunStatistics", "WrittenGains"]


@dataclass(frozen=True)
class RunStatistics:
    """cp_verify's statistics of one verification run, as the butler returns them."""

    run: tuple[Mapping[Any, Any], ...]  #: Run level: one, or one per physical_filter.
    #: Per exposure.
    exposures: Mapping[int, Mapping[Any, Any]]
    #: Per exposure and detector; read where the others do not name what failed.
    detectors: Mapping[tuple[int, int], Mapping[Any, Any]]
    #: Exposures and detectors of which there are statistics; empty where the run has none per detector.
    verified: frozenset[tuple[int, int]] = frozenset()

    def skipped(self, exposures: Collection[int], detectors: Iterable[int]) -> tuple[int, ...]:
        """Return the detectors that were not verified in all of these exposures; none where nothing is known of them.

        An image that the OODS has announced but not ingested is left out by the pipelines without a word.
        """
        if not self.verified:
            return ()
        return tuple(d for d in detectors if any((e, d) not in self.verified for e in exposures))


@dataclass(frozen=True)
class Details:
    """Values of cp_verify's statistics, and the read noise they are compared with."""

    #: ``verify<Type>DetStats`` by exposure and detector.
    detectors: Mapping[tuple[int, int], Mapping[Any, Any]]
    #: Nominal read noise by detector and amplifier, electron; as far as the corrected images have it.
    nominal_noise: Mapping[tuple[int, str], float]


@dataclass(frozen=True)
class WrittenGains:
    """Gains and read noises of the amplifiers of a detector, as a job wrote them."""

    detector: int
    #: The pair of exposures they were estimated from; empty for a fit to all of them.
    exposures: tuple[int, ...]
    gain: Mapping[str, float]  #: Amplifier -> gain, electron/ADU.
    noise: Mapping[str, float]  #: Amplifier -> read noise, in ``noise_unit``.
    #: electron, or ADU where it was measured in the overscan before any gain was known.
    noise_unit: str = "electron"
    #: Amplifier -> error of the gain, electron/ADU, as far as it is known.
    gain_error: Mapping[str, float] = field(default_factory=dict)
