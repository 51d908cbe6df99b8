"""The calibrations a run can make: one frozen record each.

Where would I add a product (fringe, crosstalk): a record here. The state machine, the plan and the reports read
this table only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .product import Content, Dataset, ImageType, Naming, Pairs, Pipeline, Product, Switch, Verifier

__all__ = [
    "PRODUCTS",
    "Content",
    "Dataset",
    "ImageType",
    "Naming",
    "Pairs",
    "Pipeline",
    "Product",
    "Switch",
    "Verifier",
    "holding",
    "is_by_filter",
    "parts_of",
    "switched",
    "verified_where_possible",
]


def _cp_pipe(*files: str, subsets: tuple[str, ...] = ()) -> Pipeline:
    return Pipeline("CP_PIPE_DIR", files, subsets)


_BIAS, _DARK, _FLAT = ImageType.BIAS, ImageType.DARK, ImageType.FLAT


def _cp_verify(*files: str, **others: Any) -> Verifier:
    """Return what verifies a product with flats, where cp_verify has it."""
    return Verifier(Pipeline("CP_VERIFY_DIR", files), (_FLAT,), **others)


def _combined(image_type: ImageType, *files: str) -> Verifier:
    return Verifier(Pipeline("CP_VERIFY_DIR", files), (image_type,), always=True, by_detector=False)


_ALL_IMAGES = "BIAS_DARK_FLAT"

PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        Product(
            name="BIAS",
            images=(_BIAS,),
            made_from=(),
            dataset=Dataset(("bias",), required=True),
            generate=_cp_pipe("cpBias.yaml"),
            verify=_combined(_BIAS, "verifyBias.yaml", "VerifyBias.yaml"),
        ),
        Product(
            name="DARK",
            images=(_DARK,),
            made_from=("BIAS",),
            dataset=Dataset(("dark",), required=True),
            generate=_cp_pipe("cpDark.yaml"),
            verify=_combined(_DARK, "verifyDark.yaml", "VerifyDark.yaml"),
        ),
        Product(
            name="FLAT",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset=Dataset(("flat",), by_filter=True, required=True),
            generate=_cp_pipe("cpFlat.yaml"),
            verify=_combined(_FLAT, "verifyFlat.yaml", "VerifyFlat.yaml"),
        ),
        Product(
            name="DEFECTS",
            images=(_DARK, _FLAT),
            made_from=("BIAS", "DARK", "FLAT"),
            dataset=Dataset(("defects",), content=Content.BOXES),
            generate=_cp_pipe("cpDefects.yaml", "findDefects.yaml"),
            # PROB_TEST compares the number of outliers with that of masked pixels, and cp_verify itself calls it bad.
            verify=_cp_verify("verifyDefects.yaml", by_detector=False, undecided=frozenset({"PROB_TEST"})),
            switch=Switch(
                "do_defects",
                "Make defects from the darks and flats and certify them. script_mode must be BIAS_DARK_FLAT.",
                modes=(_ALL_IMAGES,),
            ),
            naming=Naming(one="defect"),
        ),
        Product(
            name="PTC",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset=Dataset(("ptc",), content=Content.CURVES),
            generate=_cp_pipe("cpPtc.yaml"),
            verify=_cp_verify("verifyPtc.yaml", corrects=False),
            switch=Switch(
                "do_ptc",
                "Make a Photon Transfer Curve from the flat pairs and certify it. script_mode must be "
                "BIAS_DARK_FLAT, with flat pairs of at least three different exposure times.",
                modes=(_ALL_IMAGES,),
            ),
            pairs=Pairs(times=3, number=2),
            naming=Naming(long="Photon Transfer Curve"),
        ),
        Product(
            name="GAIN",
            images=(_FLAT,),
            made_from=("BIAS", "DARK"),
            dataset=Dataset(("cpPtcPartial", "cpPtcExtract", "cpCovariances"), content=Content.GAINS),
            generate=_cp_pipe(
                "cpPtc.yaml",
                subsets=("cpPtcGainFromFlatPairs", "gainFromFlatPairs", "generateGainFromFlatPair"),
            ),
            switch=Switch(
                "do_gain_from_flat_pairs",
                "Estimate the gain from each pair of consecutive flats of equal exposure time "
                "(cpPtc.yaml#cpPtcGainFromFlatPairs, with the options of config_options_ptc). Leave "
                "it out where no flats are taken.",
                modes=("FLAT", _ALL_IMAGES),
                by_default=True,
            ),
            pairs=Pairs(times=1, number=1),
            part_of="PTC",
            naming=Naming(long="gains"),
        ),
        # Not among those of the documents: their inputs, where the pipelines cannot be asked, are those of today.
        Product(
            name="LINEARIZER",
            images=(_FLAT,),
            made_from=("DEFECTS",),
            dataset=Dataset(("linearizer",), content=Content.OTHER),
            generate=_cp_pipe("cpLinearizer.yaml"),
            verify=_cp_verify("verifyLinearizer.yaml"),
            switch=Switch(
                "do_linearizer",
                "Make a linearizer from the flat pairs and certify it. script_mode must be "
                "BIAS_DARK_FLAT, with flat pairs of at least three different exposure times.",
                modes=(_ALL_IMAGES,),
                by_name_only=True,
            ),
            pairs=Pairs(times=3, number=2),
        ),
        Product(
            name="CTI",
            images=(_FLAT,),
            made_from=("DEFECTS", "LINEARIZER"),
            dataset=Dataset(("cti",), content=Content.OTHER),
            generate=_cp_pipe("cpCti.yaml"),
            switch=Switch(
                "do_cti",
                "Measure the charge transfer inefficiency in the flats and certify it (it is not "
                "verified). script_mode must be BIAS_DARK_FLAT.",
                modes=(_ALL_IMAGES,),
                by_name_only=True,
            ),
            naming=Naming(long="charge transfer inefficiency"),
        ),
        Product(
            name="BFK",
            images=(_FLAT,),
            made_from=("DEFECTS", "LINEARIZER", "CTI"),
            dataset=Dataset(("bfk",), content=Content.OTHER),
            generate=_cp_pipe("cpBfk.yaml"),
            switch=Switch(
                "do_bfk",
                "Make a brighter-fatter kernel from the flat pairs and certify it (it is not "
                "verified). script_mode must be BIAS_DARK_FLAT, with flat pairs of at least three "
                "different exposure times.",
                modes=(_ALL_IMAGES,),
                by_name_only=True,
            ),
            pairs=Pairs(times=3, number=2),
            naming=Naming(long="brighter-fatter kernel"),
        ),
    )
}


def switched() -> Iterator[tuple[Product, Switch]]:
    """Return the products that a user asks for by a property of their own, and how, in the order of the table.

    Yields
    ------
    switch : `Switch`
        How it is asked for.
    """
    for product in PRODUCTS.values():
        if product.switch is not None:
            yield product, product.switch


def verified_where_possible() -> tuple[Product, ...]:
    """Return the products that are verified where the installed cp_verify has a pipeline for it."""
    return tuple(p for p in PRODUCTS.values() if p.verify is not None and not p.verify.always)


def parts_of(name: str) -> tuple[Product, ...]:
    """Return the products that the job of another one makes, too."""
    return tuple(product for product in PRODUCTS.values() if product.part_of == name)


def holding(content: Content) -> tuple[Product, ...]:
    """Return the products whose datasets hold something."""
    return tuple(product for product in PRODUCTS.values() if product.dataset.content is content)


def is_by_filter(dataset_type: str) -> bool:
    """Return whether a dataset type, or the bootstrap of one, e.g. ``flatBootstrap``, has a filter."""
    return any(p.by_filter and dataset_type.startswith(p.dataset_type) for p in PRODUCTS.values())
