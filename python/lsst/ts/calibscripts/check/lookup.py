"""What a butler repository says of a configuration, found as well as missing; nothing is written to it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from ..preflight.findings import repository_findings
from ..preflight.references import Reference
from ..repository import Certification
from .configuration import Checked

__all__ = ["Answers", "Reference", "ask_repository"]


@dataclass(frozen=True)
class Answers:
    """What a repository has answered."""

    uri: str  #: The repository.
    references: tuple[Reference, ...] = ()  #: Calibrations that were looked for.
    free: tuple[Certification, ...] = ()  #: Certifications that nothing stands in the way of.


def ask_repository(checked: Checked, uri: str) -> tuple[Checked, Answers | None]:
    """Ask a repository about a configuration: conflicts, collections, reference calibrations.

    Parameters
    ----------
    checked : `Checked`
        A configuration with its pipelines.
    uri : `str`
        Butler URI, or path of a butler configuration; asked instead of the property ``repo``.

    Returns
    -------
    checked : `Checked`
        With what stands in the way.
    answers : `Answers` or `None`
        What was asked; None where the configuration is wrong in itself.
    """
    if checked.spec is None:
        return checked, None
    spec = replace(checked.spec, config=checked.spec.config.model_copy(update={"repo": uri}))
    # Here, since most who check a configuration ask no repository.
    from ..repository import ButlerRepository

    with closing(ButlerRepository(uri)) as repository:
        found = repository_findings(repository, spec, read_only=True)
    checked = replace(
        checked,
        spec=found.planned(checked.spec),
        problems=(*checked.problems, *found.problems),
        doubts=(*checked.doubts, *found.warnings, *map(_unasked, found.unasked)),
    )
    return checked, Answers(uri, found.references, found.free)


def _unasked(wanted: Certification) -> str:
    """Report what could not be asked."""
    return (
        f"The filter is not named, so whether {wanted.collection} already holds a {wanted.dataset_type} of it shows "
        "only when it is certified."
    )
