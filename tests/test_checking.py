"""What can be said of a configuration before it is queued."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, Timespan

from lsst.ts.calibscripts import get_scripts_dir
from lsst.ts.calibscripts.check import Checked, check_text, check_values, look_up_pipelines
from lsst.ts.calibscripts.check.data import as_data
from lsst.ts.calibscripts.check.lookup import Answers, ask_repository
from lsst.ts.calibscripts.check.words import images, report
from lsst.ts.calibscripts.config.scripts import SCRIPTS, find_record
from lsst.ts.calibscripts.plan import duration
from lsst.ts.calibscripts.summit.butler.rehearsal import frame_scale, make_rehearsal_repository
from lsst.ts.calibscripts.summit.butler.repository import put_raw
from lsst.ts.calibscripts.summit.hardware.observation import Observation
from lsst.ts.calibscripts.summit.sensor import SensorModel, expose

PIPELINES = Path(__file__).parents[1] / "python/lsst/ts/calibscripts/summit/pipelines"
LATISS = SCRIPTS["auxtel/make_latiss_calibrations.py"]
COMCAM = SCRIPTS["maintel/make_comcam_calibrations.py"]
FILTERS = {"filter": "SDSSr_65mm", "grating": "empty_1"}
FLAT = "SDSSr_65mm~empty"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CP_PIPE_DIR", str(PIPELINES / "cp_pipe"))
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES / "cp_verify"))


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a repository with reference calibrations, and a bias in the collection of the day."""
    root = tmp_path_factory.mktemp("full") / "repo"
    repo = make_rehearsal_repository(root, seed=1, filters=[FLAT])
    with Butler.from_config(repo, writeable=True) as butler:
        refs = butler.query_datasets("bias", "LATISS/calib", find_first=False)
        butler.collections.register("LATISS/calib/daily", CollectionType.CALIBRATION)
        butler.registry.certify("LATISS/calib/daily", refs, Timespan(None, None))
    return repo


@pytest.fixture(scope="module")
def bare_repo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a repository without any calibration."""
    return make_rehearsal_repository(tmp_path_factory.mktemp("bare") / "repo", detectors=[], filters=[])


@pytest.fixture(scope="module")
def repo_with_flats(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a repository with reference calibrations, and two flats that exist already."""
    repo = make_rehearsal_repository(tmp_path_factory.mktemp("flats") / "repo", seed=1, filters=[FLAT])
    model = SensorModel.for_detector("LATISS", 0, 1, frame_scale("LATISS"))
    with Butler.from_config(repo, writeable=True) as butler:
        for number in (1, 2):
            begin = Time(f"2026-09-18T20:0{number}:00", scale="tai")
            in_beam = "SDSSr_65mm", "empty_1", 1000.0
            flat = Observation("LATISS", 20260918, number, "FLAT", 2.0, 2.0, begin, *in_beam)
            put_raw(butler, expose(model, flat))
    return repo


def ask(repo: str, **values: Any) -> tuple[Checked, Answers]:
    checked, answers = ask_repository(look_up_pipelines(check_values(LATISS, values), insist=False), repo)
    assert answers is not None
    return checked, answers


def test_every_executable_has_its_record() -> None:
    home = get_scripts_dir()
    assert set(SCRIPTS) == {str(path.relative_to(home)) for path in home.glob("*/*.py")}
    for record in SCRIPTS.values():
        assert (record.model.script, record.model.instrument) == (record.name, record.instrument)


