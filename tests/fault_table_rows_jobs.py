"""What goes wrong with OCPS jobs, and what the script must do then."""

from __future__ import annotations

from collections.abc import Iterator

from fault_table_support import ALL, COMCAM, DONE, EXTERNAL, FAILED, Case, Deed

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.testing.memory import Trouble, Verification

__all__ = ["JOBS"]

LOG = "/outs/ocps.log"


def _jobs() -> Iterator[Case]:
    event = "An OCPS job does not do what it was asked for"
    failed = "the job failed with exit code 1 (OCPS job"
    yield Case(
        event,
        "generating the bias ends with exit code 1",
        FAILED,
        (f"GENERATE BIAS: {failed}", LOG),
        faults=("job-error",),
    )
    yield Case(
        event,
        "generating the dark ends with exit code 1",
        FAILED,
        (f"GENERATE DARK: {failed}", LOG),
        ("BIAS",),
        faults=("job-error:of=cpDark",),
    )
    yield Case(
        event,
        "generating the flat ends with exit code 1",
        FAILED,
        (f"GENERATE FLAT: {failed}",),
        ("BIAS", "DARK", "PTC"),
        faults=("job-error:of=cpFlat",),
    )
    yield Case(
        event,
        "generating the defects ends with exit code 1",
        FAILED,
        (f"GENERATE DEFECTS: {failed}",),
        ("BIAS", "DARK", "FLAT", "PTC"),
        faults=("job-error:of=cpDefects",),
    )
    yield Case(
        event,
        "generating the PTC ends with exit code 1",
        FAILED,
        (f"GENERATE PTC: {failed}",),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        faults=("job-error:of=cpPtc",),
    )
    yield Case(
        event,
        "estimating gains ends with exit code 1",
        FAILED,
        (f"GENERATE GAIN: {failed}",),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        config={"do_ptc": False},
        faults=("job-error:of=cpPtcGainFromFlatPairs",),
    )
    yield Case(
        event,
        "verifying the bias ends with exit code 1",
        FAILED,
        (f"VERIFY BIAS: {failed}",),
        faults=("job-error:of=verifyBias",),
    )
    yield Case(
        event,
        "verifying the dark ends with exit code 1",
        FAILED,
        (f"VERIFY DARK: {failed}",),
        ("BIAS",),
        faults=("job-error:of=verifyDark",),
    )
    yield Case(
        event,
        "external verification: verifying the dark ends with exit code 1",
        FAILED,
        (f"VERIFY DARK: {failed}",),
        config=EXTERNAL,
        faults=("job-error:of=verifyDark",),
    )
    again = "It is submitted again: attempt 2 of 2."
    yield Case(
        event,
        "generating the dark ends with exit code 1, and `job_attempts` is 2",
        DONE,
        (f"GENERATE DARK: {failed}", LOG, again),
        ALL,
        config={"job_attempts": 2},
        faults=("job-error:of=cpDark",),
    )
    yield Case(
        event,
        "verifying the bias ends with exit code 1, and `job_attempts` is 2",
        DONE,
        (f"VERIFY BIAS: {failed}", LOG, again),
        ALL,
        config={"job_attempts": 2},
        faults=("job-error:of=verifyBias",),
    )
    yield Case(
        event,
        "generating the flat ends with exit code 1 twice, and `job_attempts` is 2",
        FAILED,
        (f"GENERATE FLAT: {failed}", LOG, "Failed before: OCPS job"),
        ("BIAS", "DARK", "PTC"),
        config={"job_attempts": 2},
        faults=("job-error:of=cpFlat,count=2",),
    )
    yield Case(
        event,
        "somebody else aborts the job that generates the dark, and `job_attempts` is 2",
        FAILED,
        ("GENERATE DARK: the job was aborted with exit code 255",),
        ("BIAS",),
        config={"job_attempts": 2},
        faults=("job-aborted:of=cpDark",),
    )
    yield Case(
        event,
        "somebody else aborts the job that generates the dark",
        FAILED,
        ("GENERATE DARK: the job was aborted with exit code 255",),
        ("BIAS",),
        faults=("job-aborted:of=cpDark",),
    )
    yield Case(event, "a job takes longer", DONE, certified=ALL, faults=("job-slow:of=cpDark",))
    yield Case(
        event,
        "generating the dark takes longer than pipetask_timeout",
        FAILED,
        ("GENERATE DARK: the job did not end within pipetask_timeout, 60 s", LOG),
        ("BIAS",),
        ("GENERATE DARK",),
        config={"pipetask_timeout": 60},
        faults=("job-slow:of=cpDark,delay=100",),
    )
    yield Case(
        event,
        "verifying the bias takes longer than pipetask_timeout",
        FAILED,
        ("VERIFY BIAS: the job did not end within pipetask_timeout, 60 s",),
        (),
        ("VERIFY BIAS",),
        config={"pipetask_timeout": 60},
        faults=("job-slow:of=verifyBias,delay=100",),
    )
    for step, pipeline, certified in (
        ("GENERATE BIAS", "cpBias", ()),
        ("GENERATE DARK", "cpDark", ("BIAS",)),
        ("VERIFY DARK", "verifyDark", ("BIAS",)),
    ):
        yield Case(
            event,
            f"the OCPS rejects the command ({step})",
            FAILED,
            (
                f"{step}: the OCPS rejected the job: ",
                "HTTP 503",
                "job id is unknown, so there is nothing to abort",
            ),
            certified,
            faults=(f"command-rejected:of={pipeline}",),
        )
    yield Case(
        event,
        "the OCPS never acknowledges the command (GENERATE DARK)",
        FAILED,
        ("GENERATE DARK: the OCPS did not acknowledge the job within 600 s", "job id is unknown"),
        ("BIAS",),
        faults=("no-acknowledgement:of=cpDark",),
    )
    yield Case(
        event,
        "the OCPS starts no job and returns the id of an earlier one (GENERATE DARK)",
        FAILED,
        ("GENERATE DARK: the OCPS returned job id ", "which already belongs to an earlier job"),
        ("BIAS",),
        faults=("job-id-repeated:of=cpDark",),
    )
    yield from _ocps_states(event)
    yield from _outputs(event)


