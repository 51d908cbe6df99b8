"""Repositories and runs that several end-to-end tests look into; every one is made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest
from astropy.nddata import CCDData
from e2e_support import LATISS_FILTERS, LATISS_SCRIPT, SEED, Rehearsed, example, opened, rehearse
from lsst.daf.butler import CollectionType, Timespan
from once import made_once

from lsst.ts.calibscripts.summit.butler.rehearsal import make_rehearsal_repository
from lsst.ts.calibscripts.summit.sensor import SensorModel, expectation

OLDER = "LATISS/calib/2021-07"
OLDER_OFFSET = 40.0
"""Electrons by which the older bias is wrong: what is made with it shows it."""


@pytest.fixture(scope="session")
def model() -> SensorModel:
    """The detector of LATISS."""
    return SensorModel.for_detector("LATISS", seed=SEED)


@pytest.fixture(scope="session")
def fresh_latiss(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a fresh repository of LATISS with its reference calibrations, in a directory of that name."""
    made = made_once(
        tmp_path_factory.getbasetemp(),
        "latiss",
        lambda root: make_rehearsal_repository(root / "repo", seed=SEED, filters=LATISS_FILTERS),
    )

    def fresh(name: str) -> str:
        return str(shutil.copytree(made / "repo", tmp_path_factory.mktemp(name) / "repo"))

    return fresh


@pytest.fixture(scope="session")
def internal(fresh_latiss: Callable[[str], str], model: SensorModel) -> Rehearsed:
    """The documents' example with a photon transfer curve, where an older bias is certified already.

    The placeholders are replaced so that all seven pairs, up to 35 s, are below saturation, and the brightest are
    above the 90,000 electrons that verifyPtc asks for. It is the day for which the example certifies.
    """
    repo = fresh_latiss("internal")
    _certify_older_bias(repo, model)
    config = example("latiss_ptc", FILTER_NAME_OR_ID="SDSSi_65mm", GRATING_NAME_OR_ID="blue300lpmm_qn1")
    return rehearse(repo, LATISS_SCRIPT, config, begin="2022-11-04T13:00:00")


def _certify_older_bias(repo: str, model: SensorModel) -> None:
    """Certify a bias that is not that of the detector, and put it first in ``LATISS/calib``."""
    image = expectation.bias_image(model) + np.float32(OLDER_OFFSET)
    with opened(repo, writeable=True) as butler:
        butler.collections.register(f"{OLDER}/run", CollectionType.RUN)
        butler.collections.register(OLDER, CollectionType.CALIBRATION)
        ref = butler.put(
            CCDData(image, unit="electron"), "bias", instrument="LATISS", detector=0, run=f"{OLDER}/run"
        )
        butler.registry.certify(OLDER, [ref], Timespan(None, None))
        butler.collections.prepend_chain("LATISS/calib", OLDER)
