"""The kinds of values a property can have: what the schema says of them, and what only code can check."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ..ground.time_range import day_of
from .text.characters import HEADER_PATTERN, header_problem, key_problem, named, odd_characters
from .text.dates import DATE_PATTERN, check_date, text_of_date
from .text.exposure_ids import ITEM_PATTERN, read_exposures

__all__ = [
    "INSTRUMENT",
    "Attempts",
    "CollectionName",
    "CollectionNames",
    "Count",
    "Counts",
    "DarkTimes",
    "DateTai",
    "DetectorId",
    "Discards",
    "ExposureId",
    "ExposureIds",
    "Flag",
    "FlatSetup",
    "FlatTimes",
    "FlatTimesScale",
    "Fraction",
    "Header",
    "Name",
    "NameOrNumber",
    "Note",
    "Number",
    "NumberOfImages",
    "PipelineOptions",
    "Policy",
    "Positive",
    "RepositoryUri",
    "ScriptMode",
    "Seconds",
    "Text",
    "Wait",
    "option_settings",
    "whole",
]

INSTRUMENT = "<INSTRUMENT>"
"""Stands for the name of the instrument in defaults and descriptions."""

_NAME = r"[A-Za-z0-9_./:+@~=-]+"
_SHELL = ";|&$`<>\n\r"
_OPTIONS_PATTERN = r"^[^;|&$`<>\n\r]*$"
_SETTING = re.compile(r"[A-Za-z_][\w-]*:[A-Za-z_][\w.\[\]'\"-]*=.*", re.DOTALL)


def option_settings(options: str) -> tuple[str, ...]:
    """Read the settings out of pipetask options.

    Parameters
    ----------
    options : `str`
        E.g. ``-c cpBiasIsr:doDefect=False``. Read as words, never by a shell.

    Returns
    -------
    `tuple` [`str`]
        The settings, each ``label:field=value``.

    Raises
    ------
    ValueError
        If a shell would act on a character, or a word is anything but ``-c label:field=value``.
    """
    for character in _SHELL:
        if character in options:
            shown = "a line break" if character in "\n\r" else character
            raise ValueError(f"{shown} is not allowed: the options are read as words, never by a shell")
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise ValueError(f"the quotes are not balanced ({error})") from None
    settings: list[str] = []
    while words:
        word = words.pop(0)
        if word in ("-c", "--config"):
            if not words:
                raise ValueError(f"a setting is missing after {word}: write -c label:field=value")
            word = words.pop(0)
        elif word.startswith("--config="):
            word = word.removeprefix("--config=")
        elif word.startswith("-c"):
            word = word.removeprefix("-c")
        else:
            raise ValueError(f"{word!r} is not understood: only -c label:field=value can be set here")
        if not _SETTING.fullmatch(word):
            raise ValueError(f"{word!r} is not a setting: write -c label:field=value")
        settings.append(word)
    return tuple(settings)


def whole(value: Any) -> Any:
    """Make an integer of a float without a fraction, as JSON Schema does.

    Returns
    -------
    `object`
        20 for 20.0, else the value.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _options(value: str) -> str:
    option_settings(value)
    return value


_LONGEST_COLLECTION = 64


