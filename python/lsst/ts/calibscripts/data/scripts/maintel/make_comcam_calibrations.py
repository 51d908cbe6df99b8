#!/usr/bin/env python
"""Run `MakeComCamCalibrations` as the ScriptQueue starts it."""

import asyncio
import sys

if "--schema" in sys.argv[1:]:
    # The ScriptQueue waits 20 s for it, which the import of the middleware can take.
    from lsst.ts.calibscripts.config import ComCamConfig, schema_text

    print(schema_text(ComCamConfig))
else:
    from lsst.ts.calibscripts.maintel.make_comcam_calibrations import MakeComCamCalibrations

    asyncio.run(MakeComCamCalibrations.amain())
