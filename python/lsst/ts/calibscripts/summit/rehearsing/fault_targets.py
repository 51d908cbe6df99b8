"""What faults can hit in a rehearsal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import yaml

from ... import sal
from ...tables.instruments import INSTRUMENTS, LATISS, LSSTCAM, Instrument
from ..butler.reference import REFERENCE_PRODUCTS
from ..faults.fault import Target
from ..hardware.calsys import ATCS
from ..hardware.focalplane import detectors as detectors_of
from ..ocps.pipetask import PIPELINES

__all__ = ["targets"]

_BESIDE: Mapping[str, tuple[str, ...]] = {
    LATISS.name: ("ATWhiteLight", *ATCS, "Scheduler:2", "ATSpectrograph"),
    LSSTCAM.name: ("MTDome", "MTDomeTrajectory"),
}
"""Components of the summit beside those that every camera has."""


def targets(instruments: Sequence[str], detectors: Collection[int] = ()) -> Mapping[Target, Collection[str]]:
    """Return the names of what can be hit, for each kind of target.

    Parameters
    ----------
    instruments : sequence of `str`
        Cameras of the rehearsal.
    detectors : collection of `int`
        The only detectors that are read out; empty for all.
    """
    records = [INSTRUMENTS[name] for name in instruments]
    components = tuple(name for record in records for name in _components(record))
    ids = dict.fromkeys(detector.id for name in instruments for detector in detectors_of(name))
    return {
        Target.IMAGES: tuple(sal.LATISS.get_image_types()),
        Target.JOBS: tuple(dict.fromkeys(name for record in records for name in _pipelines(record))),
        Target.COMPONENT: components,
        Target.ATTEMPTS: components,
        Target.NOTHING: components,
        Target.DETECTOR: tuple(str(each) for each in detectors or ids),
        Target.DATASETS: REFERENCE_PRODUCTS,
    }


def _components(record: Instrument) -> tuple[str, ...]:
    own = record.components
    common = own.oods, f"OCPS:{own.ocps_index}", own.header_service, own.camera
    return (*common, *_BESIDE.get(record.name, ()))


def _pipelines(record: Instrument) -> Iterator[str]:
    """Yield the names that jobs have: of pipelines, and of the subsets in their ingredients."""
    for path in sorted(PIPELINES.glob(f"*/pipelines/{record.name}/*.yaml")):
        yield path.stem
    for path in sorted(PIPELINES.glob("*/pipelines/_ingredients/*.yaml")):
        yield from yaml.safe_load(path.read_text()).get("subsets", {})
