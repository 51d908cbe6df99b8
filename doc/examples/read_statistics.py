"""Read what the verification of flats has found: for the run, and for one exposure and detector.

    python read_statistics.py REPO COLLECTION EXPOSURE

COLLECTION is the verification collection of the script's report, u/ocps/<jobId>; the statistics are not in
calib_collection. Those of the run are kept by physical filter. Biases and darks have verifyBias... and
verifyDark..., without a filter.
"""

import argparse

from lsst.daf.butler import Butler

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("repo", help="butler repository, e.g. /repo/LATISS")
parser.add_argument("collection", help="e.g. u/ocps/a8382fe83cd24376afe0e3c1a03892c0")
parser.add_argument("exposure", type=int, help="e.g. 2022110400066")
parser.add_argument("--instrument", default="LATISS")
parser.add_argument("--detector", type=int, default=0)
args = parser.parse_args()

butler = Butler.from_config(args.repo, collections=args.collection, instrument=args.instrument)
(record,) = butler.query_dimension_records("exposure", exposure=args.exposure)
run = butler.get("verifyFlatStats", physical_filter=record.physical_filter)
print(f"Run, {record.physical_filter}: {'passed' if run['SUCCESS'] else 'failed'}")
for key, exposure in run.items():
    # Beside the exposures there are SUCCESS and, with some versions, other keys that are no numbers.
    if str(key).isdigit():
        print(f"    {key}: {exposure.get('FAILURES', []) or ('passed' if exposure['SUCCESS'] else 'failed')}")

detector = butler.get("verifyFlatDetStats", detector=args.detector, exposure=args.exposure)
print(f"Exposure {args.exposure}, detector {args.detector}:")
for amplifier, measured in detector["AMP"].items():
    tests = detector["VERIFY"]["AMP"][amplifier]
    print(
        f"    {amplifier}: mean {measured['MEAN']:.1f}, noise {measured['NOISE']:.2f}, "
        f"NOISE {'passed' if tests['NOISE'] else 'failed'}"
    )
butler.close()
