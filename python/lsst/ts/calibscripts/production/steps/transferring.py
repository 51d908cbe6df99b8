"""The steps `export` and `import-to`: calibrations from one repository into another."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...errors import ConflictError, RepositoryError, RunFailedError, describe
from ...ground.time_range import TimeRange
from ...ground.untrusted import RECORD, InputError, parse_json, read_text
from ...repository.production_records import Association
from ..commands import CHECKSUMS, change_modes, check_checksums, import_, make_checksums, shell_text
from ..commands import export as export_command
from ..desk import Desk
from ..selection.selection import Selection
from . import chaining

__all__ = [
    "Exported",
    "Manifest",
    "export",
    "export_commands",
    "export_directory",
    "import_commands",
    "import_to",
]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Exported:
    """A calibration that was exported: where it is certified, and the SHA-256 of its file."""

    association: Association
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an export consists of."""

    repo: str  #: Repository it is from.
    calibrations: tuple[Exported, ...]


_MANIFEST = TypeAdapter(Manifest)


def export_commands(selection: Selection, directory: Path) -> Iterator[str]:
    """Return the commands of an export."""
    yield shell_text(export_command(selection, directory))
    yield make_checksums(directory)


def import_commands(
    selection: Selection, repo: str, directory: Path, reference: Path | None
) -> Iterator[str]:
    """Return the commands of an import."""
    yield check_checksums(directory)
    yield shell_text(import_(repo, directory))
    if reference is not None:
        yield change_modes(repo, selection.names.base, reference)
    yield from chaining.commands(selection, repo)


def export_directory(desk: Desk) -> Path:
    """Return the directory of the export: the one beside the selection, or that in which the selection itself is."""
    return (
        desk.directory
        if (desk.directory / MANIFEST).exists()
        else desk.directory / desk.selection.names.export
    )


