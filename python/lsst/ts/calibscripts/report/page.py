"""An account as one HTML page that needs nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
import numpy as np
import yaml
from markupsafe import Markup, escape

from ..events.resume import TO_RESUME, next_steps, to_resume
from ..ground.text import for_log
from ..plan import Action, StepId
from ..record import Record
from ..tables.products import PRODUCTS
from ..verification.words import failure_report
from . import sections
from .amplifiers import amplifier_table
from .contents import Account
from .drawing import frames, pictures, plots
from .drawing.comparisons import comparison_table, comparisons
from .drawing.drawings import sparkline, timeline_drawing
from .drawing.frames import Picture
from .drawing.maps import maps_of
from .drawing.packing import packed
from .facts import condition_of, facts
from .formats import as_cp_verify, departure_lines
from .images import image_lists
from .numbers import number_lines, patterns_of
from .progress import sets_of, steps_of
from .reading.evidence import Evidence, Grid, Image, Verification
from .reading.exposed import duration
from .references import reference_sentence, reference_table
from .remarks import remarks
from .timeline import joined, sentences, spans

__all__ = ["CONFIGURATION_TO_RESUME", "as_html", "page_environment", "page_source", "page_values"]

CONFIGURATION_TO_RESUME = "Configuration to resume"
"""Title of the text under which the page has it."""

_MOST_CURVES = 3
"""Detectors whose photon transfer curves are plotted: those with the largest residuals."""

_MOST_DEFECT_MAPS = 9
"""Detectors whose defects are drawn: those with the most pixels."""

_LONGEST_REPORT = 100_000
"""Longest documented report that is shown in full, characters."""

_TEMPLATES = jinja2.PackageLoader(__package__, "templates")
_MARKS = {"good": "✓", "fair": "△", "bad": "✗", "idle": "–", "next": "→"}


def as_html(account: Account, scripts: Mapping[str, str] | None = None) -> str:
    """Write a report as a page.

    Parameters
    ----------
    scripts : mapping [`str`, `str`], optional
        Title -> text of scripts that a reader may want to copy.

    Returns
    -------
    `str`
        HTML; it fetches nothing.
    """
    environment = page_environment()
    css, script = (Markup(page_source(name)) for name in ("page.css", "page.js"))
    page = environment.get_template("page.html.j2")
    return page.render(**page_values(account, scripts), css=css, script=script)


def page_environment(*more: jinja2.BaseLoader) -> jinja2.Environment:
    """Return what fills in the templates of pages; nothing that is filled in is taken for markup.

    Parameters
    ----------
    *more : `jinja2.BaseLoader`
        Where other templates are, which may extend those of the report.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([_TEMPLATES, *more]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["duration"] = duration
    environment.filters["short_ids"] = sections.short_ids
    environment.globals["marks"] = _MARKS
    return environment


def page_source(name: str) -> str:
    """Return the text of a style sheet or a script of the page.

    Parameters
    ----------
    name : `str`
        ``page.css`` or ``page.js``.
    """
    return _TEMPLATES.get_source(jinja2.Environment(autoescape=True), name)[0]


def page_values(account: Account, scripts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what the template of the page is filled in with.

    Parameters
    ----------
    scripts : mapping [`str`, `str`], optional
        Title -> text of scripts that a reader may want to copy.
    """
    evidence, record = account.evidence, account.record
    generated_flat = StepId(Action.GENERATE, "FLAT") in account.runs
    return {
        "account": account,
        "record": record,
        "condition": condition_of(account),
        "facts": list(facts(account)),
        "next_steps": list(_next_steps(record, running=account.running)) if record else (),
        "progress": _progress(record) if record and account.running else None,
        "remarks": remarks(evidence, generated_flat=generated_flat),
        "images": image_lists(account),
        "references": "" if record is None else reference_sentence(record),
        "reference_table": None if record is None else reference_table(record),
        "timeline": _timeline(account),
        "trends": [(trend, Markup(sparkline(trend))) for trend in account.trends],
        "changes": [] if record is None else list(comparisons(record, evidence)),
        "comparisons": None if record is None else comparison_table(record),
        "departures": list(departure_lines(account.trends)),
        **_of_evidence(account),
        "commands": list(_commands(account)),
        "scripts": scripts or {},
        "config": _config(account),
    }


def _of_evidence(account: Account) -> dict[str, Any]:
    evidence = account.evidence
    return {
        "verifications": [_verification(account, v) for v in evidence.verifications],
        "any_failed": any(not v.verdict.passed for v in evidence.verifications),
        "failures": sections.failure_table(evidence.verifications),
        "amplifiers": amplifier_table(evidence),
        "others": list(_other_images(evidence)),
        "defects": list(_defects(evidence)),
        "curves": list(_curves(evidence)),
        "gains": _gains(evidence),
        "levels": _levels(evidence),
    }


def _progress(record: Record) -> dict[str, Any]:
    return {"sets": sets_of(record), "steps": steps_of(record)}


def _next_steps(record: Record, *, running: bool) -> Iterator[str]:
    """Return what to do next; the configuration to resume has a place of its own."""
    yield from next_steps(record.state, running=running)
    if not running and to_resume(record.state, record.about.given) is not None:
        yield f"{TO_RESUME} under “{CONFIGURATION_TO_RESUME}”."


def _breakable(text: str) -> Markup:
    """Let the name of a collection or a path break behind a slash or a comma, not in the middle of a word."""
    return Markup(str(escape(text)).replace("/", "/<wbr>").replace(",", ",<wbr>"))


def _timeline(account: Account) -> dict[str, Any] | None:
    if account.record is None or not account.record.entries:
        return None
    found = joined(spans(account.record), account.record.seconds)
    return {
        "wide": Markup(timeline_drawing(found, account.record.seconds)),
        "narrow": Markup(timeline_drawing(found, account.record.seconds, narrow=True)),
        "sentences": sentences(account.record),
        "spans": found,
    }


def _verification(account: Account, verification: Verification) -> dict[str, Any]:
    product = next(p for p in account.products if p.product == verification.product)
    grid, verdict = verification.grid, verification.verdict
    worst = _worst_detector(grid) if grid else 0
    many = grid is not None and len(grid.detectors) > 1
    return {
        "name": verification.product,
        "product": product,
        "verdict": verdict,
        "grid": grid,
        "worst": grid.detectors[worst] if grid else "",
        "many": many,
        "matrices": list(sections.matrices(verification.product, grid, worst)) if grid else [],
        "detectors": sections.detector_rows(grid) if grid and many else (),
        "numbers": list(number_lines(verification)),
        "packed": packed(verification) if many else None,
        "maps": list(maps_of(account.evidence, verification)),
        "images": list(_images(account.evidence.images, verification.product)),
        "report": None
        if verdict.clean
        else for_log(
            failure_report(
                verdict,
                product.generation,
                product.verification or verification.run,
                patterns_of(verification, account.evidence.nominal.noises),
            ),
            where=verification.run,
            limit=_LONGEST_REPORT,
        ),
    }


def _worst_detector(grid: Grid) -> int:
    return int(np.argmax(grid.failed_tests().sum(axis=0)))


def _images(images: Sequence[Image], product: str) -> Iterator[Picture]:
    for title in dict.fromkeys(image.title for image in images):
        if title.endswith(f" {product.lower()}"):
            same = [image for image in images if image.title == title]
            stretched = pictures.stretch(same)
            if stretched is not None:
                yield frames.picture_of(same, stretched)


def _other_images(evidence: Evidence) -> Iterator[Picture]:
    """Draw the images of what was not verified, which have no section of their own."""
    verified = {verification.product for verification in evidence.verifications}
    for product in PRODUCTS:
        if product not in verified:
            yield from _images(evidence.images, product)


def _defects(evidence: Evidence) -> Iterator[Picture]:
    sizes = {
        image.detector: (image.pixels.shape[1] * image.binned, image.pixels.shape[0] * image.binned)
        for image in evidence.images
    }
    for defects in sorted(evidence.defects, key=lambda found: -found.pixels)[:_MOST_DEFECT_MAPS]:
        extent = [max((box[axis] + box[axis + 2] for box in defects.places), default=1) for axis in (0, 1)]
        columns, rows = sizes.get(defects.detector, (0, 0))
        yield frames.defect_map(defects, max(columns, extent[0]), max(rows, extent[1]))


def _curves(evidence: Evidence) -> Iterator[tuple[str, Markup, Sequence[Any], int]]:
    for detector, curves in plots.figures_of(evidence.curves, _MOST_CURVES):
        name = f"curve-{detector}".replace("_", "-").lower()
        yield detector, Markup(plots.curve_plot(curves, name)), curves, plots.beyond_axis(curves)


def _gains(evidence: Evidence) -> Markup | None:
    gains = evidence.amplifier_gains()
    if not gains:
        return None
    return Markup(plots.gain_plot(gains, evidence.nominal.gains, evidence.gain_errors(), "gains"))


def _levels(evidence: Evidence) -> Markup | None:
    return Markup(plots.level_plot(evidence.levels, "levels")) if evidence.levels else None


def _commands(account: Account) -> Iterator[tuple[str, str]]:
    """Return commands that show the data behind the report."""
    for step, run in account.runs.items():
        record = PRODUCTS[step.product]
        kind = record.statistics[0] if step.action is Action.VERIFY else record.dataset_type
        yield f"{step}", shlex.join(("butler", "query-datasets", account.repo, kind, "--collections", run))
    for product in account.products:
        if product.certified is not None:
            kind, collection = PRODUCTS[product.product].dataset_type, product.certified.collection
            words = ("butler", "query-datasets", account.repo, kind, "--collections", collection)
            yield f"Certified {product.product}", shlex.join(words)
    if account.runs:
        yield "The report of cp_verify itself", as_cp_verify(account)


def _config(account: Account) -> dict[str, str]:
    if account.record is None:
        return {}
    about = account.record.about

    def text(values: Mapping[str, Any]) -> str:
        return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True) if values else "(nothing)\n"

    return {"As given": text(about.given), "With everything filled in": text(about.config)}
