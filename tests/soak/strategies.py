"""Random scenarios."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from soak.asked import COMPONENTS, GENERATE, VERIFY
from soak.scenarios import EARLIER, FILTERS, Earlier, FilterChange, Intruder, Lost, Operator, Scenario

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.testing.memory import Alteration, Trouble, Verification

__all__ = ["scenarios"]

MODES = ("BIAS_DARK_FLAT",) * 5 + ("BIAS_DARK",) * 2 + ("FLAT", "DARK", "BIAS")
SECONDS = (0.0, 0.5, 2.0, 4.0, 8.0, 15.0, 30.0)
TYPES = ("BIAS", "DARK", "FLAT")
CHECKPOINTS = (
    ".*",
    "Setup.*",
    "Taking .*bias.*",
    "Taking .*dark.*",
    "Taking .*flat.*",
    "Images taken: BIAS.*",
    "Images taken: DARK.*",
    "Images taken: FLAT.*",
    "All images.*",
)
PIPELINES = (*GENERATE.values(), *VERIFY.values())
ERRORS = (
    RepositoryError("the butler repository is unreachable"),
    sqlite3.OperationalError("database is locked"),
)


@st.composite
def configs(draw: st.DrawFn, instrument: str) -> dict[str, Any]:
    """Return a configuration that is right."""
    mode = draw(st.sampled_from(MODES))
    config: dict[str, Any] = {
        "script_mode": mode,
        "generate_calibrations": draw(st.sampled_from([True, True, True, False])),
        "do_verify": draw(st.sampled_from([True, True, True, True, False])),
        "on_verification_failure": draw(st.sampled_from(["fail", "fail", "warn"])),
        "wait_for_certification": draw(st.booleans()),
        "oods_timeout": draw(st.sampled_from([20.0, 4.0, 60.0])),
        "pipetask_timeout": draw(st.sampled_from([20.0, 100.0, 400.0])),
        "wait_between_exposures": draw(st.sampled_from([0.0, 0.0, 3.0])),
    }
    for name in mode.lower().split("_"):
        config[f"n_{name}"] = draw(st.sampled_from([3, 4, 2, 1]))
        config[f"n_discard_{name}"] = draw(st.integers(0, 1))
        if name == "dark":
            config["exp_times_dark"] = draw(st.sampled_from([5.0, 15.0, 1.0]))
    if "FLAT" in mode:
        config |= draw(flats(mode))
    if instrument == "LSSTComCam":
        config["detectors"] = draw(
            st.sampled_from([[0, 1, 2, 3], [0, 1, 2], [0, 1], [1], [0, 2], [0, 1, 2, 3, 4]])
        )
    if draw(st.sampled_from([False, False, True])):
        config["filter"] = draw(st.sampled_from([*FILTERS[instrument]]))
    return config


PTC_TIMES = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


@st.composite
def flats(draw: st.DrawFn, mode: str) -> dict[str, Any]:
    """Return what a configuration says of flats and what is made of them."""
    config: dict[str, Any] = {}
    times = draw(
        st.sampled_from([PTC_TIMES, [1.0, 1.0, 2.0, 2.0], [1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 2.0], [3.0]])
    )
    config |= {"exp_times_flat": times, "n_flat": len(times)}
    if mode == "BIAS_DARK_FLAT":
        config["do_defects"] = draw(st.booleans())
        config["do_ptc"] = draw(st.booleans()) and times == PTC_TIMES
    if draw(st.booleans()):
        config["do_gain_from_flat_pairs"] = False
    if n_flat_dark := draw(st.sampled_from([0, 0, 0, 1, 2])):
        config["n_flat_dark"] = n_flat_dark
    return config


LAMPS = ("lamp-aged", "lamp-warming:delay=10", "lamp-warming:delay=60", "lamp-off")


@st.composite
def better(draw: st.DrawFn, instrument: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return what a configuration says of better calibrations, and the fields of a scenario that go with that."""
    moving = st.sampled_from([0.0, 0.0, 0.5, 8.0])
    fields: dict[str, Any] = {
        "shifts": {GENERATE[name]: draw(moving) for name in TYPES},
        "unready": draw(st.sampled_from(["", "", "", "shutter", "dome"])) if instrument == "LATISS" else "",
        "age": draw(st.sampled_from([None, 0.5, 30.5, 399.5, 401.5])),
    }
    config["compare_with_previous"] = draw(st.sampled_from(["report", "require", "require", "off"]))
    config["flat_setup"] = draw(st.sampled_from(["warn", "warn", "require", "ignore"]))
    config["reference_age_max"] = draw(st.sampled_from([400, 30, None]))
    if "FLAT" in config["script_mode"] and draw(st.sampled_from([True, True, False])):
        config["flat_counts_target"] = draw(st.sampled_from([20_000.0, 5000.0, 45_000.0]))
        config["flat_counts_tolerance"] = draw(st.sampled_from([0.05, 0.2]))
        config["flat_times_scale"] = "auto"
    return fields


