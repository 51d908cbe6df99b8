"""A real butler whose files, or dataset types, are not as those of most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, DatasetType
from test_repository import BIAS, RUN, repository, root, template

from lsst.ts.calibscripts.repository import ButlerRepository

__all__ = ["repository", "root", "template"]


def test_what_is_in_a_zip_file_has_a_file(root: Path, repository: ButlerRepository, tmp_path: Path) -> None:
    """Raw images of LSSTCam are ingested so: the size of the whole is not that of the member."""
    with Butler.from_config(root, writeable=True) as butler:
        refs = butler.query_datasets("bias", collections=RUN)
        whole = butler.retrieve_artifacts_zip(refs, tmp_path / "zipped")
        butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
        butler.ingest_zip(whole, transfer="copy")
        (there,) = butler.query_datasets("bias", collections=RUN)
        assert butler.getURI(there).fragment
    assert repository.unstored(RUN, "bias", {"instrument": "LATISS"}) == frozenset()
    assert repository.certify(BIAS, RUN, lambda: True)


@pytest.mark.parametrize(
    ("dimensions", "calibration", "said"),
    [
        (("instrument", "detector"), True, ""),
        (("instrument", "detector"), False, "no calibration"),
        (
            ("instrument", "detector", "physical_filter"),
            True,
            "one of detector, instrument and physical_filter, not of detector and instrument",
        ),
    ],
)
def test_a_type_that_is_registered_otherwise_is_known_before_it_is_made(
    root: Path, repository: ButlerRepository, dimensions: tuple[str, ...], calibration: bool, said: str
) -> None:
    with Butler.from_config(root, writeable=True) as butler:
        storage = butler.get_dataset_type("bias").storageClass_name
        kind = DatasetType(
            "linearizer", dimensions, storage, universe=butler.dimensions, isCalibration=calibration
        )
        butler.registry.removeDatasetType("linearizer")
        butler.registry.registerDatasetType(kind)
    wanted = replace(BIAS, product="LINEARIZER", dataset_type="linearizer")
    assert repository.registered_as(wanted) == said
    assert repository.registered_as(replace(wanted, dataset_type="nothing")) == ""
