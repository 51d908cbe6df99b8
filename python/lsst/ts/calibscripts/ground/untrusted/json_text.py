"""JSON from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ...errors import InputError
from .limits import CONFIGURATION, Limits, check_size, check_values, is_text

__all__ = ["parse_json"]

_HALF = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


@lru_cache
def _decoder(
    most_digits: int, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None
) -> json.JSONDecoder:
    """Return what reads JSON; making one takes as long as reading a line with it."""

    def whole_number(digits: str) -> int:
        if len(digits) > most_digits:
            raise InputError(
                f"{digits[:10]}... is a number of {len(digits):,} digits, more than {most_digits}"
            )
        return int(digits)

    return json.JSONDecoder(parse_int=whole_number, object_pairs_hook=pairs)


def parse_json(
    text: str,
    limits: Limits = CONFIGURATION,
    *,
    pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
) -> Any:
    """Read JSON.

    Parameters
    ----------
    limits : `Limits`
        The most it may hold.
    pairs : callable, optional
        Makes an object of its members, repeated ones among them; a `dict` by default.

    Raises
    ------
    InputError
        If it is not JSON, or holds more.
    """
    check_size(len(text), limits)
    decoder = _decoder(limits.digits, pairs)
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise InputError(f"nested more than {limits.depth} levels deep") from None
    check_values(value, limits)
    # Two halves make a character; the reader leaves a half by itself as it is.
    if _HALF.search(text) and not is_text(json.dumps(value, ensure_ascii=False)):
        raise InputError("an escape \\ud800 to \\udfff by itself is not a character")
    return value
