"""Statistics as cp_verify writes them, for tests and by hypothesis."""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

from lsst.ts.calibscripts.verification import Failure

__all__ = [
    "AMPLIFIERS",
    "CAMERAS",
    "FIRST",
    "PASSED",
    "Camera",
    "amplifiers_of",
    "failed",
    "ids",
    "merged",
    "names",
    "truth",
]

FIRST = 2026091800002
AMPLIFIERS = [f"C{n:02o}" for n in range(16)]


def ids(n: int) -> list[int]:
    return [FIRST + k for k in range(n)]


def names(n: int) -> list[str]:
    return [f"R{k // 9:02d}_S{k % 9 // 3}{k % 3}" for k in range(n)]


PASSED = {"SUCCESS": True}


def failed(*failures: str) -> dict[str, object]:
    return {"SUCCESS": False, "FAILURES": list(failures)}


def amplifiers_of(passed: dict[str, dict[str, bool]]) -> dict[str, object]:
    """Statistics of a detector, in which these tests of amplifiers passed or not."""
    return {
        "AMP": {amplifier: {"MEAN": 0.1} for amplifier in passed},
        "DET": {},
        "VERIFY": {
            "AMP": {name: {**tests, "SUCCESS": all(tests.values())} for name, tests in passed.items()},
            "DET": {"SCATTER": True, "SUCCESS": True},
        },
        "SUCCESS": all(all(tests.values()) for tests in passed.values()),
    }


TESTS = st.dictionaries(st.sampled_from(["MEAN", "NOISE", "CR_NOISE"]), st.booleans(), min_size=1)


@st.composite
def detector_statistics(draw: st.DrawFn) -> dict[str, Any]:
    stats = amplifiers_of(draw(st.dictionaries(st.sampled_from(AMPLIFIERS[:3]), TESTS, min_size=1)))
    scatter = draw(st.booleans())
    stats["VERIFY"]["DET"] = {"SCATTER": scatter, "SUCCESS": scatter}  # type: ignore[index]
    return {**stats, "SUCCESS": stats["SUCCESS"] and scatter}


Camera: TypeAlias = dict[int, tuple[dict[str, Any], bool]]
"""By exposure: statistics by detector, and whether the scatter of the exposure as a whole is small enough."""

CAMERAS: st.SearchStrategy[Camera] = st.dictionaries(
    st.sampled_from(ids(3)),
    st.tuples(st.dictionaries(st.sampled_from(names(3)), detector_statistics(), min_size=1), st.booleans()),
    min_size=1,
)


def merged(camera: Camera, by_filter: bool) -> tuple[Any, Any]:
    """Merge detectors to exposures and these to the run as cp_verify does, for flats and for the others."""
    run: dict[Any, Any] = {}
    wholes: dict[int, Any] = {}
    for exposure, (detectors, scatter) in camera.items():
        whole: dict[str, Any] = {}
        for name, stats in detectors.items():
            tests = [(None, "SCATTER", stats["VERIFY"]["DET"]["SCATTER"])] + [
                (amplifier, test, ok)
                for amplifier, results in stats["VERIFY"]["AMP"].items()
                for test, ok in results.items()
                if test != "SUCCESS"
            ]
            texts = [f"{amplifier} {test}" if amplifier else test for amplifier, test, ok in tests if not ok]
            whole[name] = PASSED if stats["SUCCESS"] else failed(*texts)
        good = all(detector["SUCCESS"] for detector in whole.values())
        everything = [f"{name} {text}" for name, entry in whole.items() for text in entry.get("FAILURES", [])]
        if by_filter:
            whole |= {"EXP": {"SCATTER": 0.01}, "VERIFY": {"EXP": {"SCATTER": scatter}}}
            good, everything = good and scatter, [] if scatter else ["SCATTER"]
        run[exposure] = PASSED if good else failed(*everything)
        wholes[exposure] = {**whole, "SUCCESS": good}
    return {**run, "SUCCESS": all(entry["SUCCESS"] for entry in run.values())}, wholes


def truth(camera: Camera, by_filter: bool) -> set[Failure]:
    failures = set()
    for exposure, (detectors, scatter) in camera.items():
        if by_filter and not scatter:
            failures.add(Failure(exposure, None, None, "SCATTER"))
        for name, stats in detectors.items():
            if not stats["VERIFY"]["DET"]["SCATTER"]:
                failures.add(Failure(exposure, name, None, "SCATTER"))
            for amplifier, results in stats["VERIFY"]["AMP"].items():
                failures |= {
                    Failure(exposure, name, amplifier, test)
                    for test, ok in results.items()
                    if test != "SUCCESS" and not ok
                }
    return failures
