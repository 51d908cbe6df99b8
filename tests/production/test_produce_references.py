"""What the jobs of a production need from elsewhere is looked for before the first of them."""

from __future__ import annotations

import pytest
from production_support import ids, selection

from lsst.ts.calibscripts.ocps.pipelines import Installed
from lsst.ts.calibscripts.ocps.reading import Read, Reading, Source
from lsst.ts.calibscripts.production import ExposureChoice
from lsst.ts.calibscripts.production.commands import job
from lsst.ts.calibscripts.production.steps.references import missing_references
from lsst.ts.calibscripts.testing.memory import MemoryButler, MemoryRepository, reference_calibrations

BIAS, DARK = ExposureChoice("bias", ids(2, 6)), ExposureChoice("dark", ids(8, 11))
DEFECTS = ExposureChoice("defects", ids(8, 14))


def missing(butler: MemoryButler, reading: Reading | None, *choices: ExposureChoice) -> list[str]:
    wanted = selection(*choices)
    pipeline = Installed("${CP_PIPE_DIR}/pipelines/LATISS/cpX.yaml", reading=reading)
    jobs = {choice: job(wanted, choice, pipeline, verifying=False) for choice in choices}
    return [*missing_references(MemoryRepository(butler), wanted, jobs, verifying=False)]


def reads(*names: str, by_visit: bool = False) -> Reading:
    return Reading(tuple(map(Read, names)), ("x",), Source.GRAPH, by_visit=by_visit)


def test_what_nobody_has_is_named_once_with_those_that_need_it() -> None:
    butler = MemoryButler()
    reference_calibrations(butler, "LATISS", (0,), ("flat",), electronics=("crosstalk",))
    assert missing(butler, reads("crosstalk", "linearizer"), BIAS, DARK) == [
        "bias and dark need linearizer, but the selection makes none, and LATISS/calib has none for detector 0 that "
        "is valid for these exposures."
    ]


def test_what_the_selection_makes_and_what_is_optional_is_not_missing() -> None:
    butler = MemoryButler()
    reading = Reading((Read("bias"), Read("gain_correction", optional=True)), ("dark",), Source.GRAPH)
    assert missing(butler, reading, BIAS, DARK)[0].startswith("bias needs bias, but")
    assert len(missing(butler, reading, BIAS, DARK)) == 1
    assert missing(butler, None, BIAS, DARK) == []


@pytest.mark.parametrize("visits", [True, False, None])
def test_exposures_without_visits_are_named_where_a_pipeline_works_on_them(visits: bool | None) -> None:
    found = missing(MemoryButler(visits=visits), reads(by_visit=True), DEFECTS)
    assert len(found) == (visits is False)
    assert all(
        "cpX.yaml works on visits, but not all of these exposures have one: " in text for text in found
    )
