"""JSON schemas from outside: nothing they refer to is ever fetched."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7

from ...errors import InputError

__all__ = ["applying", "check_schema", "schema_validator"]

Result = TypeVar("Result")
_SECONDS = 5.0
"""Most processor time for a schema and the values it is for; what people write takes milliseconds."""

_DIALECT = dict[str, Any](jsonschema.Draft7Validator.META_SCHEMA)
# The default registry of jsonschema fetches what it does not know.
_KNOWN = Registry[Any]().with_resource(_DIALECT["$id"], DRAFT7.create_resource(_DIALECT))


def schema_validator(
    schema: Mapping[str, Any] | bool, kind: Callable[..., Any] = jsonschema.Draft7Validator
) -> Any:
    """Return the validator of a schema, which resolves references within it and to JSON Schema itself.

    Parameters
    ----------
    schema : mapping or `bool`
        Draft 7.
    kind : callable
        Makes the validator: a class of jsonschema.

    Returns
    -------
    `jsonschema.protocols.Validator`
        The validator. Any other reference is an error when it is met.
    """
    return kind(schema, registry=_KNOWN)


def check_schema(schema: object) -> None:
    """Check that a value is a schema.

    Parameters
    ----------
    schema : `object`
        What a text says.

    Raises
    ------
    InputError
        If it is not a draft-7 schema of an object.
    """
    if not isinstance(schema, Mapping):
        raise InputError("not a JSON schema: it must be a mapping")
    try:
        applying(lambda: jsonschema.Draft7Validator.check_schema(dict(schema)))
    except jsonschema.SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        raise InputError(f"{place}: {error.message}" if place else error.message) from None


def applying(use: Callable[[], Result]) -> Result:
    """Use a schema.

    Parameters
    ----------
    use : callable
        What uses it.

    Returns
    -------
    `object`
        What ``use`` returns.

    Raises
    ------
    InputError
        If a reference leads out of the schema, nowhere, in a circle or to what is not a schema, or a pattern takes
        too long.
    """
    try:
        with _in_time():
            return use()
    except Unresolvable as error:
        raise InputError(
            f"$ref {error.ref!r} leads to nothing in this schema, and nothing outside of it is fetched"
        ) from None
    except RecursionError:
        raise InputError("a $ref leads to itself, or the schema is nested too deeply") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What jsonschema raises where a $ref leads to what is not a schema, or the name of a property is not a text.
        if isinstance(error, InputError | jsonschema.ValidationError | jsonschema.SchemaError):
            raise
        raise InputError(f"a part of it is not a schema ({type(error).__name__}: {error})") from None


@contextmanager
def _in_time() -> Iterator[None]:
    """End what takes too long, such as a pattern that tries every way to divide a text.

    Nothing else ends the search for a pattern: it lets no other thread run. Signals reach the main thread only; in
    another one there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise InputError(f"checking values against the schema takes more than {_SECONDS:g} s")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