FAULTS: dict[str, tuple[str, ...]] = {
    "component-standby": ("component",),
    "component-fault": ("component",),
    "component-dead": ("component",),
    "exposure-rejected": ("type", "at"),
    "camera-fault": ("type", "at"),
    "exposure-foreign": ("type", "at"),
    "exposure-repeated": ("type", "at"),
    "filter-stuck": (),
    "oods-fault": ("type", "at"),
    "image-missing": ("type", "at", "count"),
    "image-status-1": ("type", "at", "count"),
    "image-doubted": ("type", "at", "count"),
    "image-behind": ("type", "at", "count", "delay"),
    "image-unannounced": ("type", "at", "count"),
    "detectors-renamed": ("type", "at", "count"),
    "image-late": ("type", "at", "count", "delay"),
    "image-duplicated": (),
    "image-foreign": (),
    "detector-missing": ("detector", "strikes"),
    "job-error": ("pipeline", "count"),
    "job-aborted": ("pipeline",),
    "job-slow": ("pipeline", "delay"),
    "command-rejected": ("pipeline",),
    "no-acknowledgement": ("pipeline",),
    "ocps-fault": ("pipeline",),
    "ocps-dead": ("pipeline",),
    "result-before-ack": (),
    "result-never": ("pipeline",),
    "results-swapped": (),
    "results-foreign": (),
    "result-not-json": (),
    "certified-preferred": (),
}
"""Faults of the summit and what they are given."""


def fault(name: str, instrument: str) -> st.SearchStrategy[str]:
    """Return a fault as its text."""
    values: dict[str, tuple[Any, ...]] = {
        "component": COMPONENTS[instrument],
        "type": TYPES,
        "pipeline": PIPELINES,
        "detector": (1, 2, 0, 3),
        "at": (2, 3, 1, 4),
        "count": (1, 2, 3),
        "delay": (3.0, 15.0, 40.0, 150.0),
        "strikes": (1000, 1, 2, 3, 4, 5),
    }
    given = {
        {"component": "of", "type": "of", "pipeline": "of", "detector": "of"}.get(
            kind, kind
        ): st.sampled_from(values[kind])
        for kind in FAULTS[name]
    }
    return st.fixed_dictionaries(given).map(
        lambda told: ":".join(filter(None, [name, ",".join(f"{key}={value}" for key, value in told.items())]))
    )


