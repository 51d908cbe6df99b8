"""Exposures of two days in a repository, and `calibscripts produce` on it."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from astropy.time import Time, TimeDelta
from click.testing import CliRunner, Result
from lsst.daf.butler import Butler

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.ground.time_range import TimeRange
from lsst.ts.calibscripts.production import ExposureChoice, Names, Selection
from lsst.ts.calibscripts.repository.production_records import Association, Frame
from lsst.ts.calibscripts.summit.butler.repository import (
    make_reference_calibrations,
    make_repository,
    put_raw,
)
from lsst.ts.calibscripts.summit.hardware.focalplane import illumination_rate, physical_filter
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.ocps.pipetask import PIPELINES
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose

ENVIRONMENT = {"CP_PIPE_DIR": str(PIPELINES / "cp_pipe"), "CP_VERIFY_DIR": str(PIPELINES / "cp_verify")}

SCALE = 32
"""Frames of 125 x 16 pixels per amplifier are enough to see how things hang together."""

DAY, DAY_BEFORE = 20240326, 20240325
G, R, Y = "SDSSg_65mm", "SDSSr_65mm", "SDSSy_65mm"

NAMES = Names("LATISS", "DM-43525", "lowerSetTemp", "20240326a", "20240405a")

Set = tuple[str, Sequence[float], str]
"""Image type, exposure times (seconds) and filter."""

NIGHTS: dict[int, Sequence[Set]] = {
    DAY_BEFORE: [("BIAS", [0.0] * 2, R)],
    DAY: [
        ("BIAS", [0.0] * 12, R),
        ("DARK", [30.0] * 4, R),
        ("FLAT", [4.0] * 3, G),
        ("FLAT", [3.0] * 3 + [10.0, 10.0, 20.0, 20.0], R),
    ],
}


def ids(first: int, last: int, day: int = DAY) -> tuple[int, ...]:
    return tuple(day * 100_000 + number for number in range(first, last + 1))


def night(day: int, sets: Iterable[Set]) -> Iterator[Observation]:
    """Take exposures one after another; the first of each set is bad."""
    begin, number = Time(f"{day // 10000}-{day // 100 % 100}-{day % 100}T20:00:00", scale="tai"), 0
    for image_type, times, filter in sets:
        rate = illumination_rate(physical_filter("LATISS", filter)) if image_type == "FLAT" else 0.0
        for index, time in enumerate(times):
            number += 1
            common = day, number, image_type, time, time, begin, filter, "empty_1", rate
            yield Observation("LATISS", *common, reason="calibration", first_after_idle=index == 0)
            begin += TimeDelta(time + 3.0, format="sec")


def make_site(root: Path, registry: str | None = None) -> None:
    """Make a repository with the exposures of two days, and with reference calibrations."""
    model = SensorModel.for_detector("LATISS", 0, 0, SCALE)
    # So that the darks fail their verification.
    noisy = replace(model, read_noise=1.5 * model.read_noise)
    filters = [physical_filter("LATISS", filter) for filter in (G, R)]
    with Butler.from_config(make_repository(root, ["LATISS"], registry), writeable=True) as butler:
        make_reference_calibrations(butler, "LATISS", scale=SCALE, filters=filters)
        for day, sets in NIGHTS.items():
            for observation in night(day, sets):
                dark = observation.image_type == "DARK"
                put_raw(butler, expose(noisy if dark else model, observation))


def taken(one: Observation) -> TimeRange:
    begin = one.begin.tai.to_datetime()
    return TimeRange(begin, begin + timedelta(seconds=one.exposure_time))


def frames(day: int, sets: Iterable[Set], *, reason: str = "calibration") -> tuple[Frame, ...]:
    """Return the same exposures as the butler knows them."""
    return tuple(
        Frame(
            id=one.exposure_id,
            day_obs=day,
            seq_num=one.seq_num,
            image_type=one.image_type,
            reason=reason,
            exposure_time=one.exposure_time,
            physical_filter=one.physical_filter,
            band=one.filter[4],
            taken=taken(one),
        )
        for one in night(day, sets)
    )


def selection(*choices: ExposureChoice, repo: str = "repo", detectors: Sequence[int] = (0,)) -> Selection:
    return Selection(repo, NAMES, tuple(detectors), choices)


def association(
    dataset_type: str = "bias",
    dataset: str = "one",
    collection: str = "LATISS/calib/DM-43525/lowerSetTemp/bias.20240405a",
    begin: str | None = "2024-04-10T00:00:00.000",
    end: str | None = None,
    **data_id: str,
) -> Association:
    found = {"instrument": "LATISS", "detector": "0", **data_id}
    dates = (None if date is None else datetime.fromisoformat(date) for date in (begin, end))
    return Association(dataset_type, dataset, f"{collection}/run", collection, found, *dates)


def produce(*words: str | Path, environment: dict[str, str] | None = None) -> Result:
    """Run `calibscripts produce` in this process."""
    return CliRunner().invoke(
        main,
        ["produce", *map(str, words)],
        env=ENVIRONMENT if environment is None else environment,
        catch_exceptions=False,
    )


TICKET = "LATISS/calib/DM-43525"
BASE = f"{TICKET}/lowerSetTemp"
CERTIFIED = tuple(
    f"{BASE}/{name}.20240405a" for name in ("bias", "dark", "flat-g", "flat-r", "defects", "ptc")
)
BEGIN = ("--begin-date", "2024-03-20")

MANUAL = Path(__file__).parents[2] / "doc" / "production.rst"


def manual() -> Iterator[list[str]]:
    """Return the commands of the walk-through in the manual, as words."""
    for block in re.findall(r"^\.\. code-block:: sh\n\n((?: .*\n)+)", MANUAL.read_text(), re.MULTILINE):
        for command in block.replace("\\\n", " ").splitlines():
            _, group, *words = shlex.split(command)
            assert group == "produce"
            yield words


def select_words(repo: Path, output: Path) -> list[str | Path]:
    """Return the words of the manual's `select` for another repository and file."""
    words: list[str | Path] = [*next(manual())]
    words[1] = repo
    return [*words, "-o", output]


@dataclass(frozen=True)
class Walk:
    """The walk-through, in a directory of its own, and what its steps said."""

    work: Path  #: Directory with both repositories and the selection.
    said: dict[str, Result]  #: Step -> result.

    @property
    def first(self) -> Path:
        """Repository that calibrations are made in."""
        return self.work / "embargo"

    @property
    def second(self) -> Path:
        """Repository that they are brought to."""
        return self.work / "main"

    @property
    def selection(self) -> Path:
        return self.work / "selection.yaml"

    @property
    def reference(self) -> Path:
        return self.second / "butler.yaml"

    def step(self, words: Sequence[str]) -> Result:
        """Do a step of the manual, in the directory."""
        with contextlib.chdir(self.work):
            return produce(*words)
