"""Random scenarios."""

from __future__ import annotations

import sqlite3
from typing import Any

from hypothesis import strategies as st
from soak.asked import COMPONENTS, GENERATE, VERIFY
from soak.scenarios import Intruder, Operator, Scenario

from lsst.ts.calibscripts.errors import RepositoryError
from lsst.ts.calibscripts.summit.memory import Trouble, Verification

__all__ = ["scenarios"]

MODES = ("BIAS", "DARK", "FLAT", "BIAS_DARK", "BIAS_DARK_FLAT")
SECONDS = (0.0, 0.5, 2.0, 5.0, 9.0, 30.0)
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
    """Give a configuration that is right."""
    mode = draw(st.sampled_from(MODES[::-1]))
    config: dict[str, Any] = {
        "script_mode": mode,
        "generate_calibrations": draw(st.booleans()),
        "do_verify": draw(st.sampled_from([True, True, True, False])),
        "on_verification_failure": draw(st.sampled_from(["fail", "fail", "warn"])),
        "wait_for_certification": draw(st.booleans()),
        "oods_timeout": draw(st.sampled_from([20.0, 60.0])),
        "pipetask_timeout": draw(st.sampled_from([20.0, 100.0, 400.0])),
        "wait_between_exposures": draw(st.sampled_from([0.0, 0.0, 3.0])),
    }
    for name in mode.lower().split("_"):
        config[f"n_{name}"] = draw(st.integers(1, 4))
        config[f"n_discard_{name}"] = draw(st.integers(0, 1))
        if name == "dark":
            config["exp_times_dark"] = draw(st.sampled_from([1.0, 5.0]))
    if "FLAT" in mode:
        config |= draw(flats(mode))
    if instrument == "LSSTComCam":
        config["detectors"] = draw(st.sampled_from([[0, 1, 2], [0, 1], [1], [0, 2]]))
    return config


@st.composite
def flats(draw: st.DrawFn, mode: str) -> dict[str, Any]:
    """Give what a configuration says of flats and what is made of them."""
    config: dict[str, Any] = {}
    times = draw(st.sampled_from([[1.0, 1.0], [1.0, 1.0, 2.0, 2.0], [1.0, 2.0], [1.0, 2.0, 2.0], [3.0]]))
    config |= {"exp_times_flat": times, "n_flat": len(times)}
    if mode == "BIAS_DARK_FLAT":
        config["do_defects"] = draw(st.booleans())
        config["do_ptc"] = draw(st.booleans()) and times == [1.0, 1.0, 2.0, 2.0]
    if draw(st.booleans()):
        config["do_gain_from_flat_pairs"] = False
    return config


@st.composite
def summit_faults(draw: st.DrawFn, instrument: str) -> tuple[str, ...]:
    """Give one fault or two."""
    component = st.sampled_from(COMPONENTS[instrument])
    image_type, number = st.sampled_from(TYPES), st.integers(1, 4)
    pipeline = st.sampled_from(PIPELINES)
    count, delay = st.integers(1, 3), st.sampled_from([3.0, 15.0, 40.0, 150.0])

    def text(name: str) -> str:
        if name.startswith("component"):
            return f"{name}:of={draw(component)}"
        if name in ("exposure-rejected", "camera-fault", "oods-fault"):
            return f"{name}:of={draw(image_type)},at={draw(number)}"
        if name in ("image-missing", "image-status-1"):
            return f"{name}:of={draw(image_type)},at={draw(number)},count={draw(count)}"
        if name == "image-late":
            return f"{name}:of={draw(image_type)},at={draw(number)},count={draw(count)},delay={draw(delay)}"
        if name == "detector-missing":
            detector = draw(st.integers(0, 2))
            return f"{name}:of={detector}" + draw(
                st.sampled_from(["", ",strikes=1", ",strikes=3", ",strikes=5"])
            )
        if name in ("job-slow",):
            return f"{name}:of={draw(pipeline)},delay={draw(delay)}"
        if name in (
            "results-swapped",
            "results-foreign",
            "result-not-json",
            "image-duplicated",
            "image-foreign",
        ):
            return name
        if name == "result-before-ack":
            return draw(st.sampled_from([name, f"{name}:of={draw(pipeline)}"]))
        return f"{name}:of={draw(pipeline)}"

    names = st.sampled_from(
        [
            "exposure-rejected",
            "camera-fault",
            "image-missing",
            "image-late",
            "image-duplicated",
            "image-status-1",
            "image-foreign",
            "detector-missing",
            "oods-fault",
            "job-error",
            "job-aborted",
            "job-slow",
            "command-rejected",
            "no-acknowledgement",
            "ocps-fault",
            "result-before-ack",
            "result-never",
            "results-swapped",
            "results-foreign",
            "result-not-json",
            "component-standby",
            "component-fault",
        ]
    )
    return tuple(text(name) for name in draw(st.lists(names, min_size=1, max_size=2, unique=True)))