def test_a_script_that_is_not_there_is_reported_with_those_that_are() -> None:
    with pytest.raises(
        LookupError, match=r"no script maintel/make_latiss_calibrations\.py; did you mean auxtel"
    ):
        find_record("maintel/make_latiss_calibrations.py")
    with pytest.raises(LookupError, match=r"no script sleep\.py; it has auxtel/make_latiss"):
        find_record("sleep.py")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "n_bias: 3\nn_bias: 4\nexp_times_flats: 3\n",
            (
                "lines 1 and 2: n_bias is set twice; YAML silently keeps the last: keep one",
                "line 3: exp_times_flats: unknown property; did you mean exp_times_flat?",
            ),
        ),
        ("a: [1, 2\nb: 3\n", ("line 2, column 2: not YAML: expected ',' or ']', but got ':'",)),
        (
            "script_mode: BIAS_DARK\nn_bias=3\ndo_ptc: True\n",
            (
                "line 2: write `n_bias: 3` instead of `n_bias=3`",
                "line 3: do_ptc: needs script_mode BIAS_DARK_FLAT, not BIAS_DARK",
            ),
        ),
    ],
)
def test_everything_wrong_is_reported_with_its_line(text: str, problems: tuple[str, ...]) -> None:
    checked = check_text(LATISS, text)
    assert checked.problems == problems
    assert checked.spec is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (42.4, "42 s"),
        (59.7, "1 min"),
        (581, "9 min 41 s"),
        (3600, "1 h 0 min"),
        (3899, "1 h 4 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"script_mode": "BIAS", "n_bias": 1, "n_discard_bias": 0}, ["1 bias"]),
        (
            {"script_mode": "BIAS_DARK"},
            ["21 biases (first 1 discarded)", "23 darks (first 1 discarded): 5 x 5 s, 2 x 15 s, 16 x 30 s"],
        ),
        (
            {"script_mode": "FLAT", "exp_times_flat": [1, 1, 0.5], "n_discard_flat": 0},
            ["3 flats: 2 x 1 s, 1 x 0.5 s"],
        ),
        (
            {"script_mode": "BIAS", "exposures": {"BIAS": [2026091800001, 2026091800002]}},
            ["2 biases, which were taken before"],
        ),
    ],
)
def test_images_in_words(values: dict[str, Any], words: list[str]) -> None:
    spec = check_values(LATISS, values).spec
    assert spec is not None
    assert [images(exposures) for exposures in spec.plan.sets] == words


@pytest.mark.parametrize(
    ("script", "values", "physical_filter"),
    [
        ("auxtel/make_latiss_calibrations.py", FILTERS, FLAT),
        (
            "auxtel/make_latiss_calibrations.py",
            {"filter": "empty_1", "grating": "SDSSy_65mm"},
            "empty~SDSSy_65mm",
        ),
        ("auxtel/make_latiss_calibrations.py", {"filter": "SDSSr_65mm"}, None),
        ("auxtel/make_latiss_calibrations.py", {"filter": 2, "grating": "empty_1"}, None),
        ("maintel/make_comcam_calibrations.py", {"filter": "r_03"}, "r_03"),
        ("maintel/make_comcam_calibrations.py", {}, None),
    ],
)
def test_physical_filter(script: str, values: dict[str, Any], physical_filter: str | None) -> None:
    spec = check_values(SCRIPTS[script], values).spec
    assert spec is not None
    assert spec.physical_filter == physical_filter


def test_the_plan_in_words() -> None:
    text = """\
script_mode: BIAS_DARK
n_dark: 4
exp_times_dark: 2
generate_calibrations: True
config_options_bias: -c cpBiasIsr:doDefect=False
calib_collection: u/me/night
certify_calib_begin_date: "2026-09-18"
certify_calib_end_date: "2026-09-19"
"""
    night = datetime(2026, 9, 18, 22, tzinfo=UTC)
    checked = look_up_pipelines(check_text(LATISS, text, night), insist=False)
    assert (
        report(checked)
        == """\
auxtel/make_latiss_calibrations.py on LATISS, detector 0, repository /repo/LATISS

Images, camera time 1 min 2 s
  21 biases (first 1 discarded)
  5 darks (first 1 discarded): 5 x 2 s

Processing
  GENERATE BIAS: ${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml on 20 biases, when the biases are in the OODS;
      inputs: u/me/night (where it exists), LATISS/calib; options: -c cpBiasIsr:doDefect=False
  VERIFY BIAS: ${CP_VERIFY_DIR}/pipelines/LATISS/verifyBias.yaml on 20 biases, after GENERATE BIAS and when
      the biases are in the OODS; inputs: RUN of GENERATE BIAS, u/me/night (where it exists), LATISS/calib
  GENERATE DARK: ${CP_PIPE_DIR}/pipelines/LATISS/cpDark.yaml on 4 darks, after GENERATE BIAS and when the
      darks are in the OODS; inputs: RUN of GENERATE BIAS, u/me/night (where it exists), LATISS/calib
  VERIFY DARK: ${CP_VERIFY_DIR}/pipelines/LATISS/verifyDark.yaml on 4 darks, after GENERATE DARK and when the
      darks are in the OODS; inputs: RUN of GENERATE DARK, RUN of GENERATE BIAS, u/me/night (where it exists),
      LATISS/calib

Certified
  bias into u/me/night for [2026-09-18, 2026-09-19) TAI, after GENERATE BIAS, VERIFY BIAS
  dark into u/me/night for [2026-09-18, 2026-09-19) TAI, after GENERATE DARK, VERIFY DARK, CERTIFY BIAS

Estimated duration: 2 min 26 s

Warnings
  Few images: n_dark is 4. DMTN-222 recommends 20 of each type.

OK: 0 problems, 1 warning"""
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"script_mode": "BIAS"}, ["nothing", "VERIFY BIAS"]),
        ({"script_mode": "BIAS", "do_verify": False}, ["none: the images are only taken", "nothing"]),
        (
            {"do_ptc": True, "do_defects": True, "exp_times_flat": [1, 1, 2, 2, 4, 4]},
            ["it is not verified itself", "defects into", "ptc into"],
        ),
        (
            {"generate_calibrations": True},
            [
                "flat in the filter it has into",
                "filter as it is, grating as it is",
                "where a type can be certified",
            ],
        ),
        (
            {"generate_calibrations": True, **FILTERS},
            [f"flat in {FLAT} into", "filter SDSSr_65mm, grating empty_1"],
        ),
        ({"exp_times_flat": [1, 2, 3]}, ["unpaired: 1 (1 s), 2 (2 s), 3 (3 s)"]),
    ],
)
def test_what_the_words_hold(values: dict[str, Any], words: list[str]) -> None:
    text = " ".join(report(look_up_pipelines(check_values(LATISS, values), insist=False)).split())
    assert [word for word in words if word not in text] == []


