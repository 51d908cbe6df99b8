"""What goes wrong with components and images, and what the script must do then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from fault_table_support import ALL, COMCAM, DONE, EXTERNAL, FAILED, Case, Deed

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.sal import AckError, Domain, Remote
from lsst.ts.calibscripts.testing.memory import Trouble

__all__ = ["IMAGES", "LIGHT", "NOT_ENABLED"]

FLATS_ALONE: dict[str, Any] = {
    "script_mode": "FLAT",
    "generate_calibrations": False,
    "do_verify": False,
    "do_defects": False,
    "do_ptc": False,
    "do_gain_from_flat_pairs": False,
    "n_flat": 4,
    "exp_times_flat": 6,
}
"""Four flats are taken, and nothing is made of them."""


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
        "OODS in STANDBY and OCPS in FAULT: both are reported",
        FAILED,
        ("OCPS:1 is FAULT", "ATOODS is STANDBY"),
        images=0,
        faults=("component-standby:of=ATOODS", "component-fault:of=OCPS:1"),
    )
    for part, name in parts.items():
        yield Case(
            event,
            f"{part}: {name} has died, and its last state was ENABLED",
            FAILED,
            (
                "No image was taken",
                f"{name} says ENABLED but has sent no heartbeat for 10 s: it may have died",
            ),
            images=0,
            faults=(f"component-dead:of={name}",),
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
        "a dark that is taken after the flats (`n_flat_dark`) is rejected",
        FAILED,
        ("flat-dark exposure 2 of 3 was not taken", "no further images"),
        ALL,
        images=18,
        config={"n_flat_dark": 1},
        faults=("exposure-rejected:of=DARK,at=7",),
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
        ("DARK exposure 3 of 5 failed: the camera returned [2026", "its id is unknown"),
        ("BIAS",),
        images=8,
        images_unknown=1,
        faults=("exposure-repeated:of=DARK,at=3",),
    )
    yield Case(
        event,
        "the camera does not say that the second dark was read out",
        FAILED,
        (
            "DARK exposure 3 of 5 failed: no exposure was reported within 600 s",
            "readout of an earlier image may",
        ),
        ("BIAS",),
        images=7,
        faults=("readout-lost:of=DARK",),
    )
    yield Case(
        event,
        "the filter is said to be changed, but another one stays in the beam",
        FAILED,
        ("No image was taken", "Filter: expected SDSSr_65mm~empty, found ", " in the beam"),
        images=0,
        config={"filter": "SDSSr_65mm", "grating": "empty_1"},
        faults=("filter-stuck",),
    )
    yield Case(
        event,
        "the wheel has no such slot as is asked for",
        FAILED,
        (
            "No image was taken",
            "Setting filter 9, grating empty_1 failed, perhaps one of them only: ",
            "slot 9 does not exist, only 0 to 7",
        ),
        images=0,
        config={"filter": 9, "grating": "empty_1"},
    )
    yield Case(
        event,
        "somebody turns the filter wheel after the third flat",
        FAILED,
        (
            "The flats are given up: the filter was changed while they were taken: expected SDSSr_65mm~empty, "
            "found SDSSg_65mm~empty (2026091800015..2026091800017)",
        ),
        ("BIAS", "DARK"),
        deeds=(Deed("FLAT 3 taken", "ATSpectrograph", ("changeFilter",)),),
    )
    yield Case(
        event,
        "somebody changes the filter while the darks are taken",
        FAILED,
        (
            "Filter: expected SDSSr_65mm~empty, found ",
            " in the beam",
            "changed after the instrument was set up; no flats",
        ),
        ("BIAS", "DARK"),
        images=10,
        faults=("filter-changed",),
    )
    yield Case(
        event,
        "LSSTComCam: somebody changes the filter while the darks are taken",
        FAILED,
        ("Filter: expected r_03, found ", " in the beam", "no flats are taken"),
        ("BIAS", "DARK"),
        images=10,
        faults=("filter-changed",),
        **COMCAM,
    )
    yield Case(
        event,
        "LSSTComCam: somebody changes the filter in the moment before the first flat",
        FAILED,
        ("The flats are given up: Filter: expected r_03, found ",),
        ("BIAS", "DARK"),
        faults=("filter-changed:of=FLAT,at=1",),
        **COMCAM,
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
        "one of four biases is ingested, but has statusCode 2",
        DONE,
        (
            "BIAS exposure 2026091800003 was not ingested (status 2, Traceback (most recent call last): ... "
            "RuntimeError: the checksum of the file is wrong)",
            "left out",
        ),
        ALL,
        faults=("image-doubted:at=3",),
    )
    yield Case(
        event,
        "one of four biases is announced as good, and a second later with statusCode 2",
        DONE,
        (
            "BIAS exposure 2026091800003 was not ingested (status 2, Traceback (most recent call last): ... "
            "RuntimeError: the checksum of the file is wrong)",
            "left out",
        ),
        ALL,
        faults=("image-taken-back:at=3",),
    )
    yield Case(
        event,
        "the last bias is announced as good, and with statusCode 2 while the bias is made from it",
        FAILED,
        (
            "CERTIFY BIAS into LATISS/calib/daily failed and nothing of it was certified",
            "the OODS has reported exposure 2026091800005 of detector 0 as bad after BIAS was made from it",
            "BIAS: the OODS has reported exposure 2026091800005 of detector 0 as bad after it was used",
        ),
        faults=("image-taken-back:at=5,delay=4",),
    )
    yield Case(
        event,
        "external verification: the last bias has statusCode 2 after it was used",
        FAILED,
        ("BIAS: the OODS has reported exposure 2026091800005 of detector 0 as bad after it was used",),
        config=EXTERNAL,
        faults=("image-taken-back:at=5,delay=4",),
    )
    yield Case(
        event,
        "all biases are ingested, but have statusCode 2",
        FAILED,
        ("Only 0 of 4 biases", "the set is given up (4 images were not ingested: status 2, Traceback"),
        faults=("image-doubted:at=1,count=9",),
    )
    yield Case(
        event,
        "two of four biases are announced half a minute before the butler has them",
        DONE,
        certified=ALL,
        faults=("image-behind:at=3,count=2,delay=30",),
    )
    yield Case(
        event,
        "two of four biases are announced, and the butler does not have them within oods_timeout",
        FAILED,
        ("Only 2 of 4 biases",),
        faults=("image-behind:at=3,count=2,delay=200",),
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
        ("Only 2 of 4 biases and 1 of 1 detector have arrived: the set is given up",),
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
        **FLATS_ALONE,
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
        ("The first flats are too low", "Check that the lamp is on and warm"),
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


def _to_a_level() -> Iterator[Case]:
    event = "The flats are to have a level, `flat_counts_target`"
    flats: dict[str, Any] = {
        **FLATS_ALONE,
        "filter": "SDSSr_65mm",
        "grating": "empty_1",
        "flat_counts_target": 20_000,
    }
    shown: dict[str, Any] = {"config": flats}
    yield Case(
        event,
        "the lamp has 30 % of its light left: the flats are exposed longer",
        DONE,
        faults=("lamp-aged",),
        images=7,
        **shown,
    )
    yield Case(
        event,
        "the lamp is said to be warm, but still grows brighter: the flats have the level",
        DONE,
        ("The level of the test flats jumps", "The lamp is still becoming warm"),
        faults=("lamp-warming:delay=10",),
        # How many tests it takes depends on how warm the lamp is when their levels have been read.
        config={**flats, "exp_times_flat": 0.5},
    )
    yield Case(
        event,
        "the lamp is said to be on, but gives no light",
        FAILED,
        (
            "The flats do not reach flat_counts_target",
            "too dim: 0 ADU in 120 s",
            "Lamp off, dome off the screen?",
        ),
        faults=("lamp-off",),
        images=3,
        **shown,
    )
    yield Case(
        event,
        "what is in the beam is too bright for the level, or saturates, with the shortest exposure time",
        FAILED,
        ("The flats do not reach flat_counts_target", "too bright or saturated: 1360 ADU in 0.1 s"),
        config={**flats, "filter": "empty_1", "flat_counts_target": 500},
        images=3,
    )
    yield Case(
        event,
        "the level of no test flat can be read",
        FAILED,
        ("The flats do not reach flat_counts_target", "their levels cannot be read"),
        troubles=(Trouble("level", count=1000, error=RepositoryError("no such file")),),
        images=3,
        **shown,
    )
    yield Case(
        event,
        "the first test flat is announced some seconds before the butler has it",
        DONE,
        faults=("image-behind:of=FLAT,at=1,delay=6",),
        **shown,
    )
    yield Case(
        event,
        "the butler does not answer when it is asked for the level of a test flat",
        FAILED,
        (
            "The level of test flat 2, ",
            "is unknown: the butler did not answer within 600 s",
            "No flats are taken",
        ),
        troubles=(Trouble("level", 2, seconds=10_000.0),),
        images=3,
        **shown,
    )


def _not_ready() -> Iterator[Case]:
    event = "Lamp, dome or telescope are not ready for flats"
    flats = FLATS_ALONE
    shutter = "ATWhiteLight: its shutter is closed"
    yield Case(
        event,
        "the shutter of the lamp is closed",
        DONE,
        (f"Not ready for flats: {shutter}", "auxtel/calibrations/power_on_atcalsys.py"),
        before=_close_the_shutter,
        config=flats,
    )
    yield Case(
        event,
        "the shutter of the lamp is closed, and `flat_setup` is `require`",
        FAILED,
        (
            "No image was taken",
            f"No flats can be taken: {shutter}",
            "auxtel/calibrations/power_on_atcalsys.py",
        ),
        before=_close_the_shutter,
        config={**flats, "flat_setup": "require"},
        images=0,
    )


async def _close_the_shutter(domain: Domain) -> None:
    async with Remote(domain, "ATWhiteLight", include=[]) as light:
        await light.cmd_closeShutter.start(timeout=60.0)


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


def _not_as_asked() -> Iterator[Case]:
    event = "Images are not what was asked for"
    yield Case(
        event,
        "a dark is exposed 1 s longer than asked for",
        DONE,
        ("DARK exposure 2026091800007 is left out: exposure time 6 s instead of 5 s",),
        ALL,
        faults=("exposure-longer",),
    )
    yield Case(
        event,
        "three of four darks are exposed 1 s longer than asked for",
        FAILED,
        (
            "Only 1 of 4 darks and 1 of 1 detector can be used: the set is given up (exposures",
            "exposure time 6 s",
        ),
        ("BIAS",),
        faults=("exposure-longer:count=3",),
    )
    yield Case(
        event,
        "somebody else's dark of 30 s is begun between the command for a dark of 5 s and its image",
        DONE,
        (
            "DARK exposure 2026091800007 is left out: group id 2020-01-17T22:59:05.721 is not that of this run",
        ),
        ALL,
        images_unknown=1,
        faults=("exposure-foreign-alike",),
    )
    for name, image_type, exposure in (("bias", "BIAS", 2), ("dark", "DARK", 7), ("flat", "FLAT", 12)):
        yield Case(
            event,
            f"somebody else's {name}, as ours but for its group id, is begun between our command and its image",
            DONE,
            (
                f"{image_type} exposure 20260918000{exposure:02} is left out: group id 2020-01-17T22:59:05.721 is",
            ),
            ALL if image_type != "FLAT" else ("BIAS", "DARK", "FLAT", "DEFECTS"),
            config={} if image_type != "FLAT" else {"do_ptc": False},
            images_unknown=1,
            faults=(f"exposure-foreign-alike:of={image_type},delay=0",),
        )
    yield Case(
        event,
        "a flat is exposed 1 s longer than asked for: its pair is lost",
        DONE,
        (
            "FLAT exposure 2026091800013 is left out: exposure time 2 s instead of 1 s",
            "GENERATE GAIN: only 2 of 3 planned flat pairs can be used",
        ),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        config={"do_ptc": False},
        faults=("exposure-longer:of=FLAT,at=3",),
    )
    yield Case(
        event,
        "a flat of the only pair is exposed 1 s longer than asked for: no gain can be estimated",
        FAILED,
        ("GENERATE GAIN: none of 1 planned flat pairs can be used",),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        config={"do_ptc": False, "n_flat": 4, "exp_times_flat": [1, 1, 2, 3]},
        faults=("exposure-longer:of=FLAT,at=3",),
    )
    yield Case(
        event,
        "the exposure times of flats are those that the shutter was measured to be open",
        DONE,
        certified=ALL,
        faults=("shutter-measured",),
    )
    yield Case(
        event,
        "a bias is announced by the OODS, but is not in the repository, and nothing is verified",
        DONE,
        (
            "BIAS exposure 2026091800003 was announced by the OODS, but is not in the repository and is left out",
            "BIAS was certified WITHOUT verification",
        ),
        ALL,
        config={"do_verify": False},
        faults=("image-not-ingested:at=3",),
    )
    yield Case(
        event,
        "two of four biases are announced by the OODS, but are not in the repository",
        FAILED,
        ("Only 2 of 4 biases and 1 of 1 detector",),
        faults=("image-not-ingested:at=3,count=2",),
    )
    yield Case(
        event,
        "the level of no flat can be read, and `flat_counts_min` is given",
        FAILED,
        (
            "The level of the flats is unknown, so flat_counts_min could not be checked and the flats are not used",
        ),
        ("BIAS", "DARK"),
        config={"flat_counts_min": 1},
        troubles=(Trouble("level", count=1000, error=RepositoryError("no such file")),),
    )
    yield Case(
        event,
        "the butler does not answer when it is asked for the level of a flat, and `flat_counts_min` is given",
        FAILED,
        ("The flats could not be looked up in the butler: the butler did not answer within 600 s",),
        ("BIAS", "DARK"),
        config={"flat_counts_min": 1},
        troubles=(Trouble("level", 3, seconds=10_000.0),),
    )
    yield Case(
        event,
        "the first two flats do not arrive, the others are too dark",
        FAILED,
        ("The first flats are too low: ", "flat_counts_min is 1e+09"),
        ("BIAS", "DARK"),
        config={"flat_counts_min": 1e9},
        faults=("image-missing:of=FLAT,at=1,count=2",),
    )


NOT_ENABLED = tuple(_not_enabled())
IMAGES = (*_exposures(), *_arrivals(), *_not_as_asked())
LIGHT = (*_light(), *_to_a_level(), *_not_ready())
