"""`check-deployed`: which calibrations would an exposure really get now, and why not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..decisions import Decision, own_decisions
from ..errors import ConfigurationError, RepositoryError
from ..ground.text import parse_ranges
from ..repository.production import ProductionRepository
from ..repository.production_records import Association, Exposed, Frame
from ..tables.instruments import INSTRUMENTS
from ..tables.products import PRODUCTS
from .commands import shell_text

__all__ = ["Answer", "Question", "ask", "check", "explain", "find_exposure", "text"]

EXPECTED = tuple(sorted(product.dataset_type for product in PRODUCTS.values() if product.certified))
"""Dataset types that an exposure should get; others that can be certified are reported where there are any."""


NECESSARY = tuple(product.dataset_type for product in PRODUCTS.values() if product.dataset.required)


@dataclass(frozen=True)
class Question:
    """An exposure and where its calibrations are looked for."""

    instrument: str  #: Butler instrument name.
    frame: Frame  #: The exposure.
    detector: int
    collection: str  #: Where calibrations are looked for.


@dataclass(frozen=True)
class Answer:
    """What an exposure gets of one type: a dataset, or the reason why not, and who has marked it as bad."""

    dataset_type: str
    detector: int
    found: Association | None
    reason: str = ""
    bad: str = ""


def check(
    repo: str,
    exposure: int,
    print: Callable[[str], None],
    *,
    look: bool = True,
    instrument: str | None = None,
    detectors: str | None = None,
    collection: str | None = None,
) -> bool:
    """Report which calibrations an exposure would get.

    Parameters
    ----------
    repo : `str`
        Butler repository.
    print : callable
        Takes the lines.
    look : `bool`
        Look for them, or only print the command that shows what there is?
    instrument, detectors, collection : `str` or `None`
        What is to be looked at; by default what there is only one of, and what is used by default.

    Returns
    -------
    `bool`
        Does it get a bias, a dark and a flat for every detector, none of them marked as bad?
    """
    repository = ProductionRepository(repo)
    try:
        name, frame = find_exposure(repository, exposure, instrument)
        record = INSTRUMENTS.get(name)
        ids = parse_ranges(detectors) if detectors else record.detectors if record else (0,)
        behind = collection or f"{name}/calib"
        print(
            shell_text(
                ("butler", "query-datasets", repo, *EXPECTED, "--collections", behind, "--no-find-first")
            )
        )
        if not look:
            return True
        bad = own_decisions().bad_masters(name)
        asked = [Question(name, frame, id, behind) for id in ids]
        found = sorted(ask(repository, asked), key=lambda answer: ids.index(answer.detector))
        answers = [_marked(one, bad) for one in found]
    except ValueError as error:
        raise ConfigurationError([f"--detectors: {error}"]) from error
    finally:
        repository.close()
    for line in text(answers).splitlines():
        print(f"# {line}")
    return all(answer.found and not answer.bad for answer in answers if answer.dataset_type in NECESSARY)


def _marked(answer: Answer, bad: Mapping[tuple[str, str], Decision]) -> Answer:
    """Return the same with who has marked the dataset as bad."""
    decision = None if answer.found is None else bad.get((answer.dataset_type, answer.found.run))
    return answer if decision is None else replace(answer, bad=decision.signed)


def find_exposure(
    repository: ProductionRepository, exposure: int, instrument: str | None
) -> tuple[str, Frame]:
    """Find an exposure, and the instrument that took it.

    Raises
    ------
    RepositoryError
        If there is none, or several instruments have one of that number.
    """
    instruments = [instrument] if instrument else repository.instruments()
    found = [
        (name, frame)
        for name in instruments
        for frame in repository.frames(name, repository.days_of(name, [exposure]))
        if frame.id == exposure
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(name for name, _ in found)
    what = f"was taken by {names}: say which with --instrument" if found else "is unknown"
    raise RepositoryError(f"Exposure {exposure} {what} in {repository.uri}")


def ask(repository: ProductionRepository, questions: Sequence[Question]) -> Iterator[Answer]:
    """Look for the calibrations of an exposure, as a pipeline does, type after type for all detectors.

    Parameters
    ----------
    questions : sequence of `Question`
        The same of each detector.

    Yields
    ------
    `Answer`
        For each type, one of each detector.
    """
    known = repository.calibration_types()
    for dataset_type in dict.fromkeys((*EXPECTED, *known)):
        if dataset_type not in known:
            for question in questions:
                yield Answer(dataset_type, question.detector, None, "no such dataset type is registered")
            continue
        found = repository.found(dataset_type, _exposed(questions))
        present = bool(found) or bool(repository.instead(dataset_type, _exposed(questions[:1])))
        if not present and dataset_type not in EXPECTED:
            continue
        for question in questions:
            match found.get(question.detector, ()):
                case ():
                    there = repository.instead(dataset_type, _exposed([question])) if present else ()
                    reason = explain(question, dataset_type, known[dataset_type], there)
                    yield Answer(dataset_type, question.detector, None, reason)
                case (one,):
                    yield Answer(dataset_type, question.detector, one)
                case several:
                    yield Answer(dataset_type, question.detector, None, _ambiguous(several))


def _exposed(questions: Sequence[Question]) -> Exposed:
    first = questions[0]
    detectors = tuple(question.detector for question in questions)
    return Exposed(first.instrument, first.frame.id, detectors, first.collection)


def _ambiguous(several: Sequence[Association]) -> str:
    ranges = "; ".join(one.validity.interval for one in several)
    return (
        f"{several[0].collection} holds {len(several)} that are valid while it was exposed, so that a pipeline "
        f"fails: {ranges}"
    )


def explain(
    question: Question,
    dataset_type: str,
    dimensions: Sequence[str],
    present: Sequence[Association],
) -> str:
    """Report which criterion nothing fulfils, and what there is; pure.

    Parameters
    ----------
    question : `Question`
        What was looked for.
    dimensions : sequence of `str`
        Its required dimensions.
    present : sequence of `Association`
        What is nearest of that type behind the collection, see `ProductionRepository.instead`.
    """
    wanted = {
        "instrument": question.instrument,
        "detector": str(question.detector),
        "physical_filter": question.frame.physical_filter,
    }
    left = [*present]
    if not left:
        return f"no {dataset_type} in {question.collection}"
    for name in ("instrument", "detector", "physical_filter"):
        if name not in dimensions:
            continue
        fitting = [one for one in left if one.data_id.get(name) == wanted[name]]
        if not fitting:
            return f"none of {name} {wanted[name]}, only of {_values(left, name)}"
        left = fitting
    ranges = "; ".join(f"{one.validity.interval} in {one.collection}" for one in left)
    begin, _ = question.frame.taken.texts
    return f"none is valid at {begin} TAI, when it was taken; nearest: {ranges}"


def text(answers: Sequence[Answer]) -> str:
    """Write answers, one or two lines for each."""
    lines = []
    for answer in answers:
        head = f"{answer.dataset_type:8} detector {answer.detector}: "
        if answer.found is None:
            lines.append(f"{head}NOTHING FOUND: {answer.reason}")
        else:
            one = answer.found
            lines.append(f"{head}{one.dataset} from {one.run}")
            lines.append(f"{'':8} in {one.collection}, valid {one.validity.interval}")
            if answer.bad:
                lines.append(f"{'':8} BAD: {answer.bad}")
    return "\n".join(lines)


def _values(present: Sequence[Association], name: str) -> str:
    return ", ".join(sorted({str(one.data_id.get(name)) for one in present}))
