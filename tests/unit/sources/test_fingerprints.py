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
from pipelines.sources.fingerprints import cleaning_code, judging_code
found = {s.id: {"clean": cleaning_code(s), "quality": judging_code(s)} for s in load_catalog().values()}
print(json.dumps(found))
"""
AMO, CBP = "cbp_amo_drug_seizures", "cbp_drug_seizures"
BTS, VSRR, WONDER, CENSUS = "bts_border_crossings", "cdc_vsrr_overdose", "cdc_wonder_overdose", "census_population"
SIX = {AMO, CBP, BTS, VSRR, WONDER, CENSUS}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code and seeds."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__", "sample"))
    shutil.copytree(ROOT / "dbt_project" / "seeds", folder / "dbt_project" / "seeds")
    return folder


def asked(project: Path) -> dict[str, dict[str, str]]:
    """The fingerprints of each source, as a process of the copy computes them."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def before(project: Path) -> dict[str, dict[str, str]]:
    """The fingerprints of the code as it is."""
    return asked(project)


@pytest.mark.parametrize(
    ("changed", "cleaned", "judged"),
    [
        ("pipelines/sources/cdc_vsrr_overdose/clean.py", {VSRR}, {VSRR}),
        ("pipelines/sources/cdc_vsrr_overdose/source.yml", {VSRR}, {VSRR}),
        ("pipelines/sources/shared/cbp.py", {AMO, CBP}, {AMO, CBP}),
        ("pipelines/sources/shared/cbp_facts.py", set(), {AMO, CBP}),
        ("pipelines/sources/shared/calendar.py", SIX - {CENSUS}, SIX - {CENSUS}),
        ("pipelines/sources/shared/geography.py", {VSRR, WONDER, CENSUS}, {VSRR, WONDER, CENSUS}),
        ("pipelines/clean/unpack.py", SIX, SIX),
        ("pipelines/core/parquet.py", SIX, SIX),
        ("pipelines/catalog/source.py", SIX, SIX),
        ("pipelines/quality/suite.py", set(), SIX),
        ("pipelines/history/revisions.py", set(), set()),
        ("pipelines/release/publish.py", set(), set()),
        ("dbt_project/seeds/areas.csv", {CBP}, {CBP}),
        ("dbt_project/seeds/jurisdictions.csv", {VSRR, WONDER, CENSUS}, {VSRR, WONDER, CENSUS}),
        ("dbt_project/seeds/us_t404_final_monthly.csv", {WONDER}, {WONDER}),
        ("dbt_project/seeds/ports.csv", set(), set()),
    ],
)
def test_a_change_makes_the_results_anew_that_depend_on_it_and_no_other(
    project: Path, before: dict[str, dict[str, str]], changed: str, cleaned: set[str], judged: set[str]
):
    path = project / changed
    text = path.read_text("utf-8")
    path.write_text(text + "\n# changed\n", "utf-8")
    try:
        after = asked(project)
    finally:
        path.write_text(text, "utf-8")
    assert {s for s in SIX if after[s]["clean"] != before[s]["clean"]} == cleaned
    assert {s for s in SIX if after[s]["quality"] != before[s]["quality"]} == judged