def _ocps_states(event: str) -> Iterator[Case]:
    yield Case(
        event,
        "the OCPS goes to FAULT while the bias is generated",
        FAILED,
        ("GENERATE BIAS: the OCPS", LOG),
        (),
        ("GENERATE BIAS (refused)",),
        faults=("ocps-fault",),
    )
    yield Case(
        event,
        "the OCPS goes to FAULT while the dark is generated",
        FAILED,
        ("GENERATE DARK: the OCPS",),
        ("BIAS",),
        ("GENERATE DARK (refused)",),
        faults=("ocps-fault:of=cpDark",),
    )
    yield Case(
        event,
        "the OCPS dies while the dark is generated, and says nothing",
        FAILED,
        ("GENERATE DARK: the OCPS says ENABLED but has sent no heartbeat for 60 s: it may have died", LOG),
        ("BIAS",),
        ("GENERATE DARK (refused)",),
        faults=("ocps-dead:of=cpDark",),
    )
    yield Case(
        event,
        "somebody brings the OCPS to STANDBY while the dark is generated",
        FAILED,
        ("GENERATE DARK: the OCPS left ENABLED, it is STANDBY",),
        ("BIAS",),
        ("GENERATE DARK (refused)",),
        seconds={"cpDark": 60.0},
        deeds=(Deed("GENERATE DARK started", "OCPS:1"),),
    )
    yield Case(
        event,
        "somebody brings the OCPS to STANDBY while the dark is generated, and enables it again at once",
        FAILED,
        (
            "GENERATE DARK: the OCPS left ENABLED, it was STANDBY and is ENABLED again",
            LOG,
        ),
        ("BIAS",),
        ("GENERATE DARK (refused)",),
        seconds={"cpDark": 60.0},
        deeds=(Deed("GENERATE DARK started", "OCPS:1", ("disable", "standby", "start", "enable")),),
    )
    yield Case(
        event,
        "external verification: the OCPS goes to FAULT while the biases are verified",
        FAILED,
        ("VERIFY BIAS: the OCPS", "VERIFY DARK: ", "VERIFY FLAT: "),
        (),
        ("VERIFY BIAS (refused)",),
        config=EXTERNAL,
        faults=("ocps-fault:of=verifyBias",),
    )


