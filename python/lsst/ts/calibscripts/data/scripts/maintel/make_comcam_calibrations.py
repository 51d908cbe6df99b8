#!/usr/bin/env python
"""Run `MakeComCamCalibrations` as the ScriptQueue starts it."""

import asyncio

from lsst.ts.calibscripts.maintel.make_comcam_calibrations import MakeComCamCalibrations

asyncio.run(MakeComCamCalibrations.amain())
