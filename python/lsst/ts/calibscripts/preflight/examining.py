"""What the butler knows of the images of a set -> what of it is used, what is left out and why.

The only place that decides it, for images that were taken now and for those that exist already.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..config import same_time
from ..errors import CalibScriptsError, ImageSetError
from ..events.images import ImageSet, judge
from ..events.state import RunState
from ..ground.text import exposure_range
from ..repository import ExposureRecord, Repository, Signal
from ..tables.instruments import filter_fits
from ..tables.products import ImageType, Product
from .window import LEVELS_LOOKED_AT, Levels, Window, read_signals

__all__ = ["Asked", "Examined", "Group", "closed_flats", "compare", "examine", "filter_text", "wrong_filter"]

_UNKNOWN = ("", "UNKNOWN")
"""What the butler says of the type or the filter of an image whose header does not have it."""


@dataclass(frozen=True)
class Group:
    """What the images of a run have in common."""

    id: str = ""  #: Their group id; empty where it does not matter.
    #: Exposures of the run that are not of the set: they, too, show whether the repository keeps its group id.
    beside: tuple[int, ...] = ()


_ANY_GROUP = Group()


@dataclass(frozen=True)
class Asked:
    """What the images of a set are to be."""

    image_type: ImageType  #: Their type.
    #: Exposures to use and detectors asked for.
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    #: Exposure -> the exposure times, seconds, that it may have; any where it is not among them.
    times: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    physical_filter: tuple[str | None, ...] = ()  #: What `filter_fits` compares the filter of flats with.
    window: Window | None = None  #: Limits for the level of flats.
    known: Mapping[int, Signal] = field(default_factory=dict)  #: Signals of flats that were read already.
    existing: bool = False  #: Were they taken before this run, and named in ``exposures``?
    group: Group = _ANY_GROUP  #: Group that they were taken in.
    #: Exposure and detector -> whether the OODS has reported a good image, as far as it has reported one.
    announced: Mapping[tuple[int, int], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Examined:
    """What of a set is used."""

    found: ImageSet  #: What is used and what is left out.
    #: Why exposures are left out although their images were ingested -> which.
    why: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fit: tuple[int, ...] = ()  #: Exposures that nothing speaks against, also where they lack images.
    refused: CalibScriptsError | None = None  #: Why nothing of the set may be used.
    #: Exposure -> its exposure time, seconds, as the butler has it.
    times: Mapping[int, float] = field(default_factory=dict)
    physical_filter: str | None = None  #: Filter of the flats that go on.
    #: Levels of flats, where there are limits for them.
    levels: Levels = field(default_factory=Levels)
    late: bool = False  #: Was an image announced that the butler does not have, or not yet?
    #: Group ids of exposures that may all be somebody else's; none where one is known to be ours.
    other_groups: tuple[str, ...] = ()
    without_group: tuple[int, ...] = ()  #: What is used without a group id, though others have ours.

    def refuse(self, error: CalibScriptsError) -> Examined:
        """Return the same with nothing left of the set: what is refused is never offered for resuming."""
        exposures = sorted({*self.found.exposures, *self.found.left_out_exposures})
        return replace(self, found=ImageSet((), self.found.detectors, tuple(exposures), ()), refused=error)


def examine(repository: Repository, instrument: str, asked: Asked) -> Examined:
    """Compare a set with what the butler has of it. Blocks.

    Parameters
    ----------
    instrument : `str`
        Butler instrument name.

    Returns
    -------
    `Examined`
        What of it is used.
    """
    there = repository.ingested(instrument, asked.exposures)
    records = repository.exposures(instrument, (*asked.exposures, *asked.group.beside))
    examined = compare(asked, there, records)
    if asked.window is None or examined.refused or not examined.found.complete:
        return examined
    found, window = examined.found, asked.window
    # Also of flats that are left out so far for want of an image: they may be used where others are too dark.
    levels = read_signals(repository, instrument, examined.fit, found.detectors, asked.known)
    examined = replace(examined, levels=levels)
    used = [levels.read[exposure].level for exposure in found.exposures if exposure in levels.read]
    wrong = window.wrong(used[:LEVELS_LOOKED_AT]) if used else window.unknown(levels)
    if wrong is not None:
        return examined.refuse(wrong)
    outside = window.unfit(levels.read, examined.times)
    return replace(compare(asked, there, records, outside), levels=levels)


def compare(
    asked: Asked,
    there: Collection[tuple[int, int]],
    records: Collection[ExposureRecord],
    unfit: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> Examined:
    """Compare a set with its ingested images and the records of its exposures. Pure.

    An exposure that does not fit has lost its images: what else is left out is decided with that in mind. An image
    that the OODS has reported as bad counts as lost, whatever the butler has of it.

    Parameters
    ----------
    there : collection of (`int`, `int`)
        Exposure and detector of the images that were ingested.
    records : collection of `ExposureRecord`
        Those of its exposures, and of those beside, that the butler knows.
    unfit : mapping [`str`, `tuple` of `int`], optional
        Why exposures do not fit although their records do -> which.
    """
    wanted = frozenset(asked.exposures)
    known = {record.id: record for record in records if record.id in wanted}
    groups = {record.group for record in records} - {""}
    why = {**unfit}
    for exposure in asked.exposures:
        if (record := known.get(exposure)) is not None and (reason := _unfit(asked, record, groups)):
            why[reason] = (*why.get(reason, ()), exposure)
    gone = {exposure for exposures in why.values() for exposure in exposures}
    fit = {e: known[e] for e in asked.exposures if e in known and e not in gone}
    good = {key for key in there if key[0] in fit and asked.announced.get(key, True)}
    found = judge(asked.exposures, asked.detectors, good)
    filters = [record.physical_filter for record in fit.values() if asked.image_type is ImageType.FLAT]
    times = {exposure: record.exposure_time for exposure, record in known.items()}
    examined = Examined(
        found,
        why,
        tuple(fit),
        times=times,
        physical_filter=filters[0] if filters else None,
        late=any(good and key not in there for key, good in asked.announced.items()),
        other_groups=tuple(sorted({record.group for record in known.values()} - {""}))
        if asked.group.id and asked.group.id not in groups
        else (),
        without_group=tuple(e for e in found.exposures if asked.group.id in groups and not known[e].group),
    )
    refused = _foreign(asked, known.values()) or wrong_filter(asked, [*fit.values()])
    return examined.refuse(ImageSetError(asked.image_type.name, refused)) if refused else examined


def _unfit(asked: Asked, record: ExposureRecord, groups: Collection[str]) -> str:
    """Explain why an exposure is left out, empty where nothing speaks against it.

    The camera class returns the first image that begins after our command, whoever has it taken. Its group id
    shows it, but only where the repository has ours for at least one image: else it may not keep them as they were
    given.
    """
    if asked.group.id in groups and record.group not in ("", asked.group.id):
        return f"group id {record.group} is not that of this run, so somebody else has taken it"
    if asked.image_type is ImageType.FLAT and _is_unknown(record.physical_filter):
        return "the repository does not know the filter"
    times = asked.times.get(record.id, ())
    if not times or any(same_time(record.exposure_time, time) for time in times):
        return ""
    if math.isnan(record.exposure_time):
        return "the repository does not know the exposure time"
    wanted = " or ".join(f"{time:g}" for time in dict.fromkeys(times))
    return f"exposure time {record.exposure_time:g} s instead of {wanted} s"


def _is_unknown(physical_filter: str | None) -> bool:
    return any(part.upper() in _UNKNOWN for part in (physical_filter or "").split("~"))


def _foreign(asked: Asked, records: Iterable[ExposureRecord]) -> str:
    """Report which exposures are of another type; where the header has no type, nothing speaks against it.

    The camera class returns the first image that begins after our command, whoever has it taken.
    """
    fitting = (asked.image_type, *_UNKNOWN)
    others = [record for record in records if record.image_type not in fitting]
    if not others:
        return ""
    name = asked.image_type.name
    if asked.existing:
        return (
            f"exposures: {', '.join(f'{r.id} is a {r.image_type}' for r in others)}, but listed under {name}."
        )
    what = ", ".join(f"{record.id} is of type {record.image_type}" for record in others)
    return _given_up(asked, f"{what}, so somebody else has taken images at the same time")


def wrong_filter(asked: Asked, records: Sequence[ExposureRecord]) -> str:
    """Report which flats have another filter than asked for, or each other; empty where all is well."""
    if asked.image_type is not ImageType.FLAT:
        return ""
    exposures: dict[str, list[int]] = {}
    for record in records:
        exposures.setdefault(str(record.physical_filter), []).append(record.id)
    wrong = [name for name in sorted(exposures) if not filter_fits(name, asked.physical_filter)]
    listed = ", ".join(f"{name} ({exposure_range(exposures[name])})" for name in wrong)
    if wrong and asked.existing:
        return (
            f"exposures: expected flats in {filter_text(asked.physical_filter)}, found {listed}: name flats in that "
            "filter, or change the filter in the configuration."
        )
    if wrong:
        what = "Filter" if len(wrong) == len(exposures) else "the filter was changed while they were taken"
        return _given_up(asked, f"{what}: expected {filter_text(asked.physical_filter)}, found {listed}")
    if len(exposures) < 2:
        return ""
    if asked.existing:
        return (
            f"exposures: flats of several filters, {', '.join(sorted(exposures))}: name those of one filter."
        )
    names = " and ".join(sorted(exposures))
    return _given_up(asked, f"the filter was changed while they were taken: they have {names}")


def closed_flats(state: RunState, product: Product) -> Asked | None:
    """Return what the flats are to be that a run has made a product from; None where their filter does not matter.

    Parameters
    ----------
    state : `RunState`
        The run.
    """
    images, expected = state.sets.get(ImageType.FLAT), state.physical_filter
    flats = None if images is None else images.closed
    if ImageType.FLAT not in product.images or flats is None or expected is None:
        return None
    return Asked(ImageType.FLAT, flats.exposures, flats.detectors, physical_filter=tuple(expected.split("~")))


def filter_text(asked: Sequence[str | None]) -> str:
    """Return the filter that is asked for as an observer reads it."""
    return "~".join(name or "any" for name in asked)


def _given_up(asked: Asked, what: str) -> str:
    advice = "Find out who did, then queue the script or its BLOCK again."
    return f"The {asked.image_type.plural} are given up: {what}. {advice}"
