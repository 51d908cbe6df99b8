"""Writes doc/failures.rst: ``python tests/fault_table_page.py``."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from fault_table_play import play
from fault_table_rows import ROWS
from fault_table_support import Case, Played

from lsst.ts.calibscripts.tables.products import PRODUCTS

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[1] / "doc" / "failures.rst"

LONGEST = 360
"""Of what a script says more is left out, characters."""

_HEADER = """\
.. Made by ``python tests/fault_table_page.py``; tests/test_fault_table.py compares it with what happens.

#################################
What goes wrong, and what happens
#################################

Every row is a run of a script in the simulated summit, in which that went wrong. Unless stated otherwise, LATISS
was to make all five products from four biases, four darks and six flats, with one exposure of each type to be
discarded; in a repository on disk only a bias. The scripts for LSSTComCam and LSSTCam were to make them for three
detectors.

* *Fault* is what ``calibscripts rehearse --fault`` switches on.
* *What the script says* is the reason of its final state, as LOVE shows it; where it has none, warnings and errors
  in its log. The rest of a longer text is left out, marked with [...]. Two warnings that appear in almost every
  run are omitted here: that DEFECTS and PTC are certified without verification, and that a step is cancelled.
* *What to do* is what the summary at the end of the log says; a configuration that resumes with the images is in
  the log. A dash means that nothing is to be done, or that what the script says names it.
* *Aborted* are jobs that the script itself had aborted; (refused) means that the OCPS would not.

How the script takes a failure of each kind is decided like this: nothing is certified that failed, or that was made
from something that failed; what does not depend on it is finished; and a script that did not do all that it was asked
for ends FAILED.
"""


def page() -> str:
    """Play all runs, and give the text of the page."""
    sections = (
        "\n".join(_section(event, list(cases)))
        for event, cases in itertools.groupby(ROWS, key=lambda case: case.event)
    )
    return "\n".join([_HEADER, *sections])


def _section(event: str, cases: list[Case]) -> Iterator[str]:
    title = event.replace("`", "``")
    yield from (title, "=" * len(title), "")
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: 22 8 32 18 10 10", "")
    yield from _row("What goes wrong", "Ends", "What the script says", "What to do", "Certified", "Aborted")
    for case in cases:
        run = play(case)
        certified = [name for name in PRODUCTS if name in run.certified]
        yield from _row(
            _what(case),
            run.outcome.state.name,
            _escaped(_shortened(said(run))),
            _escaped(_to_do(run)),
            ", ".join(certified) or "nothing",
            ", ".join(run.aborted) or "none",
        )
    yield ""


def _row(*cells: str) -> Iterator[str]:
    for index, cell in enumerate(cells):
        yield from textwrap.wrap(
            cell,
            110,
            initial_indent="   * - " if index == 0 else "     - ",
            subsequent_indent="       ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _what(case: Case) -> str:
    words = re.sub(r"`+", "``", case.what)
    words = words[0].upper() + words[1:] if not words.startswith("`") else words
    # Numbers of strikes are known to the tests only.
    faults = ", ".join(f"``{text.partition(',strikes')[0]}``" for text in case.faults)
    return f"{words}. Fault: {faults}" if faults else f"{words}."


def said(run: Played) -> str:
    """Return what a script says, with the names of jobs and places that differ from run to run masked."""
    lines = run.reason or tuple(line for line in run.warnings if not _is_usual(line))
    return _masked(" / ".join(" ".join(line.split()) for line in lines) or "–")


def _to_do(run: Played) -> str:
    """Return what the summary says is to be done next, without the configuration that it offers."""
    found = run.summary.partition("\nWhat to do next:\n")[2]
    lines = [line.strip() for line in found.splitlines() if line.startswith("    ")]
    return _masked(" / ".join(re.sub(r":$", ".", line) for line in lines) or "–")


def _masked(text: str) -> str:
    """Mask the names of jobs and places, which differ from run to run."""
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<datasetId>", text)
    # The butler cuts long file names short.
    text = re.sub(r"(?<![0-9a-f])[0-9a-f]{20,32}(?![0-9a-f])", "<jobId>", text)
    # How warm the lamp is depends on how long the levels take to read.
    text = re.sub(
        r"(jumps:) \d+ ADU in [\d.]+ s, then \d+ ADU in [\d.]+ s",
        r"\1 <level> in <time>, then <level> in <time>",
        text,
    )
    text = re.sub(r"\bcalib\.\d{4}[A-Z]{3}\d{2}\b", "calib.2026SEP18", text)
    return re.sub(r"(/[\w.-]+)+/repo\b", "/repo/LATISS", text)


def _is_usual(warning: str) -> bool:
    return bool(re.match(r"(DEFECTS|PTC) was certified WITHOUT|.* is cancelled, since", warning))


def _shortened(text: str) -> str:
    return textwrap.shorten(text, LONGEST, placeholder=" [...]", break_on_hyphens=False)


def _escaped(text: str) -> str:
    return re.sub(r"([*`|_\\])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page())
