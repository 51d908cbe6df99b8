"""Texts for an observer on what is wrong with a value, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from math import isfinite
from typing import Any

from ...ground.untrusted import schema_validator
from .characters import named, odd_characters

__all__ = ["did_you_mean", "hint", "not_a_mapping", "schema_problems", "shown"]

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*=\s*(\S+)")
_PLACEHOLDER = re.compile(r"\$\{\w+\}|^\$\w+$")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_LEADING_ZERO = re.compile(r"[-+]?0\d")
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "True or False", "null": "null"}
_LONGEST = 60
_LIKE = 0.6


def did_you_mean(word: object, known: Iterable[str], like: float = _LIKE) -> str:
    """Propose what was probably meant.

    Parameters
    ----------
    word : `object`
        What was written.
    known : iterable of `str`
        What could have been written.
    like : `float`
        How like the words must be, from 0 to 1.

    Returns
    -------
    `str`
        ``did you mean A or B?``, or nothing where no name is near.
    """
    text = str(word).lower()
    scores = {name: _likeness(text, name.lower()) for name in known}
    best = max(scores.values(), default=0.0)
    near = [name for name, score in scores.items() if score >= max(like, best - 0.03)]
    return f"did you mean {' or '.join(near[:3])}?" if near else ""


def _likeness(word: str, name: str) -> float:
    """Return how like two words are, from 0 to 1; 0 where a look at their lengths shows that they are not."""
    matcher = SequenceMatcher(None, word, name)
    return matcher.ratio() if matcher.real_quick_ratio() >= _LIKE else 0.0


def shown(value: Any) -> str:
    """Write a value as it looks in YAML, shortened.

    Parameters
    ----------
    value : `object`
        Anything that YAML can hold.

    Returns
    -------
    `str`
        One line.
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join([shown(item) for item in value[:4]] + ['...'] * (len(value) > 4))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value)
    text = " ".join((f'"{value}"' if isinstance(value, str) else str(value)).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def not_a_mapping(data: Any) -> str:
    """Explain why a configuration that is not a mapping cannot be used.

    Parameters
    ----------
    data : `object`
        What YAML read from the text.

    Returns
    -------
    `str`
        One sentence.
    """
    if isinstance(data, str) and (found := _ASSIGNMENT.findall(data)):
        return "; ".join(f"write `{name}: {value}` instead of `{name}={value}`" for name, value in found)
    return f"the configuration must be lines of `property: value`, not {shown(data)}"


def hint(name: str, value: Any, schema: Mapping[str, Any] | None = None) -> str | None:
    """Recognise a mistake that documents and habits lead to.

    Parameters
    ----------
    schema : mapping, optional
        Schema of the property, where it has one.

    Returns
    -------
    `str` or `None`
        What to do, or None.
    """
    items = value if isinstance(value, list) else [value]
    if any(isinstance(number, float) and not isfinite(number) for number in items):
        return "must be finite"
    if not isinstance(value, str):
        return None
    # The path of a repository may hold variables of the environment.
    if name != "repo" and (found := _PLACEHOLDER.search(value)):
        return f"replace the placeholder {found[0]} by a value, or leave the line out"
    kinds = _types(schema or {})
    if value == "None" and "null" in kinds:
        return "write null: YAML reads None as a text"
    numbers = [word for word in re.split(r"[,\s]+", value) if word]
    if len(numbers) > 1 and all(map(_NUMBER.fullmatch, numbers)) and ("array" in kinds or not kinds):
        return f"write a list, in brackets: {name}: [{', '.join(numbers[:4] + ['...'] * (len(numbers) > 4))}]"
    if kinds and "string" not in kinds:
        if odd := odd_characters(value):
            return f"{shown(value)} contains {named(odd)}: remove it"
        word = value.strip()
        is_flag = word.lower() in ("true", "false") and "boolean" in kinds
        is_number = _NUMBER.fullmatch(word) and kinds & {"integer", "number"}
        if is_number and (_LEADING_ZERO.match(word) or "e" in word.lower()):
            return f"write {float(word):.12g}: YAML reads {word} as a text"
        return f"write {word} without quotes" if is_flag or is_number else None
    return None


def schema_problems(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Report what is wrong by a schema.

    Parameters
    ----------
    schema : mapping
        Draft-7 schema of an object.

    Yields
    ------
    name, text : `str`
        One sentence for each property that is wrong, unknown or missing.
    """
    known = schema.get("properties", {})
    explained = set()
    for error in schema_validator(schema).iter_errors(dict(given)):
        if error.path:
            name = str(error.path[0])
            if name not in explained:
                yield name, _value(name, given[name], _mapping(known.get(name)), error.message)
            explained.add(name)
        elif error.validator == "additionalProperties":
            yield from ((name, _unknown(name, given[name], known)) for name in given if name not in known)
        elif error.validator == "required":
            missing = [name for name in schema["required"] if name not in given and name not in explained]
            explained.update(missing)
            yield from (
                (name, f"is missing: must be {_expected(_mapping(known.get(name)))}") for name in missing
            )
        else:
            yield "", error.message


def _unknown(name: str, value: Any, known: Mapping[str, Any]) -> str:
    if found := _ASSIGNMENT.fullmatch(name):
        return f"write `{found[1]}: {found[2]}`"
    plain = "".join(character for character in name if character not in odd_characters(name)).strip()
    if plain in known:
        return f"the name contains {named(odd_characters(name))}: write {plain}"
    texts = ("unknown property", hint(name, value) or "", did_you_mean(name, known))
    return "; ".join(text for text in texts if text)


def _value(name: str, value: Any, schema: Mapping[str, Any], message: str) -> str:
    """Explain why a value is wrong, in jsonschema's words where we have none of our own."""
    if (text := hint(name, value, schema)) is not None:
        return text
    if isinstance(value, Mapping) and "properties" in schema:
        return "; ".join(f"{inner}: {text}" for inner, text in schema_problems(schema, value))
    options = [_mapping(option) for option in schema.get("anyOf", [schema])]
    if isinstance(value, list) and (lists := [option for option in options if "array" in _types(option)]):
        return _list(lists[0], value, message)
    if not (expected := _expected(schema)):
        return message
    near = did_you_mean(value, map(str, schema.get("enum", ()))) if isinstance(value, str) else ""
    odd = odd_characters(value) if isinstance(value, str) else ""
    strange = f"it contains {named(odd)}" if odd else ""
    texts = (f"must be {expected}, not {shown(value)}", strange, near, _quotes(value, schema))
    return "; ".join(text for text in texts if text)


def _quotes(value: Any, schema: Mapping[str, Any]) -> str:
    """Report how to write a text that YAML reads as something else; nothing where no free text is asked for."""
    if "string" not in _types(schema) or "enum" in schema or "examples" in schema:
        return ""
    if isinstance(value, bool):
        return "put the text in quotes (YAML reads yes, no, on and off as True or False)"
    return "put the text in quotes" if isinstance(value, int | float) else ""


def _list(schema: Mapping[str, Any], value: Sequence[Any], message: str) -> str:
    items = schema.get("items", {})
    if not isinstance(items, Mapping):
        return message
    validator = schema_validator(items)
    for position, item in enumerate(value, 1):
        if not validator.is_valid(item):
            if text := hint("", item, items):
                return f"number {position} of the list: {text}"
            return f"number {position} of the list must be {_expected(items)}, not {shown(item)}"
    if len(value) < schema.get("minItems", 0):
        return f"the list must have at least {schema['minItems']} item, not {len(value)}"
    return message


def _mapping(schema: object) -> Mapping[str, Any]:
    """Return what a schema says; a schema may also be true or false, or be left out, which says nothing."""
    return schema if isinstance(schema, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> set[str]:
    kinds = schema.get("type", [])
    own = {kinds} if isinstance(kinds, str) else set(kinds)
    return own.union(*(_types(_mapping(option)) for option in schema.get("anyOf", [])))


def _expected(schema: Mapping[str, Any]) -> str:
    """Describe in words what a schema asks for; nothing where there are no words for it."""
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "anyOf" in schema:
        return _either([_expected(_mapping(option)) for option in schema["anyOf"]])
    kinds = schema.get("type", [])
    return _either([_expected_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def _either(texts: Sequence[str]) -> str:
    known = [text for text in texts if text]
    return " or ".join([", ".join(known[:-1])] * (len(known) > 1) + known[-1:])


def _expected_kind(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        inner = _mapping(schema.get("items"))
        if (only := inner.get("minimum")) == inner.get("maximum") is not None:
            return f"the list [{only}] ({only} is the only one)"
        items = _expected(inner)
        return "a list in brackets" + (f", each item {items}" if items else "")
    if kind == "string":
        return (
            f"a name such as {', '.join(map(str, schema['examples'][:3]))}"
            if "examples" in schema
            else "a text"
        )
    text = _KINDS.get(kind, "a mapping")
    if kind not in ("integer", "number"):
        return text
    low, high = schema.get("minimum"), schema.get("maximum")
    if low == high is not None:
        return f"{low}, which is the only one"
    if low is not None:
        return f"{text} from {low} to {high}" if high is not None else f"{text} of at least {low}"
    return f"{text} greater than {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else text
