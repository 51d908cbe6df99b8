"""What a server lets in and out."""

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from web_support import DONE, record, serving

from lsst.ts.calibscripts.cli import main
from lsst.ts.calibscripts.web.security import Doorkeeper
from lsst.ts.calibscripts.web.watching import MOST


@pytest.mark.parametrize("path", ["/", "/runs/nothing", "/files/site.js", "/nowhere"])
def test_every_answer_forbids_what_is_not_of_the_package(tmp_path: Path, path: str):
    with serving(tmp_path) as client:
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_no_page_holds_scripts_styles_or_handlers_of_its_own(tmp_path: Path):
    path = record(tmp_path, DONE)
    with serving(tmp_path) as client:
        for page in ("/", f"/runs/{path.stem}", "/runs/nothing"):
            text = client.get(page).text
            assert "<script>" not in text
            assert "<style" not in text
            assert " style=" not in text
            assert " onclick" not in text
            assert "http://" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..%2fsecret",
        "%2e%2e%2fsecret",
        "..%5csecret",
        "%2fetc%2fpasswd",
        "sub%2finner",
        "link",
        "a%00b",
        "%ff",
        "x" * 5000,
    ],
)
def test_no_other_file_is_reached_by_a_name(tmp_path: Path, name: str):
    records = tmp_path / "records"
    (records / "sub").mkdir(parents=True)
    record(tmp_path, DONE).rename(tmp_path / "secret.jsonl")
    record(records / "sub", DONE).rename(records / "sub" / "inner.jsonl")
    with serving(records) as client:
        answer = client.get(f"/runs/{name}")
        assert answer.status in (400, 404)
        assert "certified" not in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8600", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8600", 200),
        ("calibrations.example.org", 200),
        ("evil.example.org", 400),
        ("localhost.evil.example.org", 400),
        ("localhost@evil.example.org", 400),
        ("www.calibrations.example.org", 400),
        ("", 400),
    ],
)
def test_only_names_of_the_server_are_answered(tmp_path: Path, host: str, status: int):
    path = record(tmp_path, DONE)
    with serving(tmp_path, hosts=["calibrations.example.org"]) as client:
        answers = [client.get(page, Host=host) for page in ("/", f"/runs/{path.stem}", "/files/site.js")]
        answers.append(client.post("/decisions", "", Host=host))
    assert [answer.status for answer in answers] == [status] * 3 + [403 if status == 200 else 400]
    assert all("default-src 'none'" in answer.headers["content-security-policy"] for answer in answers)
    assert status == 200 or not any(path.stem in answer.text for answer in answers)


def test_nothing_describes_the_interfaces(tmp_path: Path):
    with serving(tmp_path) as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/files/", "/files/../app.py"):
            assert client.get(path).status == 404


def test_a_port_that_is_taken_is_said_before_anything_is_done(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = ["--port", str(taken.getsockname()[1])]
        serve = CliRunner().invoke(main, ["serve", "--records", str(tmp_path / "later"), *port])
        script = "auxtel/make_latiss_calibrations.py"
        rehearse = CliRunner().invoke(
            main, ["rehearse", script, "--repo", str(tmp_path / "r"), "--serve", *port]
        )
    assert f"{tmp_path / 'later'} does not exist yet" in serve.output
    for done in (serve, rehearse):
        assert done.exit_code == 1
        assert "cannot listen at 127.0.0.1" in done.output
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("words", [["--allow-decisions"], ["--repo", "LATISS"], ["--repo", "=x"]])
def test_what_does_not_go_together_is_refused(words: list[str]):
    assert CliRunner().invoke(main, ["serve", *words]).exit_code == 2


def test_only_so_many_pages_follow_at_once(tmp_path: Path):
    path = record(tmp_path, DONE)
    with serving(tmp_path) as client, ExitStack() as opened:
        for number in range(MOST):
            page = f"/runs/{path.stem}/events" if number % 2 else "/events"
            opened.enter_context(client.events(page))()
        assert client.get("/events").status == 503
        assert client.get("/").status == 200


def test_a_client_that_sends_slowly_or_reads_nothing_holds_up_nobody(tmp_path: Path):
    path = record(tmp_path, DONE)
    with serving(tmp_path) as client:
        place = urlsplit(client.url)
        for half in (
            b"GET / HT",
            b"POST /decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na",
        ):
            lazy = socket.create_connection((str(place.hostname), place.port or 0))
            lazy.sendall(half)
            assert client.get(f"/runs/{path.stem}").status == 200
            lazy.close()


@pytest.mark.parametrize("name", ["a\x01b", "a" * 201, "a\u202eb".encode().decode("latin-1"), " ", "a\x7fb"])
def test_a_name_that_nobody_has_signs_nothing(tmp_path: Path, name: str):
    doorkeeper = Doorkeeper("X-Auth-Request-User", True)
    with serving(tmp_path, doorkeeper=doorkeeper) as client:
        page = client.get("/decisions", X_Auth_Request_User=name)
        assert page.status in (200, 400)
        assert 'name="token"' not in page.text
