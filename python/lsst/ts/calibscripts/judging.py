"""What a job's outputs mean, and how that is said. All of it blocks: it is called in the butler's thread.

For 189 detectors it takes a second, and the heartbeat must not wait for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import report
from .config import CalibrationsConfig
from .errors import RepositoryError, StatisticsError
from .plan import Action, Step, StepId
from .products import PRODUCTS
from .repository import Detector, Repository
from .results import Results
from .verification import Statistics, Verdict, judge, parse_statistics, without_statistics

__all__ = ["Judging"]


@dataclass(frozen=True)
class Judging:
    """Reads what the jobs of a run have written, judges it and puts it into words.

    Attributes
    ----------
    config : `CalibrationsConfig`
        Configuration.
    instrument : `str`
        Butler instrument name.
    detectors : mapping [`int`, `Detector`]
        Detectors asked for.
    known_detectors : `frozenset` [`str`]
        Names of all detectors of the instrument.
    repository : `Repository`
        The butler.
    results : `Results`
        What has been done so far.
    """

    config: CalibrationsConfig
    instrument: str
    detectors: Mapping[int, Detector]
    known_detectors: frozenset[str]
    repository: Repository
    results: Results

    def verdict(self, step: Step, run: str | None, exposures: Sequence[int]) -> tuple[Verdict, str]:
        """Judge a verification job.

        Returns
        -------
        verdict : `Verdict`
            The verdict; statistics that are missing or unreadable are a failed verification.
        text : `str`
            What is logged: one line where all is well, the documented report where a test failed.
        """
        verdict = self._judge(step, run, exposures)
        return verdict, self._words(step, verdict)

    def _judge(self, step: Step, run: str | None, exposures: Sequence[int]) -> Verdict:
        asked: dict[str, Any] = {
            "exposures": exposures,
            "detectors": [detector.name for detector in self.detectors.values()],
            "threshold": getattr(self.config, f"number_verification_tests_threshold_{step.product.option}"),
            "image_type": step.product.name,
        }
        if run is None:
            return without_statistics("the verification job left no RUN", **asked)
        try:
            statistics = self._statistics(step, run, exposures)
        except (RepositoryError, StatisticsError) as error:
            return without_statistics(str(error), **asked)
        strange = {failure.detector for failure in statistics.failures} - {None, *self.known_detectors}
        if strange and len(self.known_detectors) > 1:
            listed = ", ".join(sorted(map(str, strange)))
            return without_statistics(
                f"they name detectors {self.instrument} does not have: {listed}", **asked
            )
        if strange:
            # The only detector there is, by another of its names.
            asked["detectors"] = 1
        return judge(statistics, **asked)

    def _statistics(self, step: Step, run: str, exposures: Sequence[int]) -> Statistics:
        """Read and parse the statistics of a verification job."""
        types = step.product.statistics
        found = self.repository.statistics(run, types)
        if not found.run:
            raise StatisticsError(f"{run} holds no {types[0]}")
        if skipped := found.skipped(exposures, self.results.detectors[step.id]):
            raise StatisticsError(
                f"{run} does not hold statistics of all exposures for detectors {list(skipped)}"
            )
        merged = {key: value for level in found.run for key, value in level.items()}
        # One run level for each filter: all of them must have succeeded.
        merged["SUCCESS"] = all(level.get("SUCCESS") is True for level in found.run)
        return parse_statistics(
            merged,
            exposure_stats=found.exposures,
            detector_stats=found.detectors,
            detector_names={detector.id: detector.name for detector in self.detectors.values()},
        )

    def _words(self, step: Step, verdict: Verdict) -> str:
        generation = self.results.collection(StepId(Action.GENERATE, step.id.product))
        verification = self.results.collection(step.id) or ""
        headline = report.headline(verdict, generation is not None)
        if verdict.clean:
            return f"{headline} {report.verdict_line(verdict, generation is not None)}"
        text = report.failure_report(verdict, generation, verification)
        where = f"butler get {step.product.statistics[0]} in {verification}"
        return f"{headline}\n{report.for_log(text, where=where)}"

    def gains(self, step: Step, run: str) -> tuple[str, list[int]]:
        """Report the gains of a PTC or GAIN job, whichever dataset type the installed stack writes.

        Returns
        -------
        text : `str`
            The report; empty where there are no gains.
        lacking : `list` [`int`]
            Detectors of the step for which its own datasets hold no gain.
        """
        written = list(self.repository.gains(run, step.product.dataset_types))
        lacking = sorted({*self.results.detectors[step.id]} - {gain.detector for gain in written})
        if step.id.product == "PTC":
            written = [*self.repository.gains(run, PRODUCTS["GAIN"].dataset_types), *written]
        gains = [
            report.PairGains(
                exposures=gain.exposures,
                detector=self.detectors[gain.detector].name,
                gain=gain.gain,
                noise=gain.noise,
                noise_unit=gain.noise_unit,
            )
            for gain in written
            if gain.detector in self.results.detectors[step.id]
        ]
        return report.for_log(report.gain_report(gains), where=run) if gains else "", lacking
