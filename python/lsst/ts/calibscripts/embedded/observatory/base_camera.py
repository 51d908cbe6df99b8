"""What the cameras have in common: taking images."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict, Unpack

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


class Headers(TypedDict, total=False):
    """What may be passed with every image type, see `BaseCamera.take_imgtype`."""

    group_id: str | None
    test_type: str | None
    reason: str | None
    program: str | None
    sensors: str | None
    note: str | None
    checkpoint: Checkpoint | None


class BaseCamera(ExposingCamera):
    """A camera with what belongs to it. Parameters as those of `ExposingCamera`."""

    instrument_setup_attributes: frozenset[str]  #: What `setup_instrument` takes.

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
                    f"Invalid argument {key}. Must be one of {set(self.instrument_setup_attributes)}."
                )

    async def take_bias(self, nbias: int, **headers: Unpack[Headers]) -> list[int]:
        """Take ``nbias`` biases; the other parameters are those of `take_imgtype` that are not setup attributes."""
        return await self._take_unlit("BIAS", 0.0, nbias, headers)

    async def take_darks(self, exptime: float, ndarks: int, **headers: Unpack[Headers]) -> list[int]:
        """Take ``ndarks`` darks; the other parameters are those of `take_imgtype` that are not setup attributes."""
        return await self._take_unlit("DARK", exptime, ndarks, headers)

    async def take_flats(self, exptime: float, nflats: int, **kwargs: Any) -> list[int]:
        """Take ``nflats`` flats; the other parameters are those of `take_imgtype`."""
        return await self.take_imgtype("FLAT", exptime, nflats, **kwargs)

    async def _take_unlit(self, imgtype: str, exptime: float, n: int, headers: Headers) -> list[int]:
        # A setup attribute would do nothing here, and the real methods do not take one.
        if unknown := headers.keys() - Headers.__annotations__.keys():
            raise TypeError(f"{imgtype}: got an unexpected keyword argument {min(unknown)!r}")
        return await self.take_imgtype(imgtype, exptime, n, **headers)

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
            does not report that an integration started.
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
