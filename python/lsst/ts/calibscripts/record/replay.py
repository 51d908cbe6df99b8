"""A record -> the shell script that repeats its processing by hand. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..errors import RecordError
from ..events.events import Certified, JobSubmitted, Stage
from ..ground.text import exposure_range
from ..plan import Action, StepId
from ..tables.products import PRODUCTS
from . import Job, Record

__all__ = ["certify_command", "replay_script"]

_ABORTED = "The run aborted it, since something it needs had failed or it was stopped:"
_MORE = " \\\n    "


def replay_script(record: Record) -> str:
    """Write the shell script that repeats what the OCPS and the butler did.

    Returns
    -------
    `str`
        A bash script. It takes the butler repository as its argument; outputs go to RUNs below ``PREFIX``, and
        are certified into ``CALIB_COLLECTION``, by default one of its own, since the run's holds the originals.
        Jobs that the run aborted, and certifications it did not make, appear as comments.
    """
    runs = {
        f"u/ocps/{job.job_id}{end}": _run(job.step)
        for job in record.jobs
        if job.job_id
        for end in ("", "/run")
    }
    jobs = {id(job.request): job for job in record.jobs}
    lines = [*_head(record), ""]
    for event in (entry.event for entry in record.entries):
        if isinstance(event, JobSubmitted):
            lines += [*_job(jobs[id(event)], record.about.instrument, runs), ""]
        elif isinstance(event, Certified):
            lines += [*_certification(event), ""]
    lines += _not_certified(record)
    return "\n".join(lines) + "\n"


def certify_command(
    product: str, repo: str, run: str, collection: str, validity: Sequence[str | None]
) -> str:
    """Write the command that certifies a product by hand.

    Parameters
    ----------
    product : `str`
        E.g. BIAS.
    repo, run, collection : `str`
        Repository, RUN to certify from and CALIBRATION collection, quoted for the shell.
    validity : sequence of `str` or `None`
        Begin and end, ISO-8601, TAI; None is open.
    """
    dates = (
        f" {option} {shlex.quote(date)}"
        for option, date in zip(("--begin-date", "--end-date"), validity, strict=True)
        if date is not None
    )
    dataset_type = PRODUCTS[product].dataset_type if product in PRODUCTS else product.lower()
    words = ["butler certify-calibrations", repo, run, collection, shlex.quote(dataset_type)]
    return " ".join(words) + "".join(dates)


# Text for the shell.


def _comment(text: str) -> Iterator[str]:
    """Make comment lines; whatever the text holds, none of it is executed."""
    for line in text.splitlines() or [""]:
        yield f"# {''.join(c if c.isprintable() else '?' for c in line)}".rstrip()


def _run(step: StepId) -> str:
    """Return the RUN of a step below PREFIX, as a word of the shell."""
    return f'"$PREFIX/{_slug(step)}/run"'


def _slug(step: StepId) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(step).lower()).strip("-")


def _packages(record: Record) -> list[str]:
    found = (re.match(r"\$\{?(CP_[A-Z]+_DIR)\}?/", job.request.pipeline) for job in record.jobs)
    return list(dict.fromkeys(match[1] for match in found if match))


def _head(record: Record) -> Iterator[str]:
    about, versions = record.about, record.header.versions
    default = str(about.config.get("repo", f"/repo/{about.instrument}"))
    yield "#!/usr/bin/env bash"
    yield from _comment(
        f"Repeats by hand the processing of {about.script} for {about.instrument}.\n"
        f"Record {record.name}, begun {record.begun.isoformat(timespec='seconds')} TAI, ended {record.outcome}.\n"
        f"Versions then: {', '.join(f'{name} {version}' for name, version in versions.items())}\n\n"
        "Usage: bash THIS_FILE [REPO]\n"
        "Set PREFIX, CALIB_COLLECTION or PROCESSES to change where outputs go and how many processes are used.\n"
        "A RUN that exists is never written to: use another PREFIX for another time."
    )
    yield from _images(record)
    for found in record.state.references:
        yield from _comment(f"Reference then: {found.text}")
    for title, texts in (("Warning", record.state.warnings), ("Failure", record.state.failures)):
        for text in texts:
            yield from _comment(f"{title}: {text}")
    yield ""
    yield "set -euo pipefail"
    for package in _packages(record):
        yield f': "${{{package}:?set up the Science Pipelines first, so that {package} is set}}"'
        if package in record.header.environment:
            yield from _comment(f"{package} was {record.header.environment[package]}")
    yield f"REPO=${{1:-{shlex.quote(default)}}}"
    yield f'PREFIX=${{PREFIX:-"u/${{USER:-$(id -un)}}/replay/{_safe(record.name)}"}}'
    yield 'CALIB_COLLECTION=${CALIB_COLLECTION:-"$PREFIX/calib"}'
    yield f"PROCESSES=${{PROCESSES:-{int(about.config.get('n_processes') or 1)}}}"


def _quote(text: str) -> str:
    """Quote a word; in double quotes where it holds single ones and nothing that is special within double ones."""
    return f'"{text}"' if "'" in text and not re.search(r'[$`"\\!\n]', text) else shlex.quote(text)


def _safe(name: str) -> str:
    """Keep of a name what a collection may hold."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", name)


