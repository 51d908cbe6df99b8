"""What a reader wants to know first of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..events.events import RunOutcome
from .contents import Account
from .images import image_lists
from .reading.evidence import Evidence
from .reading.exposed import duration
from .standings import in_short

__all__ = ["Condition", "condition_of", "facts"]

_STYLES = {
    RunOutcome.DONE: "good",
    RunOutcome.STOPPED: "fair",
    RunOutcome.FAILED: "bad",
    RunOutcome.UNFINISHED: "bad",
}


@dataclass(frozen=True)
class Condition:
    """How a run is: a word, its style (good, fair, bad, or next: it goes on), and a sentence where there is one."""

    word: str
    style: str
    sentence: str = ""


def condition_of(account: Account) -> Condition | None:
    """Return how a run is, None where a report is of collections alone.

    A run in which something has failed is bad from then on, not from its end on.
    """
    record = account.record
    if record is None:
        return None
    state = record.state
    if not account.running:
        silent = "" if state.ended else f"No sign of life since {record.last_heard:%Y-%m-%d %H:%M:%S} TAI."
        decided = [f"{text}." for p in account.products if (text := in_short(p.product, p.decisions))]
        return Condition(str(state.outcome), _STYLES[state.outcome], " ".join([silent, *decided]).strip())
    failed = [f"{v.headline} {v.pattern}".strip() for v in state.verdicts.values() if not v.passed]
    problems = [*failed, *state.failures]
    return Condition("RUNNING", "bad", problems[0]) if problems else Condition("RUNNING", "next")


def facts(account: Account) -> Iterator[tuple[str, str]]:
    """Return names and values of what a reader wants to know first."""
    record, evidence = account.record, account.evidence
    if record is not None:
        about = record.about
        yield "Script", f"{about.script}, index {about.index}"
        yield "Begun", f"{record.begun.isoformat(sep=' ', timespec='seconds')} TAI"
        yield (
            "Duration",
            duration(record.seconds) + ("; the record's last line is cut off" if record.torn else ""),
        )
        yield "Mode", str(about.config.get("script_mode", ""))
        if "FLAT" in str(about.config.get("script_mode", "")):
            yield "Filter", _filter(about.config, evidence)
        if len(about.detectors) > 1:
            yield "Detectors", str(len(about.detectors))
    images = [
        f"{found.n_kept} {found.image_type}{f' ({found.seconds})' if found.seconds not in ('', '0 s') else ''}"
        for found in image_lists(account)
    ]
    yield "Exposures", ", ".join(images) or "none"
    yield "Repository", account.repo


def _filter(config: Mapping[str, Any], evidence: Evidence) -> str:
    chosen = [f"{config[name]}" for name in ("filter", "grating") if config.get(name) is not None]
    asked = ", ".join(chosen) or "as it was"
    found = ", ".join(sorted({level.physical_filter for level in evidence.levels} - {""}))
    return f"{asked} ({found})" if found and found != asked else asked
