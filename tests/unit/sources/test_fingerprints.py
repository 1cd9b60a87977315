"""What a cached result rests on: a change in it makes the results anew that depend on it, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ASK = """
import json
from pipelines.catalog.load import load_catalog
from pipelines.sources.fingerprints import cleaning_code
print(json.dumps({s.id: cleaning_code(s) for s in load_catalog().values()}))
"""
CBP = {"cbp_amo_drug_seizures", "cbp_drug_seizures"}
SIX = CBP | {"bts_border_crossings", "cdc_vsrr_overdose", "cdc_wonder_overdose", "census_population"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__", "sample"))
    return folder


def asked(project: Path) -> dict[str, str]:
    """The fingerprint of each source's cleaning, as a process of the copy computes it."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def before(project: Path) -> dict[str, str]:
    """The fingerprints of the code as it is."""
    return asked(project)


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ("sources/cdc_vsrr_overdose/clean.py", {"cdc_vsrr_overdose"}),
        ("sources/cdc_vsrr_overdose/source.yml", {"cdc_vsrr_overdose"}),
        ("sources/shared/cbp.py", CBP),
        ("sources/shared/calendar.py", SIX - {"census_population"}),
        ("clean/unpack.py", SIX),
        ("core/parquet.py", SIX),
        ("catalog/source.py", SIX),
        ("quality/suite.py", set()),
        ("history/revisions.py", set()),
        ("release/publish.py", set()),
    ],
)
def test_cleaning_is_done_again_where_its_code_changed(
    project: Path, before: dict[str, str], changed: str, anew: set[str]
):
    path = project / "pipelines" / changed
    text = path.read_text("utf-8")
    path.write_text(text + "\n# changed\n", "utf-8")
    try:
        after = asked(project)
    finally:
        path.write_text(text, "utf-8")
    assert {source for source in SIX if after[source] != before[source]} == anew
