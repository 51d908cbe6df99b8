"""Names of cp_pipe and cp_verify pipelines, their subsets and task labels, as they are installed.

Where the package directories can be read (``CP_PIPE_DIR``, ``CP_VERIFY_DIR``), names and labels are looked up
there, and where their tasks can be imported, too, these are asked about their options; where they cannot, today's
names are used and options are not checked.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config import did_you_mean, option_settings
from ..errors import ConfigurationError, describe
from ..tables.products import Pipeline
from .reading import Reading, of_definition, of_graph

__all__ = ["Installed", "TaskOptions", "check_options", "find", "locate", "with_reading"]

INGREDIENTS = "_ingredients"
OLD_ISR_LABEL = "isr"

_LOCATION = re.compile(r"^\s*(?:-\s*)?(?:location:|-)\s*[\"']?([^\s\"'#]+\.yaml)", re.MULTILINE)
"""What a definition imports: ``location: $CP_PIPE_DIR/...yaml`` or an item ``- $CP_PIPE_DIR/...yaml``."""

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Installed:
    """A pipeline as the OCPS is asked to run it.

    Attributes
    ----------
    uri : `str`
        E.g. ``${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml``; the OCPS' shell environment expands it.
    labels : `tuple` [`str`] or `None`
        Task labels; None where the definition cannot be read.
    warning : `str`
        Why the definition cannot be read although the file exists.
    unset : `tuple` [`str`]
        Environment variables that the definition imports from and that are not set.
    classes : mapping [`str`, `str`]
        Class of the task of each label; empty where the definition cannot be read.
    reading : `Reading` or `None`
        What it reads and writes; None where that is not known.
    """

    uri: str
    labels: tuple[str, ...] | None = None
    warning: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    reading: Reading | None = None


@dataclass(frozen=True)
class TaskOptions:
    """Options of a pipetask as words, and what was changed in them."""

    words: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.words)


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
                [f"Pipeline {path} has no subset {' or '.join(pipeline.subsets)}, only {', '.join(known)}"]
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


def with_reading(installed: Installed, options: TaskOptions, instrument: str) -> Installed:
    """Look up what a pipeline reads and writes with these options. Blocks.

    Parameters
    ----------
    installed : `Installed`
        The pipeline.
    options : `TaskOptions`
        Its options.
    instrument : `str`
        Name of the instrument's directory among the pipelines.

    Returns
    -------
    `Installed`
        With what its tasks say where they can be imported here, else with what its definition says; unchanged where
        that cannot be read.
    """
    if installed.labels is None:
        return installed
    settings = [word for word in options.words if word != "-c"]
    try:
        return replace(installed, reading=of_graph(_configured(installed.uri, *settings)))
    except Exception:
        # The tasks, or what they need, may be on the OCPS' machine only.
        definition = _definition(installed.uri)
    return replace(installed, reading=of_definition(definition, installed.labels, instrument, settings))


def _definition(uri: str) -> Any:
    """Read the definition of a pipeline again, without its subset."""
    from lsst.pipe.base.pipelineIR import PipelineIR

    return PipelineIR.from_uri(os.path.expandvars(uri.partition("#")[0]))


def check_options(options: str, installed: Installed, where: str) -> TaskOptions:
    """Parse the options for a pipetask as words, and check them as far as this machine has what they are for. Blocks.

    Parameters
    ----------
    options : `str`
        E.g. ``-c cpBiasIsr:doDefect=False``.
    installed : `Installed`
        The pipeline.
    where : `str`
        Name of the configuration property, for messages.

    Returns
    -------
    `TaskOptions`
        The words; the label ``isr`` of older stacks is translated to the one ISR task there is.

    Raises
    ------
    ConfigurationError
        If a label is not one of the pipeline's, a word is not a setting, or a task refuses one. All such labels and
        all that tasks refuse are reported.
    """
    labels = installed.labels
    try:
        settings = option_settings(options)
    except ValueError as error:
        raise ConfigurationError([f"{where}: {error}"]) from error
    known: list[str] = []
    unknown: list[str] = []
    warnings: list[str] = []
    for setting in settings:
        label, _, rest = setting.partition(":")
        if labels is not None and label not in labels:
            translated = _isr_label(label, labels)
            if translated is None:
                told = f"no task has the label '{label}' (in {setting}); its labels are {', '.join(labels)}"
                unknown.append(f"{where}: {told}")
                continue
            warnings.append(f"{where}: the label 'isr' of older pipelines was translated to '{translated}'")
            label = translated
        known.append(f"{label}:{rest}")
    if problems := [*unknown, *(f"{where}: {text}" for text in _refused(known, installed))]:
        raise ConfigurationError(problems)
    return TaskOptions(tuple(word for setting in known for word in ("-c", setting)), tuple(warnings))


def _refused(settings: Sequence[str], installed: Installed) -> Iterator[str]:
    """Report which settings ``label:field=value`` the tasks refuse, where this machine has the tasks."""
    if not settings or installed.labels is None:
        return
    try:
        tasks = _configured(installed.uri).tasks
    except Exception:
        # The tasks, or what they need, may be on the OCPS' machine only.
        return
    if not (together := _reason(installed.uri, *settings)):
        # One may need another.
        return
    alone = {setting: reason for setting in settings if (reason := _reason(installed.uri, setting))}
    for setting, reason in (alone or {" ".join(settings): together}).items():
        label, field, _ = re.split("[:=]", setting, maxsplit=2)
        known = tasks[label].config.keys()
        near = "" if field in known else did_you_mean(field, known)
        yield f"{setting} is refused: {reason}{f'; {near}' if near else ''}"


def _reason(uri: str, *settings: str) -> str:
    """Explain why the tasks of a pipeline refuse settings; empty where they take them."""
    try:
        _configured(uri, *settings)
    except Exception as error:
        # pex_config says after the first line where the field is defined.
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""


def _configured(uri: str, *settings: str) -> Any:
    """Configure the tasks of a pipeline as pipetask does."""
    from lsst.pipe import base

    pipeline = base.Pipeline.from_uri(uri)
    for setting in settings:
        pipeline.addConfigOverride(*re.split("[:=]", setting, maxsplit=2))
    return pipeline.to_graph()


def _isr_label(label: str, labels: Sequence[str]) -> str | None:
    """Return the label of the one ISR task for the label that older stacks had, None where it is unknown."""
    found = [name for name in labels if name.lower().endswith(OLD_ISR_LABEL)]
    return found[0] if label == OLD_ISR_LABEL and len(found) == 1 else None
