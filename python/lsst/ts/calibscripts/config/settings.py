"""The properties of one type of image or calibration, by what they mean instead of by their names."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from ..tables.bootstraps import RECORDS

__all__ = ["PropertyNames", "TypeSettings", "settings_of"]


@dataclass(frozen=True)
class PropertyNames:
    """Names of the properties of a type; not every type has all of them."""

    #: Name of the property with what `TypeSettings` has under this name.
    n: str
    n_discard: str
    times: str
    threshold: str
    options: str
    inputs: str
    verify_inputs: str

    @classmethod
    def of(cls, kind: str) -> PropertyNames:
        """Return the names of a type.

        Parameters
        ----------
        kind : `str`
            Name of a product, or an `ImageType`.
        """
        option = RECORDS[kind].option
        return cls(
            n=f"n_{option}",
            n_discard=f"n_discard_{option}",
            times=f"exp_times_{option}",
            threshold=f"number_verification_tests_threshold_{option}",
            options=f"config_options_{option}",
            inputs=f"input_collections_{option}",
            verify_inputs=f"input_collections_verify_{option}",
        )


@dataclass(frozen=True)
class TypeSettings:
    """What a configuration says of a type; 0 or empty of what the type has no property for."""

    #: Number of images to use, and of those that are taken first and not used.
    n: int = 0
    n_discard: int = 0
    times: float | tuple[float, ...] = 0.0  #: Exposure time of all images, or of each, seconds.
    threshold: int = 0  #: Threshold of failed tests of the verification.
    options: str = ""  #: Options of the pipeline that makes it.
    #: Input collections of the jobs that make it and verify it.
    inputs: tuple[str, ...] = ()
    verify_inputs: tuple[str, ...] = ()
    #: Exposures of that image type that were taken before and are processed instead of new ones.
    taken: tuple[int, ...] = ()


def settings_of(config: BaseModel, kind: str) -> TypeSettings:
    """Return what a configuration says of a type.

    Parameters
    ----------
    kind : `str`
        Name of a product, or an `ImageType`.
    """
    names, values = PropertyNames.of(kind), dict(config)
    return TypeSettings(
        n=values.get(names.n, 0),
        n_discard=values.get(names.n_discard, 0),
        times=values.get(names.times, 0.0),
        threshold=values.get(names.threshold, 0),
        options=values.get(names.options, ""),
        inputs=_listed(values.get(names.inputs, "")),
        verify_inputs=_listed(values.get(names.verify_inputs, "")),
        taken=tuple(dict(values.get("exposures") or ()).get(kind, ())),
    )


def _listed(collections: str) -> tuple[str, ...]:
    return tuple(name for part in collections.split(",") if (name := part.strip()))
