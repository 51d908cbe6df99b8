"""A repository with exposures of two days, and the walk-through of the manual on it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from production_support import Walk, make_site, manual
from quick_programs import quick_programs


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site") / "repo"
    make_site(root)
    return root


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """The directory with programs that start at once."""
    with quick_programs() as directory:
        yield directory


@pytest.fixture(autouse=True)
def programs_of_this_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a production on the walk's repositories find these programs beside its interpreter."""
    if "walk" in request.fixturenames:
        monkeypatch.setattr(sys, "executable", str(request.getfixturevalue("programs") / "python"))


@pytest.fixture(scope="session")
def walk(site: Path, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    walk = Walk(tmp_path_factory.mktemp("walk"), {})
    for repo in (walk.first, walk.second):
        shutil.copytree(site, repo)
    walk.reference.chmod(0o640)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(programs / "python"))
        for words in manual():
            result = walk.said[words[0]] = walk.step(words)
            assert result.exit_code == 0, result.output
    return walk
