"""What a pipeline reads and writes: asked of its tasks where they can be imported, else of its definition.

A definition says which tasks there are and how they are configured; what a task reads then is in the table of tasks.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..tables.tasks import BASELINES, TASKS, Connection, Setting

__all__ = ["Read", "Reading", "Source", "of_definition", "of_graph"]

_CONNECTIONS = "connections."
_OUTPUTS = ("output", "merged")
"""How the connections of calibration tasks that write something begin."""

_EXPOSURES = "exposure"

_BY_VISIT = "CpVerifyVisit"
"""How the classes of tasks begin that merge statistics by visit."""

_BOOTSTRAP = "Bootstrap"
_CALIBRATIONS = frozenset(each.dataset_type for task in TASKS.values() for each in task.reads)


class Source(StrEnum):
    """Where it is known from."""

    GRAPH = "its tasks"
    DEFINITION = "its definition"


@dataclass(frozen=True, order=True)
class Read:
    """A calibration that the jobs of a pipeline read."""

    dataset_type: str  #: Its dataset type.
    #: Is there one for each detector, one for each physical filter?
    by_detector: bool = True
    by_filter: bool = False
    optional: bool = False  #: Does the job run without it?


@dataclass(frozen=True)
class Reading:
    """What a pipeline reads and writes."""

    reads: tuple[Read, ...]  #: Calibrations that none of its own tasks writes, by name.
    writes: tuple[str, ...]  #: Dataset types, by name.
    source: Source  #: Where this is known from.
    unknown: tuple[str, ...] = ()  #: Labels of tasks of which it is not known what they read.
    by_visit: bool = False  #: Does a task work on visits? They are not defined of every exposure.

    def read(self, dataset_type: str) -> Read | None:
        """Return what is read under a dataset type, None for nothing."""
        return next((read for read in self.reads if read.dataset_type == dataset_type), None)


def of_graph(graph: Any) -> Reading:
    """Read what a pipeline reads and writes from its graph.

    Parameters
    ----------
    graph : `lsst.pipe.base.pipeline_graph.PipelineGraph`
        The graph; its dimensions need not be resolved.
    """
    reads: list[Read] = []
    writes: set[str] = set()
    for task in graph.tasks.values():
        writes.update(edge.parent_dataset_type_name for edge in task.outputs.values())
        prerequisites = [*task.prerequisite_inputs.values()]
        for edge in (*prerequisites, *task.inputs.values()):
            dimensions = edge.raw_dimensions
            if _EXPOSURES not in dimensions and (edge.is_calibration or edge in prerequisites):
                reads.append(
                    Read(
                        edge.parent_dataset_type_name,
                        "detector" in dimensions,
                        "physical_filter" in dimensions,
                        task.is_optional(edge.connection_name),
                    )
                )
            elif edge.is_calibration:
                # What a calibration job has measured of each exposure.
                reads.append(Read(edge.parent_dataset_type_name))
    by_visit = any("visit" in task.raw_dimensions for task in graph.tasks.values())
    return Reading(_overall(reads, writes), tuple(sorted(writes)), Source.GRAPH, by_visit=by_visit)


def of_definition(
    definition: Any, labels: Collection[str], instrument: str, options: Sequence[str] = ()
) -> Reading:
    """Read what a pipeline reads and writes from its definition.

    Parameters
    ----------
    labels : collection of `str`
        Tasks that are run.
    instrument : `str`
        Name of the instrument, whose configuration changes that of the tasks.
    options : sequence of `str`, optional
        Settings ``label:field=value`` of the job.
    """
    reads: list[Read] = []
    writes: set[str] = set()
    unknown: list[str] = []
    for label in sorted(labels):
        task = definition.tasks[label]
        configs = [config.formatted(definition.parameters) for config in task.config or ()]
        given = dict(_options(options, label))
        names = _connections([*(config.rest for config in configs), given])
        writes.update(name for key, name in names.items() if key.startswith(_OUTPUTS))
        record = TASKS.get(_class(definition, label))
        if record is None:
            unknown.append(label)
            reads += (Read(name) for name in names.values() if name.removesuffix(_BOOTSTRAP) in _CALIBRATIONS)
            continue
        settings = dict(record.settings)
        for changes in ("", instrument):
            settings |= record.of_instrument.get(changes, {})
        if not all(_apply(config, settings) for config in configs):
            unknown.append(label)
            continue
        settings |= {name: value for name, value in given.items() if name in settings}
        reads += (_read(each, names) for each in record.reads if each.when(settings))
        writes.update(_name(each, names) for each in record.writes if each.when(settings))
    writes.discard("")
    by_visit = any(_class(definition, label).startswith(_BY_VISIT) for label in labels)
    return Reading(
        _overall(reads, writes), tuple(sorted(writes)), Source.DEFINITION, tuple(unknown), by_visit
    )


def _class(definition: Any, label: str) -> str:
    return str(definition.tasks[label].klass).rpartition(".")[2]


def _options(options: Sequence[str], label: str) -> Iterator[tuple[str, Setting]]:
    """Return the settings of a task among the options of a job."""
    for option in options:
        task, _, setting = option.partition(":")
        name, _, value = setting.partition("=")
        if task == label:
            yield name, {"True": True, "False": False}.get(value, value.strip("'\""))


def _overall(reads: Collection[Read], writes: Collection[str]) -> tuple[Read, ...]:
    """Return what no task of the pipeline writes, each once; what one task needs is not optional."""
    needed: dict[str, Read] = {}
    for read in sorted(reads, key=lambda read: read.optional):
        if read.dataset_type not in writes:
            needed.setdefault(read.dataset_type, read)
    return tuple(sorted(needed.values()))


def _name(connection: Connection, names: Mapping[str, str]) -> str:
    return names.get(connection.name, connection.dataset_type)


def _read(connection: Connection, names: Mapping[str, str]) -> Read:
    return Read(_name(connection, names), connection.by_detector, connection.by_filter, connection.optional)


def _connections(configs: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Return the dataset types that a definition sets, by connection."""
    return {
        key.removeprefix(_CONNECTIONS): value
        for config in configs
        for key, value in config.items()
        if key.startswith(_CONNECTIONS) and isinstance(value, str)
    }


