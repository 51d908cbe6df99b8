"""What a server lets in and out."""

from pathlib import Path

import pytest
from web_support import DONE, record, serving


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


def test_nothing_describes_the_interfaces(tmp_path: Path):
    with serving(tmp_path) as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/files/", "/files/../app.py"):
            assert client.get(path).status == 404