def test_detectors_in_words() -> None:
    for asked, words in (([], "detectors 0..8,"), ([1, 3], "detectors 1, 3,"), ([4], "detector 4,")):
        assert f"on LSSTComCam, {words}" in report(check_values(COMCAM, {"detectors": asked}))


def test_a_wrong_configuration_has_no_plan() -> None:
    checked = check_values(LATISS, {"n_bias": "x", "calibration_collection": "y"})
    assert look_up_pipelines(checked, insist=True) == checked
    assert ask_repository(checked, "/does/not/exist") == (checked, None)
    assert report(checked) == (
        "Problems\n"
        '  n_bias: must be a whole number of at least 1 or null, not "x"\n'
        "  calibration_collection: unknown property; did you mean calib_collection?\n"
        "\nREFUSED: 2 problems, 0 warnings"
    )
    assert as_data(checked)["plan"] is None


def test_labels_are_looked_up_where_they_can_be(packages: None) -> None:
    values = {"generate_calibrations": True, "config_options_bias": "-c isr:doDefect=False"}
    checked = look_up_pipelines(check_values(LATISS, values), insist=True)
    assert checked.problems == ()
    assert any("'isr' of older pipelines was translated to 'cpBiasIsr'" in text for text in checked.warnings)
    values["config_options_dark"] = "-c nonsense:doDefect=False"
    (problem,) = look_up_pipelines(check_values(LATISS, values), insist=False).problems
    assert problem.startswith("config_options_dark: no task has the label 'nonsense'")


def test_who_insists_learns_what_was_not_looked_up() -> None:
    checked = check_values(LATISS, {"script_mode": "BIAS", "generate_calibrations": True})
    assert look_up_pipelines(checked, insist=False).problems == ()
    assert look_up_pipelines(checked, insist=True).problems == tuple(
        f"{file} cannot be read on this machine, so neither the names of these pipelines nor the labels in their "
        f"options are checked: set {package.upper()}_DIR to the directory of {package} that the OCPS uses, and "
        "install lsst-pipe-base."
        for file, package in (("cpBias.yaml", "cp_pipe"), ("verifyBias.yaml", "cp_verify"))
    )


def test_reference_calibrations_are_found(repo: str) -> None:
    checked, answers = ask(repo, **FILTERS)
    assert checked.problems == ()
    assert {
        (r.dataset_type, r.physical_filter, r.collections, r.found, r.missing) for r in answers.references
    } == {
        ("bias", None, ("LATISS/calib",), (0,), ()),
        ("dark", None, ("LATISS/calib",), (0,), ()),
        ("flat", FLAT, ("LATISS/calib",), (0,), ()),
    }
    assert f"flat in {FLAT}: found in LATISS/calib for detector 0" in report(checked, answers)
    _, of_any_filter = ask(repo)
    assert "flat in any filter: found in LATISS/calib" in report(checked, of_any_filter)


