"""What failed tests have in common: which amplifiers, in how many exposures, how far from the limit."""

from __future__ import annotations

import math

import pytest
from cp_verify_support import AMPLIFIERS, PASSED, amplifiers_of, failed, ids, names
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.verification import Details, Failure, Verdict, judge, parse_statistics
from lsst.ts.calibscripts.verification.failing import (
    Measured,
    failure_patterns,
    headline_pattern,
    places_to_read,
)
from lsst.ts.calibscripts.verification.reading import measured
from lsst.ts.calibscripts.verification.words import failure_report

LATISS = ("RXX_S00",)


def verdict_of(
    failures: dict[int, list[str]], n: int = 20, detectors: tuple[str, ...] = LATISS, product: str = "BIAS"
) -> Verdict:
    run = {exposure: failed(*failures[exposure]) for exposure in failures}
    statistics = parse_statistics({**dict.fromkeys(ids(n), PASSED), **run, "SUCCESS": not failures})
    return judge(statistics, exposures=ids(n), detectors=detectors, threshold=8, image_type=product)


def of_all(test: str, amplifiers: list[str], n: int, detector: str = "RXX_S00") -> dict[int, list[str]]:
    return {exposure: [f"{detector} {name} {test}" for name in amplifiers] for exposure in ids(n)}


def values_of(verdict: Verdict, **values: float) -> Measured:
    places = {(f.exposure, f.detector) for f in verdict.failures}
    every = {(exposure, detector, name): dict(values) for exposure, detector in places for name in AMPLIFIERS}
    return Measured(every, {(str(detector), name): 5.0 for _, detector in places for name in AMPLIFIERS})


def test_all_amplifiers_of_all_exposures() -> None:
    verdict = verdict_of(of_all("NOISE", AMPLIFIERS, 20))
    known = values_of(verdict, NOISE=6.4)
    one = next(iter(known.values))
    known = Measured({**known.values, one: {"NOISE": 6.65}}, known.nominal_noise)
    (pattern,) = failure_patterns(verdict, known)
    assert pattern == ("NOISE: all 16 amplifiers in 20 of 20 exposures, 28 to 33 % above nominal; limit 5 %")


@pytest.mark.parametrize(
    ("failures", "pattern"),
    [
        (of_all("MEAN", ["C04"], 3), "MEAN: C04 only in 3 of 20 exposures"),
        (of_all("MEAN", ["C04", "C05"], 20), "MEAN: C04, C05 in 20 of 20 exposures"),
        (of_all("MEAN", AMPLIFIERS[:9], 1), "MEAN: 9 of 16 amplifiers in 1 of 20 exposures"),
        (
            {ids(2)[0]: ["RXX_S00 C04 MEAN"], ids(2)[1]: ["RXX_S00 C04 MEAN", "RXX_S00 C05 MEAN"]},
            "MEAN: C04, C05 in 2 of 20 exposures (3 failed tests)",
        ),
        ({ids(1)[0]: ["RXX_S00 SCATTER"]}, "SCATTER: the detector as a whole in 1 of 20 exposures"),
    ],
)
def test_places(failures: dict[int, list[str]], pattern: str) -> None:
    (found,) = failure_patterns(verdict_of(failures))
    assert found.partition("; limit")[0] == pattern


def test_places_of_a_large_camera() -> None:
    def pattern(failures: list[str]) -> str:
        verdict = verdict_of(dict.fromkeys(ids(2), failures), 2, tuple(names(9)))
        return failure_patterns(verdict)[0].partition("; limit")[0]

    first, second = names(2)
    every = [f"{name} {amplifier} NOISE" for name in names(9) for amplifier in AMPLIFIERS]
    assert pattern(every) == "NOISE: all 144 amplifiers of 9 of 9 detectors in 2 of 2 exposures"
    assert pattern(every[:16]) == f"NOISE: all 16 amplifiers of {first} in 2 of 2 exposures"
    assert pattern([f"{first} C04 NOISE"]) == f"NOISE: C04 only of {first} in 2 of 2 exposures"
    assert pattern([f"{first} C04 NOISE", f"{second} C04 NOISE"]) == (
        f"NOISE: 2 of 32 amplifiers (always C04) of 2 of 9 detectors ({first} and {second}) in 2 of 2 exposures"
    )


