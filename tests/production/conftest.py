"""A repository with exposures of two days, and the walk-through of the manual on it."""

import shutil
from pathlib import Path

import pytest
from production_support import Walk, make_site, manual


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site") / "repo"
    make_site(root)
    return root


@pytest.fixture(scope="session")
def walk(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    walk = Walk(tmp_path_factory.mktemp("walk"), {})
    for repo in (walk.first, walk.second):
        shutil.copytree(site, repo)
    walk.reference.chmod(0o640)
    for words in manual():
        result = walk.said[words[0]] = walk.step(words)
        assert result.exit_code == 0, result.output
    return walk
