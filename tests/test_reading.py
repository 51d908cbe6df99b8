"""What pipelines read and write: asked of their tasks, or found in their definitions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lsst.ts.calibscripts.ocps.pipelines import locate
from lsst.ts.calibscripts.ocps.reading import Read, Reading, Source
from lsst.ts.calibscripts.ocps.task_options import TaskOptions, with_reading
from lsst.ts.calibscripts.tables.products import Pipeline

PIPELINES = Path(__file__).parents[1] / "python/lsst/ts/calibscripts/summit/pipelines"

BASELINE = """
        from lsst.cp.pipe import configureIsrTaskLSSTForCalibrations

        configureIsrTaskLSSTForCalibrations(config)
"""

TODAY = f"""
description: today's kind
tasks:
  cpDarkIsr:
    class: lsst.ip.isr.IsrTaskLSST
    config:
      connections.outputExposure: "cpDarkIsrExp"
      python: |{BASELINE}
        config.doCrosstalk = True
        config.crosstalk.doQuadraticCrosstalkCorrection = True
        config.doApplyGains = True
        config.doLinearize = True
        config.doBias = True
        config.doDefect = True
  cpDarkCombine:
    class: lsst.cp.pipe.CalibCombineTask
    config:
      connections.outputData: "dark"
      python: config.mask.append("CR")
  cpDarkBin8:
    class: lsst.pipe.tasks.visualizeVisit.VisualizeBinCalibTask
    config:
      connections.outputExp: "darkBin8"
"""

LEGACY = """
description: the kind before September 2024
parameters:
  images: cpDarkIsrExp
tasks:
  cpDarkIsr:
    class: lsst.ip.isr.IsrTask
    config:
      connections.outputExposure: parameters.images
      doDark: false
      doFlat: false
      doDefect: false
  cpDarkCombine:
    class: lsst.cp.pipe.cpCombine.CalibCombineTask
    config:
      connections.outputData: "dark"
"""

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that installs a definition for all three instruments."""
    monkeypatch.setenv("CP_PIPE_DIR", str(tmp_path))

    def install(text: str) -> None:
        for instrument in ("LATISS", "LSSTComCam", "LSSTCam"):
            path = tmp_path / "pipelines" / instrument / "x.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return install


def reading(instrument: str = "LATISS", *options: str, subset: str = "") -> Reading:
    pipeline = Pipeline("CP_PIPE_DIR", ("x.yaml",), (subset,) if subset else ())
    words = tuple(word for option in options for word in ("-c", option))
    found = with_reading(locate(pipeline, instrument), TaskOptions(words), instrument).reading
    assert found is not None
    return found


def calibrations(found: Reading) -> dict[str, bool]:
    """Return what is read, but for the camera, and whether it is optional."""
    return {read.dataset_type: read.optional for read in found.reads if read.dataset_type != "camera"}


def test_today_s_generation(write: Write) -> None:
    write(TODAY)
    found = reading()
    assert calibrations(found) == dict.fromkeys(("bias", "crosstalk", "defects", "linearizer", "ptc"), False)
    assert found.read("camera") == Read("camera", by_detector=False)
    assert found.writes == ("cpDarkIsrExp", "dark", "darkBin8")
    assert (found.source, found.unknown) == (Source.DEFINITION, ())


@pytest.mark.parametrize(
    ("instrument", "optional"),
    [("LATISS", {"crosstalk"}), ("LSSTComCam", {"bfk", "crosstalk", "linearizer"})],
)
def test_the_generation_before_it(write: Write, instrument: str, optional: set[str]) -> None:
    write(LEGACY)
    found = reading(instrument)
    assert calibrations(found) == {"bias": False, **dict.fromkeys(optional, True)}
    assert found.writes == ("cpDarkIsrExp", "dark")


