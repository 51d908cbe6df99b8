"""The table of faults and how they are switched on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.faults.faults import FAULTS, Fault, Faults, Target, parse_fault
from lsst.ts.calibscripts.summit.rehearsing.fault_targets import targets
from lsst.ts.calibscripts.summit.site import Summit
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryIngest, MemoryRunner


def test_names_are_what_faults_are_found_by() -> None:
    assert all(name == fault.name for name, fault in FAULTS.items())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_strikes_as_the_table_has_it(fault: Fault) -> None:
    assert Faults([fault.name]).hits(fault.name, fault.of, fault.at)
    assert not Faults([]).hits(fault.name, fault.of, fault.at)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image-missing", ("BIAS", 2, 1)),
        ("image-missing:of=DARK,at=3,count=2", ("DARK", 3, 2)),
        ("image-missing:of=", ("", 2, 1)),
    ],
)
def test_parameters_change_the_record(text: str, expected: tuple[str, int, int]) -> None:
    fault = parse_fault(text)
    assert (fault.of, fault.at, fault.count) == expected


@pytest.mark.parametrize(
    ("text", "kind", "number", "hits"),
    [
        ("image-missing:of=DARK,at=3,count=2", "DARK", 2, False),
        ("image-missing:of=DARK,at=3,count=2", "DARK", 3, True),
        ("image-missing:of=DARK,at=3,count=2", "DARK", 4, True),
        ("image-missing:of=DARK,at=3,count=2", "DARK", 5, False),
        ("image-missing:of=DARK,at=3,count=2", "BIAS", 3, False),
        ("image-missing:of=,at=1", "FLAT", 1, True),
    ],
)
def test_which_exposures_are_hit(text: str, kind: str, number: int, hits: bool) -> None:
    assert Faults([text]).hits("image-missing", kind, number) is hits


def test_a_fault_may_be_switched_on_several_times() -> None:
    faults = Faults(
        ["job-slow:of=cpBias,delay=1", "job-slow:of=cpDark,delay=2", "job-slow:of=cpFlat,delay=3"]
    )
    for kind, delay in (("cpDark", 2.0), ("cpBias", 1.0)):
        assert faults.hits("job-slow", kind)
        assert faults["job-slow"].delay == delay
    assert not faults.hits("job-slow", "cpPtc")
    assert [fault.of for fault in faults.idle] == ["cpFlat"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("image-mising", "Did you mean image-missing"),
        ("nonsense", "Unknown fault 'nonsense'. --list-faults"),
        ("Image_Missing", "Did you mean image-missing"),
        ("image-missing:when=3", "no option 'when', only of, at, count"),
        ("image-missing:delay=3", "no option 'delay', only of, at, count"),
        ("image-missing:at=soon", "at is 'soon'; write a whole number, 1 or more"),
        ("job-error:of=cpDark,at=0", "at is '0'; write a whole number, 1 or more"),
        ("image-missing:count=-1", "count is '-1'; write a whole number, 1 or more"),
        ("image-late:delay=nan", "delay is 'nan'; write a number of seconds, 0 or more"),
        ("image-late:delay=", "delay is ''; write a number of seconds, 0 or more"),
        ("dome-misaligned:of=ATMCS", "no option 'of', and no other"),
        ("component-fault:at=2", "no option 'at', only of"),
    ],
)
def test_mistakes_are_reported(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Faults([text])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_says_what_it_hits_and_is_read_back_from_its_text(fault: Fault) -> None:
    assert fault.target is not Target.ANYTHING
    assert parse_fault(fault.text) == fault
    assert bool(fault.delay) is ("delay" in fault.options)


ALL_TARGETS = targets(["LATISS", "LSSTComCam", "LSSTCam"])
NAMED = [fault for fault in FAULTS.values() if "of" in fault.options]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_can_act_somewhere_by_default(fault: Fault) -> None:
    Faults([fault.text]).check(ALL_TARGETS)


@given(fault=st.sampled_from(NAMED), data=st.data())
def test_a_name_that_cannot_be_hit_is_refused_with_the_nearest_one(fault: Fault, data: st.DataObject) -> None:
    known = ALL_TARGETS[fault.target]
    right = data.draw(st.sampled_from(sorted(known)))
    wrong = data.draw(
        st.one_of(
            st.just(right.swapcase()),
            st.integers(0, len(right) - 1).map(lambda index: right[:index] + right[index + 1 :]),
            st.sampled_from([name for names in ALL_TARGETS.values() for name in names]),
        ).filter(lambda name: name and name not in known)
    )
    Faults([f"{fault.name}:of={right}"]).check(ALL_TARGETS)
    with pytest.raises(ConfigurationError) as refused:
        Faults([f"{fault.name}:of={wrong}"]).check(ALL_TARGETS)
    assert f"unknown {fault.target.noun} {wrong!r}" in str(refused.value)
    if wrong == right.swapcase():
        assert right in str(refused.value)


@pytest.mark.parametrize(
    ("instrument", "text", "problem"),
    [
        ("LATISS", "image-missing:of=dark", "unknown image type 'dark' in this rehearsal. Did you mean DARK"),
        ("LATISS", "component-standby:of=ATCAMERA", "Did you mean ATCamera"),
        ("LATISS", "job-error:of=cpDrak", "unknown pipeline 'cpDrak' in this rehearsal. Did you mean cpDark"),
        (
            "LSSTComCam",
            "component-standby",
            "unknown component 'ATCamera' in this rehearsal. Did you mean CCCamera",
        ),
        (
            "LSSTComCam",
            "lamp-not-lit:count=5",
            "unknown component 'ATWhiteLight' in this rehearsal. Known are CCOODS",
        ),
        ("LATISS", "detector-missing:of=1", "unknown detector id '1' in this rehearsal. Known are 0."),
        (
            "LATISS",
            "conflict-before:of=fringe",
            "unknown dataset type 'fringe' in this rehearsal. Known are bias, dark",
        ),
    ],
)
def test_what_this_rehearsal_lacks_is_refused(instrument: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Faults([text]).check(targets([instrument]))


def test_detectors_are_those_that_are_read_out() -> None:
    Faults(["detector-missing:of=94"]).check(targets(["LSSTCam"]))
    with pytest.raises(ConfigurationError, match=r"Known are 0, 1\."):
        Faults(["detector-missing:of=94"]).check(targets(["LSSTCam"], [0, 1]))


async def test_the_components_are_those_of_the_summit() -> None:
    names = ["LATISS", "LSSTComCam", "LSSTCam"]
    butler = MemoryButler()
    async with Summit("/nowhere", names, ingest=MemoryIngest(butler), runner=MemoryRunner(butler)) as summit:
        assert set(ALL_TARGETS[Target.COMPONENT]) == set(summit.components)


def test_a_fault_is_idle_until_it_acts() -> None:
    faults = Faults(["image-missing:of=DARK", "job-error"])
    assert not faults.hits("image-missing", "DARK", 1)
    assert not faults.hits("image-late", "DARK", 2)
    assert [fault.name for fault in faults.idle] == ["image-missing", "job-error"]
    assert faults.hits("image-missing", "DARK", 2)
    assert [fault.name for fault in faults.idle] == ["job-error"]
