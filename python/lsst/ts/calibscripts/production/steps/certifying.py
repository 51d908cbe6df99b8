"""The step `certify`: one CALIBRATION collection for each calibration, with its validity range."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ...config.text.dates import check_date, range_problems
from ...errors import CertificationError, ConfigurationError, ConflictError, RunFailedError
from ...ground.time_range import TimeRange
from ...repository import Certification
from ...repository.production_records import Association
from ..commands import certify as certify_command
from ..commands import shell_text
from ..desk import Desk, chosen
from ..selection.naming import run_of, runs_among
from ..selection.selection import ExposureChoice, Selection
from .approving import approved_datasets
from .making import ANEW

__all__ = ["certify", "commands", "conflicts", "validity_range"]


def validity_range(begin: str, end: str | None) -> TimeRange:
    """Read a validity range as it stands in a command line.

    Parameters
    ----------
    begin, end : `str` or `None`
        ISO-8601, TAI, half open; an end of None is open.

    Raises
    ------
    ConfigurationError
        If a date is not one that the butler can keep, or the range is empty.
    """
    problems: list[str] = []
    for option, text in (("--begin-date", begin), ("--end-date", end)):
        if text is None:
            continue
        try:
            check_date(text)
        except ValueError as error:
            problems.append(f"{option}: {error}")
    if problems:
        raise ConfigurationError(problems)
    validity = TimeRange.of(begin, end)
    if wrong := [f"--{which}-date: {text}" for which, text in range_problems(validity, "--begin-date")]:
        raise ConfigurationError(wrong)
    return validity


def commands(selection: Selection, labels: Sequence[str], validity: TimeRange) -> Iterator[str]:
    """Return the commands of the step."""
    for choice in chosen(selection, labels):
        yield shell_text(certify_command(selection, choice, validity))


def certify(desk: Desk, labels: Sequence[str], validity: TimeRange) -> None:
    """Certify what is approved, after everything that stands in the way was looked for.

    Raises
    ------
    RunFailedError
        If something is not approved, or was made from something that is not; nothing was certified.
    ConflictError
        If a collection holds something else over an overlapping range; nothing was certified.
    """
    asked = chosen(desk.selection, labels)
    # Inputs of a calibration had fewer inputs themselves.
    concerned = sorted(asked, key=lambda choice: len(_made_from(desk, choice)))
    if refused := [*_refusals(desk, concerned)]:
        raise RunFailedError([*refused, "Nothing was certified."])
    done: set[str] = set()
    found: list[str] = []
    for choice in concerned:
        present = desk.repository.associations(desk.selection.certified(choice))
        wanted = _datasets(desk, choice)
        if _is_certified(present, wanted, validity):
            done.add(choice.label)
        else:
            found += conflicts(desk.selection, choice, present, validity)
    if found:
        raise ConflictError("\n".join([*found, "Nothing was certified."]))
    for choice in concerned:
        if choice.label in done:
            desk.already(f"certify {choice.label}", f"in {desk.selection.certified(choice)}")
        else:
            _certify(desk, choice, validity, done)
            done.add(choice.label)


def conflicts(
    selection: Selection, choice: ExposureChoice, present: Sequence[Association], validity: TimeRange
) -> Iterator[str]:
    """Report what in a CALIBRATION collection stands in the way of certifying a calibration into it; pure.

    Parameters
    ----------
    present : sequence of `Association`
        What the collection holds.
    validity : `TimeRange`
        Wanted range.

    Yields
    ------
    `str`
        One sentence for each dataset.
    """
    for one in present:
        data_id = one.data_id
        if (
            one.dataset_type == choice.product.dataset_type
            and int(data_id["detector"]) in selection.detectors
            and data_id.get("physical_filter", choice.physical_filter) == choice.physical_filter
            and one.validity.overlaps(validity.kept)
        ):
            yield (
                f"{one.collection} already holds a {one.dataset_type} of detector {data_id['detector']} for "
                f"{one.validity.interval}, which overlaps {validity.interval}: "
                "choose other dates or another `cert_rerun`."
            )


def _certify(desk: Desk, choice: ExposureChoice, validity: TimeRange, done: Collection[str]) -> None:
    selection, product, collection = desk.selection, choice.product, desk.selection.certified(choice)
    texts = (shell_text(certify_command(selection, choice, validity)),)
    desk.show(texts)
    wanted = Certification(
        product=product.name,
        instrument=selection.instrument,
        dataset_type=product.dataset_type,
        collection=collection,
        validity=validity,
        detectors=selection.detectors,
        physical_filter=choice.physical_filter,
    )
    try:
        desk.repository.write()
        ids = desk.repository.certify(wanted, run_of(selection.generation(choice)), lambda: True)
    except Exception as error:
        # Whatever the butler raises, it must be in the ledger, and be reported with what is certified by now.
        failure = CertificationError(choice.label, collection, done, error)
        desk.failed("certify", choice.label, str(failure), texts)
        raise failure from error
    desk.did(
        "certify",
        choice.label,
        f"certified in {collection} for {wanted.validity.interval}",
        texts,
        collection=collection,
        datasets=", ".join(ids or ()),
    )


def _refusals(desk: Desk, concerned: Sequence[ExposureChoice]) -> Iterator[str]:
    """Report what may not be certified.

    As in the scripts: a calibration is certified after all its inputs are.
    """
    for choice in concerned:
        if approved_datasets(desk, choice) is None:
            yield f"{choice.label} is not approved as it is now: see `produce approve`."
        known = {run_of(desk.selection.generation(made)): made for made in desk.selection.choices}
        for run in _made_from(desk, choice):
            made = known.get(run)
            if made is None:
                yield f"{choice.label} was made from {run}, which is not in the selection. {ANEW}"
            elif made not in concerned and not _was_certified(desk, made):
                yield f"{choice.label} was made from {made.label}, which is not certified: certify both."


def _made_from(desk: Desk, choice: ExposureChoice) -> tuple[str, ...]:
    """Return the RUNs of this production that were inputs of a generation, whatever is installed now."""
    output = desk.selection.generation(choice)
    inputs = runs_among(desk.repository.chain(output) or (), desk.selection.names)
    return tuple(name for name in inputs if name != run_of(output))


def _was_certified(desk: Desk, choice: ExposureChoice) -> bool:
    present = desk.repository.associations(desk.selection.certified(choice))
    return bool(present) and {one.dataset for one in present} >= _datasets(desk, choice)


def _datasets(desk: Desk, choice: ExposureChoice) -> set[str]:
    run = run_of(desk.selection.generation(choice))
    ids = desk.repository.made(run, choice.product.dataset_type)
    return {ids[detector] for detector in desk.selection.detectors if detector in ids}


def _is_certified(present: Sequence[Association], wanted: set[str], validity: TimeRange) -> bool:
    return {one.dataset for one in present if one.validity == validity.kept} >= wanted
