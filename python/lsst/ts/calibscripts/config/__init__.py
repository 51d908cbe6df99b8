"""The configuration of the scripts: properties, units, defaults, descriptions and rules in one place.

`json_schema` makes of a model what LOVE shows; `ConfigValidator` reads what a user set and reports
everything that is wrong at once; `parse` makes the frozen configuration that `plan` works with.
"""

from .advice import RECOMMENDED_IMAGES, last_night, warnings
from .calibrations import CalibrationsConfig
from .fields import ScriptMode, option_settings
from .images import Exposures
from .models import ComCamConfig, LatissConfig, LSSTCamConfig
from .names import as_installed, not_installed
from .schema import as_yaml, json_schema, schema_text, write_schemas
from .settings import PropertyNames, TypeSettings
from .text.characters import key_problem
from .text.explain import did_you_mean
from .text.exposure_ids import camera_of, exposure_id, written_exposures
from .text.times import FlatPairs, ImageSet, Pairing, exposure_times, flat_pairs, groups_of_times, same_time
from .text.yaml_text import read_yaml
from .validator import DROPPED, ConfigValidator, parse, with_defaults

__all__ = [
    "DROPPED",
    "RECOMMENDED_IMAGES",
    "CalibrationsConfig",
    "ComCamConfig",
    "ConfigValidator",
    "Exposures",
    "FlatPairs",
    "ImageSet",
    "LSSTCamConfig",
    "LatissConfig",
    "Pairing",
    "PropertyNames",
    "ScriptMode",
    "TypeSettings",
    "as_installed",
    "as_yaml",
    "camera_of",
    "did_you_mean",
    "exposure_id",
    "exposure_times",
    "flat_pairs",
    "groups_of_times",
    "json_schema",
    "key_problem",
    "last_night",
    "not_installed",
    "option_settings",
    "parse",
    "read_yaml",
    "same_time",
    "schema_text",
    "warnings",
    "with_defaults",
    "write_schemas",
    "written_exposures",
]
