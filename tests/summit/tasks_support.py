"""Frames of the sensor model in a repository, and jobs of the real pipetask in this process, warmed for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.time import Time, TimeDelta
from click.testing import CliRunner
from lsst.ctrl.mpexec.cli.pipetask import cli
from lsst.daf.butler import Butler

from lsst.ts.calibscripts.summit.butler.repository import (
    make_reference_calibrations,
    make_repository,
    put_raw,
)
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.ocps import warm as warm
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose

PIPELINES = Path(__file__).parents[2] / "python/lsst/ts/calibscripts/summit/pipelines"
ENVIRONMENT = {"CP_PIPE_DIR": str(PIPELINES / "cp_pipe"), "CP_VERIFY_DIR": str(PIPELINES / "cp_verify")}

ELECTRONICS = ("crosstalk", "linearizer", "ptc", "cti", "bfk", "defects")
"""Calibrations that ISR needs of a detector before any image is combined."""

BEGIN = Time("2026-09-18T20:00:00", scale="tai")


def observe(
    seq_num: int, image_type: str = "BIAS", time: float = 0.0, rate: float = 0.0, instrument: str = "LATISS"
) -> Observation:
    """Make an exposure of so many s; rate is the light in ADU/s."""
    return Observation(
        instrument=instrument,
        day_obs=20260918,
        seq_num=seq_num,
        image_type=image_type,
        exposure_time=time,
        dark_time=time,
        begin=BEGIN + TimeDelta(60.0 * seq_num, format="sec"),
        filter="SDSSr_65mm" if instrument == "LATISS" else "r_03",
        grating="empty_1" if instrument == "LATISS" else "",
        rate=rate,
    )


@dataclass
class Summit:
    """A repository that exposures are taken into, with the detectors of one camera."""

    root: str
    models: tuple[SensorModel, ...]
    seq_num: int = 0

    @classmethod
    def make(
        cls,
        root: Path,
        *models: SensorModel,
        products: Sequence[str] | None = ELECTRONICS,
        filters: Sequence[str] | None = None,
    ) -> Summit:
        """Make the repository, with reference calibrations of these products behind ``<INSTRUMENT>/calib``."""
        first = models[0]
        summit = cls(make_repository(root, [first.instrument]), models)
        with Butler.from_config(summit.root, writeable=True) as butler:
            make_reference_calibrations(
                butler,
                first.instrument,
                products=products,
                filters=filters,
                detectors=[model.detector.id for model in models],
                seed=first.seed,
                scale=first.scale,
            )
        return summit

    @property
    def instrument(self) -> str:
        return self.models[0].instrument

    def take(self, image_type: str, times: Sequence[float], rate: float = 0.0) -> list[int]:
        """Take exposures and return their ids."""
        ids = []
        with Butler.from_config(self.root, writeable=True) as butler:
            for time in times:
                self.seq_num += 1
                observation = observe(self.seq_num, image_type, time, rate, self.instrument)
                for model in self.models:
                    put_raw(butler, expose(model, observation))
                ids.append(observation.exposure_id)
        return ids

    def job(
        self,
        pipeline: str,
        exposures: Sequence[int],
        *inputs: str,
        options: Sequence[str] = (),
        name: str = "test",
    ) -> str:
        """Run a pipeline, or a subset of one, and return the RUN of its outputs."""
        product = "CP_VERIFY" if pipeline.startswith("verify") else "CP_PIPE"
        file, hash_sign, subset = pipeline.partition("#")
        run = f"u/{name}/{pipeline.replace('#', '_')}_{exposures[0]}_{len(exposures)}/run"
        detectors = ",".join(str(model.detector.id) for model in self.models)
        query = (
            f"instrument='{self.instrument}' AND detector IN ({detectors}) "
            f"AND exposure IN ({','.join(map(str, exposures))})"
        )
        path = f"${product}_DIR/pipelines/{self.instrument}/{file}.yaml{hash_sign}{subset}"
        arguments = [
            "run",
            "-b",
            self.root,
            "-p",
            path,
            "-i",
            ",".join(dict.fromkeys([*inputs, f"{self.instrument}/calib", f"{self.instrument}/raw/all"])),
        ]
        arguments += ["-o", run.removesuffix("/run"), "--output-run", run, "-d", query, "-j", "1"]
        result = CliRunner().invoke(cli, [*arguments, "--register-dataset-types", *options], env=ENVIRONMENT)
        if result.exit_code:
            raise RuntimeError(f"{path} ended with {result.exit_code}: {result.output}") from result.exception
        return run

    def get(self, name: str, run: str, **data_id: int | str) -> Any:
        """Get a dataset that a job wrote."""
        with Butler.from_config(self.root) as butler:
            return butler.get(name, instrument=self.instrument, collections=run, **data_id)


def failed_tests(statistics: Mapping[Any, Any]) -> dict[int, list[str]]:
    """What failed in the statistics of a run, by exposure."""
    return {
        exposure: result.get("FAILURES", [])
        for exposure, result in statistics.items()
        if isinstance(exposure, int)
    }


def passed(exposures: Sequence[int]) -> dict[int | str, Any]:
    """Make the statistics of a run in which nothing failed."""
    return {exposure: {"SUCCESS": True} for exposure in exposures} | {"SUCCESS": True}
