"""An account as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
import yaml
from markupsafe import Markup
from numpy.typing import NDArray

from ..plan import Action
from ..products import PRODUCTS
from . import pictures, plots, sections
from .contents import Account, Standing
from .drawings import focal_plane, place_of, sparkline, timeline_drawing
from .evidence import Evidence, Grid, Image, Outcome, Verification
from .formats import as_cp_verify, departures_told
from .packing import packed
from .text import for_log
from .timeline import spans, told
from .verdicts import failure_report

__all__ = ["as_html"]

_MOST_CURVES = 3
"""Detectors whose photon transfer curves are plotted: those with the largest residuals."""

_LONGEST_REPORT = 100_000
"""Longest documented report that is shown in full, characters."""

_STYLES = {
    Standing.CERTIFIED: "good",
    Standing.PASSED: "good",
    Standing.MEASURED: "good",
    Standing.CERTIFIED_UNVERIFIED: "fair",
    Standing.CERTIFIED_SOMEHOW: "fair",
    Standing.MADE: "fair",
    Standing.FAILED: "bad",
    Standing.NOT_JUDGED: "bad",
    Standing.NOT_DONE: "bad",
}
_STATES = {"DONE": "good", "STOPPED": "fair", "FAILED": "bad", "UNFINISHED": "bad"}
_MARKS = {"good": "✓", "fair": "△", "bad": "✗"}


@dataclass(frozen=True)
class Picture:
    """A picture with its caption."""

    uri: str
    caption: str
    width: int
    height: int


def as_html(account: Account, scripts: Mapping[str, str] | None = None) -> str:
    """Write a report as a page.

    Parameters
    ----------
    account : `Account`
        What to tell.
    scripts : mapping [`str`, `str`], optional
        Title -> text of scripts that a reader may want to copy.

    Returns
    -------
    `str`
        HTML; it fetches nothing.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    evidence, record = account.evidence, account.record
    return environment.get_template("page.html.j2").render(
        account=account,
        record=record,
        state_style=_STATES.get(record.state, "bad") if record else "",
        styles=_STYLES,
        marks=_MARKS,
        timeline=_timeline(account),
        trends=[(trend, Markup(sparkline(trend))) for trend in account.trends],
        departures=list(departures_told(account.trends)),
        verifications=[_verification(account, v) for v in evidence.verifications],
        failures=sections.failure_table(evidence.verifications),
        amplifiers=sections.amplifier_table(evidence),
        curves=list(_curves(evidence)),
        gains=_gains(evidence),
        levels=_levels(evidence),
        commands=list(_commands(account)),
        scripts=scripts or {},
        config=_config(account),
        css=Markup(_source(environment, "page.css")),
        script=Markup(_source(environment, "page.js")),
    )


def _source(environment: jinja2.Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _embedded(data: Any) -> Markup:
    """Write JSON so that nothing in it can end the element it is in."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def _timeline(account: Account) -> dict[str, Any] | None:
    if account.record is None or not account.record.entries:
        return None
    found = spans(account.record)
    return {
        "drawing": Markup(timeline_drawing(found, account.record.seconds)),
        "told": told(account.record),
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
        "matrices": list(sections.matrices(grid, worst)) if grid else [],
        "detectors": sections.detector_rows(grid) if grid and many else (),
        "packed": _embedded(packed(verification)) if many else None,
        "maps": list(_maps(verification.product, grid)) if grid else [],
        "images": list(_images(account.evidence.images, verification.product)),
        "report": None
        if verdict.clean
        else for_log(
            failure_report(verdict, product.generation, product.verification or verification.run),
            where=verification.run,
            limit=_LONGEST_REPORT,
        ),
    }


def _worst_detector(grid: Grid) -> int:
    return int(np.argmax(grid.failed_tests().sum(axis=0)))


def _maps(product: str, grid: Grid) -> Iterator[dict[str, Any]]:
    """Give maps of the focal plane: failed tests, and typical values of the statistics."""
    if len(grid.detectors) < 2 or not all(place_of(name) for name in grid.detectors):
        return
    failed = np.zeros((len(grid.detectors), len(grid.amplifiers)))
    for outcomes in grid.outcomes.values():
        failed += np.count_nonzero(outcomes == Outcome.FAILED, axis=0)
    shown: list[tuple[str, str, NDArray[Any], str]] = []
    if failed.any():
        shown.append(("failed tests", "", failed, "Reds"))
    shown += [
        (f"{name}, median of the exposures", "electron", grid.typical(name), "viridis")
        for name in ("NOISE", "MEAN")
        if name in grid.values
    ]
    for title, unit, values, colours in shown:
        uri, low, high = pictures.amplifier_map(grid, values, colours)
        cells = {
            name: (f"{name}: {_range(values[row])} {unit}".strip(), "failed" if failed[row].any() else "")
            for row, name in enumerate(grid.detectors)
        }
        yield {
            "title": f"{product}: {title}",
            "drawing": Markup(focal_plane(cells, uri, f"{product}: {title}")),
            "low": f"{low:.4g}",
            "high": f"{high:.4g}",
            "unit": unit,
            "colours": colours,
        }


def _range(values: Any) -> str:
    good = values[np.isfinite(values)]
    return f"{good.min():.4g} .. {good.max():.4g}" if good.size else "no value"


def _images(images: Sequence[Image], product: str) -> Iterator[Picture]:
    for title in dict.fromkeys(image.title for image in images):
        if not title.endswith(f" {product.lower()}"):
            continue
        same = [image for image in images if image.title == title]
        stretched = pictures.stretch(same)
        if stretched is None:
            continue
        exposure = f" {same[0].exposure}" if same[0].exposure else ""
        caption = (
            f"{title}{exposure}, black {sections.number(stretched.low)}, "
            f"white {sections.number(stretched.high)} {same[0].unit} "
            "(asinh between the limits of zscale)"
        )
        yield Picture(stretched.uri, caption[0].upper() + caption[1:], stretched.width, stretched.height)


def _curves(evidence: Evidence) -> Iterator[tuple[str, Markup, Sequence[Any]]]:
    for detector, curves in plots.figures_of(evidence.curves, _MOST_CURVES):
        name = f"curve-{detector}".replace("_", "-").lower()
        yield detector, Markup(plots.curve_plot(curves, name)), curves


def _gains(evidence: Evidence) -> Markup | None:
    gains = evidence.amplifier_gains()
    return Markup(plots.gain_plot(gains, evidence.nominal_gains, "gains")) if gains else None


def _levels(evidence: Evidence) -> Markup | None:
    return Markup(plots.level_plot(evidence.levels, "levels")) if evidence.levels else None


def _commands(account: Account) -> Iterator[tuple[str, str]]:
    """Give commands that show what the report is made from."""
    for step, run in account.runs.items():
        record = PRODUCTS[step.product]
        kind = record.statistics[0] if step.action is Action.VERIFY else record.dataset_type
        yield f"{step}", f"butler query-datasets {account.repo} {kind} --collections {run}"
    for product in account.products:
        if product.certified is not None:
            kind = PRODUCTS[product.product].dataset_type
            yield (
                f"Certified {product.product}",
                f"butler query-datasets {account.repo} {kind} --collections {product.certified.collection}",
            )
    if account.runs:
        yield "The report of cp_verify itself", as_cp_verify(account)


def _config(account: Account) -> dict[str, str]:
    if account.record is None:
        return {}
    about = account.record.about

    def text(values: Mapping[str, Any]) -> str:
        return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True) if values else "(nothing)\n"

    return {"As given": text(about.given), "With everything filled in": text(about.config)}