def summit_faults(instrument: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Return one fault or two."""
    # Those that end a run before it has begun are soon known.
    names = [name for name in FAULTS for _ in range(1 if name.startswith("component") else 3)]
    one = st.sampled_from(names).flatmap(lambda name: fault(name, instrument))
    return st.lists(one, min_size=1, max_size=2, unique_by=lambda text: text.partition(":")[0]).map(tuple)


early = ("check", "missing_collections", "detectors", "have_visits", "sources", "others", "conflicts")
late = ("run_of", "made", "master", "inputs_used", "statistics", "gains", "certify", "read_back")
of_images = ("exposures", "level", "level", "residual", "defects")

SILENCE = 10_000.0
"""For how long, in seconds, a butler does not answer that has been given up before."""

troubles = st.lists(
    st.builds(
        Trouble,
        call=st.sampled_from([*late * 3, *of_images * 2, *early]),
        at=st.sampled_from([1, 2, 3]),
        count=st.sampled_from([1, 1, 50]),
        seconds=st.sampled_from([0.0, 0.0, 3.0, 8.0, 70.0, SILENCE]),
        error=st.sampled_from([*ERRORS, None]),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
"""What goes wrong with the butler."""

moments = st.sampled_from(range(4, 160))
"""Lengths of the journal. Sampled, for integers are mostly small ones."""

stops = st.builds(
    Operator,
    stop=st.sampled_from(["command", "command", "signal"]),
    at=moments,
    delay=st.sampled_from([0.0, 0.0, 0.3, 1.0, 4.0]),
)
kinds = ("Committed", "JobStarted", "JobEnded", "Verdicted", "Exposed", "ImageSetClosed")
stops_after = st.builds(
    Operator,
    stop=st.sampled_from(["command", "command", "signal"]),
    at=st.sampled_from([1, 2, 3, 4]),
    after=st.sampled_from(kinds),
    delay=st.sampled_from([0.0, 0.3, 1.0, 4.0]),
)
pauses = st.builds(
    Operator,
    pause_checkpoint=st.sampled_from(CHECKPOINTS),
    resume_after=st.sampled_from([0.0, 4.0, 30.0, 200.0]),
)
stops_at_checkpoints = st.builds(Operator, stop_checkpoint=st.sampled_from(CHECKPOINTS))
pauses_and_stops = st.builds(
    Operator,
    pause_checkpoint=st.sampled_from(CHECKPOINTS),
    resume_after=st.sampled_from([0.0, 30.0]),
    stop=st.just("command"),
    at=moments,
    delay=st.sampled_from([0.0, 1.0]),
)
operators = st.one_of(stops_after, pauses, stops, stops_at_checkpoints, stops_after, pauses_and_stops)
"""Stops and pauses."""

outcomes = st.sampled_from([*[Verification.PASSES] * 12, *Verification])
verifications = st.fixed_dictionaries(dict.fromkeys(VERIFY.values(), outcomes))
job_seconds = st.fixed_dictionaries(dict.fromkeys(PIPELINES, st.sampled_from(SECONDS)))


WINDOWS: tuple[dict[str, float], ...] = (
    {"flat_counts_min": 1000.0},
    {"flat_counts_max": 50_000.0},
    {"flat_counts_min": 1000.0, "flat_counts_max": 50_000.0},
)
"""Limits within which all flats are that nothing is wrong with."""

UNKNOWN = {"LATISS": ("unknown~unknown", "SDSSr_65mm~unknown"), "LSSTComCam": ("unknown", "UNKNOWN")}
LEVELS = (math.nan, 10.0, 60_000.0)


def alterations(instrument: str) -> st.SearchStrategy[Alteration]:
    """Return a difference between an image and its record."""
    _, other = FILTERS[instrument].values()
    kinds: list[dict[str, Any]] = [
        *({"of": kind, "exposure_time": 30.0} for kind in ("DARK", "FLAT", "BIAS")),
        *({"of": kind, "image_type": name} for kind in TYPES for name in ("ENGTEST", "UNKNOWN")),
        *(
            {"of": "FLAT", "physical_filter": name}
            for name in (other, *UNKNOWN[instrument])
            for _ in range(2)
        ),
        *({"of": "FLAT", "level": level} for level in LEVELS for _ in range(3)),
        *(
            {"of": kind, "loses": frozenset(lost)}
            for kind in TYPES
            for lost in ({0, 1, 2, 3, 4}, {0}, {1, 2})
        ),
    ]
    return st.builds(
        lambda kind, at, count: Alteration(**kind, at=at, count=count),
        st.sampled_from(kinds),
        at=st.sampled_from([2, 1, 3]),
        count=st.sampled_from([1, 2, 9]),
    )


filter_changes = st.builds(
    FilterChange,
    after=st.sampled_from(["DARK", "FLAT", "DARK", "BIAS"]),
    number=st.sampled_from([1, 2, 3]),
    back_after=st.sampled_from([None, None, 3.0, 10.0, 60.0]),
)


@st.composite
def existing_sets(draw: st.DrawFn, instrument: str, config: dict[str, Any]) -> dict[int, Earlier]:
    """Return images of the night before, and name them in a configuration."""
    usual, other = FILTERS[instrument]
    wanted = FILTERS[instrument][config.get("filter", usual)]
    unwanted = FILTERS[instrument][other if config.get("filter", usual) == usual else usual]
    earlier: dict[int, Earlier] = {}
    listed: dict[str, list[int]] = {}
    names = config["script_mode"].split("_")
    for name in draw(st.lists(st.sampled_from(names), min_size=1, unique=True)):
        times = {"BIAS": [0.0] * 4, "DARK": [config.get("exp_times_dark", 5.0)] * 3}.get(name)
        images = [
            Earlier(name, time + (draw(st.sampled_from([0.0, 0.0004, 0.004])) if time else 0.0), wanted)
            for time in times or config["exp_times_flat"]
        ]
        spoiled: list[dict[str, Any]] = [
            {"image_type": "ENGTEST"},
            {"exposure_time": 30.0},
            {"detectors": ()},
            {"detectors": (0, 2, 3, 4)},
            *([{"physical_filter": unwanted}] * 2 if name == "FLAT" else []),
            *({"physical_filter": unknown} for unknown in UNKNOWN[instrument] if name == "FLAT"),
            *({"level": level} for level in LEVELS if name == "FLAT"),
        ]
        if draw(st.booleans()):
            change = draw(st.sampled_from(spoiled))
            first = draw(st.integers(0, len(images) - 1))
            last = draw(st.sampled_from([first + 1, len(images)]))
            images[first:last] = [replace(image, **change) for image in images[first:last]]
        begin = EARLIER + 1 + len(earlier)
        listed[name] = [*range(begin, begin + len(images))]
        earlier |= dict(zip(listed[name], images, strict=True))
    config["exposures"] = listed
    return earlier


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    faults: bool = False,
    verdicts: bool = False,
    butler: bool = False,
    operator: bool = False,
    images: bool = False,
    quality: bool = False,
    resumes: bool = False,
) -> Scenario:
    """Return a scenario, with some kinds of disturbance or without."""
    instrument = draw(st.sampled_from(["LATISS", "LSSTComCam"]))
    present = st.dictionaries(
        st.sampled_from(["bias", "dark", "flat", "defects", "ptc"]),
        st.sampled_from(
            [("1900-01-01", "1950-01-01"), ("2050-01-01", "2060-01-01"), ("2000-01-01", "2040-01-01")]
        ),
        max_size=2,
    )
    config = draw(configs(instrument))
    wrong = draw(summit_faults(instrument)) if faults else ()
    fields: dict[str, Any] = {}
    if quality:
        fields = draw(better(instrument, config))
        wrong += tuple(draw(st.lists(st.sampled_from(LAMPS), max_size=1)))
    fails = any(fault.startswith("job-error") for fault in wrong)
    config["job_attempts"] = draw(st.sampled_from([2, 3, 1] if fails else [1, 1, 2]))
    earlier: dict[int, Earlier] = {}
    if (images or butler) and "FLAT" in config["script_mode"] and draw(st.booleans()):
        config |= draw(st.sampled_from(WINDOWS))
    if butler and "FLAT" in config["script_mode"] and draw(st.sampled_from([False, False, True])):
        config |= {"flat_counts_target": 20_000.0, "flat_times_scale": "auto"}
    if images and draw(st.booleans()):
        earlier = draw(existing_sets(instrument, config))
    if draw(st.booleans()):
        # Valid later than now, so that what is in the collection already is found and does not clash.
        config |= {"certify_calib_begin_date": "2060-01-01", "certify_calib_end_date": "2061-01-01"}
    intruders = st.builds(
        Intruder, dataset_type=st.sampled_from(["bias", "dark", "flat", "defects"]), at=moments
    )
    lazy = st.dictionaries(
        st.sampled_from(PIPELINES), st.sampled_from([frozenset({0}), frozenset({1})]), max_size=1
    )
    everything = ("bias", "dark", "flat")
    altered = st.lists(alterations(instrument), min_size=1, max_size=2).map(tuple)
    lost = st.lists(
        st.builds(
            Lost, st.sampled_from([0, 1, 2, 3]), st.sampled_from(range(9)), st.sampled_from([1, 2, 3, 5])
        ),
        min_size=1,
        max_size=3,
    ).map(tuple)
    what = (
        draw(st.sampled_from(["alterations", "alterations", "lost", "filter", "nothing"])) if images else ""
    )
    references = st.sampled_from([everything] * 12 + [("bias", "dark"), ("bias",)])
    return Scenario(
        instrument=instrument,
        config=config,
        job_seconds=draw(job_seconds),
        verifications=draw(verifications) if verdicts else {},
        writes_not=draw(lazy) if butler else {},
        faults=wrong,
        troubles=draw(troubles) if butler else (),
        latency=draw(st.sampled_from([0.0, 2.0, 5.0] if operator else [0.0, 0.0, 0.2, 2.0])),
        references=draw(references) if butler or faults else everything,
        present=draw(present) if draw(st.sampled_from([False, False, True])) else {},
        operator=draw(operators) if operator else Operator(),
        intruder=draw(intruders) if butler and draw(st.sampled_from([False, False, True])) else None,
        alterations=draw(altered) if what == "alterations" else (),
        lost=draw(lost) if what == "lost" else (),
        filter_change=draw(filter_changes) if what == "filter" else None,
        earlier=earlier,
        resumes=resumes,
        **fields,
    )
