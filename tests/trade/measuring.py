"""The lengths and numbers of one module. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Measure", "measures"]


@dataclass(frozen=True)
class Measure:
    """A number of something in a module."""

    #: ``lines`` of a module, ``body`` lines and ``parameters`` of a function, ``fields`` of a dataclass.
    kind: str
    name: str  #: Of the function or class; empty for the module.
    line: int  #: Where it begins.
    number: int  #: How many.


def measures(source: str) -> Iterator[Measure]:
    """Measure a module.

    Parameters
    ----------
    source : `str`
        Its text.
    """
    yield Measure("lines", "", 1, len(source.splitlines()))
    yield from _of(ast.parse(source), "")


def _of(parent: ast.AST, prefix: str) -> Iterator[Measure]:
    for node in ast.iter_child_nodes(parent):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                name = f"{prefix}{node.name}"
                yield Measure("body", name, node.lineno, _body(node))
                if not _is_command(node):
                    yield Measure("parameters", name, node.lineno, _parameters(node, method=bool(prefix)))
                yield from _of(node, f"{name}.")
            case ast.ClassDef():
                name = f"{prefix}{node.name}"
                if any("dataclass" in ast.unparse(one) for one in node.decorator_list):
                    yield Measure("fields", name, node.lineno, _fields(node))
                yield from _of(node, f"{name}.")
            case _:
                yield from _of(node, prefix)


def _body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> int:
    given = function.args
    number = len([*given.posonlyargs, *given.args, *given.kwonlyargs])
    static = any("staticmethod" in ast.unparse(one) for one in function.decorator_list)
    first = next(iter([*given.posonlyargs, *given.args]), None)
    return number - (method and not static and first is not None and first.arg in ("self", "cls"))


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether click calls a function, with a parameter for each option."""
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "command"
        for one in function.decorator_list
    )


def _fields(cls: ast.ClassDef) -> int:
    return sum(
        isinstance(one, ast.AnnAssign) and "ClassVar" not in ast.unparse(one.annotation) for one in cls.body
    )
