"""What the tasks of the Science Pipelines read and write, for machines on which they cannot be imported.

One frozen record for each class of task, found by the last part of its name: those of today, and those of the
generation before September 2024. Where a class can be imported, it is asked itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["BASELINES", "TASKS", "Connection", "Setting", "Settings", "Task"]

Setting = bool | int | float | str | None
Settings = Mapping[str, Setting]
_When = Callable[[Settings], bool]


def _always(_: Settings) -> bool:
    return True


@dataclass(frozen=True)
class Connection:
    """A dataset that a task reads or writes."""

    name: str  #: Name of the connection; ``connections.<name>`` in a definition sets its dataset type.
    dataset_type: str  #: Dataset type where the definition sets none.
    when: _When = _always  #: Whether a task with these settings has it.
    #: Is there one for each detector, one for each physical filter?
    by_detector: bool = True
    by_filter: bool = False
    optional: bool = False  #: Does the task run without it?


@dataclass(frozen=True)
class Task:
    """What a class of tasks reads and writes."""

    #: Calibrations, also those that another task of the pipeline may write.
    reads: tuple[Connection, ...] = ()
    writes: tuple[Connection, ...] = ()  #: What other jobs read, or a run certifies.
    #: Values, by default, of the settings that decide what it reads.
    settings: Settings = field(default_factory=dict)
    #: What the configuration of an instrument changes in them; under an empty name of every instrument.
    of_instrument: Mapping[str, Settings] = field(default_factory=dict)


def _on(name: str) -> _When:
    return lambda settings: bool(settings.get(name))


def _gains_of_linearizer(settings: Settings) -> bool:
    return bool(settings["doApplyGains"]) and settings["useGainsFrom"] == "LINEARIZER"


def _is_coulton(settings: Settings) -> bool:
    return str(settings["brighterFatterCorrectionMethod"]).startswith("COULTON")


_CAMERA = Connection("camera", "camera", by_detector=False)
_PTC = Connection("inputPtc", "ptc")

_ISR = Task(
    reads=(
        _CAMERA,
        Connection("crosstalk", "crosstalk", _on("doCrosstalk")),
        Connection(
            "linearizer",
            "linearizer",
            lambda settings: bool(settings["doLinearize"]) or _gains_of_linearizer(settings),
        ),
        # The task reads them also where it does not apply gains.
        Connection(
            "ptc",
            "ptc",
            lambda settings: not settings["doBootstrap"] and not _gains_of_linearizer(settings),
        ),
        Connection("gainCorrection", "gain_correction", _on("doCorrectGains"), optional=True),
        Connection("dnlLUT", "dnlLUT", _on("doDiffNonLinearCorrection")),
        Connection("deferredChargeCalib", "cti", _on("doDeferredCharge")),
        Connection("bias", "bias", _on("doBias")),
        Connection("dark", "dark", _on("doDark")),
        Connection("defects", "defects", _on("doDefect")),
        Connection(
            "bfKernel",
            "bfk",
            lambda settings: bool(settings["doBrighterFatter"]) and _is_coulton(settings),
        ),
        Connection(
            "electroBfDistortionMatrix",
            "electroBfDistortionMatrix",
            lambda settings: bool(settings["doBrighterFatter"]) and not _is_coulton(settings),
        ),
        Connection("flat", "flat", _on("doFlat"), by_filter=True),
    ),
    writes=(Connection("outputExposure", "postISRCCD"),),
    settings={
        "doBootstrap": False,
        "doCorrectGains": True,
        "doDiffNonLinearCorrection": False,
        "useGainsFrom": "PTC",
        "brighterFatterCorrectionMethod": "COULTON18",
        **dict.fromkeys(
            (
                "doApplyGains",
                "doBias",
                "doBrighterFatter",
                "doCrosstalk",
                "doDark",
                "doDefect",
                "doDeferredCharge",
                "doFlat",
                "doLinearize",
            ),
            True,
        ),
    },
    of_instrument={
        "LATISS": {"doDeferredCharge": False, "doBrighterFatter": False},
        "LSSTCam": {"brighterFatterCorrectionMethod": "ASTIER23"},
    },
)
"""``IsrTaskLSST``."""

_OLD_ISR = Task(
    reads=(
        _CAMERA,
        # Without one it takes what the description of the camera has.
        Connection("crosstalk", "crosstalk", _on("doCrosstalk"), optional=True),
        Connection("linearizer", "linearizer", _on("doLinearize"), optional=True),
        Connection(
            "ptc", "ptc", lambda settings: bool(settings["usePtcGains"] or settings["usePtcReadNoise"])
        ),
        Connection("deferredChargeCalib", "cpCtiCalib", _on("doDeferredCharge")),
        Connection("bias", "bias", _on("doBias")),
        Connection("dark", "dark", _on("doDark")),
        Connection("defects", "defects", _on("doDefect")),
        Connection("newBFKernel", "bfk", _on("doBrighterFatter"), optional=True),
        Connection("flat", "flat", _on("doFlat"), by_filter=True),
    ),
    writes=(Connection("outputExposure", "postISRCCD"),),
    settings={
        **dict.fromkeys(("doBias", "doDark", "doDefect", "doFlat", "doLinearize"), True),
        **dict.fromkeys(
            ("doCrosstalk", "doBrighterFatter", "doDeferredCharge", "usePtcGains", "usePtcReadNoise"), False
        ),
    },
    of_instrument={
        "": {"doCrosstalk": True, "doBrighterFatter": True},
        "LATISS": {"doBrighterFatter": False, "doLinearize": False},
    },
)
"""``IsrTask``, which worked for all cameras."""


_PAIRS = Task(writes=(Connection("outputCovariance", "ptcCovariance"),))
_COMBINES = Task(writes=(Connection("outputData", ""),))
_NOTHING = Task()
"""A task that reads what others of its pipeline write, and writes nothing that a job of ours reads."""

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "IsrTaskLSST": _ISR,
        "IsrTask": _OLD_ISR,
        "CalibCombineTask": _COMBINES,
        "CalibCombineByFilterTask": _COMBINES,
        "CpFlatFitGradientsTask": Task(
            reads=(_CAMERA, Connection("input_defects", "defects")),
            writes=(
                Connection(
                    "output_reference_gradient",
                    "flat_gradient_reference",
                    _on("do_reference_gradient"),
                    by_detector=False,
                    by_filter=True,
                ),
            ),
            settings={"do_reference_gradient": False},
        ),
        "CpFlatApplyGradientsTask": Task(
            reads=(
                _CAMERA,
                Connection(
                    "reference_gradient", "flat_gradient_reference", by_detector=False, by_filter=True
                ),
            ),
            writes=(Connection("output_flat", "flat", by_filter=True),),
        ),
        "MeasureDefectsCombinedTask": Task(
            reads=(_CAMERA, Connection("inputExp", "dark")),
            writes=(Connection("outputDefects", "cpDefectsFromDark"),),
        ),
        "MeasureDefectsCombinedWithFilterTask": Task(
            reads=(_CAMERA, Connection("inputExp", "flat", by_filter=True)),
            writes=(Connection("outputDefects", "cpDefectsFromFlat"),),
        ),
        "MergeDefectsCombinedTask": Task(
            reads=(
                _CAMERA,
                Connection("inputManualDefects", "cpManualDefects", _on("doManualDefects")),
            ),
            writes=(Connection("mergedDefects", "defects"),),
            settings={"doManualDefects": False},
        ),
        "MergeDefectsTask": Task(reads=(_CAMERA,), writes=(Connection("mergedDefects", "defects"),)),
        "PhotonTransferCurveExtractPairTask": _PAIRS,
        "PhotonTransferCurveExtractTask": Task(writes=(Connection("outputCovariances", "ptcCovariances"),)),
        "PhotonTransferCurveSolveTask": Task(
            reads=(_CAMERA,), writes=(Connection("outputPtcDataset", "ptcDatsetProposal"),)
        ),
        "PhotonTransferCurveAdjustGainRatiosTask": Task(writes=(Connection("output_ptc", "ptc"),)),
        "LinearitySolveTask": Task(
            reads=(_CAMERA, Connection("inputPtc", "ptc", lambda settings: not settings["useLinearizerPtc"])),
            writes=(Connection("outputLinearizer", "linearity"),),
            settings={"useLinearizerPtc": False},
        ),
        "LinearityDoubleSplineSolveTask": Task(
            reads=(_CAMERA,), writes=(Connection("outputLinearizer", "linearity"),)
        ),
        "BrighterFatterKernelSolveTask": Task(
            reads=(_CAMERA, Connection("inputPtc", "ptc", lambda settings: not settings["useBfkPtc"])),
            writes=(Connection("outputBFK", "brighterFatterKernel"),),
            settings={"useBfkPtc": False},
        ),
        "CpCtiSolveTask": Task(
            reads=(_CAMERA, Connection("linearizer", "linearizer")),
            writes=(Connection("outputCalib", "cti"),),
        ),
        # cp_verify reads what it verifies, and writes statistics, which are known by their names.
        "CpVerifyPtcTask": Task(reads=(_CAMERA, Connection("inputCalib", "calib"))),
        "CpVerifyGainTask": Task(reads=(_CAMERA, Connection("inputCalib", "calib"))),
        "CpVerifyLinearityTask": Task(reads=(_CAMERA, Connection("inputCalib", "calib"))),
        "CpvLinearitySolveTask": Task(
            reads=(_CAMERA, _PTC), writes=(Connection("outputLinearizer", "cpvLinearity"),)
        ),
        **dict.fromkeys(
            (
                "CpVerifyBfkTask",
                "CpVerifyBiasTask",
                "CpVerifyCalibMergeTask",
                "CpVerifyDarkTask",
                "CpVerifyDefectsTask",
                "CpVerifyExpMergeByFilterTask",
                "CpVerifyExpMergeTask",
                "CpVerifyFlatExpMergeTask",
                "CpVerifyFlatTask",
                "CpVerifyRunMergeByFilterTask",
                "CpVerifyRunMergeTask",
                "CpVerifyVisitExpMergeTask",
                "CpVerifyVisitRunMergeTask",
                "CpFlatMeasureTask",
                "LinearityNormalizeTask",
            ),
            Task(reads=(_CAMERA,)),
        ),
        **dict.fromkeys(
            (
                "CharacterizeImageTask",
                "CpDarkTask",
                "CpFlatNormalizationTask",
                "MeasureDefectsTask",
                "PlotPhotonTransferCurveTask",
                "VerifyCalibAnalysisTask",
                "VerifyCalibDetectorTask",
                "VisualizeBinCalibFilterTask",
                "VisualizeBinCalibTask",
                "VisualizeBinExpTask",
                "VisualizeMosaicCalibFilterTask",
                "VisualizeMosaicCalibTask",
                "VisualizeMosaicExpTask",
            ),
            _NOTHING,
        ),
    }
)
"""Classes of tasks by the last part of their names."""

BASELINES: Mapping[str, Settings] = MappingProxyType(
    {
        "configureIsrTaskLSSTForCalibrations": {
            name: False for name, value in _ISR.settings.items() if isinstance(value, bool)
        }
    }
)
"""Functions that definitions call with a configuration, and the settings that these make."""
