"""What can misbehave, one record each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .fault import ALL, Fault, Target

__all__ = ["FAULTS"]

_TABLE = (
    Fault("component-standby", "a component is in STANDBY from the start", Target.COMPONENT, of="ATCamera"),
    Fault("component-fault", "a component is in FAULT from the start", Target.COMPONENT, of="OCPS:1"),
    Fault(
        "component-dead",
        "a component has died, though its last state was ENABLED: it sends no heartbeat, and answers nothing",
        Target.COMPONENT,
        of="OCPS:1",
    ),
    Fault(
        "dome-misaligned",
        "the encoder of a dome has lost three degrees; homing the dome cures it",
        Target.NOTHING,
        of="ATDome",
    ),
    Fault(
        "lamp-not-lit",
        "the lamp does not light at an attempt; all five are count=5",
        Target.ATTEMPTS,
        of="ATWhiteLight",
    ),
    Fault("lamp-aged", "the lamp has only 30 % of its light left", Target.NOTHING, of="ATWhiteLight"),
    Fault(
        "lamp-warming",
        "the lamp is said to be warm, but begins with 60 % of its light; what it lacks falls to 1/e within delay",
        Target.NOTHING,
        of="ATWhiteLight",
        delay=60.0,
    ),
    Fault("lamp-off", "the lamp is said to be on, but gives no light", Target.NOTHING, of="ATWhiteLight"),
    Fault(
        "filter-stuck",
        "the filter is said to be changed, but another one stays in the beam",
        Target.NOTHING,
        of="ATSpectrograph",
    ),
    Fault("exposure-rejected", "the camera rejects an exposure command", Target.IMAGES, of="BIAS", at=2),
    Fault("camera-fault", "the camera goes to FAULT instead of exposing", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "exposure-foreign",
        "somebody else's image is begun between our command and our image",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "exposure-foreign-alike",
        "somebody else's image of the same type is begun between our command and our image, with another group id "
        "and exposed longer by delay",
        Target.IMAGES,
        of="DARK",
        at=2,
        delay=25.0,
    ),
    Fault(
        "exposure-longer",
        "the camera exposes longer than commanded, by delay",
        Target.IMAGES,
        of="DARK",
        at=2,
        delay=1.0,
    ),
    Fault(
        "shutter-measured",
        "headers hold the time that the shutter was measured to be open: up to 4 ms more than asked for",
        Target.IMAGES,
        of="FLAT",
        count=ALL,
    ),
    Fault("filter-changed", "somebody changes the filter before an exposure", Target.IMAGES, of="DARK", at=2),
    Fault(
        "image-not-ingested",
        "an image is announced, but is not in the repository",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "readout-lost",
        "the camera does not say that an image was read out",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "exposure-repeated",
        "the camera reports the name of the previous image once more",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault("image-missing", "an image never arrives in the OODS", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "image-unannounced",
        "an image is ingested, but the OODS's events of it get lost",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "image-late",
        "images arrive late, after the next type has begun",
        Target.IMAGES,
        of="BIAS",
        at=2,
        delay=10.0,
    ),
    Fault(
        "image-behind",
        "an image is announced before the butler has it, by delay",
        Target.IMAGES,
        of="BIAS",
        at=2,
        delay=10.0,
    ),
    Fault(
        "image-doubted",
        "an image is ingested, but the OODS reports that it is bad: statusCode 2",
        Target.IMAGES,
        of="BIAS",
        at=2,
    ),
    Fault(
        "image-taken-back",
        "the OODS reports that an image is good, and that it is bad by delay later",
        Target.IMAGES,
        of="BIAS",
        at=2,
        delay=1.0,
    ),
    Fault("image-duplicated", "images are announced twice", Target.IMAGES, count=ALL),
    Fault("image-status-1", "the ingestion of an image fails: statusCode 1", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "image-foreign",
        "images of somebody else are announced before each of ours",
        Target.IMAGES,
        count=ALL,
    ),
    Fault("detector-missing", "no image of one detector ever arrives", Target.DETECTOR, of="0", count=ALL),
    Fault(
        "detectors-renamed",
        "the OODS announces images with names of detectors that the camera does not have",
        Target.IMAGES,
        of="BIAS",
        count=ALL,
    ),
    Fault("oods-fault", "the OODS goes to FAULT and ingests nothing more", Target.IMAGES, of="BIAS", at=2),
    Fault(
        "job-error",
        "a job ends with exit code 1; with count=2 its second attempt, too",
        Target.JOBS,
        of="cpBias",
    ),
    Fault(
        "job-aborted", "somebody aborts a job: exit code 255, then a second result", Target.JOBS, of="cpBias"
    ),
    Fault("job-slow", "a job takes longer", Target.JOBS, of="cpBias", delay=10.0),
    Fault("command-rejected", "the OCPS rejects an execute command", Target.JOBS, of="cpBias"),
    Fault("no-acknowledgement", "an execute command is never acknowledged", Target.JOBS, of="cpBias"),
    Fault(
        "job-id-repeated",
        "the OCPS starts no job and returns the id of an earlier one",
        Target.JOBS,
        of="cpDark",
    ),
    Fault("ocps-fault", "the OCPS goes to FAULT while a job runs", Target.JOBS, of="cpBias"),
    Fault("ocps-dead", "the OCPS dies while a job runs, without a word", Target.JOBS, of="cpBias"),
    Fault(
        "result-before-ack", "a job's result comes before the job id is acknowledged", Target.JOBS, count=ALL
    ),
    Fault(
        "command-forgetful",
        "an execute command completes while its job still runs, and the result never comes",
        Target.JOBS,
        of="cpBias",
    ),
    Fault("result-never", "a job's result is lost though its command completes", Target.JOBS, of="cpBias"),
    Fault(
        "results-swapped",
        "results of concurrent jobs come in the opposite order",
        Target.JOBS,
        count=ALL,
        delay=10.0,
    ),
    Fault("results-foreign", "results of other clients come before and after ours", Target.JOBS, count=ALL),
    Fault("result-not-json", "the text of a result is not JSON", Target.JOBS, count=ALL),
    Fault("outputs-missing", "a job succeeds but its outputs are missing", Target.JOBS, of="cpBias"),
    Fault("images-left-out", "a job succeeds without the last of its exposures", Target.JOBS, of="cpBias"),
    Fault("statistics-missing", "the statistics are missing", Target.JOBS, of="verifyBias"),
    Fault("statistics-damaged", "the files of the statistics are damaged", Target.JOBS, of="verifyBias"),
    Fault(
        "verification-fails-majority",
        "all amplifiers have become noisier: verification fails",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "verification-fails-some",
        "three amplifiers have become noisier: verification passes, with failures",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "noise-two-sided",
        "cp_verify is that of before March 2023, whose NOISE test fails for too little noise, too",
        Target.JOBS,
        count=ALL,
    ),
    Fault(
        "bias-shifted",
        "an amplifier reads 20 ADU more in its image than in its overscan: the bias has moved",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "amplifier-glows",
        "an amplifier glows with 10 electron/s at a corner: the dark has moved",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "dust-ring",
        "a new grain of dust takes 5 % of the light in a ring: the flat has moved",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "dead-column",
        "a column of an amplifier loses 70 % of the light: the flat has moved, and so have defects found in new "
        "bootstraps",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "gain-drifted",
        "the gains of all amplifiers are 10 % higher than their headers say: verifyPtc fails",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "response-kinked",
        "all amplifiers respond less above 10,000 ADU, as no linearizer describes: verifyLinearizer fails",
        Target.DETECTOR,
        count=ALL,
    ),
    Fault(
        "defects-everywhere",
        "cpDefects takes every pixel for a defect: verifyDefects fails",
        Target.JOBS,
        of="cpDefects",
    ),
    Fault(
        "certified-preferred",
        "the butler of the OCPS prefers certified calibrations to those of RUNs, as before October 2025",
        Target.JOBS,
        count=ALL,
    ),
    Fault(
        "conflict-before",
        "the daily collection holds a calibration of the type already",
        Target.DATASETS,
        of="bias",
    ),
    Fault(
        "conflict-during",
        "somebody certifies into the daily collection while the run is on",
        Target.JOBS,
        of="verifyBias",
    ),
    Fault("repository-unreachable", "the repository cannot be reached from the start", Target.NOTHING),
    Fault("repository-lost", "the repository vanishes during the run", Target.JOBS, of="verifyBias"),
    Fault(
        "repository-locked",
        "somebody else writes to the database for a while",
        Target.JOBS,
        of="verifyBias",
        delay=5.0,
    ),
    *(
        Fault(
            f"script-{what}-{stage}",
            f"the script is {what} while it is {stage}",
            Target.IMAGES if stage == "taking" else Target.JOBS,
            of=kind,
            at=at,
            delay=2.0 if what == "paused" else 0.0,
        )
        for what in ("stopped", "paused")
        for stage, kind, at in (
            ("taking", "BIAS", 2),
            ("generating", "cpBias", 1),
            ("verifying", "verifyBias", 1),
            ("certifying", "verifyBias", 1),
        )
    ),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _TABLE})
"""All of them by name."""