def export(desk: Desk, directory: Path, selection_file: Path) -> None:
    """Export what is certified, with checksums and with the selection, so that it can be imported elsewhere.

    Raises
    ------
    RunFailedError
        If not everything is certified.
    RepositoryError
        If the directory exists already and holds something else.
    """
    calibrations = _certified(desk)
    manifest = Manifest(desk.repository.uri, calibrations)
    if directory.exists():
        if _read_manifest(directory).calibrations != calibrations:
            raise RepositoryError(
                f"{directory} holds another export. Nothing was exported. Move it away first."
            )
        _check_files(directory, calibrations)
        desk.already("export", f"{len(calibrations)} datasets in {directory}")
        return
    texts = [*export_commands(desk.selection, directory)]
    desk.show(texts)
    collections = [desk.selection.certified(choice) for choice in desk.selection.choices]
    # Whatever ends this early leaves no directory that looks like an export.
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        desk.repository.export(str(partial), collections)
    except RepositoryError as error:
        desk.failed("export", str(directory), str(error), texts)
        raise
    lines = [f"{_sha256(path)}  ./{path.relative_to(partial)}\n" for path in _files(partial)]
    (partial / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    shutil.copyfile(selection_file, partial / "selection.yaml")
    (partial / MANIFEST).write_bytes(_MANIFEST.dump_json(manifest, indent=1))
    _check_files(partial, calibrations)
    partial.rename(directory)
    desk.did("export", str(directory), f"{len(calibrations)} datasets were exported", texts)


def import_to(desk: Desk, repo: str, directory: Path, reference: Path | None) -> None:
    """Import an export into another repository, compare its checksums, and chain it there.

    Raises
    ------
    RepositoryError
        If the export is damaged, or the repository holds something else under its names.
    ConflictError
        If something of it is in a chain there already.
    """
    manifest = _read_manifest(directory)
    _check_files(directory, manifest.calibrations)
    there = desk.at(repo)
    wanted = tuple(one.association for one in manifest.calibrations)
    present = _present(there, wanted)
    if present and {*map(_identity, present)} != {*map(_identity, wanted)}:
        raise ConflictError(
            f"{repo} holds {len(present)} datasets in the collections of this production, which are not the "
            f"{len(wanted)} exported ones. Nothing was imported. Compare with `produce compare`."
        )
    texts = [check_checksums(directory), shell_text(import_(repo, directory))]
    if present:
        desk.already(f"import-to {repo}", f"{len(present)} datasets")
    else:
        there.show(texts)
        try:
            there.repository.import_(str(directory))
        except RepositoryError as error:
            there.failed("import-to", repo, str(error), texts)
            raise
        there.did("import-to", repo, f"{len(wanted)} datasets were imported", texts)
    _compare_checksums(manifest, there.repository.checksums(wanted))
    if reference is not None:
        _copy_mode(there, reference, there.repository.files(wanted))
    chaining.chain(there)


def _certified(desk: Desk) -> tuple[Exported, ...]:
    selection, repository = desk.selection, desk.repository
    collections = [selection.certified(choice) for choice in selection.choices]
    if missing := repository.missing_collections(collections):
        raise RunFailedError(
            [f"{', '.join(missing)} does not exist. Nothing was exported. Certify it first."]
        )
    found = [one for collection in collections for one in repository.associations(collection)]
    checksums = repository.checksums(found)
    ordered = sorted(found, key=lambda one: (one.collection, one.key, one.begin or datetime.min))
    return tuple(Exported(one, checksums[one.dataset][1]) for one in ordered)


def _read_manifest(directory: Path) -> Manifest:
    try:
        return _MANIFEST.validate_python(parse_json(read_text(directory / MANIFEST, RECORD), RECORD))
    except (InputError, ValidationError) as error:
        raise RepositoryError(
            f"{directory} is not an export of `produce export`: {describe(error)}"
        ) from error


def _check_files(directory: Path, calibrations: Sequence[Exported]) -> None:
    """Raise unless all files are as they were exported."""
    wrong = []
    for line in read_text(directory / CHECKSUMS, RECORD).splitlines():
        checksum, _, name = line.partition("  ")
        path = directory / name
        if not path.is_file() or _sha256(path) != checksum:
            wrong.append(name)
    lost = {one.sha256 for one in calibrations} - {_sha256(path) for path in _files(directory)}
    if wrong or lost:
        raise RepositoryError(
            f"The export {directory} is damaged: {', '.join(wrong) or f'{len(lost)} files are missing'}. "
            "Nothing was imported. Copy it again."
        )


def _compare_checksums(manifest: Manifest, files: Mapping[str, tuple[str, str]]) -> None:
    wrong = [
        files[one.association.dataset][0]
        for one in manifest.calibrations
        if files[one.association.dataset][1] != one.sha256
    ]
    if wrong:
        raise RepositoryError(
            f"Imported files differ from those exported: {', '.join(wrong)}. The chains were not changed."
        )


def _copy_mode(desk: Desk, reference: Path, files: Sequence[str]) -> None:
    """Set the permissions of files to those of another one."""
    texts = [change_modes(desk.repository.uri, desk.selection.names.base, reference)]
    try:
        mode = reference.stat().st_mode & 0o777
        others = [file for file in files if os.stat(file).st_mode & 0o777 != mode]
        if not others:
            desk.already("permissions", f"{mode:o} as {reference}")
            return
        desk.show(texts)
        for file in others:
            os.chmod(file, mode)
    except OSError as error:
        raise RepositoryError(
            f"The permissions of {reference} could not be applied: {describe(error)}"
        ) from error
    desk.did("permissions", desk.repository.uri, f"{len(others)} files have {mode:o} as {reference}", texts)


def _present(desk: Desk, wanted: Sequence[Association]) -> tuple[Association, ...]:
    collections = dict.fromkeys(one.collection for one in wanted)
    return tuple(one for collection in collections for one in desk.repository.associations(collection))


def _identity(one: Association) -> tuple[str, str, str, TimeRange]:
    return one.collection, one.dataset, one.run, one.validity


def _files(directory: Path) -> list[Path]:
    return sorted(
        path for path in directory.rglob("*") if path.is_file() and path.name not in (CHECKSUMS, MANIFEST)
    )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
