"""Read the gain and the read noise of each amplifier that one pair of flats gives.

    python read_gains.py REPO COLLECTION EXPOSURE

COLLECTION is that of the job of GENERATE GAIN or GENERATE PTC, u/ocps/<jobId>, which the script's log tells:
cpPtcPartial is not certified, so it is not in calib_collection. EXPOSURE is one of the two flats. The values are
in the dataset of the first of them; that of the second one has nothing but nan. A pair's gain comes out too high
by the brighter-fatter effect, the more the brighter the flats are.
"""

import argparse
import math

from lsst.daf.butler import Butler

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("repo", help="butler repository, e.g. /repo/LATISS")
parser.add_argument("collection", help="e.g. u/ocps/329cb5f2f9ab4e1ebacf1577435d2eed")
parser.add_argument("exposure", type=int, help="e.g. 2022110400066")
parser.add_argument("--instrument", default="LATISS")
parser.add_argument("--detector", type=int, default=0)
args = parser.parse_args()

# cpPtcExtract in 2022 to 2024, cpCovariances before.
DATASET_TYPE = "cpPtcPartial"

butler = Butler.from_config(args.repo, collections=args.collection, instrument=args.instrument)
wanted = butler.query_datasets(DATASET_TYPE, detector=args.detector)
exposures = sorted(ref.dataId["exposure"] for ref in wanted)
# The first flat of a pair comes right before the second one.
before = [exposure for exposure in exposures if exposure <= args.exposure][-2:]
for exposure in reversed(before):
    pair = butler.get(DATASET_TYPE, detector=args.detector, exposure=exposure)
    if any(math.isfinite(gain) for gain in pair.gain.values()):
        print(f"Pair that begins with {exposure}:")
        for amplifier, gain in pair.gain.items():
            # The noise of the overscan: cp_pipe notes it down in ADU, the pipelines of a rehearsal in electrons.
            print(f"{amplifier}: gain {gain:.4f} electron/ADU, read noise {pair.noise[amplifier]:.3f}")
        break
else:
    raise SystemExit(f"{args.exposure} is in no pair of {args.collection}; there are {exposures}")
butler.close()
