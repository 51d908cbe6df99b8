"""The configuration of a script: properties that fit together, and to an instrument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ModelWrapValidatorHandler, ValidationInfo, field_validator, model_validator

from ..errors import ConfigurationError
from ..ground.text import exposure_range
from ..tables.instruments import Instrument
from . import fields as f
from .base import CommonProperties
from .images import Exposures
from .rules import Given, problems, resolve
from .text.dates import open_end
from .text.exposure_ids import camera_of

__all__ = ["CalibrationsConfig"]


class CalibrationsConfig(CommonProperties):
    """Configuration of a script; a subclass names its instrument and adds what only that has."""

    instrument: ClassVar[Instrument | None] = None
    script: ClassVar[str | None] = None

    @classmethod
    def defaults(cls, instrument_name: str | None = None) -> dict[str, Any]:
        """Return the default of every property that has one.

        Parameters
        ----------
        instrument_name : `str`, optional
            For a model that is not of one instrument: its name in collections and paths.

        Returns
        -------
        `dict`
            Without the properties that depend on an instrument, where none is known.
        """
        name = cls.instrument.name if cls.instrument else instrument_name
        values = {
            key: value.default.replace(f.INSTRUMENT, name or f.INSTRUMENT)
            if isinstance(value.default, str)
            else value.default
            for key, value in cls.model_fields.items()
            if not value.is_required()
        }
        return {key: value for key, value in values.items() if f.INSTRUMENT not in str(value)}

    @model_validator(mode="wrap")
    @classmethod
    def _fill_and_check(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if not isinstance(data, Mapping):
            return handler(data)
        known = info.context if isinstance(info.context, Given) else Given()
        defaults = {name: value for name, value in known.defaults.items() if name in cls.model_fields}
        config = handler(resolve(data, {**cls.defaults(), **defaults}))
        if found := problems(config, frozenset(data), known.wrong):
            raise ConfigurationError(found)
        return config

    @field_validator("exposures", mode="before")
    @classmethod
    def _images_are_of_the_instrument(cls, exposures: Any) -> Any:
        if cls.instrument is None or not isinstance(exposures, Mapping):
            return exposures
        for name in (
            name for names in exposures.values() if isinstance(names, list | tuple) for name in names
        ):
            if camera_of(name) not in (None, cls.instrument.prefix):
                raise ValueError(
                    f"{name} is not an image of {cls.instrument.name}, whose names begin with "
                    f"{cls.instrument.prefix}_O_"
                )
        return exposures

    @field_validator("exposures")
    @classmethod
    def _none_are_null(cls, exposures: Exposures | None) -> Exposures | None:
        # A form writes the empty lists of a property that was not filled in.
        return exposures if any(ids for _, ids in exposures or ()) else None

    @field_validator("flat_counts_target")
    @classmethod
    def _zero_is_no_target(cls, target: float | None) -> float | None:
        # The parameter of a BLOCK cannot be null: it would become the text None.
        return target or None

    @field_validator("certify_calib_end_date")
    @classmethod
    def _last_day_is_open(cls, end: str | None) -> str | None:
        return open_end(end)

    @field_validator("detectors")
    @classmethod
    def _detectors_exist(cls, detectors: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(detectors)) < len(detectors):
            raise ValueError("a detector is listed twice")
        if cls.instrument is None:
            return detectors
        valid = cls.instrument.valid_detectors
        if unknown := [str(detector) for detector in detectors if detector not in valid]:
            kind = "are not detectors" if len(unknown) > 1 else "is not a detector"
            only = f"detector {valid[0]} is the only one"
            known = only if len(valid) == 1 else f"valid are {exposure_range(valid)}"
            raise ValueError(f"{', '.join(unknown)} {kind} of {cls.instrument.name}; {known}")
        return detectors
