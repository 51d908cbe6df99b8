"""Read the combined calibrations that a run has certified, by one of the exposures they are valid for.

    python read_calibrations.py REPO COLLECTION EXPOSURE

COLLECTION is the run's calib_collection. The butler selects what is valid when EXPOSURE was taken: one from
outside the validity range (certify_calib_begin_date to certify_calib_end_date) finds nothing. A flat is that of
the exposure's own physical filter.
"""

import argparse

from lsst.daf.butler import Butler, DatasetNotFoundError, MissingDatasetTypeError

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("repo", help="butler repository, e.g. /repo/LATISS")
parser.add_argument("collection", help="e.g. LATISS/calib/daily/calibs.2022NOV04.1")
parser.add_argument("exposure", type=int, help="e.g. 2022110400042")
parser.add_argument("--instrument", default="LATISS")
parser.add_argument("--detector", type=int, default=0)
args = parser.parse_args()

butler = Butler.from_config(args.repo, collections=args.collection, instrument=args.instrument)
for dataset_type in ("bias", "dark", "flat", "defects", "ptc"):
    try:
        calibration = butler.get(dataset_type, detector=args.detector, exposure=args.exposure)
    except (DatasetNotFoundError, MissingDatasetTypeError):
        print(f"{dataset_type}: none is valid for {args.exposure} in {args.collection}")
        continue
    if dataset_type == "defects":
        print(f"defects: {len(calibration)} boxes")
    elif dataset_type == "ptc":
        for amplifier, gain in calibration.gain.items():
            noise = calibration.noise[amplifier]
            print(f"ptc: {amplifier} gain {gain:.4f} electron/ADU, read noise {noise:.3f} electron")
    else:
        # At the summit an lsst.afw.image.Exposure, in a rehearsal an astropy.nddata.CCDData.
        pixels = calibration.image.array if hasattr(calibration, "image") else calibration.data
        print(f"{dataset_type}: {pixels.shape} pixels, mean {pixels.mean():.5f}, scatter {pixels.std():.5f}")
butler.close()
