"""What the parts of a running run share."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..config import CalibrationsConfig
from ..events.state import RunState
from ..ocps.client import Ocps
from ..plan import Plan
from ..preflight.findings import RepositoryFindings
from ..preflight.spec import RunSpec
from ..repository import AwaitableRepository, Detector
from .checkpoints import Checkpoints
from .host import Host
from .journal import Journal

__all__ = ["RunContext"]


@dataclass(frozen=True)
class RunContext:
    """What the parts of a running run share."""

    host: Host  #: The script, with its camera.
    spec: RunSpec  #: What is to be done; once it is checked, without what cannot be.
    repository: AwaitableRepository  #: The butler.
    ocps: Ocps  #: Runs jobs.
    journal: Journal  #: Takes what happens, and knows what has been done so far.
    checkpoints: Checkpoints  #: Where the script may be paused or stopped.
    #: What the repository said before the first exposure; nothing before it is asked.
    found: RepositoryFindings = field(default_factory=RepositoryFindings)
    record: str = ""  #: Name of the record; empty where none is kept.

    @property
    def config(self) -> CalibrationsConfig:
        """Configuration."""
        return self.spec.config

    @property
    def plan(self) -> Plan:
        """Exposures and steps."""
        return self.spec.plan

    @property
    def state(self) -> RunState:
        """What has been done so far."""
        return self.journal.state

    @property
    def detectors(self) -> dict[int, Detector]:
        """Detectors asked for, by their numbers, as the butler knows them."""
        known = {detector.id: detector for detector in self.found.detectors}
        return {number: known[number] for number in self.spec.detectors if number in known}
