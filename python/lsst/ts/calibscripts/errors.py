"""Every exception of the package: one class per cause, its context as attributes.

Each text is for a tired observer: what failed, with which id, what was and was not done, what to do next.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

__all__ = [
    "JOB_LOGS_VARIABLE",
    "CalibScriptsError",
    "CertificationError",
    "ConfigurationError",
    "ConflictError",
    "DecisionError",
    "ExposureError",
    "FlatLevelError",
    "GainsError",
    "ImageSetError",
    "InputError",
    "JobError",
    "LedgerError",
    "NoAnswerError",
    "NotJudgedError",
    "OutputsMissingError",
    "PreconditionError",
    "ReadBackError",
    "RecordError",
    "RepositoryError",
    "RunFailedError",
    "StatisticsError",
    "TransitionError",
    "VerificationFailedError",
    "describe",
    "job_log",
]

_CMD = {-300: "CMD_NOPERM", -301: "CMD_NOACK", -302: "CMD_FAILED", -303: "CMD_ABORTED", -304: "CMD_TIMEOUT"}

REASON_CHARACTERS = 8000
"""Longest reason of a final state; the middleware refuses messages above a million bytes."""

JOB_LOGS_VARIABLE = "CALIBSCRIPTS_JOB_LOGS"
"""Environment variable with the directory of the logs, if it is not that of the summit; a rehearsal sets it."""


def job_log(job_id: str) -> Path:
    """Return the path of a job's log; this machine need not be able to read it.

    Parameters
    ----------
    job_id : `str`
        Id of the OCPS job.
    """
    return Path(os.environ.get(JOB_LOGS_VARIABLE) or "/scratch/uws") / job_id / "outs/ocps.log"


class CalibScriptsError(Exception):
    """Base of all errors this package raises on purpose."""


class ConfigurationError(CalibScriptsError, ValueError):
    """The configuration cannot work. Nothing was moved, no image was taken.

    Parameters
    ----------
    problems : sequence of `str`
        Everything that is wrong, one sentence each; kept as a `tuple`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PreconditionError(CalibScriptsError, RuntimeError):
    """Something that could be seen before the first exposure is wrong. No image was taken.

    Parameters
    ----------
    problems : sequence of `str`
        Everything that is wrong, one sentence each; kept as a `tuple`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("No image was taken. " + " ".join(self.problems))


class ConflictError(CalibScriptsError, RuntimeError):
    """A calibration collection already holds what is to be certified over an overlapping validity range.

    The text names type, collection, validity range and ways out.
    """


class RepositoryError(CalibScriptsError, RuntimeError):
    """The butler repository cannot be read or written."""


class RunFailedError(CalibScriptsError, RuntimeError):
    """A run did not do everything it was asked for.

    Parameters
    ----------
    failures : sequence of `str`
        One readable sentence each; kept as a `tuple`.
    """

    def __init__(self, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        text = "\n".join(self.failures)
        more = "" if len(text) <= REASON_CHARACTERS else " [...] The log has the rest."
        super().__init__(text[:REASON_CHARACTERS] + more)


class DecisionError(CalibScriptsError, RuntimeError):
    """A decision was not made, or not recorded; the text says what was and was not done."""


class ReadBackError(CalibScriptsError, RuntimeError):
    """Something was certified, but reading it back did not find it: what it holds is unknown."""


class NoAnswerError(RepositoryError):
    """The butler repository has not answered; what it was asked to do may still happen."""


class InputError(CalibScriptsError, ValueError):
    """A text from outside cannot be read, or holds more than any use of it needs.

    Its text is what is wrong, with its line; whoever reads says what of.
    """


class StatisticsError(CalibScriptsError, ValueError):
    """cp_verify statistics have an unknown shape."""


class RecordError(CalibScriptsError, ValueError):
    """A file is not a record of a run, or is a damaged one."""


class LedgerError(CalibScriptsError, RuntimeError):
    """The ledger of a production cannot be read or written. What is not recorded is not done."""


class TransitionError(CalibScriptsError, RuntimeError):
    """A product was moved to a stage that does not follow from its present one."""


class ExposureError(CalibScriptsError, RuntimeError):
    """The camera did not take an exposure, or did not say which it took.

    Parameters
    ----------
    image_type : `str`
        BIAS, DARK or FLAT.
    taken : `int`
        Exposures of the set that were taken, the discarded ones included.
    wanted : `int`
        Exposures of the set, the discarded ones included.
    cause : `BaseException`
        What the camera answered.
    refused : `bool`
        Is it certain that the exposure was not taken?
    """

    def __init__(
        self, image_type: str, taken: int, wanted: int, cause: BaseException, *, refused: bool
    ) -> None:
        what = "was not taken" if refused else "failed"
        perhaps = "" if refused else " An exposure may have been taken, but its id is unknown."
        super().__init__(
            f"{image_type} exposure {taken + 1} of {wanted} {what}: {describe(cause)}.{perhaps} "
            f"{taken} of {wanted} were taken; no further images are taken. "
            "Check the camera, then queue the script or its BLOCK again."
        )


class ImageSetError(CalibScriptsError, RuntimeError):
    """A set cannot be taken, or not enough of it can be used.

    Parameters
    ----------
    image_type : `str`
        BIAS, DARK or FLAT.
    message : `str`
        What is wrong, and what to do.
    """

    def __init__(self, image_type: str, message: str) -> None:
        self.image_type = image_type
        super().__init__(message)


class FlatLevelError(CalibScriptsError, RuntimeError):
    """The first flats are too dark or too bright, or no exposure time has another result, or their level is unknown.

    The text has levels and limits, ADU, and what to do.
    """


class JobError(CalibScriptsError, RuntimeError):
    """An OCPS job did not succeed.

    Parameters
    ----------
    step : `str`
        What the job was for, e.g. ``GENERATE BIAS``.
    job_id, exit_code : `str` or `None`, `int` or `None`
        None where no acknowledgement, or no result, had it; kept as attributes.
    """

    last_error: str = ""  #: The last error in its log, once it has been read; empty where there is none.
    earlier: tuple[str, ...] = ()  #: Jobs of the same step that failed before, and were submitted again.

    def __init__(
        self, step: str, reason: str, *, job_id: str | None = None, exit_code: int | None = None
    ) -> None:
        self.job_id, self.exit_code = job_id, exit_code
        where = (
            f" (OCPS job {job_id}; its log: {job_log(job_id)})"
            if job_id
            else " (the job id is unknown, so there is nothing to abort)"
        )
        super().__init__(f"{step}: {reason}{where}.")

    def __str__(self) -> str:
        quote = f" The last error in the log: {self.last_error}" if self.last_error else ""
        jobs = f"{'jobs' if len(self.earlier) > 1 else 'job'} {' and '.join(self.earlier)}"
        before = f" Failed before: OCPS {jobs}." if self.earlier else ""
        return f"{super().__str__()}{before}{quote}"


class OutputsMissingError(JobError):
    """A job ended well but did not write everything it was asked for."""


class GainsError(CalibScriptsError, RuntimeError):
    """Most gains that a job found cannot be right. Nothing is certified of it."""


class NotJudgedError(CalibScriptsError, RuntimeError):
    """What a verification found could not be judged: its statistics are missing, unreadable or incomplete.

    No test of it is known to have failed. Nothing is certified, as after a failed verification.
    """


class VerificationFailedError(CalibScriptsError, RuntimeError):
    """A verification did not pass."""


class CertificationError(CalibScriptsError, RuntimeError):
    """A calibration could not be certified; nothing of its type was.

    Parameters
    ----------
    product : `str`
        What was to be certified.
    collection : `str`
        The CALIBRATION collection.
    certified : collection of `str`
        Products that this run had certified before.
    cause : `BaseException`
        What the butler said.
    """

    def __init__(
        self, product: str, collection: str, certified: Collection[str], cause: BaseException
    ) -> None:
        before = f"certified before: {', '.join(certified)}" if certified else "nothing was certified before"
        super().__init__(
            f"CERTIFY {product} into {collection} failed and nothing of it was certified ({before}): "
            f"{describe(cause)}"
        )


def describe(error: BaseException) -> str:
    """Return the text of an error, or its class where it has none.

    Parameters
    ----------
    error : `BaseException`
        Any exception; of an acknowledgement error the result of the command is taken.

    Returns
    -------
    `str`
        One line, without a full stop at its end.
    """
    if (ackcmd := getattr(error, "ackcmd", None)) is not None and not ackcmd.result:
        return f"the command ended with {_CMD.get(ackcmd.ack, f'SalRetCode {ackcmd.ack}')}, without a reason"
    text = " ".join(str(ackcmd.result if ackcmd else error).split()) or type(error).__name__
    return text.rstrip(".")
