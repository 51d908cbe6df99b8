"""Everything that the repository can say before the first exposure, found as well as missing, reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..config import last_night
from ..decisions import Decision, own_decisions
from ..errors import RepositoryError, describe
from ..ground.text import detectors_of
from ..ocps.requests import pairs_of
from ..plan import Action
from ..repository import Certification, Detector, Repository
from ..tables.products import PRODUCTS, ImageType
from .conflicts import conflict_problems
from .examining import Examined, examine
from .images import existing_set, exposure_problems, pair_problems, unpaired, without_files
from .references import Reference, References
from .spec import RunSpec

__all__ = ["RepositoryFindings", "repository_findings"]


@dataclass(frozen=True)
class RepositoryFindings:
    """What the repository has to say before the first exposure."""

    problems: tuple[str, ...] = ()  #: One sentence each; the run must not begin if there is one.
    detectors: tuple[Detector, ...] = ()  #: All detectors of the instrument.
    calib_exists: bool = False  #: Is there a ``calib_collection`` already?
    #: What is used of the sets that exist already.
    examined: Mapping[ImageType, Examined] = field(default_factory=dict)
    #: Products that the flats among them make too few pairs for, of those that the user did not ask for by
    #: name.
    unpaired: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()  #: Calibrations that the jobs look for.
    free: tuple[Certification, ...] = ()  #: Certifications that nothing stands in the way of.
    #: Certifications in a filter that shows only when the instrument is set up.
    unasked: tuple[Certification, ...] = ()
    bootstraps_exist: bool = False  #: Have the inputs all bootstraps that the run would make?
    #: What is to be known of the calibrations and images that will be used: decisions, age, files that are not seen.
    warnings: tuple[str, ...] = ()

    def planned(self, spec: RunSpec) -> RunSpec:
        """Return what is to be done after all: bootstraps that exist are not made."""
        return spec.without_bootstraps() if self.bootstraps_exist else spec

    def also(self, *problems: str) -> RepositoryFindings:
        """Return the same with further problems, each of them once."""
        return replace(self, problems=tuple(dict.fromkeys((*self.problems, *problems))))


def repository_findings(
    repository: Repository, spec: RunSpec, *, read_only: bool = False
) -> RepositoryFindings:
    """Look at the repository before the first exposure. Blocks.

    Parameters
    ----------
    spec : `RunSpec`
        What is to be done.
    read_only : `bool`, optional
        Do not try to write: who only checks a configuration need not be allowed to.

    Returns
    -------
    `RepositoryFindings`
        All that is wrong, and what was found.
    """
    certifying = any(step.id.action is Action.CERTIFY for step in spec.plan.steps)
    found = RepositoryFindings()
    try:
        repository.check(writing=certifying and not read_only)
        for look in (
            _look_at_detectors,
            _look_at_images,
            _look_at_visits,
            _look_at_references,
            _look_at_conflicts,
        ):
            found = look(repository, _in_known_filter(spec, found), found)
    except RepositoryError as error:
        text = str(error)
    except Exception as error:
        # The butler raises what its database raises; the run has not begun, so nothing is lost by refusing.
        text = f"Butler repository {spec.config.repo} cannot be read: {describe(error)}."
    else:
        return found
    return RepositoryFindings((text,), references=found.references, free=found.free)


def _in_known_filter(spec: RunSpec, found: RepositoryFindings) -> RunSpec:
    """Return the same in the filter of the flats that exist already, where there are some."""
    flats = found.examined.get(ImageType.FLAT)
    return spec if flats is None else replace(spec, physical_filter=flats.physical_filter)


def _look_at_detectors(
    repository: Repository, spec: RunSpec, found: RepositoryFindings
) -> RepositoryFindings:
    known = tuple(repository.detectors(spec.instrument))
    ids = {detector.id for detector in known}
    found = replace(found, detectors=known)
    if not (unknown := [detector for detector in spec.detectors if detector not in ids]):
        return found
    return found.also(
        f"Repository {spec.config.repo} does not know {detectors_of(unknown)} of {spec.instrument}"
        f" (it knows {len(ids)} of that instrument): check the properties repo and detectors."
    )


def _look_at_images(repository: Repository, spec: RunSpec, found: RepositoryFindings) -> RepositoryFindings:
    """Examine the sets that exist already, and the pairs of their flats."""
    problems: list[str] = []
    examined: dict[ImageType, Examined] = {}
    existing = any(images.taken for images in spec.plan.sets)
    bad = own_decisions().bad_exposures(spec.instrument) if existing else {}
    for images in spec.plan.sets:
        if images.taken:
            asked = existing_set(spec, images)
            examined[images.image_type] = one = examine(repository, spec.instrument, asked)
            problems += exposure_problems(spec.instrument, asked, one)
            problems += _marked_bad(bad, asked.exposures)
    lost, unseen = without_files(repository, spec.instrument, examined)
    problems += lost
    found = replace(found, examined=examined, warnings=tuple(unseen))
    if (flats := examined.get(ImageType.FLAT)) is None:
        return found.also(*problems)
    if flats.refused:
        return found.also(*problems)
    pairs = pairs_of(flats.found.exposures, flats.times)
    problems += pair_problems(spec.plan, pairs, flats.times)
    return replace(found.also(*problems), unpaired=unpaired(spec.plan, pairs, flats.times))


def _look_at_visits(repository: Repository, spec: RunSpec, found: RepositoryFindings) -> RepositoryFindings:
    """Look whether flats have the visits that a verification works on.

    The OODS and the butler define visits of images of the sky alone, unless they are configured otherwise.
    """
    steps = [step.id for step in spec.plan.steps if step.id in spec.pipelines.installed]
    readings = {step_id: spec.pipelines.installed[step_id].reading for step_id in steps}
    asking = [step_id for step_id, reading in readings.items() if reading is not None and reading.by_visit]
    if not asking:
        return found
    flats = spec.plan.image_set(ImageType.FLAT)
    named = () if flats is None else flats.taken
    if repository.have_visits(spec.instrument, named) is not False:
        return found
    which = "not all of these" if named else "none of the latest"
    return found.also(
        f"{asking[0]}: {spec.pipelines.installed[asking[0]].uri} works on visits, but {which} flats have one in "
        f"{spec.config.repo}: its job would miss them. Set do_verify_products to False, or have visits of flats "
        "defined, too."
    )


def _marked_bad(bad: Mapping[int, Decision], exposures: Sequence[int]) -> Iterator[str]:
    """Report which exposures somebody has marked as bad."""
    for exposure in exposures:
        if decision := bad.get(exposure):
            yield (
                f"exposures: {exposure} was {decision.signed}. Leave it out, or withdraw the mark: "
                f"`calibscripts decide withdraw {decision.id}`."
            )


def _look_at_references(
    repository: Repository, spec: RunSpec, found: RepositoryFindings
) -> RepositoryFindings:
    """Look for the calibrations that the jobs read from collections."""
    calib_exists = not repository.missing_collections([spec.config.calib_collection])
    exist = References(repository, spec, calib_exists).bootstraps_exist
    references = References(repository, spec.without_bootstraps() if exist else spec, calib_exists)
    problems = [*references.problems()]
    without_files, unseen = references.without_files()
    decisions = own_decisions()
    now = datetime.now(UTC).replace(tzinfo=None)
    warnings = (
        *found.warnings,
        *decisions.problems,
        *unseen,
        *references.old(now),
        *references.marked_bad(decisions.bad_masters(spec.instrument)),
    )
    return replace(
        found.also(*problems, *without_files),
        calib_exists=calib_exists,
        references=references.asked,
        bootstraps_exist=exist,
        warnings=warnings,
    )


def _look_at_conflicts(
    repository: Repository, spec: RunSpec, found: RepositoryFindings
) -> RepositoryFindings:
    """Look for what stands in the way of the certifications, of flats only where their filter is known."""
    unasked = tuple(
        wanted
        for wanted in spec.certifications
        if PRODUCTS[wanted.product].by_filter and wanted.physical_filter is None
    )
    found = found.also(
        *(
            f"{wanted.dataset_type} is registered in {spec.config.repo} as {kind}, so what the job makes could not "
            "be written or certified: ask those who keep the repository."
            for wanted in spec.certifications
            if (kind := repository.registered_as(wanted))
        )
    )
    asked = [wanted for wanted in spec.certifications if wanted not in unasked]
    conflicts = {wanted: tuple(repository.conflicts(wanted)) for wanted in asked}
    night = last_night(spec.config, datetime.now(UTC))
    free = tuple(wanted for wanted, present in conflicts.items() if not present)
    found = found.also(*conflict_problems(repository, conflicts, night))
    return replace(found, free=free, unasked=unasked)