def test_reference_calibrations_that_are_missing_are_reported_with_the_filter(repo: str) -> None:
    checked, answers = ask(repo, filter="SDSSg_65mm", grating="empty_1", script_mode="FLAT")
    assert checked.problems == (
        "VERIFY FLAT needs a flat in SDSSg_65mm~empty, but LATISS/calib has none for detector 0 that is valid "
        "from now until the images are taken (3 min): name a collection that has one in "
        "input_collections_verify_flat. There is: one in SDSSr_65mm~empty in LATISS/calib/reference for "
        "detector 0, valid at any time (another filter).",
    )
    assert "flat in SDSSg_65mm~empty: none in LATISS/calib for detector 0" in report(checked, answers)


def test_a_repository_without_calibrations(bare_repo: str) -> None:
    checked, answers = ask(
        bare_repo, script_mode="BIAS_DARK", input_collections_verify_dark="LATISS/calib,u/none"
    )
    assert checked.problems == (
        "VERIFY BIAS needs a bias, but LATISS/calib has none for detector 0 that is valid from now until the "
        "images are taken (11 min): name a collection that has one in input_collections_verify_bias. "
        "No collection has any.",
        f"input_collections_verify_dark: no collection u/none in {bare_repo}.",
    )
    assert report(checked, answers).endswith("REFUSED: 2 problems, 0 warnings")


def test_conflicts_are_reported_and_so_is_what_can_be_certified(repo: str) -> None:
    checked, answers = ask(repo, script_mode="BIAS_DARK", generate_calibrations=True)
    (problem,) = checked.problems
    assert problem.startswith(
        "calib_collection: LATISS/calib/daily already holds bias (detector 0) valid 1950-01-01 to open, which "
        "overlaps 1950-01-01 to 2050-01-01. Set calib_collection to LATISS/calib/daily/calib."
    )
    assert [free.dataset_type for free in answers.free] == ["dark"]
    words = " ".join(report(checked, answers).split())
    assert "dark: nothing in LATISS/calib/daily overlaps [1950-01-01, 2050-01-01) TAI" in words
    assert "no reference calibration was looked for" in words


def test_flats_of_an_unknown_filter_are_said_not_to_be_checked(repo: str) -> None:
    values = {"generate_calibrations": True, "calib_collection": "u/me/night"}
    checked, answers = ask(repo, **values)
    assert checked.problems == ()
    assert any(
        "The filter is not named, so whether u/me/night already holds a flat" in w for w in checked.warnings
    )
    assert [free.dataset_type for free in answers.free] == ["bias", "dark"]
    named, answers = ask(repo, **values, **FILTERS)
    assert [free.physical_filter for free in answers.free] == [None, None, FLAT]
    assert not any("not named" in warning for warning in named.warnings)


def test_flats_that_exist_are_checked_in_the_filter_they_have(repo_with_flats: str) -> None:
    checked, answers = ask(
        repo_with_flats,
        script_mode="FLAT",
        generate_calibrations=True,
        calib_collection="u/me/night",
        exposures={"FLAT": [2026091800001, 2026091800002]},
    )
    assert checked.problems == ()
    assert [free.physical_filter for free in answers.free] == [FLAT]
    assert not any("not named" in warning for warning in checked.warnings)
    words = " ".join(report(checked, answers).split())
    assert f"flat in {FLAT}: nothing in u/me/night overlaps" in words


def test_nothing_is_written_to_the_repository(repo: str) -> None:
    database = Path(repo) / "gen3.sqlite3"
    before = database.stat().st_mtime_ns, database.read_bytes()
    checked, _ = ask(repo, generate_calibrations=True, calib_collection="u/me/night", **FILTERS)
    assert checked.problems == ()
    assert (database.stat().st_mtime_ns, database.read_bytes()) == before


def test_a_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    checked, answers = ask(str(tmp_path / "nothing"))
    (problem,) = checked.problems
    assert problem.startswith(f"Butler repository {tmp_path / 'nothing'} cannot be read")
    assert answers == Answers(str(tmp_path / "nothing"))
