"""Display an image as the verification has processed it, with matplotlib.

    python read_image.py REPO COLLECTION EXPOSURE PICTURE

COLLECTION is the verification collection of the script's report, u/ocps/<jobId>. PICTURE is the file to write,
e.g. flat.png. On the left pixels are scaled with asinh between the limits that zscale finds, on the right
linearly within three standard deviations of the median.
"""

import argparse

import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval
from lsst.daf.butler import Butler
from matplotlib.figure import Figure

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("repo", help="butler repository, e.g. /repo/LATISS")
parser.add_argument("collection", help="e.g. u/ocps/a8382fe83cd24376afe0e3c1a03892c0")
parser.add_argument("exposure", type=int, help="e.g. 2022110400066")
parser.add_argument("picture", help="e.g. flat.png")
parser.add_argument(
    "--dataset-type", default="verifyFlatIsrExp", help="or verifyBiasIsrExp, verifyDarkIsrExp"
)
parser.add_argument("--instrument", default="LATISS")
parser.add_argument("--detector", type=int, default=0)
args = parser.parse_args()

butler = Butler.from_config(args.repo, collections=args.collection, instrument=args.instrument)
processed = butler.get(args.dataset_type, detector=args.detector, exposure=args.exposure)
butler.close()
# At the summit an lsst.afw.image.Exposure, in a rehearsal an astropy.nddata.CCDData.
pixels = processed.image.array if hasattr(processed, "image") else processed.data

q25, q50, q75 = np.percentile(pixels, [25, 50, 75])
sigma = 0.74 * (q75 - q25)
print(f"median {q50:.2f}, standard deviation {sigma:.2f}")

scales = {
    "asinh, zscale": ImageNormalize(pixels, interval=ZScaleInterval(), stretch=AsinhStretch()),
    "median ± 3 sigma": ImageNormalize(vmin=q50 - 3.0 * sigma, vmax=q50 + 3.0 * sigma),
}
figure = Figure(figsize=(12, 6), layout="constrained")
panels = figure.subplots(1, 2)
for panel, (title, scale) in zip(panels, scales.items(), strict=True):
    picture = panel.imshow(pixels, norm=scale, origin="lower", cmap="gray")
    panel.set_title(title)
    figure.colorbar(picture, ax=panel, shrink=0.7, label="electron")
figure.suptitle(f"{args.dataset_type} {args.exposure}, detector {args.detector}")
figure.savefig(args.picture, dpi=100)
