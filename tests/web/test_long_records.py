"""Records of many images: read in pieces, kept small, and shown in a page that does not grow with them."""

import json
from pathlib import Path

import pytest
from web_support import FAILED, FIRST, Client, record, serving

from lsst.ts.calibscripts.events.events import ExposureTaken, ImageArrived
from lsst.ts.calibscripts.ground.tai import tai_now
from lsst.ts.calibscripts.record import Following, read_record
from lsst.ts.calibscripts.report.runs.rows import list_of_runs
from lsst.ts.calibscripts.report.timeline import Kind, Span, joined
from lsst.ts.calibscripts.tables.products import ImageType

EXPOSURES, DETECTORS = 150, 189


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the record of a run of LSSTCam, of more than one block."""
    path = record(tmp_path_factory.mktemp("long"), FAILED, "LSSTCam")
    head, planned, taking, *rest = path.read_text().splitlines(keepends=True)
    tai, loop = json.loads(head)["tai"], json.loads(head)["loop"]

    def line(event: ExposureTaken | ImageArrived) -> str:
        return json.dumps({"event": type(event).__name__, "tai": tai, "loop": loop, **vars(event)}) + "\n"

    exposures = range(FIRST + 3, FIRST + 3 + EXPOSURES)
    lines = [
        line(event)
        for n in exposures
        for event in (
            ExposureTaken(ImageType.BIAS, n, 0.0, False),
            *(ImageArrived(n, detector, 0) for detector in range(DETECTORS)),
        )
    ]
    path.write_text("".join([head, planned, taking, *lines, *rest]))
    assert path.stat().st_size > 4_000_000
    return path


def test_only_the_last_arrival_of_an_exposure_is_kept_beside_the_state(long: Path):
    found = read_record(long)
    assert len([*found.events(ImageArrived)]) == EXPOSURES + 3
    arrived = found.state.arrivals(ImageType.BIAS)
    assert {len(detectors) for detectors in arrived.values()} == {1, DETECTORS}
    assert found.seconds == pytest.approx(found.entries[-1].loop - found.begun_loop)


def test_a_long_record_is_read_in_pieces(long: Path):
    following, pieces = Following(long), 0
    while (found := following.read_some(0)) is None:
        pieces += 1
    assert pieces > 1
    assert found == read_record(long)


def test_a_list_that_has_no_time_reads_on_later(long: Path):
    runs = list_of_runs(long.parent)
    for _ in range(20):
        runs.refresh(0.001)
        if runs.rows:
            break
        assert runs.unread == 1
    assert [row.outcome for row in runs.rows] == ["FAILED"]


def page(client: Client, path: Path) -> str:
    return client.get(f"/runs/{path.stem}").text


def test_the_page_of_a_long_record_is_no_longer_for_its_detectors(long: Path):
    with serving(long.parent) as client:
        assert len(page(client, long)) < 250_000


def test_what_would_be_drawn_on_the_same_pixels_is_joined():
    few = [Span("TAKE BIAS", Kind.EXPOSURE, n, n + 1, f"bias {n}") for n in range(100)]
    assert joined(few, 100) == tuple(few)
    many = [Span("TAKE BIAS", Kind.EXPOSURE, n, n + 1, f"bias {n}") for n in range(10_000)]
    jobs = [Span("GENERATE BIAS", Kind.JOB, 0, 5, "a job")]
    *shown, job = joined([*many, *jobs], 10_000)
    assert job == jobs[0]
    assert 200 < len(shown) <= 400
    assert (shown[0].begin, shown[-1].end) == (0, 10_000)
    assert shown[0].text.startswith("bias 0; and ")
    assert shown[0].text.endswith(f"more, the last one bias {shown[1].begin - 1:g}")
    # What lies far from the others stays by itself.
    late = Span("TAKE BIAS", Kind.EXPOSURE, 19_000, 19_001, "late")
    assert joined([*many, late], 19_001)[-1] == late


def test_a_damaged_record_is_not_read_through_again_before_it_changes(tmp_path: Path):
    path = record(tmp_path, FAILED)
    path.write_text(path.read_text() + "not JSON\n")
    following, said = Following(path), []
    for _ in range(2):
        with pytest.raises(Exception, match="not JSON") as error:
            following.read()
        said.append(str(error.value))
    assert said[0] == said[1]
    path.write_text(path.read_text().removesuffix("not JSON\n"))
    assert following.read().last_heard <= tai_now()
