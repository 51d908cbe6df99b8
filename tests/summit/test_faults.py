"""The table of faults and how they are switched on."""

from __future__ import annotations

import pytest

from lsst.ts.calibscripts.errors import ConfigurationError
from lsst.ts.calibscripts.summit.faults import FAULTS, Faults, parse_fault


def test_names_are_what_faults_are_found_by() -> None:
    assert all(name == fault.name for name, fault in FAULTS.items())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_strikes_as_the_table_has_it(fault) -> None:  # type: ignore[no-untyped-def]
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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("image-mising", "Did you mean image-missing"),
        ("nonsense", "There is no fault 'nonsense'. --list-faults"),
        ("image-missing:when=3", "no parameter 'when', only of, at, count, delay"),
        ("image-missing:at=soon", "at is 'soon'; write a number"),
    ],
)
def test_mistakes_are_told(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Faults([text])