@st.composite
def troubles(draw: st.DrawFn) -> tuple[Trouble, ...]:
    """Give what goes wrong with the butler."""
    calls = (
        "check",
        "detectors",
        "lacking",
        "conflicts",
        "run_of",
        "made",
        "statistics",
        "gains",
        "certify",
        "read_back",
    )
    trouble = st.builds(
        Trouble,
        call=st.sampled_from(calls),
        at=st.integers(1, 3),
        count=st.sampled_from([1, 1, 50]),
        seconds=st.sampled_from([0.0, 0.0, 3.0, 8.0, 70.0]),
        error=st.sampled_from([*ERRORS, None]),
    )
    return tuple(draw(st.lists(trouble, min_size=1, max_size=2)))


operators = st.one_of(
    st.builds(
        Operator,
        stop=st.sampled_from(["command", "command", "signal"]),
        at=st.integers(0, 150),
        delay=st.sampled_from([0.0, 0.0, 0.3, 1.0, 4.0]),
    ),
    st.builds(Operator, stop_checkpoint=st.sampled_from(CHECKPOINTS)),
    st.builds(
        Operator,
        pause_checkpoint=st.sampled_from(CHECKPOINTS),
        resume_after=st.sampled_from([0.0, 4.0, 30.0, 200.0]),
    ),
    st.builds(
        Operator,
        pause_checkpoint=st.sampled_from(CHECKPOINTS),
        resume_after=st.sampled_from([0.0, 30.0]),
        stop=st.just("command"),
        at=st.integers(0, 150),
        delay=st.sampled_from([0.0, 1.0]),
    ),
)
"""Stops and pauses."""

verifications = st.dictionaries(
    st.sampled_from([*VERIFY.values()]), st.sampled_from(list(Verification)), max_size=3
)


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    faults: bool = False,
    verdicts: bool = False,
    butler: bool = False,
    operator: bool = False,
) -> Scenario:
    """Give a scenario, with some kinds of disturbance or without."""
    instrument = draw(st.sampled_from(["LATISS", "LSSTComCam"]))
    present = st.dictionaries(
        st.sampled_from(["bias", "dark", "flat", "defects", "ptc"]),
        st.sampled_from(
            [("1900-01-01", "1950-01-01"), ("2050-01-01", "2060-01-01"), ("2000-01-01", "2040-01-01")]
        ),
        max_size=2,
    )
    config = draw(configs(instrument))
    if draw(st.booleans()):
        # Valid later than now, so that what is in the collection already is found and does not clash.
        config |= {"certify_calib_begin_date": "2060-01-01", "certify_calib_end_date": "2061-01-01"}
    return Scenario(
        instrument=instrument,
        config=config,
        job_seconds=draw(st.dictionaries(st.sampled_from(PIPELINES), st.sampled_from(SECONDS), max_size=9)),
        verifications=draw(verifications) if verdicts else {},
        writes_not=draw(
            st.dictionaries(
                st.sampled_from(PIPELINES), st.sampled_from([frozenset({0}), frozenset({1})]), max_size=1
            )
        )
        if butler
        else {},
        faults=draw(summit_faults(instrument)) if faults else (),
        troubles=draw(troubles()) if butler else (),
        latency=draw(st.sampled_from([0.0, 0.0, 0.2, 2.0])),
        references=draw(st.sampled_from([("bias", "dark", "flat")] * 4 + [("bias", "dark"), ("bias",)]))
        if butler or faults
        else ("bias", "dark", "flat"),
        present=draw(present),
        operator=draw(operators) if operator else Operator(),
        intruder=draw(
            st.builds(
                Intruder,
                dataset_type=st.sampled_from(["bias", "dark", "flat", "defects"]),
                at=st.integers(5, 120),
            )
        )
        if butler and draw(st.booleans())
        else None,
    )