@pytest.mark.parametrize(
    ("product", "test", "values", "told"),
    [
        ("BIAS", "MEAN", {"MEAN": -9.25}, ", -9.25 electron; limit less than NOISE away from 0"),
        ("DARK", "CR_NOISE", {"CR_NOISE": 4.0, "NOISE": 5.0}, ", 20 % below NOISE; limit 5 %"),
        ("FLAT", "NOISE", {"NOISE": 110.0, "MEAN": 1e4}, ", 10 % above what the photons explain; limit 0 %"),
        ("BIAS", "NOISE", {}, "; limit 5 %"),
        ("BIAS", "UNHEARD_OF", {"UNHEARD_OF": 3.0}, ", 3 electron"),
        ("BIAS", "MEAN", {"MEAN": math.nan}, "; limit less than NOISE away from 0"),
    ],
)
def test_values_and_limits(product: str, test: str, values: dict[str, float], told: str) -> None:
    verdict = verdict_of(of_all(test, ["C04"], 20), product=product)
    (pattern,) = failure_patterns(verdict, values_of(verdict, **values))
    assert pattern == f"{test}: C04 only in 20 of 20 exposures{told}"


def test_without_the_nominal_noise_the_values_are_said() -> None:
    verdict = verdict_of(of_all("NOISE", ["C04"], 20))
    (pattern,) = failure_patterns(verdict, Measured(values_of(verdict, NOISE=6.5).values))
    assert ", 6.5 electron; limit at most 5 % above the nominal read noise" in pattern


def test_the_most_frequent_is_first_and_heads_the_report() -> None:
    failures = of_all("NOISE", AMPLIFIERS, 20)
    failures[ids(1)[0]].append("RXX_S00 C04 MEAN")
    verdict = verdict_of(failures)
    patterns = failure_patterns(verdict)
    assert [pattern.partition(":")[0] for pattern in patterns] == ["NOISE", "MEAN"]
    lines = failure_report(verdict, "u/ocps/1", "u/ocps/2", patterns).splitlines()
    assert lines[1:3] == [f"    {pattern}" for pattern in patterns]
    assert lines[3] == "Exposures with verification tests that failed:"
    assert headline_pattern(patterns) == f"{patterns[0]}. {patterns[1]}."
    assert headline_pattern(["A: x", "B: y", "C: z"]) == "A: x. B: y. 1 other test type failed, too."
    assert headline_pattern([]) == ""


def test_what_failed_without_a_name_is_said() -> None:
    verdict = verdict_of({key: [] for key in ids(20)})
    assert not verdict.passed
    assert failure_patterns(verdict) == ("The statistics do not say which tests failed",)


def test_tests_of_the_whole_exposure_have_no_pattern() -> None:
    assert failure_patterns(verdict_of({ids(1)[0]: ["SCATTER"]})) == ()


def test_of_very_many_images_an_even_choice_is_read_and_that_is_said() -> None:
    detectors = tuple(names(81))
    verdict = verdict_of(
        {exposure: [f"{name} C04 NOISE" for name in detectors] for exposure in ids(20)}, 20, detectors
    )
    chosen = places_to_read(verdict)
    assert 100 < len(chosen) <= 200
    assert len({exposure for exposure, _ in chosen}) == 20
    found = {(exposure, detector, "C04"): {"NOISE": 6.5} for exposure, detector in chosen}
    (pattern,) = failure_patterns(verdict, Measured(found))
    assert f"6.5 electron ({len(chosen)} of 1620 images read)" in pattern


def test_values_are_those_of_the_statistics() -> None:
    found = amplifiers_of({"C00": {"MEAN": False}, "C01": {"MEAN": True}})
    known = measured(Details({(ids(1)[0], 4): found}, {(4, "C00"): 5.5}), {4: "R22_S11"})
    failure = Failure(ids(1)[0], "R22_S11", "C00", "MEAN")
    assert known.of(failure, "MEAN") == 0.1
    assert known.n_amplifiers == 2
    assert known.of(failure, "nominal read noise") == 5.5
    assert math.isnan(known.of(Failure(ids(1)[0], "R22_S12", "C00", "MEAN"), "MEAN"))


@given(
    st.dictionaries(
        st.sampled_from(ids(4)),
        st.lists(
            st.tuples(
                st.sampled_from(names(3)), st.sampled_from(AMPLIFIERS), st.sampled_from(["MEAN", "NOISE"])
            ),
            min_size=1,
            unique=True,
        ),
    )
)
def test_every_test_type_is_reported_once_with_its_exposures(
    failures: dict[int, list[tuple[str, str, str]]],
) -> None:
    verdict = verdict_of(
        {exposure: [" ".join(words) for words in found] for exposure, found in failures.items()},
        4,
        tuple(names(3)),
    )
    patterns = {p.partition(": ")[0]: p for p in failure_patterns(verdict)}
    expected = {test for found in failures.values() for _, _, test in found}
    assert patterns.keys() == expected
    for test, pattern in patterns.items():
        n = sum(any(word == test for _, _, word in found) for found in failures.values())
        assert f" in {n} of 4 exposures" in pattern
        (only, *others) = {name for found in failures.values() for name, _, word in found if word == test}
        assert (f" of {only} in " in pattern) is (not others)
