"""Plots of a page: photon transfer curves, gains and levels, as inline SVG in the colours of the page."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..reading.evidence import Curve
from ..reading.exposed import Levels
from ..sections import short_ids

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["beyond_axis", "curve_plot", "figures_of", "gain_plot", "histogram", "level_plot"]

_TEXT = "#010203"
"""Stands for the colour of the text until the drawing is part of a page."""

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a800")
"""Distinguished by all readers (Okabe and Ito), and seen on white and on black."""


def curve_plot(curves: Sequence[Curve], name: str) -> str:
    """Plot the photon transfer curves of a detector with their fits, and the residuals.

    Parameters
    ----------
    curves : sequence of `Curve`
        Of one detector.
    name : `str`
        Distinguishes the drawing from others on the same page.
    """
    figure, (left, right) = _figure(2)
    for place, curve in enumerate(curves):
        colour, marker = _COLOURS[place % 8], "o" if place < 8 else "s"
        order = np.argsort(curve.means)
        means, used = curve.means[order] / 1e3, curve.used[order]
        left.plot(means, curve.fitted[order] / 1e3, color=colour, linewidth=1)
        left.plot(means[used], curve.variances[order][used] / 1e3, marker, color=colour, markersize=4)
        left.plot(means[~used], curve.variances[order][~used] / 1e3, "x", color=colour, markersize=5)
        with np.errstate(divide="ignore", invalid="ignore"):
            residuals = 100 * (curve.variances / curve.fitted - 1)[order]
        right.plot(means[used], residuals[used], marker, color=colour, markersize=4, label=curve.amplifier)
        right.plot(means[~used], residuals[~used], "x", color=colour, markersize=5)
    right.axhline(0, color=_TEXT, linewidth=0.8)
    left.set(xlabel="mean [1000 ADU]", ylabel="variance [1000 ADU²]")
    room = _residual_room(curves)
    right.set(xlabel="mean [1000 ADU]", ylabel="measured above fit [%]", ylim=(-room, room))
    right.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), ncols=2 if len(curves) > 8 else 1)
    return _svg(figure, name)


def _residual_room(curves: Sequence[Curve]) -> float:
    """Return how far the axis of the residuals reaches, percent: as far as the points that were fitted."""
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.concatenate([(curve.variances / curve.fitted - 1)[curve.used] for curve in curves])
    good = np.abs(used[np.isfinite(used)])
    return 1.3 * max(100 * float(good.max()) if good.size else 0.0, 1.0)


def beyond_axis(curves: Sequence[Curve]) -> int:
    """Count the points whose residual is beyond the axis of the plot.

    Parameters
    ----------
    curves : sequence of `Curve`
        Of one detector.
    """
    room = _residual_room(curves) / 100
    with np.errstate(divide="ignore", invalid="ignore"):
        return sum(int(np.count_nonzero(np.abs(c.variances / c.fitted - 1) > room)) for c in curves)


def gain_plot(
    gains: Mapping[tuple[str, str], float],
    nominal: Mapping[tuple[str, str], float],
    errors: Mapping[tuple[str, str], float],
    name: str,
) -> str:
    """Plot gains against nominal ones.

    Parameters
    ----------
    gains, nominal, errors : mapping [(`str`, `str`), `float`]
        By detector and amplifier, electron/ADU.
    name : `str`
        Distinguishes the drawing from others on the same page.

    Returns
    -------
    `str`
        Inline SVG: for one detector the gains by amplifier, for several their ratio to the nominal ones.
    """
    figure, (axes,) = _figure(1)
    measured = {key: gain for key, gain in gains.items() if math.isfinite(gain)}
    if len({detector for detector, _ in measured}) == 1:
        _plot_amplifiers(axes, measured, nominal, errors)
    else:
        _plot_ratios(axes, measured, nominal)
    return _svg(figure, name)


def _plot_amplifiers(
    axes: Any,
    gains: Mapping[tuple[str, str], float],
    nominal: Mapping[tuple[str, str], float],
    errors: Mapping[tuple[str, str], float],
) -> None:
    """Plot the gains of one detector by amplifier, with the nominal ones."""
    labels = [amplifier for _, amplifier in gains]
    expected = [nominal.get(key, math.nan) for key in gains]
    axes.plot(labels, expected, "_", color=_TEXT, markersize=16, label="nominal")
    error = [errors.get(key, 0.0) for key in gains]
    style = {"fmt": "o", "color": _COLOURS[0], "capsize": 4, "label": "measured"}
    axes.errorbar(labels, [*gains.values()], error, **style)
    axes.set(xlabel=f"amplifier of {next(iter(gains))[0]}", ylabel="gain [electron/ADU]")
    axes.legend()


def _plot_ratios(
    axes: Any, gains: Mapping[tuple[str, str], float], nominal: Mapping[tuple[str, str], float]
) -> None:
    """Plot the ratio of the gains of several detectors to the nominal ones."""
    detectors = list(dict.fromkeys(detector for detector, _ in gains))
    x = [detectors.index(detector) for detector, _ in gains]
    ratio = [gain / value if (value := nominal.get(key)) else math.nan for key, gain in gains.items()]
    axes.plot(x, ratio, ".", color=_COLOURS[0], markersize=3, rasterized=len(gains) > 500)
    axes.axhline(1, color=_TEXT, linewidth=0.8)
    step = max(1, len(detectors) // 12)
    axes.set_xticks(range(0, len(detectors), step), detectors[::step], rotation=60, ha="right")
    axes.set(xlabel="detector", ylabel="gain / nominal gain")


def level_plot(levels: Sequence[Levels], name: str) -> str:
    """Plot the level of the flats, and their level by exposure time.

    Parameters
    ----------
    levels : sequence of `Levels`
        Of the flats, in the order they were taken.
    name : `str`
        Distinguishes the drawing from others on the same page.
    """
    figure, (left, right) = _figure(2)
    x = range(len(levels))
    left.errorbar(
        x,
        [v.level / 1e3 for v in levels],
        [v.spread / 1e3 for v in levels],
        fmt="o",
        color=_COLOURS[0],
        markersize=4,
    )
    top = max((v.level + v.spread for v in levels if math.isfinite(v.level)), default=1.0)
    left.set(ylabel="level [1000 electron]", ylim=(0, 1.08 * max(top, 1.0) / 1e3))
    rates = np.array([level.rate for level in levels])
    good = rates[np.isfinite(rates)]
    if good.size:
        right.plot(x, 100 * (rates / np.median(good) - 1), "o", color=_COLOURS[1], markersize=4)
        right.axhline(0, color=_TEXT, linewidth=0.8)
    right.set(ylabel="level by exposure time,\ndeparture from its median [%]")
    right.margins(y=0.12)
    step = max(1, math.ceil(len(levels) / 12))
    common, ends = short_ids([level.exposure for level in levels])
    for axes in (left, right):
        axes.set_xticks(x[::step], ends[::step], rotation=60, ha="right")
        axes.set(xlabel=f"exposure {common}…" if common else "exposure")
    return _svg(figure, name)


def histogram(counts: NDArray[np.int64], edges: NDArray[np.float64], name: str) -> str:
    """Plot how many pixels differ by how much, beside what noise alone would do.

    Parameters
    ----------
    counts : array
        Pixels between the edges; those beyond the last one are in the last place.
    edges : array
        In units of the noise.
    name : `str`
        Distinguishes the drawing from others on the same page.
    """
    figure, (axes,) = _figure(1)
    figure.set_size_inches(5.6, 3.6)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    noise = counts.sum() * width * np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi)
    axes.stairs(
        np.maximum(counts, 0.5), edges, fill=True, baseline=0.5, color=_COLOURS[0], label="difference"
    )
    axes.plot(middle[noise > 0.5], noise[noise > 0.5], color=_COLOURS[1], linewidth=1.5, label="noise alone")
    axes.set(
        xlabel="new less old [noise of both]; the ends hold what is beyond",
        ylabel="pixels",
        yscale="log",
        xlim=(edges[0], edges[-1]),
        ylim=(0.5, 2 * max(counts.max(), 1)),
    )
    axes.legend()
    return _svg(figure, name)


def _figure(panels: int) -> tuple[Figure, Sequence[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for one in axes:
        one.grid(visible=True, color=_TEXT, alpha=0.15, linewidth=0.6)
        one.spines[["top", "right"]].set_visible(False)
        one.locator_params(axis="y", nbins=6)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    """Write a figure as inline SVG whose text and axes have the colours of the page."""
    import matplotlib

    _recolour(figure)
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", transparent=True, dpi=150)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(?<=[" ])id="', f'id="{name}-', text).replace('href="#', f'href="#{name}-')
    text = text.replace("url(#", f"url(#{name}-").replace(_TEXT, "currentColor")
    return _with_attributes(text).replace("<svg ", '<svg class="plot" aria-hidden="true" ', 1)


def _with_attributes(svg: str) -> str:
    """Write styles as attributes: a page that is served allows no styles but those of its files."""

    def attributes(style: re.Match[str]) -> str:
        pairs = (part.partition(":") for part in style[1].split(";") if ":" in part)
        return " ".join(f'{name.strip()}="{_unquoted(value)}"' for name, _, value in pairs)

    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return re.sub(r'style="([^"]*)"', attributes, svg)


def _unquoted(value: str) -> str:
    return value.strip().replace('"', "'").replace("&quot;", "'")


def _recolour(figure: Figure) -> None:
    for axes in figure.axes:
        axes.tick_params(colors=_TEXT)
        for spine in axes.spines.values():
            spine.set_edgecolor(_TEXT)
        for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
            label.set_color(_TEXT)
        legend = axes.get_legend()
        if legend is not None:
            legend.get_frame().set(alpha=0.0)
            for label in legend.get_texts():
                label.set_color(_TEXT)


def figures_of(curves: Sequence[Curve], most: int) -> Iterator[tuple[str, tuple[Curve, ...]]]:
    """Return the curves by detector, those first whose residuals are largest, at most some of them.

    Parameters
    ----------
    curves : sequence of `Curve`
        Of all detectors.
    most : `int`
        How many detectors.
    """
    by_detector: dict[str, list[Curve]] = {}
    for curve in curves:
        by_detector.setdefault(curve.detector, []).append(curve)

    def badness(detector: str) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            residuals = [np.abs(c.variances / c.fitted - 1)[c.used] for c in by_detector[detector]]
        finite = np.concatenate([r[np.isfinite(r)] for r in residuals])
        return float(finite.max()) if finite.size else math.inf

    for detector in sorted(by_detector, key=badness, reverse=True)[:most]:
        yield detector, tuple(by_detector[detector])
