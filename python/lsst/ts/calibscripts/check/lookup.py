"""What a butler repository says of a configuration, found as well as missing; nothing is written to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..preflight.findings import repository_findings
from ..repository import ButlerRepository, Certification, Conflict
from ..tables.products import PRODUCTS
from .configuration import Checked

__all__ = ["Answers", "Reference", "ask_repository"]


@dataclass(frozen=True)
class Reference:
    """A calibration that a job would look for.

    Attributes
    ----------
    dataset_type : `str`
        Its dataset type.
    physical_filter : `str` or `None`
        The filter it is needed in; None where any will do.
    collections : `tuple` [`str`]
        Where it is looked for.
    found, missing : `tuple` [`int`]
        Detectors.
    """

    dataset_type: str
    physical_filter: str | None
    collections: tuple[str, ...]
    found: tuple[int, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True)
class Answers:
    """What a repository has answered.

    Attributes
    ----------
    uri : `str`
        The repository.
    references : `tuple` [`Reference`]
        Calibrations that were looked for.
    free : `tuple` [`Certification`]
        Certifications that nothing stands in the way of.
    """

    uri: str
    references: tuple[Reference, ...] = ()
    free: tuple[Certification, ...] = ()


class _Reader(ButlerRepository):
    """Remembers what it was asked, and does not try to write."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self._references: list[Reference] = []
        self._free: list[Certification] = []

    def check(self, *, writing: bool) -> None:
        # Who checks a configuration need not be allowed to write, and the repository is to stay as it is.
        super().check(writing=False)

    def lacking(
        self,
        dataset_type: str,
        instrument: str,
        detectors: Sequence[int],
        collections: Sequence[str],
        physical_filter: str | None,
        when: Sequence[tuple[str, str]],
    ) -> tuple[int, ...]:
        missing = super().lacking(dataset_type, instrument, detectors, collections, physical_filter, when)
        found = tuple(detector for detector in detectors if detector not in missing)
        self._references.append(
            Reference(dataset_type, physical_filter, tuple(collections), found, tuple(missing))
        )
        return missing

    def conflicts(self, wanted: Certification) -> tuple[Conflict, ...]:
        found = super().conflicts(wanted)
        if not found:
            self._free.append(wanted)
        return found

    def answers(self, asked: Sequence[Certification]) -> Answers:
        # Other dates may have been tried, to propose some.
        free = tuple(wanted for wanted in self._free if wanted in asked)
        return Answers(self.uri, tuple(dict.fromkeys(self._references)), free)


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
    if checked.config is None or checked.plan is None:
        return checked, None
    repository = _Reader(uri)
    try:
        findings = repository_findings(
            repository,
            checked.config.model_copy(update={"repo": uri}),
            checked.plan,
            checked.pipelines,
            checked.script.instrument.name,
            checked.detectors,
            checked.physical_filter,
        )
    finally:
        repository.close()
    problems = (*checked.problems, *findings.problems)
    return replace(
        checked, problems=problems, warnings=(*checked.warnings, *_unasked(checked))
    ), repository.answers(checked.certifications)


def _unasked(checked: Checked) -> Iterator[str]:
    """Say what could not be asked."""
    for wanted in checked.certifications:
        if PRODUCTS[wanted.product].by_filter and wanted.physical_filter is None:
            yield (
                f"The filter is not named, so whether {wanted.collection} already holds a {wanted.dataset_type} "
                "of it shows only when it is certified."
            )
