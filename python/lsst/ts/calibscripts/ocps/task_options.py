"""Options of pipetask for the tasks of a pipeline, and what it reads with them.

Where the tasks of a pipeline can be imported they are asked; where they cannot, options are checked by their labels
alone, or not at all.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config import did_you_mean, option_settings
from ..errors import ConfigurationError
from .pipelines import Installed
from .reading import of_definition, of_graph

__all__ = ["TaskOptions", "check_options", "with_reading"]

OLD_ISR_LABEL = "isr"


@dataclass(frozen=True)
class TaskOptions:
    """Options of a pipetask as words, and what was changed in them."""

    words: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.words)


def with_reading(installed: Installed, options: TaskOptions, instrument: str) -> Installed:
    """Look up what a pipeline reads and writes with these options. Blocks.

    Parameters
    ----------
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
                problem = (
                    f"no task has the label '{label}' (in {setting}); its labels are {', '.join(labels)}"
                )
                unknown.append(f"{where}: {problem}")
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
