"""Files that are right, for the tests of what happens when they are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from lsst.ts.calibscripts.check.blocks import get_blocks_dir
from lsst.ts.calibscripts.events.events import (
    Certified,
    Ended,
    ExposureTaken,
    Failed,
    ImageArrived,
    ImageSetClosed,
    JobEnded,
    JobOutcome,
    JobStarted,
    JobSubmitted,
    Planned,
    PlannedSet,
    RunOutcome,
    Stage,
    StageReached,
    Verdicted,
    Warned,
)
from lsst.ts.calibscripts.plan import Action, StepId
from lsst.ts.calibscripts.record.recorder import plain
from lsst.ts.calibscripts.record.records import FORMAT, About
from lsst.ts.calibscripts.tables.products import ImageType

LATISS = "auxtel/make_latiss_calibrations.py"
OVERRIDE = "set1_filter=x"
FORMATS = ("text", "json", "markdown", "cp_verify")
CONFIG = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 3,
    "n_dark": 3,
    "exp_times_dark": [5, 5, 15],
    "n_flat": 4,
    "exp_times_flat": 5.5,
    "filter": "SDSSr_65mm",
    "generate_calibrations": True,
    "certify_calib_begin_date": "2026-09-18",
    "certify_calib_end_date": "2026-09-19",
    "calib_collection": "LATISS/calib/daily/x",
    "config_options_bias": "-c cpBiasIsr:doDefect=False",
    "exposures": {"BIAS": [2026091800001, 2026091800002]},
    "detectors": [0],
    "reason": "test",
}
SELECTION = {
    "repo": "/repo/nowhere",
    "instrument": "LATISS",
    "ticket": "DM-43525",
    "tag": "lowerSetTemp",
    "rerun": "20240326a",
    "detectors": [0],
    "sets": {
        "bias": {"generate": ["2024032600002..2024032600021"], "verify": [2024032600066]},
        "flat-g": {
            "physical_filter": "SDSSg_65mm~empty",
            "generate": [2024032600102, "2024032600103..2024032600110"],
            "options": "-c cpFlatIsr:doDefect=False",
        },
    },
}
BLOCK = json.loads((get_blocks_dir() / "block-295-latiss_weekly_calibrations.json").read_text())
LEDGER = [
    {
        "event": "Did",
        "tai": "2026-09-18T00:00:00.000",
        "user": "me",
        "host": "here",
        "what": {
            "step": "generate",
            "what": "bias",
            "repo": "/repo",
            "succeeded": True,
            "text": "x",
            "facts": {"run": "r"},
        },
    },
    {
        "event": "Approved",
        "tai": "2026-09-18T00:00:01.000",
        "user": "me",
        "host": "here",
        "what": {
            "label": "bias",
            "approved_by": "me",
            "reason": "",
            "despite_failures": "",
            "verdict": "v",
            "run": "r",
            "datasets": ["0a"],
        },
    },
]


def record_lines(directory: Path) -> list[dict[str, Any]]:
    """Return the lines of the record of a run whose repository would be in a directory."""
    ids = tuple(range(2026091800001, 2026091800004))
    config = {**CONFIG, "repo": str(directory / "nowhere"), "n_processes": 8}
    bias = ImageType.BIAS
    events: list[Any] = [
        Planned((PlannedSet(bias, 2, 1),), (StepId(Action.CERTIFY, "BIAS"),)),
        StageReached("BIAS", Stage.TAKING),
    ]
    for exposure in ids:
        events += [ExposureTaken(bias, exposure, 0.0, exposure == ids[0]), ImageArrived(exposure, 0, 0)]
    events.append(ImageSetClosed(bias, ids[1:], (0,)))
    for action in (Action.GENERATE, Action.VERIFY):
        step = StepId(action, "BIAS")
        events += [
            JobSubmitted(
                step, "${CP_PIPE_DIR}/x.yaml", "-j 8 -i LATISS/calib -c a:b=1", "instrument='LATISS'"
            ),
            JobStarted(step, "0" * 32),
            JobEnded(step, "0" * 32, 0, JobOutcome.COMPLETED),
        ]
    events += [
        Verdicted("BIAS", True, f"u/ocps/{'0' * 32}", "BIAS passed", 2, 0, 2),
        Certified("BIAS", "LATISS/calib/daily/x", "2026-09-18", None, ("a" * 32,), False),
        Warned("What the observer should know."),
        Failed("DARK failed."),
        Ended(RunOutcome.FAILED),
    ]
    header = {
        "record": FORMAT,
        "about": asdict(About(LATISS, "LATISS", 1, CONFIG, config, (0,))),
        "versions": {"calibscripts": "1"},
        "environment": {},
        "host": "here",
    }
    lines = [
        header,
        *(
            {"event": type(event).__name__, **json.loads(json.dumps(vars(event), default=plain))}
            for event in events
        ),
    ]
    return [
        {**line, "tai": f"2026-09-18T12:00:{second:02}.000", "loop": float(second)}
        for second, line in enumerate(lines)
    ]


@dataclass(frozen=True)
class Input:
    """A file that is right, and the commands that read it; ``{}`` stands for its name."""

    name: str
    content: Any
    written: Callable[[Any], str]
    commands: Sequence[Sequence[str]]


def json_lines(lines: Any) -> str:
    return (
        "".join(json.dumps(line) + "\n" for line in lines) if isinstance(lines, list) else json.dumps(lines)
    )


def as_yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False)


def inputs(directory: Path) -> list[Input]:
    produce = [[step, "{}", "--dry-run"] for step in ("generate", "verify", "approve", "chain", "export")] + [
        ["certify", "{}", "--begin-date", "2026-01-01", "--dry-run"]
    ]
    schema = BLOCK["configuration_schema"]
    return [
        Input("c.yaml", CONFIG, as_yaml, [["check", LATISS, "{}"], ["check", LATISS, "{}", "--json"]]),
        Input(
            "b.json",
            BLOCK,
            json.dumps,
            [["check-block", "{}"], ["check-block", "{}", "--override", "set1_filter=x"]],
        ),
        Input(
            "s.json",
            yaml.safe_load(schema),
            lambda content: json.dumps({**BLOCK, "configuration_schema": as_yaml(content)}),
            [["check-block", "{}"]],
        ),
        Input("p.yaml", SELECTION, as_yaml, [["produce", *words] for words in produce]),
        Input("p.record.jsonl", LEDGER, json_lines, [["produce", *words] for words in produce]),
        Input(
            "LATISS_20260918T120000_00000001.jsonl",
            record_lines(directory),
            json_lines,
            [
                ["replay", "{}"],
                *(
                    ["report", "{}", "--format", form, "--no-images"]
                    for form in ("text", "json", "markdown", "cp_verify")
                ),
                ["report", "{}", "--out", "{}.d", "--no-images"],
                ["history", "LATISS", "--records", "{}/..", "--no-measure"],
                ["night", "--records", "{}/.."],
                ["night", "--records", "{}/..", "--format", "markdown"],
                ["decide", "reject", "{}", "BIAS", "--by", "ada", "--why", "x"],
                ["decide", "list", "--records", "{}/.."],
            ],
        ),
    ]