def _outputs(event: str) -> Iterator[Case]:
    yield Case(
        event,
        "generating the dark ends well, but wrote no dark",
        FAILED,
        ("GENERATE DARK: the job wrote no dark for detector 0", LOG),
        ("BIAS",),
        writes_not={"cpDark": frozenset({0})},
    )
    yield Case(
        event,
        "LSSTComCam: generating the dark ends well, but wrote none for one detector",
        FAILED,
        ("GENERATE DARK: the job wrote no dark for detector 2",),
        ("BIAS",),
        writes_not={"cpDark": frozenset({2})},
        **COMCAM,
    )
    for verified in (True, False):
        yield Case(
            event,
            f"generating the dark ends well, but without its last image, do_verify: {verified}",
            FAILED,
            ("GENERATE DARK: the job left out 1 of 4 images (exposure ", " of detector 0)", LOG),
            ("BIAS",),
            config={"do_verify": verified},
            faults=("images-left-out:of=cpDark",),
        )
    yield Case(
        event,
        "LSSTComCam: generating the bias ends well, but without the last image of each detector",
        FAILED,
        ("GENERATE BIAS: the job left out 3 of 12 images (exposure ", " of detectors 0..2)"),
        faults=("images-left-out",),
        **COMCAM,
    )
    yield Case(
        event,
        "generating the PTC ends well, but without its last flat",
        FAILED,
        ("GENERATE PTC: the job left out 1 of 6 images (exposure ", " of detector 0)"),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        faults=("images-left-out:of=cpPtc",),
    )
    yield Case(
        event,
        "generating the bias ends well, but its outputs are gone, in a repository on disk",
        FAILED,
        ("GENERATE BIAS: the job wrote no bias for detector 0",),
        faults=("outputs-missing",),
        on_repository=True,
    )


def _gains() -> Iterator[Case]:
    event = "An OCPS job does not do what it was asked for"
    yield Case(
        event,
        "estimating gains ends well, but there are none in what it wrote",
        FAILED,
        ("GENERATE GAIN: the job wrote no gains for detector 0", LOG),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        config={"do_ptc": False},
        without_gains=frozenset({"cpPtcGainFromFlatPairs"}),
    )
    yield Case(
        event,
        "generating the PTC ends well, but there are no gains in it",
        FAILED,
        ("GENERATE PTC: the job wrote no gains for detector 0", LOG),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        without_gains=frozenset({"cpPtc"}),
    )


def _results() -> Iterator[Case]:
    event = "job_result comes late, twice, in disorder, or never"
    for what, fault in (
        ("results come before the acknowledgements of their commands", "result-before-ack"),
        ("results of concurrent jobs come in the opposite order", "results-swapped"),
        ("results of other clients come before and after ours", "results-foreign"),
        ("results are not JSON", "result-not-json"),
    ):
        yield Case(event, what, DONE, certified=ALL, faults=(fault,))
    for step, pipeline in (("GENERATE DARK", "cpDark"), ("VERIFY DARK", "verifyDark")):
        yield Case(
            event,
            f"the result of {step} never comes, but its outputs exist",
            DONE,
            (f"{step}: no job_result came for OCPS job", "its outputs exist"),
            ALL,
            faults=(f"result-never:of={pipeline}",),
        )
    yield Case(
        event,
        "the result of GENERATE DARK never comes, and there are no outputs",
        FAILED,
        ("GENERATE DARK: no job_result came, and the job left no RUN with outputs (OCPS job",),
        ("BIAS",),
        faults=("result-never:of=cpDark",),
        exit_codes={"cpDark": 1},
    )
    yield Case(
        event,
        "the result of VERIFY DARK never comes, and there are no outputs",
        FAILED,
        ("VERIFY DARK: no job_result came, and its statistics are not complete (OCPS job",),
        ("BIAS",),
        faults=("result-never:of=verifyDark",),
        exit_codes={"verifyDark": 1},
    )

    for step, pipeline, said in (
        ("GENERATE DARK", "cpDark", "the job left no RUN with outputs"),
        ("VERIFY DARK", "verifyDark", "its statistics are not complete"),
    ):
        yield Case(
            event,
            f"the command of {step} completes while its job still runs, and no result comes",
            FAILED,
            (f"{step}: no job_result came, and {said} (OCPS job",),
            ("BIAS",),
            (step,),
            faults=(f"command-forgetful:of={pipeline}",),
            seconds={pipeline: 3000.0},
        )


