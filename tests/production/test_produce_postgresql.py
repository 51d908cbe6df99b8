"""The steps of a production on repositories with PostgreSQL registries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from production_support import BASE, BEGIN, TICKET, Walk, make_site, manual

sys.path.insert(0, str(Path(__file__).parents[1]))
from postgresql_support import find_server, serve

PROGRAMS = find_server()


@pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL server is installed here (Debian's package postgresql)"
)
def test_bias_from_exposures_to_a_second_repository(tmp_path: Path):
    assert PROGRAMS is not None
    walk = Walk(tmp_path, {})
    with serve(PROGRAMS) as server:
        database = server.make_database("production")
        for repo in (walk.first, walk.second):
            make_site(repo, database)
        walk.reference.chmod(0o640)
        result = walk.step(next(manual()))
        assert result.exit_code == 0, result.output
        # A chain takes everything that was selected.
        selection = yaml.safe_load(walk.selection.read_text())
        selection["sets"] = {"bias": selection["sets"]["bias"]}
        walk.selection.write_text(yaml.safe_dump(selection))
        only = ["selection.yaml", "--only", "bias"]
        for words in (
            ["generate", *only],
            ["verify", *only],
            ["approve", *only, "--approved-by", "TAXICAB", "--reason", "agrees with the last one"],
            ["certify", *only, *BEGIN],
            ["chain", "selection.yaml"],
            ["export", "selection.yaml"],
            ["import-to", "main", "selection.yaml", "--reference", "main/butler.yaml"],
        ):
            result = walk.step(words)
            assert result.exit_code == 0, result.output
        result = walk.step(["compare", "embargo", "main", "--collection", TICKET])
        assert result.exit_code == 0, result.output
        assert "1 certified datasets" in result.output
        result = walk.step(["check-deployed", "main", "2024032600018"])
        assert f"{BASE}/biasGen.20240326a/run" in result.output
    assert not list(tmp_path.glob("*/*.sqlite3"))
