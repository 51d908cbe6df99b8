"""Scripts whose repository a test brings, mostly one in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations
from lsst.ts.calibscripts.maintel.make_comcam_calibrations import MakeComCamCalibrations
from lsst.ts.calibscripts.maintel.make_lsstcam_calibrations import MakeLSSTCamCalibrations
from lsst.ts.calibscripts.repository import Repository

__all__ = ["SCRIPTS", "ComCamInMemory", "LSSTCamInMemory", "LatissInMemory", "OverRepository"]


class OverRepository:
    """A script over the repository that it is given."""

    repository: Repository

    @classmethod
    def over(cls, repository: Repository) -> Callable[[int], Any]:
        """Return what makes the script, as the ScriptQueue takes it."""

        def make(index: int) -> Any:
            maker: Any = cls
            script = maker(index)
            script.repository = repository
            return script

        return make

    def make_repository(self, repo: str) -> Repository:
        return self.repository


class LatissInMemory(OverRepository, MakeLatissCalibrations):
    """LATISS."""


class ComCamInMemory(OverRepository, MakeComCamCalibrations):
    """LSSTComCam."""


class LSSTCamInMemory(OverRepository, MakeLSSTCamCalibrations):
    """LSSTCam."""


SCRIPTS: Mapping[str, Callable[[int], Any]] = {
    "LATISS": LatissInMemory,
    "LSSTComCam": ComCamInMemory,
    "LSSTCam": LSSTCamInMemory,
}
"""Script of each camera."""