@pytest.mark.parametrize(
    ("instrument", "kernel"),
    [("LATISS", None), ("LSSTComCam", "bfk"), ("LSSTCam", "electroBfDistortionMatrix")],
)
def test_the_configuration_of_an_instrument_counts(write: Write, instrument: str, kernel: str | None) -> None:
    write("description: x\ntasks:\n  anyIsr: lsst.ip.isr.IsrTaskLSST\n")
    found = calibrations(reading(instrument))
    assert {"bfk", "electroBfDistortionMatrix"} & found.keys() == ({kernel} if kernel else set())
    assert ("cti" in found) == (instrument != "LATISS")
    assert found["gain_correction"]


@pytest.mark.parametrize(
    ("statements", "read"),
    [
        ("config.doBias = True", {"bias", "ptc"}),
        ("doBias = True", {"ptc"}),
        ("config.doBootstrap = True", set()),
        ('config.doApplyGains = True\n        config.useGainsFrom = "LINEARIZER"', {"linearizer"}),
    ],
)
def test_python_in_a_definition_is_understood_but_not_run(
    write: Write, statements: str, read: set[str]
) -> None:
    write(
        "description: x\ntasks:\n  anyIsr:\n    class: lsst.ip.isr.IsrTaskLSST\n    config:\n"
        f"      python: |{BASELINE}        {statements}\n"
    )
    assert calibrations(reading()).keys() == read


@pytest.mark.parametrize(
    "config",
    [
        "python: config.doBias = some.where",
        "python: 'for name in (\"doBias\",): setattr(config, name, False)'",
        "python: surprise(config)",
        "python: 'if x: config.doDark = False'",
        "python: 'config =='",
        "file: $SOME_DIR/config.py",
    ],
)
def test_what_cannot_be_understood_is_unknown(write: Write, config: str) -> None:
    write(
        f"description: x\ntasks:\n  anyIsr:\n    class: lsst.ip.isr.IsrTaskLSST\n    config:\n      {config}\n"
    )
    assert reading().unknown == ("anyIsr",)


def test_of_an_unknown_task_the_connections_are_known_that_are_named(write: Write) -> None:
    write(
        "description: x\ntasks:\n  find:\n    class: a.New\n    config:\n      connections.input: darkBootstrap\n"
        "      connections.outputDefects: defects\n      connections.other: something\n"
    )
    found = reading()
    assert calibrations(found) == {"darkBootstrap": False}
    assert (found.writes, found.unknown) == (("defects",), ("find",))


def test_a_step_reads_only_what_its_own_tasks_do_not_write(write: Write) -> None:
    write(
        "description: x\ntasks:\n  solve:\n    class: lsst.cp.pipe.ptc.PhotonTransferCurveSolveTask\n    config:\n"
        "      connections.outputPtcDataset: ptc\n"
        "  kernel:\n    class: lsst.cp.pipe.BrighterFatterKernelSolveTask\n"
        "subsets:\n  only:\n    subset: [kernel]\n    description: y\n"
    )
    assert "ptc" not in calibrations(reading())
    assert "ptc" in calibrations(reading(subset="only"))


def test_options_change_what_is_read(write: Write) -> None:
    write(TODAY)
    assert "defects" not in calibrations(reading("LATISS", "cpDarkIsr:doDefect=False"))
    assert "other" in calibrations(reading("LATISS", "cpDarkIsr:connections.bias=other"))


def test_tasks_that_can_be_imported_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))
    pipeline = Pipeline("CP_PIPE_DIR", ("cpDark.yaml",))
    found = with_reading(locate(pipeline, "LATISS"), TaskOptions(()), "LATISS").reading
    assert found is not None
    assert found.source is Source.GRAPH
    assert "bias" in calibrations(found)
    assert "dark" in found.writes


def test_what_cannot_be_read_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CP_PIPE_DIR", raising=False)
    found = locate(Pipeline("CP_PIPE_DIR", ("x.yaml",)), "LATISS")
    assert with_reading(found, TaskOptions(()), "LATISS").reading is None
