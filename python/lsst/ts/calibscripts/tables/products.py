"""The calibrations a run can make: one frozen record each.

Where would I add a product (CTI, linearity): a record here. The state machine, the plan and the reports read
this table only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["PRODUCTS", "ImageType", "Pipeline", "Product", "made_from_closure"]


class ImageType(StrEnum):
    """Type of an image, as the camera's ``imageType`` says it."""

    BIAS = "BIAS"
    DARK = "DARK"
    FLAT = "FLAT"

    @property
    def plural(self) -> str:
        """What an observer calls several of them."""
        return {"BIAS": "biases", "DARK": "darks", "FLAT": "flats"}[self.value]

    def counted(self, number: int) -> str:
        """Return a number of them as an observer says it, e.g. ``1 bias``."""
        return f"{number} {self.name.lower() if number == 1 else self.plural}"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline of cp_pipe or cp_verify, by its names.

    Attributes
    ----------
    package : `str`
        Environment variable with the directory of the package: ``CP_PIPE_DIR`` or ``CP_VERIFY_DIR``.
    files : `tuple` [`str`]
        File names, today's first, then older ones.
    subsets : `tuple` [`str`]
        Names of the labelled subset that is run, today's first; empty for the whole pipeline.
    """

    package: str
    files: tuple[str, ...]
    subsets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """A calibration and how it comes about.

    Attributes
    ----------
    name : `str`
        What observers call it: BIAS, DARK, FLAT, DEFECTS, PTC, GAIN.
    images : `tuple` [`ImageType`]
        Image types whose exposures go into the generation job.
    made_from : `tuple` [`str`]
        Products that its generation reads.
    dataset_types : `tuple` [`str`]
        Dataset types its generation job writes, the one of today's stack first, then those of older stacks.
    generate : `Pipeline`
        Pipeline that makes it.
    verify : `Pipeline` or `None`
        Pipeline that verifies it; None for a product that is certified without verification (000).
    certified : `bool`
        Is it ever certified?
    by_filter : `bool`
        Has its dataset type the dimension physical_filter?
    option : `str`
        Last part of the names of its configuration properties, e.g. ``bias`` in ``config_options_bias``.
    paired : `bool`
        Does it need pairs of flats of equal exposure time?
    """

    name: str
    images: tuple[ImageType, ...]
    made_from: tuple[str, ...]
    dataset_types: tuple[str, ...]
    generate: Pipeline
    verify: Pipeline | None = None
    certified: bool = True
    by_filter: bool = False
    option: str = field(default="")
    paired: bool = False

    @property
    def dataset_type(self) -> str:
        """Dataset type that is certified (or, for GAIN, read)."""
        return self.dataset_types[0]

    @property
    def corrected(self) -> str:
        """Dataset type of the images that cp_verify has corrected."""
        return f"verify{self.name.title()}IsrExp"

    @property
    def statistics(self) -> tuple[str, str, str]:
        """Dataset types of cp_verify's statistics: of the run, per exposure, per exposure and detector."""
        stem = f"verify{self.name.title()}"
        return f"{stem}Stats", f"{stem}ExpStats", f"{stem}DetStats"


def _cp_pipe(*files: str, subsets: tuple[str, ...] = ()) -> Pipeline:
    return Pipeline("CP_PIPE_DIR", files, subsets)


def _cp_verify(*files: str) -> Pipeline:
    return Pipeline("CP_VERIFY_DIR", files)


_BIAS, _DARK, _FLAT = ImageType.BIAS, ImageType.DARK, ImageType.FLAT

PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        Product(
            name="BIAS",
            images=(_BIAS,),
            made_from=(),
            dataset_types=("bias",),
            generate=_cp_pipe("cpBias.yaml"),
            verify=_cp_verify("verifyBias.yaml", "VerifyBias.yaml"),
            option="bias",
        ),
        Product(
            name="DARK",
            images=(_DARK,),
            made_from=("BIAS",),
            dataset_types=("dark",),
            generate=_cp_pipe("cpDark.yaml"),
            verify=_cp_verify("verifyDark.yaml", "VerifyDark.yaml"),
            option="dark",
        ),
        Product(
            name="FLAT",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset_types=("flat",),
            generate=_cp_pipe("cpFlat.yaml"),
            verify=_cp_verify("verifyFlat.yaml", "VerifyFlat.yaml"),
            by_filter=True,
            option="flat",
        ),
        Product(
            name="DEFECTS",
            images=(_DARK, _FLAT),
            made_from=("BIAS", "DARK", "FLAT"),
            dataset_types=("defects",),
            generate=_cp_pipe("cpDefects.yaml", "findDefects.yaml"),
            option="defects",
        ),
        Product(
            name="PTC",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset_types=("ptc",),
            generate=_cp_pipe("cpPtc.yaml"),
            option="ptc",
            paired=True,
        ),
        Product(
            name="GAIN",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset_types=("cpPtcPartial", "cpPtcExtract", "cpCovariances"),
            generate=_cp_pipe(
                "cpPtc.yaml",
                subsets=("cpPtcGainFromFlatPairs", "gainFromFlatPairs", "generateGainFromFlatPair"),
            ),
            certified=False,
            option="ptc",
            paired=True,
        ),
    )
}


def made_from_closure(name: str) -> Iterator[str]:
    """Return everything a product is made from, directly and indirectly, in the order of the table.

    Parameters
    ----------
    name : `str`
        A product.

    Yields
    ------
    `str`
        One of its inputs.
    """
    wanted = set(PRODUCTS[name].made_from)
    for earlier in list(wanted):
        wanted.update(made_from_closure(earlier))
    yield from (product for product in PRODUCTS if product in wanted)
