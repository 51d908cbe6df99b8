"""What a run is to do, in one record: the script, `check` and `check-block` make it by the same function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ..config import CalibrationsConfig, warnings
from ..ocps.requests import NO_PIPELINES, StepPipelines, install, products_read
from ..plan import READ_OUT_SECONDS, SHUTTER_SECONDS, Action, Plan, Step, build, follow, plan_warnings
from ..repository import Certification
from ..tables.bootstraps import BOOTSTRAPS
from ..tables.instruments import physical_filter
from ..tables.products import PRODUCTS

__all__ = ["CameraFacts", "RunSpec", "prepare"]


@dataclass(frozen=True)
class CameraFacts:
    """What the plan of a run depends on, of a camera."""

    instrument: str  #: Butler instrument name.
    detectors: tuple[int, ...]  #: Detectors that are processed where the configuration names none.
    #: Seconds.
    read_out_time: float = READ_OUT_SECONDS
    shutter_time: float = SHUTTER_SECONDS


@dataclass(frozen=True)
class RunSpec:
    """What a run is to do."""

    config: CalibrationsConfig  #: Checked configuration.
    plan: Plan  #: Exposures and steps.
    instrument: str  #: Butler instrument name.
    detectors: tuple[int, ...]  #: Detectors asked for.
    #: Physical filter of the flats, None where it is unknown before they are taken.
    physical_filter: str | None = None
    #: Pipelines and options of the jobs; none before they are looked up.
    pipelines: StepPipelines = NO_PIPELINES
    warnings: tuple[str, ...] = ()  #: What may not be meant, or will not come out as hoped.
    given: Mapping[str, Any] = field(default_factory=dict)  #: Configuration as the user wrote it.

    @property
    def certifications(self) -> tuple[Certification, ...]:
        """What would be certified, in this order; flats without a filter where that is unknown."""
        return tuple(
            self.certification(step.id.product, self.detectors, self.physical_filter)
            for step in self.plan.steps
            if step.id.action is Action.CERTIFY
        )

    def certification(
        self,
        product: str,
        detectors: tuple[int, ...],
        physical_filter: str | None,
        datasets: tuple[str, ...] = (),
    ) -> Certification:
        """Return what certifying a product means.

        Parameters
        ----------
        physical_filter : `str` or `None`
            Filter of the flats; ignored for a product that has no filter.
        datasets : `tuple` [`str`, ...], optional
            Identifiers of what the job wrote, where it has written something.
        """
        record = PRODUCTS[product]
        return Certification(
            product=product,
            instrument=self.instrument,
            dataset_type=record.dataset_type,
            collection=self.config.calib_collection,
            validity=self.config.validity,
            detectors=detectors,
            physical_filter=physical_filter if record.by_filter else None,
            datasets=datasets,
        )

    def with_pipelines(self, pipeline_instrument: str) -> RunSpec:
        """Look up the pipelines of all jobs and check the options for them. Blocks.

        Parameters
        ----------
        pipeline_instrument : `str`
            Name of the instrument's directory among the pipelines.

        Returns
        -------
        `RunSpec`
            The same, with pipelines, and steps in the order that these ask for.

        Raises
        ------
        ConfigurationError
            If a pipeline is missing, or an option names a task it does not have; the text names all of them.
        """
        found = install(self.config, self.plan, pipeline_instrument)
        return replace(self._following(found), warnings=(*self.warnings, *found.warnings))

    def _following(self, pipelines: StepPipelines) -> RunSpec:
        reads, steps = products_read(pipelines), pipelines.installed
        plan = follow(self.plan, self.config, reads, len(self.detectors), steps)
        return replace(self, plan=plan, pipelines=pipelines)

    @property
    def bootstraps(self) -> tuple[Step, ...]:
        """Steps that make what is only made to make other calibrations."""
        return tuple(step for step in self.plan.steps if step.id.product in BOOTSTRAPS)

    def without_bootstraps(self) -> RunSpec:
        """Return the same where the inputs have all the bootstraps, so that none is made."""
        kept = {
            step: found for step, found in self.pipelines.installed.items() if step.product not in BOOTSTRAPS
        }
        return self._following(replace(self.pipelines, installed=kept)) if self.bootstraps else self


def prepare(
    config: CalibrationsConfig,
    camera: CameraFacts,
    given: Mapping[str, Any] = MappingProxyType({}),
    now: datetime | None = None,
) -> RunSpec:
    """Make of a configuration what a run is to do; its pipelines are looked up by `RunSpec.with_pipelines`.

    Parameters
    ----------
    given : mapping, optional
        Properties that the user has set.
    now : `datetime.datetime`, optional
        When the images will be taken, UTC; by default now.

    Returns
    -------
    `RunSpec`
        Without pipelines.
    """
    detectors = tuple(config.detectors or camera.detectors)
    plan = build(
        config,
        n_detectors=len(detectors),
        read_out_time=camera.read_out_time,
        shutter_time=camera.shutter_time,
        given=given,
    )
    return RunSpec(
        config,
        plan,
        camera.instrument,
        detectors,
        _configured_filter(config),
        warnings=(
            *warnings(config, now or datetime.now(UTC)),
            *plan_warnings(config, plan, len(detectors)),
        ),
        given=given,
    )


def _configured_filter(config: CalibrationsConfig) -> str | None:
    """Return the physical filter that a configuration names, None where it does not name all of it."""
    path = config.light_path
    names = [name for name in path.values() if isinstance(name, str)]
    return physical_filter(*names) if names and len(names) == len(path) else None
