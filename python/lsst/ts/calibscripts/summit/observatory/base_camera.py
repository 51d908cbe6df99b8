"""What the cameras have in common: taking images."""

from __future__ import annotations

import abc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..salobj import Domain
from .camera_exposure import CameraExposure
from .exposing_camera import ExposingCamera

__all__ = ["BaseCamera"]

Checkpoint = Callable[[str], Awaitable[Any]]

_IMAGE_TYPES = (
    "BIAS",
    "DARK",
    "FLAT",
    "OBJECT",
    "ENGTEST",
    "ACQ",
    "CWFS",
    "FOCUS",
    "INDOME",
    "CBP",
    "SFLAT",
    "DFLAT",
)


class BaseCamera(ExposingCamera):
    """A camera with what belongs to it.

    Parameters
    ----------
    components : `list` [`str`]
        Names of the components.
    instrument_setup_attributes : iterable of `str`
        What `setup_instrument` takes.
    domain : `Domain`, optional
        Domain; without, one of its own.
    log : `logging.Logger`, optional
        Parent of the logger.
    intended_usage : `None`, optional
        Only all topics can be had.
    """

    def __init__(
        self,
        components: list[str],
        instrument_setup_attributes: list[str],
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: None = None,
    ) -> None:
        super().__init__(components, domain=domain, log=log, intended_usage=intended_usage)
        self.instrument_setup_attributes = set(instrument_setup_attributes)

    @classmethod
    def get_image_types(cls) -> list[str]:
        """List the image types."""
        return list(_IMAGE_TYPES)

    @abc.abstractmethod
    async def setup_instrument(self, **kwargs: Any) -> None:
        """Put the filter and the like in place.

        Parameters
        ----------
        **kwargs
            Values of the instrument's setup attributes; `None` leaves one as
            it is.

        Raises
        ------
        RuntimeError
            If the instrument has no such attribute.
        """

    def check_kwargs(self, **kwargs: Any) -> None:
        """Make sure that these are setup attributes of the instrument.

        Raises
        ------
        RuntimeError
            If one is not.
        """
        for key in kwargs:
            if key not in self.instrument_setup_attributes:
                raise RuntimeError(
                    f"Invalid argument {key}. Must be one of {self.instrument_setup_attributes}."
                )

    async def take_bias(
        self,
        nbias: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> list[int]:
        """Take ``nbias`` biases; the other parameters are those of `take_imgtype`."""
        return await self.take_imgtype(
            "BIAS",
            0.0,
            nbias,
            group_id=group_id,
            test_type=test_type,
            reason=reason,
            program=program,
            sensors=sensors,
            note=note,
            checkpoint=checkpoint,
        )

    async def take_darks(
        self,
        exptime: float,
        ndarks: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> list[int]:
        """Take ``ndarks`` darks; the other parameters are those of `take_imgtype`."""
        return await self.take_imgtype(
            "DARK",
            exptime,
            ndarks,
            group_id=group_id,
            test_type=test_type,
            reason=reason,
            program=program,
            sensors=sensors,
            note=note,
            checkpoint=checkpoint,
        )

    async def take_flats(
        self,
        exptime: float,
        nflats: int,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Take ``nflats`` flats; the other parameters are those of `take_imgtype`."""
        return await self.take_imgtype(
            "FLAT",
            exptime,
            nflats,
            group_id=group_id,
            test_type=test_type,
            reason=reason,
            program=program,
            sensors=sensors,
            note=note,
            checkpoint=checkpoint,
            **kwargs,
        )

    async def take_imgtype(
        self,
        imgtype: str,
        exptime: float,
        n: int,
        n_snaps: int = 1,
        *,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Checkpoint | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Take images, with ``n`` takeImages commands one after another.

        Except for BIAS and DARK the instrument is set up first.

        Parameters
        ----------
        imgtype : `str`
            Image type.
        exptime : `float`
            Exposure time, seconds; ignored for BIAS.
        n, n_snaps : `int`
            Number of commands, and of images of each.
        group_id : `str`, optional
            Group id; without, one is made from the time.
        test_type, reason, program, note : `str`, optional
            For the headers.
        sensors : `str`, optional
            Names of sensors, with ``:`` between them.
        checkpoint : coroutine function, optional
            Called before the first image with a name for it.
        **kwargs
            Setup attributes of the instrument.

        Returns
        -------
        exposures : `list` [`int`]
            Exposure ids, YYYYMMDDNNNNN.

        Raises
        ------
        AckError
            If a command fails.
        RuntimeError
            If there is no such image type or setup attribute, if the
            exposure time is too short for an open shutter, or if the camera
            does not tell that an integration started.
        """
        self.check_kwargs(**kwargs)
        if imgtype not in self.get_image_types():
            raise RuntimeError(f"Invalid imgtype:{imgtype}. Must be one of {self.get_image_types()!r}")
        if imgtype not in ("BIAS", "DARK"):
            await self.setup_instrument(**kwargs)
        if checkpoint is not None:
            await checkpoint(f"Expose {n} {imgtype}")
        exposure = CameraExposure(
            image_type=imgtype,
            exp_time=0.0 if imgtype == "BIAS" else float(exptime),
            shutter=imgtype not in ("BIAS", "DARK"),
            n=n,
            n_snaps=n_snaps,
            group_id=self.next_group_id() if group_id is None else group_id,
            test_type=test_type,
            reason=reason,
            program=program,
            sensors=sensors,
            note=note,
        )
        return await self.expose(exposure)
