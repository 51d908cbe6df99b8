#!/usr/bin/env python
"""Run `MakeLSSTCamCalibrations` as the ScriptQueue starts it."""

import asyncio
import sys

if "--schema" in sys.argv[1:]:
    # The ScriptQueue waits 20 s for it, which the import of the middleware can take.
    from lsst.ts.calibscripts.config import LSSTCamConfig, schema_text

    print(schema_text(LSSTCamConfig))
else:
    from lsst.ts.calibscripts.maintel.make_lsstcam_calibrations import MakeLSSTCamCalibrations

    asyncio.run(MakeLSSTCamCalibrations.amain())
