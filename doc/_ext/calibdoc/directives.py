"""The directives: each turns a table or a command of the package into nodes of a page."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml
from click.testing import CliRunner
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from calibdoc.drawing import Drawing
from calibdoc.pictures import stages, steps
from calibdoc.properties import grouped
from calibdoc.rooms import picture, rooms
from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.config import ConfigValidator, json_schema, parse
from lsst.ts.calibscripts.config.scripts import find_record
from lsst.ts.calibscripts.plan import build
from lsst.ts.calibscripts.summit.faults.faults import FAULTS
from lsst.ts.calibscripts.tables.instruments import INSTRUMENTS
from lsst.ts.calibscripts.tables.products import PRODUCTS, Pipeline

__all__ = ["DIRECTIVES"]


class Picture(SphinxDirective):
    """Base of what draws: the picture stands in the page itself and takes its colours."""

    def figure(self, drawing: Drawing) -> list[nodes.Node]:
        """Put a drawing into the page."""
        return [nodes.raw("", f"<div>{drawing.svg()}</div>", format="html")]


class StatesPicture(Picture):
    """``stages-picture``: the stages of a product, from the table of transitions."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        return self.figure(stages())


class StepsPicture(Picture):
    """``steps-picture:: SCRIPT`` with a configuration as content: the steps of its plan."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Check the configuration, and draw its plan."""
        record = find_record(self.arguments[0])
        given = yaml.safe_load("\n".join(self.content)) or {}
        filled = ConfigValidator(json_schema(record.model), record.model).validate(given)
        config = parse(filled, record.model)
        return self.figure(steps(build(config, n_detectors=len(record.instrument.detectors))))


class RoomsPicture(Picture):
    """``rooms-picture``: the rooms of the package on their floors, from its imports."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        return self.figure(picture())


class PropertyTables(SphinxDirective):
    """``property-tables:: SCRIPT``: all properties of a script, in groups, from its model."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the tables."""
        tables = grouped(find_record(self.arguments[0]).model)
        # Names such as filter are words of a sentence, too.
        known = {row.name for rows in tables.values() for row in rows if "_" in row.name}
        made: list[nodes.Node] = []
        for heading, rows in tables.items():
            made.append(nodes.rubric(text=heading))
            cells = [
                (
                    [nodes.literal(text=row.name)],
                    [nodes.literal(text=row.default)] if row.default else [nodes.emphasis(text="required")],
                    _described(row.description, known),
                )
                for row in rows
            ]
            made.append(_table(("property", "default", "meaning"), (26, 22, 52), cells))
        return made


class RecordTable(SphinxDirective):
    """``record-table:: products|instruments|faults|rooms``: a table of the package."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        head, widths, cells = _TABLES[self.arguments[0]]()
        return [_table(head, widths, [[[nodes.Text(cell)] for cell in row] for row in cells])]


class CommandOutput(SphinxDirective):
    """``command-output:: calibscripts ...``: runs the command in the manual's directory and shows what it prints.

    With another exit code than ``:exit:`` says (0 by default), the page cannot be built.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"exit": directives.nonnegative_int}

    def run(self) -> list[nodes.Node]:
        """Run it."""
        command = " ".join(self.arguments[0].split())
        program, *arguments = shlex.split(command)
        if program != "calibscripts":
            raise self.error(f"only calibscripts is run, not {program}")
        with contextlib.chdir(Path(self.env.srcdir)):
            result = CliRunner().invoke(main, arguments, prog_name=program)
        if result.exit_code != self.options.get("exit", 0):
            raise self.error(f"{command}: exit code {result.exit_code}\n{result.output}{result.exception}")
        for word in arguments:
            if (path := Path(self.env.srcdir, word)).is_file():
                self.env.note_dependency(path)
        shown = nodes.literal_block(text=f"$ {command}\n{result.output}", language="text")
        return [nodes.container("", shown, classes=["command-output"])]


Rows = tuple[Sequence[str], Sequence[int], Sequence[Sequence[str]]]
"""Headings, widths of the columns, and cells of a table."""


def _products() -> Rows:
    head = ("product", "images", "made from", "made by", "verified by", "certified as")
    rows = [
        (
            product.name,
            ", ".join(product.images),
            ", ".join(product.made_from) or "-",
            _pipeline(product.generate),
            _pipeline(product.verify.pipeline) if product.verify else "-",
            product.dataset_type if product.certified else "-",
        )
        for product in PRODUCTS.values()
    ]
    return head, (12, 15, 18, 30, 15, 10), rows


def _pipeline(pipeline: Pipeline) -> str:
    return "#".join([pipeline.files[0], *pipeline.subsets[:1]])


def _instruments() -> Rows:
    head = ("instrument", "camera", "OODS", "OCPS", "detectors", "repository")
    rows = [
        (
            record.name,
            record.components.camera,
            record.components.oods,
            f"OCPS:{record.components.ocps_index}",
            f"{record.detectors[0]}..{record.detectors[-1]}" if len(record.detectors) > 1 else "0",
            record.repo,
        )
        for record in INSTRUMENTS.values()
    ]
    return head, (18, 16, 14, 14, 16, 22), rows


def _faults() -> Rows:
    rows = [(f.name, f.text.partition(":")[2].replace(",", ", "), f.description) for f in FAULTS.values()]
    return ("fault", "options, as they are by default", "what misbehaves"), (28, 26, 46), rows


def _rooms() -> Rows:
    rows = [(room.name, room.sentence, ", ".join(room.imports) or "-") for room in rooms()]
    return ("room", "what it is for", "imports from"), (18, 50, 32), rows


_TABLES: Mapping[str, Callable[[], Rows]] = {
    "products": _products,
    "instruments": _instruments,
    "faults": _faults,
    "rooms": _rooms,
}


def _described(text: str, names: Iterable[str]) -> list[nodes.Node]:
    """Set the names of properties in a text as literals."""
    pattern = re.compile(
        rf"(?<![\w/])({'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})(?!\w)"
    )
    parts = pattern.split(text)
    return [nodes.literal(text=part) if index % 2 else nodes.Text(part) for index, part in enumerate(parts)]


def _table(
    head: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Sequence[nodes.Node]]]
) -> nodes.table:
    """Make a table; a cell is a sequence of nodes that stand in a line."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row([[nodes.Text(cell)] for cell in head]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=["colwidths-given"])


def _row(cells: Sequence[Sequence[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


DIRECTIVES: dict[str, type[SphinxDirective]] = {
    "command-output": CommandOutput,
    "property-tables": PropertyTables,
    "record-table": RecordTable,
    "rooms-picture": RoomsPicture,
    "stages-picture": StatesPicture,
    "steps-picture": StepsPicture,
}
