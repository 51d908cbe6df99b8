#!/usr/bin/env python
"""Run `MakeLatissCalibrations` as the ScriptQueue starts it."""

import asyncio

from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations

asyncio.run(MakeLatissCalibrations.amain())
