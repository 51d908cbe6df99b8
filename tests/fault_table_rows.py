"""Everything that goes wrong, and what the script must do then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from fault_table_rows_jobs import JOBS
from fault_table_rows_moved import MOVED
from fault_table_rows_summit import IMAGES, LIGHT, NOT_ENABLED
from fault_table_support import (
    ALL,
    COMCAM,
    DONE,
    EXTERNAL,
    FAILED,
    FILTERS,
    ONLY_BIAS,
    STOPPED,
    Case,
    Present,
)

from lsst.ts.calibscripts.summit.queue.interruption import STAGES
from lsst.ts.calibscripts.testing.memory import Trouble, Verification

__all__ = ["ROWS", "UNDISTURBED"]


def _conflicts_before() -> Iterator[Case]:
    event = "`calib_collection` holds a calibration of the type already"
    ways_out = ("Set calib_collection to LATISS/calib/daily/calib.",)
    range_ = "which overlaps 1950-01-01 to 2050-01-01"
    yield Case(
        event,
        "a bias, over an overlapping range",
        FAILED,
        ("already holds bias", range_, *ways_out),
        images=0,
        present=(Present("bias"),),
    )
    yield Case(
        event,
        "a flat in the filter of the run and defects: both are said, once",
        FAILED,
        ("already holds flat in SDSSr_65mm~empty and defects (detector 0)", range_, *ways_out),
        images=0,
        present=(Present("flat", physical_filter=FILTERS["LATISS"]), Present("defects")),
    )
    yield Case(
        event,
        "a flat in another filter",
        DONE,
        certified=ALL,
        present=(Present("flat", physical_filter="SDSSg_65mm~empty"),),
    )
    yield Case(
        event,
        "a flat in the filter that is given as a slot of the wheel, so that only the set-up shows which it is",
        FAILED,
        ("No image was taken", "already holds flat", *ways_out),
        images=0,
        config={"filter": 1, "grating": "empty_1"},
        present=(Present("flat", physical_filter=FILTERS["LATISS"]),),
    )
    yield Case(
        event,
        "a flat in another filter than that slot's",
        DONE,
        certified=ALL,
        config={"filter": 1, "grating": "empty_1"},
        present=(Present("flat", physical_filter="SDSSg_65mm~empty"),),
    )
    yield Case(
        event,
        "a bias that was valid until the range begins",
        DONE,
        certified=ALL,
        present=(Present("bias", "1900-01-01", "1950-01-01"),),
    )
    yield Case(
        event,
        "LSSTComCam: a bias of a detector that is not asked for",
        DONE,
        certified=ALL,
        config={"detectors": [0, 1]},
        present=(Present("bias", detectors=(2,)),),
        **COMCAM,
    )
    yield Case(
        event, "a bias, but nothing is to be certified", DONE, config=EXTERNAL, present=(Present("bias"),)
    )
    yield Case(
        event,
        "a bias, in a repository on disk",
        FAILED,
        ("already holds bias (detector 0)", *ways_out),
        images=0,
        faults=("conflict-before",),
        on_repository=True,
    )


def _verification() -> Iterator[Case]:
    event = "Verification fails, generating"
    fails = {"verifyBias": Verification.FAILS}
    yield Case(
        event,
        "a majority fails for the biases: the darks that are left are not taken",
        FAILED,
        ("BIAS: 4 of 4 exposures failed, limit 3: NOT certified", "will not be certified", "u/ocps/"),
        verifications=fails,
    )
    yield Case(
        event,
        "a majority fails for the biases while the dark is generated",
        FAILED,
        ("BIAS: 4 of 4 exposures failed, limit 3: NOT certified",),
        (),
        ("GENERATE DARK",),
        verifications=fails,
        seconds={"verifyBias": 40.0, "cpDark": 100.0},
    )
    yield Case(
        event,
        "a majority fails for the biases while the last dark is waited for",
        FAILED,
        ("BIAS: 4 of 4 exposures failed, limit 3: NOT certified",),
        verifications=fails,
        faults=("image-late:of=DARK,at=5,delay=60",),
        seconds={"verifyBias": 50.0},
    )
    yield Case(
        event,
        "a majority fails for the darks",
        FAILED,
        ("DARK: 4 of 4 exposures failed, limit 3: NOT certified",),
        ("BIAS",),
        verifications={"verifyDark": Verification.FAILS},
    )
    yield Case(
        event,
        "a majority fails for the darks while flat and PTC are generated",
        FAILED,
        ("DARK: 4 of 4 exposures failed",),
        ("BIAS",),
        ("GENERATE FLAT", "GENERATE PTC"),
        verifications={"verifyDark": Verification.FAILS},
        seconds={"verifyDark": 60.0, "cpFlat": 100.0, "cpPtc": 100.0},
    )
    yield Case(
        event,
        "a majority fails for the flats, and verifyFlatStats does not say which tests",
        FAILED,
        ("FLAT: 6 of 6 exposures failed, limit 4: NOT certified",),
        ("BIAS", "DARK"),
        verifications={"verifyFlat": Verification.VAGUE_FAILS},
    )
    yield Case(
        event,
        "the single bias fails",
        FAILED,
        ("BIAS: 1 of 1 exposures failed, limit 1: NOT certified",),
        config={**ONLY_BIAS, "n_bias": 1},
        verifications=fails,
    )
    yield Case(
        event,
        "some tests fail, for every type",
        DONE,
        (
            "BIAS calibration passed the overall verification",
            "DARK calibration passed",
            "FLAT calibration passed",
        ),
        ALL,
        verifications=dict.fromkeys(("verifyBias", "verifyDark", "verifyFlat"), Verification.SOME_FAIL),
    )
    for what, outcome, words in (
        ("do not say which tests failed", Verification.UNEXPLAINED, "BIAS: 4 of 4 exposures failed, limit 3"),
        ("lack an exposure", Verification.INCOMPLETE, "1 of 4 not in the statistics: NOT certified"),
        (
            "lack an exposure of a detector",
            Verification.SKIPS,
            "not hold statistics of all exposures for detector 0",
        ),
        (
            "have an unknown shape",
            Verification.DAMAGED,
            "BIAS calibration could not be judged and will not be certified: cp_verify statistics of exposure",
        ),
        (
            "cannot be read",
            Verification.UNREADABLE,
            "BIAS calibration could not be judged and will not be certified: The statistics in u/ocps/",
        ),
        ("are missing", Verification.MISSING, "could not be judged and will not be certified: u/ocps/"),
    ):
        yield Case(
            event,
            f"the statistics of the biases {what}",
            FAILED,
            (words,),
            verifications={"verifyBias": outcome},
        )
    yield Case(
        event,
        "`on_verification_failure: warn`, a majority fails for the biases",
        DONE,
        ("BIAS calibration failed verification and will not be certified", "BIAS: 4 of 4 exposures failed"),
        config={"on_verification_failure": "warn"},
        verifications=fails,
    )
    yield Case(
        event,
        "`on_verification_failure: warn`, a majority fails for the darks",
        DONE,
        ("DARK: 4 of 4 exposures failed",),
        ("BIAS",),
        config={"on_verification_failure": "warn"},
        verifications={"verifyDark": Verification.FAILS},
    )
    yield Case(
        event,
        "`do_verify: false`",
        DONE,
        (
            "BIAS was certified WITHOUT verification",
            "DARK was certified WITHOUT",
            "FLAT was certified WITHOUT",
        ),
        ALL,
        config={"do_verify": False},
    )
    yield from _verification_on_repository(event)


def _verification_on_repository(event: str) -> Iterator[Case]:
    disk: dict[str, Any] = {"on_repository": True}
    yield Case(
        event,
        "all amplifiers have become noisier, in a repository on disk",
        FAILED,
        ("BIAS: 3 of 3 exposures failed, limit 3: NOT certified",),
        faults=("verification-fails-majority",),
        **disk,
    )
    yield Case(
        event,
        "three amplifiers have become noisier, in a repository on disk",
        DONE,
        ("BIAS calibration passed the overall verification",),
        ("BIAS",),
        faults=("verification-fails-some",),
        **disk,
    )
    yield Case(
        event,
        "cp_verify is that of before March 2023, and there are three biases only, in a repository on disk",
        FAILED,
        ("BIAS: 3 of 3 exposures failed, limit 3: NOT certified",),
        faults=("noise-two-sided",),
        **disk,
    )
    yield Case(
        event,
        "there are no statistics, in a repository on disk",
        FAILED,
        ("could not be judged and will not be certified: u/ocps/",),
        faults=("statistics-missing",),
        **disk,
    )
    yield Case(
        event,
        "the files of the statistics are damaged, in a repository on disk",
        FAILED,
        (
            "BIAS calibration could not be judged and will not be certified: The statistics in u/ocps/",
            "cannot be read",
        ),
        faults=("statistics-damaged",),
        **disk,
    )


def _external() -> Iterator[Case]:
    event = "Verification fails, not generating"
    fails = Verification.FAILS
    yield Case(
        event,
        "a majority fails for the biases; the other types are verified",
        FAILED,
        ("BIAS: 4 of 4 exposures failed, limit 3: verification FAILED", "there was nothing to certify"),
        images=17,
        config=EXTERNAL,
        verifications={"verifyBias": fails},
    )
    yield Case(
        event,
        "a majority fails for all three types",
        FAILED,
        ("BIAS: 4 of 4", "DARK: 4 of 4", "FLAT: 6 of 6"),
        images=17,
        config=EXTERNAL,
        verifications=dict.fromkeys(("verifyBias", "verifyDark", "verifyFlat"), fails),
    )
    yield Case(
        event,
        "the statistics of the darks are missing",
        FAILED,
        ("DARK exposures could not be judged; there was nothing to certify: u/ocps/",),
        images=17,
        config=EXTERNAL,
        verifications={"verifyDark": Verification.MISSING},
    )
    yield Case(
        event,
        "some tests fail",
        DONE,
        ("BIAS exposures passed the overall verification",),
        config=EXTERNAL,
        verifications={"verifyBias": Verification.SOME_FAIL},
    )
    yield Case(
        event,
        "`on_verification_failure: warn`, a majority fails for the biases",
        DONE,
        ("BIAS: 4 of 4 exposures failed",),
        images=17,
        config={**EXTERNAL, "on_verification_failure": "warn"},
        verifications={"verifyBias": fails},
    )
    yield Case(
        event,
        "a majority fails for the biases; DEFECTS and PTC are made from the calibrations that exist",
        FAILED,
        ("BIAS: 4 of 4 exposures failed",),
        ("DEFECTS", "PTC"),
        images=17,
        config={"generate_calibrations": False},
        verifications={"verifyBias": fails},
    )


def _certifying() -> Iterator[Case]:
    event = "Certifying fails"
    yield Case(
        event,
        "somebody has certified a bias meanwhile, in a repository on disk",
        FAILED,
        (
            "CERTIFY BIAS into LATISS/calib/daily failed",
            "nothing was certified before",
            "already holds bias",
        ),
        faults=("conflict-during",),
        on_repository=True,
    )
    yield Case(
        event,
        "somebody has certified a dark meanwhile, in a repository on disk",
        FAILED,
        ("CERTIFY DARK into LATISS/calib/daily failed", "certified before: BIAS", "already holds dark"),
        ("BIAS",),
        config={"script_mode": "BIAS_DARK", "n_dark": 3, "exp_times_dark": 1},
        faults=("conflict-during:of=verifyDark",),
        on_repository=True,
    )
    yield Case(
        event,
        "the database refuses the dark",
        FAILED,
        (
            "CERTIFY DARK into LATISS/calib/daily failed",
            "certified before: BIAS",
            "attempt to write a readonly",
        ),
        ("BIAS",),
        troubles=(
            Trouble("certify", at=2, error=sqlite3.OperationalError("attempt to write a readonly database")),
        ),
    )


def _repository() -> Iterator[Case]:
    event = "The butler repository cannot be reached, or holds too little"
    yield Case(
        event,
        "it cannot be reached from the start, on disk",
        FAILED,
        ("No image was taken", "Butler repository", "cannot be read", "Check the property repo"),
        images=0,
        faults=("repository-unreachable",),
        on_repository=True,
    )
    yield Case(
        event,
        "it does not answer for longer than a minute",
        FAILED,
        ("No image was taken", "did not answer within 60 s"),
        images=0,
        troubles=(Trouble("check", seconds=70.0),),
    )
    for trouble, words in (
        (Trouble("conflicts", 5, error=sqlite3.OperationalError("disk I/O error")), "disk I/O error"),
        (Trouble("conflicts", 5, seconds=70.0), "did not answer within 60 s"),
    ):
        yield Case(
            event,
            f"when the set-up has shown which filter the flats will have: {words}",
            FAILED,
            ("No image was taken", words),
            images=0,
            config={"filter": 1, "grating": "empty_1"},
            troubles=(trouble,),
        )
    yield Case(
        event,
        "it vanishes when the biases have been verified, on disk",
        FAILED,
        ("BIAS",),
        faults=("repository-lost",),
        on_repository=True,
    )
    yield Case(
        event,
        "it vanishes when the dark has been generated, on disk",
        FAILED,
        ("DARK",),
        ("BIAS",),
        config={"script_mode": "BIAS_DARK", "n_dark": 3, "exp_times_dark": 5},
        faults=("repository-lost:of=cpDark",),
        on_repository=True,
    )
    yield Case(
        event,
        "it cannot be read from the darks on",
        FAILED,
        ("GENERATE DARK (u/ocps/", "): unable to open database file"),
        ("BIAS",),
        troubles=(
            Trouble("made", at=2, count=99, error=sqlite3.OperationalError("unable to open database file")),
        ),
    )
    yield Case(
        event,
        "somebody else writes to its database for a while, on disk",
        DONE,
        certified=("BIAS",),
        faults=("repository-locked:delay=0.5",),
        on_repository=True,
    )
    yield Case(
        event,
        "its database is locked for longer than the butler waits, five minutes",
        FAILED,
        ("CERTIFY DARK into LATISS/calib/daily failed", "certified before: BIAS", "database is locked"),
        ("BIAS",),
        troubles=(
            Trouble("certify", 2, seconds=300.0, error=sqlite3.OperationalError("database is locked")),
        ),
    )
    yield Case(
        event,
        "it hangs when the dark is looked for, and never answers again",
        FAILED,
        ("GENERATE DARK (u/ocps/", "): the butler did not answer within 600 s"),
        ("BIAS",),
        troubles=(Trouble("made", 2, seconds=10_000.0),),
        config={"script_mode": "BIAS_DARK", "do_defects": False, "do_ptc": False},
    )
    yield Case(
        event,
        "`input_collections_verify_bias` names a collection that does not exist",
        FAILED,
        ("No image was taken", "input_collections_verify_bias: no collection LATISS/calib/none"),
        images=0,
        config={**EXTERNAL, "input_collections_verify_bias": "LATISS/calib/none"},
    )
    yield Case(
        event,
        "external verification, and there is neither a dark nor a flat",
        FAILED,
        ("VERIFY DARK, VERIFY FLAT and GENERATE GAIN need a dark", "VERIFY FLAT needs a flat"),
        images=0,
        config=EXTERNAL,
        references=("bias",),
    )
    yield Case(
        event,
        "external verification, and the references were valid until last year",
        FAILED,
        (
            "VERIFY BIAS, VERIFY DARK, VERIFY FLAT and GENERATE GAIN need a bias, but LATISS/calib has none",
            "that is valid from now until the images are taken",
            "VERIFY FLAT needs a flat",
        ),
        images=0,
        config=EXTERNAL,
        references_end="2025-12-31",
    )
    yield Case(
        event,
        "only the set-up shows the filter of the flats, and there is a flat in another one to verify them with",
        FAILED,
        (
            "No image was taken",
            "VERIFY FLAT needs a flat in SDSSr_65mm~empty",
            "that is valid from now until the images are taken",
        ),
        images=0,
        config={
            **EXTERNAL,
            "filter": 1,
            "grating": "empty_1",
            "input_collections_verify_flat": "LATISS/calib,LATISS/calib/daily",
        },
        references=("bias", "dark"),
        present=(Present("flat", physical_filter="SDSSg_65mm~empty"),),
    )


def _interruptions() -> Iterator[Case]:
    event = "Somebody stops the script"
    yield Case(event, "at the checkpoint before the set-up", STOPPED, images=0, stop="Setup LATISS.*")
    yield Case(event, "while the second bias is taken", STOPPED, images=2, faults=("script-stopped-taking",))
    yield Case(
        event,
        "while darks are taken and the bias is generated",
        STOPPED,
        (),
        (),
        ("GENERATE BIAS",),
        faults=("script-stopped-taking:of=DARK",),
        seconds={"cpBias": 100.0},
    )
    yield Case(
        event,
        "while the bias is generated",
        STOPPED,
        (),
        (),
        ("GENERATE BIAS",),
        faults=("script-stopped-generating",),
    )
    yield Case(
        event,
        "while flat and PTC are generated and the dark is verified",
        STOPPED,
        (),
        ("BIAS",),
        ("GENERATE FLAT", "GENERATE PTC", "VERIFY DARK"),
        faults=("script-stopped-generating:of=cpFlat",),
        seconds={"verifyDark": 100.0},
    )
    yield Case(
        event,
        "while the biases are verified",
        STOPPED,
        (),
        (),
        ("VERIFY BIAS",),
        faults=("script-stopped-verifying",),
    )
    yield Case(
        event,
        "when the darks have just been verified and before the dark is certified",
        STOPPED,
        (),
        ("BIAS",),
        faults=("script-stopped-certifying:of=verifyDark",),
        # Through a broker a stop is longer on its way than a butler in memory is asked.
        troubles=(Trouble("statistics", 2, seconds=20.0),),
    )
    yield Case(
        event,
        "when the biases have just been verified and before the bias is certified",
        STOPPED,
        faults=("script-stopped-certifying",),
    )
    yield Case(
        event, "at the checkpoint after the darks", STOPPED, (), ("BIAS",), stop="Images taken: DARK.*"
    )
    event = "Somebody pauses the script and resumes it"
    yield Case(
        event,
        "when the biases are taken, and a majority fails for them meanwhile",
        FAILED,
        ("BIAS: 4 of 4 exposures failed, limit 3: NOT certified",),
        images=5,
        verifications={"verifyBias": Verification.FAILS},
        faults=("script-paused-taking:at=4,delay=300",),
    )
    for stage, words in zip(
        STAGES,
        (
            "while the second bias is taken",
            "while the bias is generated",
            "while the biases are verified",
            "when the biases have just been verified and before the bias is certified",
        ),
        strict=True,
    ):
        yield Case(event, words, DONE, certified=ALL, images=17, faults=(f"script-paused-{stage}:delay=300",))


UNDISTURBED = Case("Nothing", "nothing", DONE, certified=ALL, images=17)

ROWS: tuple[Case, ...] = (
    *NOT_ENABLED,
    *_conflicts_before(),
    *_verification(),
    *_external(),
    *IMAGES,
    *JOBS,
    *MOVED,
    *_certifying(),
    *_repository(),
    *_interruptions(),
    *LIGHT,
)
"""All rows of the table."""
