"""Importing this makes once what each job would make anew, and is the same for all: a fifth of a small job's time."""

from __future__ import annotations

from functools import cache
from typing import Any

import lsst.utils.packages
from astropy.time import Time
from lsst.daf.butler import DimensionUniverse, StorageClassFactory
from lsst.daf.butler.time_utils import TimeConverter

__all__: list[str] = []

# Which distribution each module is from: the files of all that are installed are read for it.
_PACKAGES: Any = lsst.utils.packages
_PACKAGES.packages_distributions = cache(_PACKAGES.packages_distributions)
_PACKAGES.packages_distributions()
# Both are kept by their classes.
DimensionUniverse()
StorageClassFactory()
# Reads the table of leap seconds.
TimeConverter().astropy_to_nsec(Time.now())