def _apply(config: Any, settings: dict[str, Setting]) -> bool:
    """Change settings as a part of a definition does; return False where that cannot be known."""
    if config.file or config.dataId:
        return False
    if config.python:
        try:
            statements = ast.parse(config.python).body
        except SyntaxError:
            return False
        if not all(_execute(statement, settings) for statement in statements):
            return False
    settings.update({name: value for name, value in config.rest.items() if name in settings})
    return True


def _execute(statement: ast.stmt, settings: dict[str, Setting]) -> bool:
    """Change settings as a statement of Python does; return False where it may change them otherwise.

    Nothing is run: the definition of another package is not ours to execute.
    """
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(ast.Call(ast.Name(name), [ast.Name("config")], [])) if name in BASELINES:
            settings.update(BASELINES[name])
            return True
        case ast.Assign([ast.Attribute(ast.Name("config"), name)], value) if name in settings:
            if not isinstance(value, ast.Constant) or not isinstance(value.value, bool | str):
                return False
            settings[name] = value.value
            return True
        case ast.Assign([ast.Name() as target], _) if target.id != "config":
            # A name of its own, which configures nothing.
            return True
        case _:
            return not any(name in settings for name in _attributes(statement)) and not _passes_on(statement)


def _attributes(statement: ast.stmt) -> Iterator[str]:
    """List the attributes of anything that a statement touches."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute):
            yield node.attr


def _passes_on(statement: ast.stmt) -> bool:
    """Check whether a statement hands the configuration to something that may change it."""
    return any(
        isinstance(argument, ast.Name) and argument.id == "config"
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
    )
