"""What goes wrong with components and images, and what the script must do then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from fault_table_support import ALL, COMCAM, DONE, EXTERNAL, FAILED, Case, Deed

from lsst.ts.calibscripts.sal import AckError, Domain, Remote

__all__ = ["IMAGES", "LIGHT", "NOT_ENABLED"]


def _not_enabled() -> Iterator[Case]:
    event = "A component is not ENABLED at the start"
    parts = {"camera": "ATCamera", "spectrograph": "ATSpectrograph", "OODS": "ATOODS", "OCPS": "OCPS:1"}
    for part, name in parts.items():
        for state in ("STANDBY", "FAULT"):
            yield Case(
                event,
                f"{part}: {name} is in {state}",
                FAILED,
                ("No image was taken", f"{name} is {state}, not ENABLED"),
                images=0,
                faults=(f"component-{state.lower()}:of={name}",),
            )
    yield Case(
        event,
        "OODS in STANDBY and OCPS in FAULT: both are told",
        FAILED,
        ("OCPS:1 is FAULT", "ATOODS is STANDBY"),
        images=0,
        faults=("component-standby:of=ATOODS", "component-fault:of=OCPS:1"),
    )
    dome: dict[str, Any] = {"instrument": "LSSTCam", "faults": ("component-standby:of=MTDomeTrajectory",)}
    yield Case(
        event,
        "LSSTCam, which looks at the dome before flats: MTDomeTrajectory is in STANDBY",
        FAILED,
        ("No flats can be taken: MTDomeTrajectory is STANDBY", "'ignore'"),
        images=0,
        **dome,
    )
    yield Case(
        event,
        "the same, and `ignore` names it",
        DONE,
        certified=ALL,
        config={"ignore": ["MTDomeTrajectory"]},
        **dome,
    )


def _exposures() -> Iterator[Case]:
    event = "An exposure command fails"
    yield Case(
        event,
        "the first bias is rejected",
        FAILED,
        ("BIAS exposure 1 of 5 was not taken", "no further images"),
        images=0,
        faults=("exposure-rejected:at=1",),
    )
    yield Case(
        event,
        "the second dark is rejected",
        FAILED,
        ("DARK exposure 2 of 5 was not taken", "raft power is off", "1 of 5 were taken; no further images"),
        ("BIAS",),
        images=6,
        faults=("exposure-rejected:of=DARK",),
    )
    yield Case(
        event,
        "the third flat is rejected",
        FAILED,
        ("FLAT exposure 3 of 7 was not taken",),
        ("BIAS", "DARK"),
        images=12,
        faults=("exposure-rejected:of=FLAT,at=3",),
    )
    yield Case(
        event,
        "the third flat is rejected while the dark is still being generated",
        FAILED,
        ("FLAT exposure 3 of 7 was not taken",),
        ("BIAS", "DARK"),
        images=12,
        faults=("exposure-rejected:of=FLAT,at=3",),
        seconds={"cpDark": 300.0},
    )
    yield Case(
        event,
        "the camera goes to FAULT at the second dark",
        FAILED,
        ("DARK exposure 2 of 5 was not taken", "went to FAULT"),
        ("BIAS",),
        images=6,
        faults=("camera-fault:of=DARK",),
    )
    yield Case(
        event,
        "somebody brings the camera to STANDBY after the second dark",
        FAILED,
        ("DARK exposure 3 of 5 was not taken", "takeImages not allowed in state"),
        ("BIAS",),
        deeds=(Deed("DARK 2 taken", "ATCamera"),),
    )
    yield Case(
        event,
        "somebody else takes an image between the command for the third dark and its image",
        FAILED,
        (
            "The darks are given up: ",
            "is of type ENGTEST, so somebody else has taken images at the same time",
        ),
        ("BIAS",),
        images_unknown=1,
        faults=("exposure-foreign:of=DARK,at=3",),
    )
    yield Case(
        event,
        "the camera tells the name of the second dark for the third one, too",
        FAILED,
        ("DARK exposure 3 of 5 was not taken: the camera told [2026", "nobody knows which it is"),
        ("BIAS",),
        images=8,
        images_unknown=1,
        faults=("exposure-repeated:of=DARK,at=3",),
    )
    yield Case(
        event,
        "the filter is said to be changed, but another one stays in the beam",
        FAILED,
        ("No image was taken", "The filter is to be SDSSr_65mm~empty, but ", " is in the beam"),
        images=0,
        config={"filter": "SDSSr_65mm", "grating": "empty_1"},
        faults=("filter-stuck",),
    )
    yield Case(
        event,
        "the wheel has no such slot as is asked for",
        FAILED,
        ("No image was taken", "filter 9, grating empty_1 was not set: ", "slot 9, only 0 to 7"),
        images=0,
        config={"filter": 9, "grating": "empty_1"},
    )
    yield Case(
        event,
        "somebody turns the filter wheel after the third flat",
        FAILED,
        ("The flats are given up: the filter was changed while they were taken, they have ", " and "),
        ("BIAS", "DARK"),
        deeds=(Deed("FLAT 3 taken", "ATSpectrograph", ("changeFilter",)),),
    )
    yield Case(
        event,
        "external verification: the second flat is rejected",
        FAILED,
        ("FLAT exposure 2 of 7 was not taken",),
        images=11,
        config=EXTERNAL,
        faults=("exposure-rejected:of=FLAT",),
    )


def _arrivals() -> Iterator[Case]:
    event = "Images do not arrive in the OODS, or not as they should"
    late = "did not arrive within oods_timeout (120 s)"
    yield Case(
        event,
        "one of four biases has statusCode 1",
        DONE,
        (
            "BIAS exposure 2026091800003 was not ingested (status 1, RuntimeError: the file is truncated)",
            "left out",
        ),
        ALL,
        faults=("image-status-1:at=3",),
    )
    yield Case(
        event,
        "one of four biases never arrives",
        DONE,
        (f"BIAS exposure 2026091800003 {late}", "left out"),
        ALL,
        faults=("image-missing:at=3",),
    )
    yield Case(event, "the discarded bias never arrives", DONE, certified=ALL, faults=("image-missing:at=1",))
    yield Case(
        event,
        "two of four biases never arrive",
        FAILED,
        ("Only 2 of 4 biases and 1 of 1 detector are there: the set is given up",),
        faults=("image-missing:at=3,count=2",),
    )
    yield Case(
        event,
        "three of four darks have statusCode 1",
        FAILED,
        ("Only 1 of 4 darks",),
        ("BIAS",),
        faults=("image-status-1:of=DARK,at=2,count=3",),
    )
    yield Case(
        event,
        "three of six flats never arrive",
        FAILED,
        ("Only 3 of 6 flats",),
        ("BIAS", "DARK"),
        faults=("image-missing:of=FLAT,at=2,count=3",),
    )
    yield Case(
        event,
        "one of the two flats of a pair never arrives; PTC needs pairs of three times",
        FAILED,
        ("GENERATE PTC: pairs of 2 different exposure times arrived, a curve needs 3",),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        faults=("image-missing:of=FLAT,at=2",),
    )
    yield from _detectors(event)
    yield Case(
        event,
        "the events of one bias get lost, though it is ingested",
        DONE,
        ("no imageInOODS came for 1 image of exposure 2026091800003, but the butler has it: it is used",),
        ALL,
        faults=("image-unannounced:at=3",),
    )
    yield Case(
        event,
        "the images of the biases are announced with names of detectors that the camera does not have",
        DONE,
        (
            "no imageInOODS came for 12 images",
            "the butler has them: they are used",
            "R22_XS00, R22_XS01, R22_XS02",
        ),
        ALL,
        faults=("detectors-renamed",),
        **COMCAM,
    )
    yield Case(
        event, "a bias arrives after the darks have begun", DONE, certified=ALL, faults=("image-late:at=5",)
    )
    yield Case(
        event,
        "a bias arrives later than oods_timeout",
        DONE,
        ("BIAS exposure 2026091800005 did not arrive within oods_timeout (20 s)",),
        ALL,
        config={"oods_timeout": 20},
        faults=("image-late:at=5,delay=25",),
    )
    yield Case(event, "every image is announced twice", DONE, certified=ALL, faults=("image-duplicated",))
    yield Case(
        event,
        "images of others are announced before each of ours",
        DONE,
        certified=ALL,
        faults=("image-foreign",),
    )
    yield Case(
        event,
        "images of others are announced, and two of four of ours never arrive",
        FAILED,
        ("Only 2 of 4 biases",),
        faults=("image-foreign", "image-missing:at=3,count=2"),
    )
    yield Case(
        event,
        "the OODS goes to FAULT at the second dark",
        FAILED,
        ("Only 0 of 4 darks", "Only 0 of 6 flats"),
        ("BIAS",),
        faults=("oods-fault:of=DARK",),
    )
    yield Case(
        event,
        "somebody brings the OODS to STANDBY after the second dark",
        FAILED,
        ("of 4 darks", "Only 0 of 6 flats"),
        ("BIAS",),
        deeds=(Deed("DARK 2 taken", "ATOODS"),),
    )


def _detectors(event: str) -> Iterator[Case]:
    yield Case(
        event,
        "LSSTComCam: one detector of three is missing in one of four biases",
        DONE,
        ("BIAS exposure 2026091800002 of detector 1 did not arrive", "is left out"),
        ALL,
        faults=("detector-missing:of=1,strikes=2",),
        **COMCAM,
    )
    yield Case(
        event,
        "LSSTComCam: one detector of three is missing in three of four biases: the other two are certified",
        FAILED,
        ("BIAS: images of detector 1 did not arrive", "it is left out, and the rest was processed"),
        ALL,
        faults=("detector-missing:of=1,strikes=4",),
        **COMCAM,
    )
    yield Case(
        event,
        "LSSTComCam: one detector of three never arrives: the other two are certified",
        FAILED,
        ("BIAS: images of detector 1", "DARK: images of detector 1", "FLAT: images of detector 1"),
        ALL,
        faults=("detector-missing:of=1",),
        **COMCAM,
    )
    yield Case(
        event,
        "LSSTComCam: one detector of the two asked for never arrives",
        FAILED,
        ("Only 4 of 4 biases and 1 of 2 detectors", "given up"),
        config={"detectors": [0, 1]},
        faults=("detector-missing:of=1",),
        **COMCAM,
    )
    yield Case(
        event,
        "LSSTComCam: a detector that is not asked for never arrives",
        DONE,
        certified=ALL,
        config={"detectors": [0, 1]},
        faults=("detector-missing:of=2",),
        **COMCAM,
    )


def _light() -> Iterator[Case]:
    event = "The flats are too dark"
    flats: dict[str, Any] = {
        "script_mode": "FLAT",
        "generate_calibrations": False,
        "do_verify": False,
        "do_gain_from_flat_pairs": False,
        "n_flat": 4,
        "exp_times_flat": 6,
        "flat_counts_min": 10_000,
    }
    shown: dict[str, Any] = {"config": flats, "on_repository": True}
    yield Case(
        event,
        "the dome is misaligned with the lamp, and `flat_counts_min` is given",
        FAILED,
        ("The first flats are too low", "flat_counts_min is 10000", "re-home the dome"),
        faults=("dome-misaligned",),
        **shown,
    )
    yield Case(
        event,
        "the lamp did not light in five attempts, and `flat_counts_min` is given",
        FAILED,
        ("The first flats are too low", "Is the lamp on and warm"),
        faults=("lamp-not-lit:count=5",),
        before=_light_the_lamp_again,
        **shown,
    )
    yield Case(
        event,
        "the lamp was lit at the second attempt, and `flat_counts_min` is given",
        DONE,
        faults=("lamp-not-lit",),
        before=_light_the_lamp_again,
        **shown,
    )


async def _light_the_lamp_again(domain: Domain) -> None:
    """Turn the lamp off, let it cool down, light it again and let it become warm."""
    async with Remote(domain, "ATWhiteLight", include=[]) as light:
        await light.cmd_turnLampOff.start(timeout=60.0)
        await asyncio.sleep(1000.0)
        try:
            await light.cmd_turnLampOn.start(timeout=600.0)
        except AckError:
            # It is what the run is about.
            return
        await asyncio.sleep(1000.0)


NOT_ENABLED = tuple(_not_enabled())
IMAGES = (*_exposures(), *_arrivals())
LIGHT = tuple(_light())
