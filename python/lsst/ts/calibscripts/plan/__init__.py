"""Configuration -> exposures to take and steps with their prerequisites. Pure.

The graph of steps is the section "Order" of the decisions: the camera takes images in sequence and never waits
for processing; GENERATE, VERIFY and CERTIFY of every product run beside it as soon as what they need exists.
"""

from .building import IMAGE_SECONDS, JOB_SECONDS, READ_OUT_SECONDS, SHUTTER_SECONDS, build, follow
from .exposure_time import FlatGoal
from .ordering import Reads
from .steps import Action, Exposure, ExposureSet, Plan, Step, StepId, images_in_words
from .words import duration, plan_warnings

__all__ = [
    "IMAGE_SECONDS",
    "JOB_SECONDS",
    "READ_OUT_SECONDS",
    "SHUTTER_SECONDS",
    "Action",
    "Exposure",
    "ExposureSet",
    "FlatGoal",
    "Plan",
    "Reads",
    "Step",
    "StepId",
    "build",
    "duration",
    "follow",
    "images_in_words",
    "plan_warnings",
]