def _images(record: Record) -> Iterator[str]:
    for image_type, images in record.state.sets.items():
        if images.taken and not images.existing:
            aside = f"; discarded {exposure_range(images.discarded)}" if images.discarded else ""
            yield from _comment(f"{image_type} exposures taken: {exposure_range(images.kept)}{aside}")


def _what_happened(job: Job) -> str:
    submitted = f"submitted {job.submitted.tai.isoformat(timespec='seconds')} TAI"
    took = "" if job.seconds is None else f" after {job.seconds:.1f} s"
    if job.result is None:
        return f"{submitted}; the record ends before the job did"
    exit_code = "" if job.result.exit_code is None else f", exit code {job.result.exit_code}"
    return f"{submitted}; ended{took}{exit_code}: {job.result.words}"


def _job(job: Job, instrument: str, runs: Mapping[str, str]) -> Iterator[str]:
    yield from _comment(f"{job.step}: OCPS job {job.job_id or 'unknown'}, {_what_happened(job)}")
    command = _pipetask(job, instrument, runs)
    not_again = "It failed, and was submitted again:" if job.repeated else _ABORTED if job.aborted else ""
    if not_again:
        yield from _comment(not_again)
        yield from _comment(command)
        return
    yield f"echo {shlex.quote(f'== {job.step} ==')}"
    if job.result is None or job.completed:
        yield command
    else:
        yield f"{command} ||{_MORE}echo {shlex.quote(f'{job.step} failed, as it did in the run.')} >&2"


def _pipetask(job: Job, instrument: str, runs: Mapping[str, str]) -> str:
    """Write the call that dm_OCPS makes of the command, with our collections and number of processes."""
    inputs, others = _options(_words(job))
    raw = f"{instrument}/raw/all"
    chain = f'"$PREFIX/{_slug(job.step)}"'
    collections = [runs.get(name, shlex.quote(name)) for name in dict.fromkeys([*inputs, raw])]
    words = [
        'pipetask --long-log run -b "$REPO"',
        f"-p {shlex.quote(job.request.pipeline)}",
        f"-i {','.join(collections)}",
        f"-o {chain} --output-run {_run(job.step)}",
        f"-d {_quote(job.request.data_query)}",
        " ".join(['-j "$PROCESSES"', *map(shlex.quote, others)]),
    ]
    return _MORE.join(words)


def _words(job: Job) -> list[str]:
    try:
        return shlex.split(job.request.config)
    except ValueError as error:
        raise RecordError(
            f"The options of {job.step} in the record cannot be read, so the job cannot be repeated: {error}"
        ) from error


def _options(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Separate the input collections from the other options, and leave out the number of processes."""
    inputs: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-i":
            inputs += [name for name in next(rest, "").split(",") if name]
        elif word == "-j":
            next(rest, None)
        else:
            others.append(word)
    return inputs, others


def _certification(event: Certified) -> Iterator[str]:
    unverified = " WITHOUT verification" if event.unverified else ""
    yield from _comment(
        f"{event.product} was certified{unverified} into {event.collection}, datasets {', '.join(event.datasets)}."
    )
    yield f"echo {shlex.quote(f'== CERTIFY {event.product} ==')}"
    run = _run(StepId(Action.GENERATE, event.product))
    yield certify_command(event.product, '"$REPO"', run, '"$CALIB_COLLECTION"', (event.begin, event.end))


def _not_certified(record: Record) -> Iterator[str]:
    """Report what was made and not certified; the command only where no verification speaks against it."""
    for job in record.jobs:
        product = PRODUCTS.get(job.step.product)
        generated = job.step.action is Action.GENERATE and job.completed
        if generated and product is not None and product.certified:
            yield from _without_certificate(record, job)


def _without_certificate(record: Record, job: Job) -> Iterator[str]:
    config, name = record.about.config, job.step.product
    product = record.state.product(name)
    if product.certified is not None:
        if product.certified not in record.events(Certified):
            yield from _comment(
                "\n".join(
                    ["After the run a decision has certified this:", *_certification(product.certified)]
                )
            )
        return
    if product.verdict is not None and not product.verdict.passed:
        yield from _comment(f"{name} was NOT certified: {product.verdict.headline}")
    elif product.stage in (Stage.VERIFIED, Stage.FAILED, Stage.CANCELLED):
        yield from _comment(f"{name} was NOT certified: the run ended before, or it failed. By hand:")
        dates = (config.get("certify_calib_begin_date"), config.get("certify_calib_end_date"))
        run = _run(job.step)
        yield from _comment(certify_command(name, '"$REPO"', run, '"$CALIB_COLLECTION"', dates))
    else:
        yield from _comment(f"{name} was NOT certified: the run ended before it was verified.")
