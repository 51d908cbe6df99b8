"""The simulated summit that a rehearsal asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..faults.faults import Faults

__all__ = ["Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """The simulated summit of a rehearsal."""

    repo: Path = Path("rehearsal")  #: Directory of the rehearsal repository; created if missing.
    #: PostgreSQL database for the registry of a repository that is made; SQLite where it is None.
    registry: str | None = None
    speed: float = 100.0  #: Divides the times of the simulated hardware.
    seed: int = 0  #: Seed of the simulated detectors.
    faults: Faults = field(default_factory=Faults)  #: What misbehaves.
    workers: int | None = None  #: How many OCPS jobs run at once.
    full_scale: bool = False  #: Make frames of the size of real ones.
    #: The only detectors that the camera reads out and the scripts process; where it is empty, those that the
    #: configurations ask for, else all.
    detectors: tuple[int, ...] = ()
    #: Begin with LATISS ready for flats. A calibration script by itself always does, else the summit is as
    #: before BLOCK-309.
    ready: bool = False
