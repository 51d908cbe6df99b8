#!/usr/bin/env python
"""Run `MakeLatissCalibrations` as the ScriptQueue starts it."""

import asyncio
import sys

if "--schema" in sys.argv[1:]:
    # The ScriptQueue waits 20 s for it, which the import of the middleware can take.
    from lsst.ts.calibscripts.config import LatissConfig, schema_text

    print(schema_text(LatissConfig))
else:
    from lsst.ts.calibscripts.auxtel.make_latiss_calibrations import MakeLatissCalibrations

    asyncio.run(MakeLatissCalibrations.amain())