def _inputs() -> Iterator[Case]:
    event = "A job uses other calibrations than it was to use"
    reference, ours = (
        "in LATISS/calib/reference/run instead of that in u/ocps/",
        "whether somebody has certified",
    )
    yield Case(
        event,
        "the butler of the OCPS prefers certified calibrations to those of this run",
        FAILED,
        ("VERIFY BIAS: the job used the bias of detector 0 in", "LATISS/calib/reference/run", ours, LOG),
        faults=("certified-preferred",),
    )
    yield Case(
        event,
        "generating the dark uses a certified bias",
        FAILED,
        (f"GENERATE DARK: the job used the bias of detector 0 {reference}", ours, LOG),
        ("BIAS",),
        faults=("certified-preferred:of=cpDark",),
    )
    yield Case(
        event,
        "generating the flat uses a certified bias and a certified dark",
        FAILED,
        ("GENERATE FLAT: the job used", "the bias of detector 0 in", "; the dark of detector 0 in", LOG),
        ("BIAS", "DARK", "PTC"),
        faults=("certified-preferred:of=cpFlat",),
    )
    yield Case(
        event,
        "verifying the PTC uses a certified one",
        FAILED,
        (f"VERIFY PTC: the job used the ptc of detector 0 {reference}", ours, LOG),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        faults=("certified-preferred:of=verifyPtc",),
        verifiers=("Ptc",),
    )
    yield Case(
        event,
        "verifying the flat uses certified calibrations",
        FAILED,
        ("VERIFY FLAT: the job used", "the flat of detector 0 in", LOG),
        ("BIAS", "DARK", "PTC"),
        faults=("certified-preferred:of=verifyFlat",),
    )
    yield Case(
        event,
        "LSSTComCam: verifying the dark uses certified calibrations of all detectors",
        FAILED,
        (
            "VERIFY DARK: the job used",
            "the dark of detectors 0..2 in LSSTComCam/calib/reference/run instead of",
        ),
        ("BIAS",),
        faults=("certified-preferred:of=verifyDark",),
        **COMCAM,
    )
    yield Case(
        event,
        "verifying the bias uses a certified one, in a repository on disk",
        FAILED,
        ("VERIFY BIAS: the job used the bias of detector 0 in", "LATISS/calib/reference/run"),
        faults=("certified-preferred",),
        on_repository=True,
    )
    yield Case(
        event,
        "nothing to fall back on: no calibration is certified yet that this run makes",
        DONE,
        certified=ALL,
        faults=("certified-preferred",),
        references=(),
    )
    yield Case(
        event,
        "which calibrations jobs have used cannot be read",
        DONE,
        (
            "which calibrations were used cannot be read, since the disk is away.",
            "not checked",
        ),
        ALL,
        troubles=(Trouble("inputs_used", count=99, error=RepositoryError("the disk is away")),),
    )


def _others() -> Iterator[Case]:
    event = "A product that is not a combined image fails its verification"
    yield Case(
        event,
        "the gains of all amplifiers have drifted",
        FAILED,
        ("PTC: 1 of 1 detectors failed, limit 1: NOT certified",),
        ("BIAS", "DARK", "FLAT", "DEFECTS"),
        faults=("gain-drifted",),
        verifiers=("Ptc",),
        verifications={"verifyPtc": Verification.FAILS},
    )
    yield Case(
        event,
        "cpDefects takes every pixel for a defect",
        FAILED,
        ("DEFECTS: 6 of 6 exposures failed, limit 4: NOT certified",),
        ("BIAS", "DARK", "FLAT", "PTC"),
        faults=("defects-everywhere",),
        verifiers=("Defects",),
        verifications={"verifyDefects": Verification.FAILS},
    )
    yield Case(
        event,
        "amplifiers respond as no linearizer describes: nothing made with it is certified either",
        FAILED,
        ("LINEARIZER: 1 of 1 detectors failed, limit 1: NOT certified",),
        ALL,
        ("GENERATE BFK",),
        config={"do_linearizer": True, "do_cti": True, "do_bfk": True},
        faults=("response-kinked",),
        verifiers=("Linearizer",),
        verifications={"verifyLinearizer": Verification.FAILS},
        # When it fails the job of BFK runs, on whatever machine.
        seconds={"verifyLinearizer": 8.0},
    )


JOBS = (*_jobs(), *_gains(), *_results(), *_inputs(), *_others())
