"""One request for images."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraExposure"]


@dataclass(frozen=True)
class CameraExposure:
    """One call of `BaseCamera.take_imgtype`."""

    image_type: str  #: Image type, in upper case.
    exp_time: float  #: Exposure time, seconds.
    shutter: bool  #: Open the shutter?
    #: Number of ``takeImages`` commands, and of images of each.
    n: int
    n_snaps: int
    group_id: str
    #: For the headers.
    test_type: str | None
    reason: str | None
    program: str | None
    sensors: str | None
    note: str | None

    def key_value_map(self) -> str:
        """Write what goes to the headers as the cameras read it."""
        pairs = {
            "imageType": self.image_type,
            "groupId": self.group_id,
            "testType": self.image_type if self.test_type is None else self.test_type,
            "stutterRows": 0,
            "stutterNShifts": 0,
            "stutterDelay": 0.0,
            "reason": self.reason,
            "program": self.program,
        }
        return ", ".join(f"{key}: {value}" for key, value in pairs.items() if value is not None)
