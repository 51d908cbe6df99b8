"""Names of cp_pipe and cp_verify pipelines, their subsets and task labels, as they are installed.

Where the package directories can be read (``CP_PIPE_DIR``, ``CP_VERIFY_DIR``), names and labels are looked up
there; where they cannot, today's names are used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ConfigurationError, describe
from ..plan import Action, StepId
from ..tables.bootstraps import RECORDS
from ..tables.products import Pipeline
from .reading import Reading

__all__ = ["Installed", "find", "locate", "not_written"]

INGREDIENTS = "_ingredients"

_LOCATION = re.compile(r"^\s*(?:-\s*)?(?:location:|-)\s*[\"']?([^\s\"'#]+\.yaml)", re.MULTILINE)
"""What a definition imports: ``location: $CP_PIPE_DIR/...yaml`` or an item ``- $CP_PIPE_DIR/...yaml``."""

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Installed:
    """A pipeline as the OCPS is asked to run it."""

    uri: str  #: E.g. ``${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml``; the OCPS' shell environment expands it.
    labels: tuple[str, ...] | None = None  #: Task labels; None where the definition cannot be read.
    warning: str = ""  #: Why the definition cannot be read although the file exists.
    #: Class of the task of each label; empty where the definition cannot be read.
    classes: Mapping[str, str] = field(default_factory=dict)
    #: Environment variables that the definition imports from and that are not set.
    unset: tuple[str, ...] = ()
    reading: Reading | None = None  #: What it reads and writes; None where that is not known.


def locate(pipeline: Pipeline, instrument: str) -> Installed:
    """Find a pipeline among the installed ones.

    Parameters
    ----------
    pipeline : `Pipeline`
        Its names.
    instrument : `str`
        Name of the directory below ``pipelines``, e.g. ``LATISS`` (before 2024: ``Latiss``).

    Returns
    -------
    `Installed`
        The file of the instrument, whatever its directory was called in that year; where it has none, the one of
        ``pipelines`` itself (2022) or of ``_ingredients``.

    Raises
    ------
    ConfigurationError
        If the package directory can be read and has no such pipeline.
    """
    directory = os.environ.get(pipeline.package, "")
    root = Path(directory) / "pipelines"
    subset = f"#{pipeline.subsets[0]}" if pipeline.subsets else ""
    if not directory or not root.is_dir():
        name = f"${{{pipeline.package}}}/pipelines/{instrument}/{pipeline.files[0]}{subset}"
        return Installed(name)
    for folder in _folders(root, instrument):
        for file in pipeline.files:
            # Not through the file system: one that ignores case would find a name that the OCPS' does not.
            if folder.is_dir() and file in {path.name for path in folder.iterdir()}:
                return _read(pipeline, str((folder / file).relative_to(root)), folder / file)
    raise ConfigurationError(
        [
            f"No pipeline {' or '.join(pipeline.files)} for {instrument} in {root}: "
            f"check that {pipeline.package} points to the right version."
        ]
    )


def find(pipeline: Pipeline, instrument: str) -> Installed | None:
    """Find a pipeline that not every installation has.

    Parameters
    ----------
    pipeline : `Pipeline`
        Its names.
    instrument : `str`
        Name of the instrument's directory among the pipelines.

    Returns
    -------
    `Installed` or `None`
        None where there is none, or that cannot be seen on this machine.
    """
    if not (Path(os.environ.get(pipeline.package, "")) / "pipelines").is_dir():
        return None
    try:
        return locate(pipeline, instrument)
    except ConfigurationError:
        return None


def not_written(installed: Mapping[StepId, Installed]) -> Iterator[str]:
    """Report pipelines that do not write what they are run for: their jobs would end well, for nothing.

    Parameters
    ----------
    installed : mapping [`StepId`, `Installed`]
        Pipelines with what they read and write.

    Yields
    ------
    `str`
        What is wrong with one; nothing where it is not known what it writes.
    """
    for step_id, found in installed.items():
        product, reading = RECORDS[step_id.product], found.reading
        if step_id.action is not Action.GENERATE or reading is None or reading.unknown:
            continue
        if not {*product.dataset_types} & {*reading.writes}:
            yield (
                f"{step_id}: {found.uri} with its options writes no {' or '.join(product.dataset_types)}, only "
                f"{', '.join(reading.writes) or 'nothing'} (known from {reading.source}). Check config_options_"
                f"{product.option}, and that {product.generate.package} points to the right version"
                + (f"; else set {product.switch.name} to False." if product.switch else ".")
            )


def _folders(root: Path, instrument: str) -> tuple[Path, ...]:
    """List the directories of an instrument's pipelines, today's name first: LSSTCam was LsstCam, LATISS Latiss."""
    own = sorted(
        (path for path in root.iterdir() if path.name.lower() == instrument.lower()),
        key=lambda path: path.name != instrument,
    )
    return (*own, root, root / INGREDIENTS)


def _read(pipeline: Pipeline, name: str, path: Path) -> Installed:
    """Read the labels and the subset of a pipeline definition, as far as this machine can."""
    uri = f"${{{pipeline.package}}}/pipelines/{name}"
    unread = Installed(uri + (f"#{pipeline.subsets[0]}" if pipeline.subsets else ""))
    try:
        from lsst.pipe.base.pipelineIR import PipelineIR
    except ImportError:
        # The scripts' own machine need not have the Science Pipelines; the OCPS' has.
        return unread
    try:
        definition = PipelineIR.from_uri(str(path))
    except Exception as error:
        # It may import from packages that only the OCPS' machine has.
        unset = _unset_variables(path)
        why = f"it imports from {_listed(unset)}, not set here" if unset else describe(error)
        return replace(
            unread, unset=unset, warning=f"{path} cannot be read here, so options are not checked: {why}"
        )
    labels, suffix = tuple(definition.tasks), ""
    if pipeline.subsets:
        known = definition.labeled_subsets
        subset = next((s for s in pipeline.subsets if s in known), "")
        if not subset:
            raise ConfigurationError(
                [
                    f"Pipeline {path} has no subset {' or '.join(pipeline.subsets)}, only "
                    f"{', '.join(known) or 'tasks'}: check that {pipeline.package} points to the right version."
                ]
            )
        labels, suffix = tuple(known[subset].subset), f"#{subset}"
    classes = {label: str(definition.tasks[label].klass) for label in labels}
    return Installed(uri + suffix, tuple(sorted(labels)), classes=classes)


def _unset_variables(path: Path) -> tuple[str, ...]:
    """List the variables of the environment that a definition, or what it imports, needs and that are not set."""
    unset: dict[str, None] = {}
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here in seen or not here.is_file():
            continue
        seen.add(here)
        for location in _LOCATION.findall(here.read_text(encoding="utf-8", errors="replace")):
            unset |= dict.fromkeys(n for n in _VARIABLE.findall(location) if not os.environ.get(n))
            waiting.append(here.parent / os.path.expandvars(location))
    return tuple(unset)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"${name}" for name in names)
