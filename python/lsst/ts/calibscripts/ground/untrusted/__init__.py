"""The one gate through which text from outside comes in: configurations, BLOCK files, records, ledgers, selections.

Whatever a text holds, reading it ends soon, fetches nothing and runs nothing: it returns plain values, or an
`InputError` that says in one sentence what is wrong.
"""

from ...errors import InputError
from .files import read_standard_input, read_text
from .json_text import parse_json
from .limits import CONFIGURATION, RECORD, Limits, check_values
from .schemas import applying, check_schema, schema_validator
from .yaml_text import Constructor, compose_yaml, construct_yaml, load_yaml

__all__ = [
    "CONFIGURATION",
    "RECORD",
    "Constructor",
    "InputError",
    "Limits",
    "applying",
    "check_schema",
    "check_values",
    "compose_yaml",
    "construct_yaml",
    "load_yaml",
    "parse_json",
    "read_standard_input",
    "read_text",
    "schema_validator",
]
