"""An account as text and Markdown, and as the command of cp_verify's own report. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from ..events.summary import run_summary
from ..ground.text import exposure_range, first_few
from ..verification.gains import PairGains, gain_report
from ..verification.words import failure_report
from .contents import Account, ProductAccount
from .json_form import as_json
from .numbers import number_lines, patterns_of
from .reading.evidence import Verification
from .trends import Trend

__all__ = ["FORMATS", "as_cp_verify", "as_json", "as_markdown", "as_text", "departure_lines"]


def as_text(account: Account) -> str:
    """Write a report for a terminal.

    Returns
    -------
    `str`
        The verdict of each product, the summary of the run, the documented report of every verification with a
        failed test, the gains, and what left its usual range.
    """
    parts = [
        account.title,
        "\n".join(f"{p.product}: {p.outcome.words.upper()}. {p.words}" for p in account.products),
    ]
    if account.record is not None:
        about = account.record.about
        parts.append(run_summary(account.record.state, about.script, about.given))
    for verification in account.evidence.verifications:
        if not verification.verdict.clean:
            parts += ["\n".join(number_lines(verification)), _failures(account, verification)]
    gains = _pair_gains(account)
    if gains:
        parts.append(gain_report(gains, account.evidence.nominal.gains))
    for title, texts in (
        ("Outside the usual range", list(departure_lines(account.trends))),
        ("Not read", account.evidence.problems),
    ):
        parts.append("\n    ".join([f"{title}:", *texts]) if texts else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def _failures(account: Account, verification: Verification) -> str:
    product = next(p for p in account.products if p.product == verification.product)
    patterns = patterns_of(verification, account.evidence.nominal.noises)
    where = product.verification or verification.run
    return failure_report(verification.verdict, product.generation, where, patterns)


def _pair_gains(account: Account) -> list[PairGains]:
    evidence = account.evidence
    gains = [
        PairGains(pair.exposures, pair.detector, pair.gain, pair.noise, pair.noise_unit)
        for pair in evidence.gains
    ]
    for detector in dict.fromkeys(curve.detector for curve in evidence.curves):
        curves = [curve for curve in evidence.curves if curve.detector == detector]
        gain = {curve.amplifier: curve.gain for curve in curves}
        noise = {curve.amplifier: curve.noise for curve in curves}
        gains.append(PairGains((), detector, gain, noise, noise_unit="electron"))
    return gains


def departure_lines(trends: Iterable[Trend], most: int = 10) -> Iterator[str]:
    """Report in a line each what left its usual range.

    Parameters
    ----------
    trends : iterable of `Trend`
        Comparison with earlier runs.
    most : `int`, optional
        How many parts are named for a quantity.
    """
    for trend in trends:
        if not trend.departures:
            continue
        named = [f"{d.part} {d.value:.4g} (usually {d.low:.4g} .. {d.high:.4g})" for d in trend.departures]
        yield f"{trend.title} [{trend.unit}]: {first_few(named, most)}"


def as_markdown(account: Account) -> str:
    """Write a report for a ticket or a pull request."""
    lines = [f"# {_plain(account.title)}", ""]
    if account.record is not None:
        lines += [f"{_plain(account.record.about.script)} ended **{account.record.outcome}**.", ""]
    rows = [(p.product, p.outcome.words, p.words, _where(p)) for p in account.products]
    lines += [*_table(("Product", "Result", "Why", "Certified"), rows), ""]
    if account.record is not None:
        for title, texts in (
            ("Failures", account.record.state.failures),
            ("Warnings", account.record.state.warnings),
        ):
            lines += _list(title, texts)
    lines += _list("Outside the usual range", list(departure_lines(account.trends)))
    for verification in account.evidence.verifications:
        lines += _counts(verification)
    steps = [(str(step), f"`{run}`") for step, run in account.runs.items()]
    lines += ["## Collections", "", *_table(("Step", "RUN"), steps), ""]
    lines += _list("Not read", account.evidence.problems)
    return "\n".join(lines).rstrip() + "\n"


def _where(product: ProductAccount) -> str:
    certified = product.certified
    if certified is None:
        return ""
    return f"{certified.collection}, {certified.begin or 'open'} .. {certified.end or 'open'} TAI"


def _counts(verification: Verification) -> Iterator[str]:
    verdict = verification.verdict
    if not verdict.counts:
        return
    tests = list(dict.fromkeys(test for counts in verdict.counts.values() for test in counts))
    rows = [
        (str(exposure), *(str(counts.get(test, 0)) for test in tests))
        for exposure, counts in verdict.counts.items()
    ]
    yield f"## {verification.product}: failed tests"
    yield ""
    yield f"Of {len(verdict.exposures)} exposures ({exposure_range(verdict.exposures)})."
    yield ""
    yield from _table(("Exposure", *tests), rows)
    yield ""


def _list(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield f"## {title}"
        yield ""
        yield from (f"- {_plain(text)}" for text in texts)
        yield ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _plain(text: str) -> str:
    """Keep a text on one line."""
    return " ".join(text.split())


def as_cp_verify(account: Account) -> str:
    """Write the command that makes cp_verify's own report of the same RUNs.

    Returns
    -------
    `str`
        A call of ``cpv_report.py``, with a ``-c`` for each RUN, those of the verifications first.
    """
    name = account.record.name if account.record else account.instrument
    words = [
        f"cpv_report.py -r {shlex.quote(account.repo)} -O {shlex.quote(f'cpv_report_{name}')}",
        *(f"-c {shlex.quote(run)}" for run in account.collections),
    ]
    return " \\\n    ".join(words) + "\n"


FORMATS = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
    "cp_verify": as_cp_verify,
}
"""Formats of a report that are text."""
