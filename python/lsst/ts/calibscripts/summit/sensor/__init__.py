"""What a pixel reads: a physical model of a detector in electrons, its frames, and what to expect of them.

`SensorModel.for_detector` makes the model of a detector from a seed, `expose` takes a frame with it, and
`expectation` predicts what calibrations made from such frames look like.
"""

from . import expectation
from .changes import CHANGES
from .electronics import Electronics
from .exposing import expose
from .model import REFERENCE_GAIN, SMALL_SCALE, SensorModel, noisier

__all__ = [
    "CHANGES",
    "REFERENCE_GAIN",
    "SMALL_SCALE",
    "Electronics",
    "SensorModel",
    "expectation",
    "expose",
    "noisier",
]
