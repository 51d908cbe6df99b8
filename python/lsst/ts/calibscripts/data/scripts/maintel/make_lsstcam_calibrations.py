#!/usr/bin/env python
"""Run `MakeLSSTCamCalibrations` as the ScriptQueue starts it."""

import asyncio

from lsst.ts.calibscripts.maintel.make_lsstcam_calibrations import MakeLSSTCamCalibrations

asyncio.run(MakeLSSTCamCalibrations.amain())
