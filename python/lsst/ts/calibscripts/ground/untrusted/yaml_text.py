"""YAML from outside, by the rules of `yaml.SafeLoader`, which is what salobj and the Scheduler read with."""

from __future__ import annotations

import importlib
import re
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from ...errors import InputError
from .limits import CONFIGURATION, Limits, check_size, is_text

__all__ = ["Constructor", "compose_yaml", "load_yaml"]

# Of such a text libyaml makes what the slower parser makes, or an error. Of tabs, tags, rare line ends, comments
# behind | and >, and a "?" within brackets it makes something else.
_ALIKE = re.compile(r"[\n\x20\x22-\x7e]*")
_UNLIKE = re.compile(r"[|>]\S*#|\?")
_TEXT = "tag:yaml.org,2002:str"
_ADVICE = {
    # What Python's yaml.dump makes of numpy's numbers, for example.
    "tag:yaml.org,2002:python/": ": this is an object of Python; write it as a plain number, text or list",
    "\\t": "; use blanks instead of tabs",
    "mapping values are not allowed": "; put a text that contains a colon in quotes",
    "that cannot start any token": "; put a text that begins with it in quotes",
}


class Constructor(SafeConstructor):
    """Makes plain values of nodes; whatever is wrong with one is an error with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # What the constructors of numbers, dates and sets raise for a value that does not fit its tag.
            kind = str(node.tag).rpartition(":")[2]
            text = f"cannot be read as {kind}: {error}"
            raise ConstructorError(None, None, text, node.start_mark) from None


def load_yaml(text: str) -> Any:
    """Read YAML, and return its value; None for nothing.

    Raises
    ------
    InputError
        If it is not YAML, or holds more.
    """
    node = compose_yaml(text)
    return None if node is None else construct_yaml(node)


def construct_yaml(node: yaml.Node, constructor: type[Constructor] = Constructor) -> Any:
    """Return the value of a document.

    Parameters
    ----------
    node : `yaml.Node`
        As `compose_yaml` returns it.
    constructor : `type` [`Constructor`]
        Makes the values.

    Raises
    ------
    InputError
        If a value does not fit its tag.
    """
    try:
        return constructor().construct_document(node)
    except yaml.YAMLError as error:
        raise InputError(_sentence(error)) from None


def compose_yaml(text: str, limits: Limits = CONFIGURATION) -> yaml.Node | None:
    """Read YAML into nodes, which know their lines.

    Parameters
    ----------
    limits : `Limits`
        The most it may hold; what an alias stands for counts in each place.

    Returns
    -------
    `yaml.Node` or `None`
        The document; None for nothing.

    Raises
    ------
    InputError
        If it is not YAML, or holds more.
    """
    check_size(len(text), limits)
    if _FastLoader is not None and _ALIKE.fullmatch(text) and not _UNLIKE.search(text):
        try:
            return _composed(_FastLoader(text, limits))
        except yaml.YAMLError:
            # The slower parser decides, and says better what is wrong.
            pass
    try:
        return _composed(_Loader(text, limits))
    except yaml.YAMLError as error:
        raise InputError(_sentence(error)) from None
    except (OverflowError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        # An escape such as "\UFFFFFFFF".
        raise InputError(f"not YAML: {error}") from None


def _composed(loader: Any) -> yaml.Node | None:
    node: yaml.Node | None = loader.get_single_node()
    return node


class _LimitedComposer(Composer):
    """Makes nodes, as long as they keep within limits."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        self._depth = 0
        self._values = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Make the node of the next event, and those within it."""
        loader: Any = self
        line = loader.peek_event().start_mark.line + 1
        if loader.check_event(yaml.AliasEvent):
            anchored = self.anchors.get(loader.peek_event().anchor)
            if anchored is not None:
                self._count(self._size(anchored, line), line)
            return super().compose_node(parent, index)
        before = self._values
        self._count(1, line)
        self._depth += 1
        if self._depth > self._limits.depth:
            raise InputError(f"line {line}: nested more than {self._limits.depth} levels deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._check(node, line)
        self._sizes[id(node)] = self._values - before
        return node

    def _size(self, node: yaml.Node, line: int) -> int:
        if id(node) not in self._sizes:
            raise InputError(f"line {line}: an alias stands within what it stands for")
        return self._sizes[id(node)]

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > self._limits.values:
            raise InputError(
                f"line {line}: more than {self._limits.values:,} values, each counted wherever an alias repeats it"
            )

    def _check(self, node: yaml.Node | None, line: int) -> None:
        if isinstance(node, yaml.MappingNode) and len(node.value) > self._limits.members:
            raise InputError(
                f"line {line}: {len(node.value):,} properties of one mapping are more than "
                f"{self._limits.members:,}"
            )
        if isinstance(node, yaml.ScalarNode):
            # The two parsers have two names for what is written without quotes.
            node.style = node.style or None
            if node.tag != _TEXT and len(node.value) > self._limits.digits:
                raise InputError(
                    f"line {line}: {node.value[:10]}... is longer than {self._limits.digits} digits"
                )
            if not is_text(node.value):
                raise InputError(f"line {line}: an escape \\ud800 to \\udfff by itself is not a character")


class _Loader(Reader, Scanner, Parser, _LimitedComposer, Resolver):
    def __init__(self, text: str, limits: Limits) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        _LimitedComposer.__init__(self, limits)
        Resolver.__init__(self)


def _fast_loader() -> Any:
    """Make the loader with the parser of libyaml, which takes a twentieth of the time; None where there is none."""
    if not yaml.__with_libyaml__:
        return None
    parser: Any = importlib.import_module("yaml.cyaml").CParser

    class FastLoader(_LimitedComposer, parser, Resolver):  # type: ignore[misc]
        def __init__(self, text: str, limits: Limits) -> None:
            parser.__init__(self, text)
            _LimitedComposer.__init__(self, limits)
            Resolver.__init__(self)

    return FastLoader


_FastLoader = _fast_loader()


def _sentence(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = " ".join((getattr(error, "problem", None) or str(error)).split())
    if mark is None:
        return f"not YAML: {text}"
    advice = next((words for sign, words in _ADVICE.items() if sign in text), "")
    return f"line {mark.line + 1}, column {mark.column + 1}: not YAML: {text}{advice}"
