#!/usr/bin/env python
"""Run `MakeLatissCalibrations` as the ScriptQueue starts it."""

import asyncio

from lsst.ts.calibscripts.auxtel import MakeLatissCalibrations

asyncio.run(MakeLatissCalibrations.amain())