def _collections(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if not name:
            raise ValueError("a collection name is empty: separate names by single commas")
        if not re.fullmatch(_NAME, name):
            raise ValueError(
                f"{name!r} is not the name of a collection (no blanks, no special characters){_strange(name)}"
            )
    return ",".join(names)


def _collection(value: str) -> str:
    if len(value) > _LONGEST_COLLECTION:
        raise ValueError(
            f"{value[:20]}... has {len(value)} characters: the registry of the summit's butler keeps names of "
            f"at most {_LONGEST_COLLECTION}"
        )
    if not re.fullmatch(_NAME, value):
        raise ValueError(
            f"{value!r} is not the name of one collection (no blanks, no commas){_strange(value)}"
        )
    return value


def _strange(value: str) -> str:
    odd = odd_characters(value)
    return f": it contains {named(odd)}" if odd else ""


def _repository(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("write the path or URI of a butler repository, without blanks around it")
    return value


def _images(value: int) -> int:
    if value > _MOST_IMAGES:
        raise ValueError(f"{value} exceeds the maximum of {_MOST_IMAGES} images")
    return value


def _header(value: str) -> str:
    if problem := key_problem(value):
        raise ValueError(problem)
    return value


def _note(value: str) -> str:
    # It has a field of its own in the camera's command, so commas and colons do no harm.
    if problem := header_problem(value):
        raise ValueError(problem)
    return value


def _name(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty; write null, or leave the line out, to leave it as it is")
    return value


def _exposure(value: int) -> int:
    try:
        day_of(value)
    except ValueError as error:
        raise ValueError(f"{value} is not an exposure id, it does not begin with a date ({error})") from None
    return value


def _within_a_day(seconds: float) -> float:
    if seconds > _DAY:
        raise ValueError(f"{seconds:g} s are more than a day ({_DAY} s)")
    return seconds


_DAY = 86_400
_MOST_IMAGES = 10_000
_FIRST_EXPOSURE, _LAST_EXPOSURE = 2000_01_01_00000, 2099_12_31_99999
_WHOLE = BeforeValidator(whole)
_NULL = {"type": ["integer", "null"]}
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_String = Annotated[str, Field(strict=True)]
_DarkTime = Annotated[Number, Field(gt=0), AfterValidator(_within_a_day)]
# observatory_control's cameras cannot open and close a shutter faster.
_FlatTime = Annotated[Number, Field(ge=0.1), AfterValidator(_within_a_day)]

ScriptMode = Literal["BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT"]
Policy = Literal["fail", "warn"]
FlatTimesScale = Literal["listed", "auto"]
FlatSetup = Literal["warn", "require", "ignore"]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1), _WHOLE]
Attempts = Annotated[int, Field(strict=True, ge=1, le=3), _WHOLE]
NumberOfImages = Annotated[
    int, Field(strict=True, ge=1, json_schema_extra=_NULL), _WHOLE, AfterValidator(_images)
]
Discards = Annotated[int, Field(strict=True, ge=0, json_schema_extra=_NULL), _WHOLE, AfterValidator(_images)]
DetectorId = Annotated[int, Field(strict=True, ge=0), _WHOLE]
ExposureId = Annotated[
    int, Field(strict=True, ge=_FIRST_EXPOSURE, le=_LAST_EXPOSURE), _WHOLE, AfterValidator(_exposure)
]
ExposureIds = Annotated[
    tuple[ExposureId, ...],
    BeforeValidator(read_exposures),
    Field(
        json_schema_extra={
            "items": {
                "type": ["integer", "string"],
                "minimum": _FIRST_EXPOSURE,
                "maximum": _LAST_EXPOSURE,
                "pattern": ITEM_PATTERN,
                "examples": ["2026091800002..2026091800021"],
            }
        }
    ),
]
DarkTimes = _DarkTime | Annotated[tuple[_DarkTime, ...], Field(min_length=1)]
FlatTimes = _FlatTime | Annotated[tuple[_FlatTime, ...], Field(min_length=1)]
Positive = Annotated[Number, Field(gt=0)]
Seconds = Positive
Wait = Annotated[Number, Field(ge=0), AfterValidator(_within_a_day)]
Counts = Annotated[Number, Field(ge=0)]
Fraction = Annotated[Number, Field(ge=0.01, le=0.5)]
Text = _String
Header = Annotated[_String, AfterValidator(_header), Field(json_schema_extra={"pattern": HEADER_PATTERN})]
Note = Annotated[_String, AfterValidator(_note), Field(json_schema_extra={"pattern": HEADER_PATTERN})]
Name = Annotated[_String, AfterValidator(_name), Field(min_length=1)] | None
NameOrNumber = Annotated[_String, AfterValidator(_name), Field(min_length=1)] | Count | None
RepositoryUri = Annotated[_String, AfterValidator(_repository), Field(min_length=1)]
CollectionName = Annotated[
    _String, AfterValidator(_collection), Field(json_schema_extra={"pattern": f"^{_NAME}$"})
]
CollectionNames = Annotated[
    _String,
    AfterValidator(_collections),
    Field(json_schema_extra={"pattern": rf"^\s*{_NAME}(\s*,\s*{_NAME})*\s*$"}),
]
PipelineOptions = Annotated[
    _String, AfterValidator(_options), Field(json_schema_extra={"pattern": _OPTIONS_PATTERN})
]
DateTai = Annotated[
    _String,
    BeforeValidator(text_of_date),
    AfterValidator(check_date),
    Field(json_schema_extra={"pattern": DATE_PATTERN}),
]
