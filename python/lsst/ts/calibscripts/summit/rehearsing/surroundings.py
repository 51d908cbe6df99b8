"""The simulated summit that a rehearsal asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..faults.faults import Faults

__all__ = ["Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """The simulated summit of a rehearsal.

    Attributes
    ----------
    repo : `pathlib.Path`
        Directory of the rehearsal repository; created if missing.
    registry : `str` or `None`
        PostgreSQL database for the registry of a repository that is made; SQLite where it is None.
    speed : `float`
        Divides the times of the simulated hardware.
    seed : `int`
        Seed of the simulated detectors.
    faults : `Faults`
        What misbehaves.
    workers : `int` or `None`
        How many OCPS jobs run at once.
    full_scale : `bool`
        Make frames of the size of real ones.
    detectors : `tuple` [`int`, ...]
        The only detectors that the camera reads out and the scripts process; where it is empty, those that the
        configurations ask for, else all.
    ready : `bool`
        Begin with LATISS ready for flats. A calibration script by itself always does, else the summit is as before
        BLOCK-309.
    """

    repo: Path = Path("rehearsal")
    registry: str | None = None
    speed: float = 100.0
    seed: int = 0
    faults: Faults = field(default_factory=Faults)
    workers: int | None = None
    full_scale: bool = False
    detectors: tuple[int, ...] = ()
    ready: bool = False
