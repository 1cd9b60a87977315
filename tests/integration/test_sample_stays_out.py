"""Sample data that come as official ones: over an official release, in an empty installation, from an old archive."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.ingest.origins import ingest, parse_origin
from pipelines.quality.verdict import accept
from pipelines.refresh.origin import active_sources
from pipelines.refresh.survey import is_settled
from pipelines.releases.manifest import releases
from pipelines.status.overview import read_status
from tests.conftest import installation
from tests.integration.conftest import Command
from tests.integration.stage_tools import derive, history

WONDER = "cdc_wonder_overdose"
SAID = "is generated SAMPLE data and not official"


@pytest.fixture
def posing(tmp_path: Path) -> Path:
    """A mirror that is a copy of the sample without the words SAMPLE in its names and notes."""
    root = Path(shutil.copytree(SAMPLE_FOLDER, tmp_path / "agencies"))
    for file in [p for p in root.rglob("*") if p.is_file()]:
        file.unlink() if file.suffix == ".json" else file.rename(file.with_name(file.name.replace("-SAMPLE", "")))
    return root


def test_no_vintage_of_it_is_archived_beside_official_ones_and_every_file_is_told(
    official_release: Settings, posing: Path, tmp_path: Path
) -> None:
    own = installation(tmp_path, f"mirror:{posing}")
    shutil.copytree(official_release.data_raw, own.data_raw)
    before = sorted(p for p in own.data_raw.rglob("*") if p.is_file())
    for source in active_sources():
        report = ingest(parse_origin(f"mirror:{posing}"), source, own.data_raw)
        folders = [p for p in sorted((posing / source).iterdir()) if p.is_dir()]
        assert (report.added, len(report.problems)) == ([], len(folders))
        for folder, problem in zip(folders, map(str, report.problems), strict=True):
            assert f"{folder}: {folder}/" in problem
            assert SAID in problem
    assert sorted(p for p in own.data_raw.rglob("*") if p.is_file() and p.name != ".writer.lock") == [
        p for p in before if p.name != ".writer.lock"
    ]


def test_nothing_is_released_where_nothing_was_taken(posing: Path, tmp_path: Path, command: Command) -> None:
    own = installation(tmp_path, f"mirror:{posing}")
    done = command(own, "refresh", "--origin", f"mirror:{posing}")
    assert done.returncode == 2, done.stderr
    assert "Nothing was published: No vintage of any source is accepted" in done.stderr
    assert SAID in done.stderr
    assert (releases(own), own.current.exists()) == ([], False)


@pytest.fixture
def sinned(tmp_path: Path) -> Settings:
    """An installation whose official archive took the sample, before anything looked."""
    own = installation(tmp_path, "archive:official")
    assert ingest(parse_origin("sample"), WONDER, own.data_raw).problems == []
    (own.data_raw / "sample").rename(own.data_raw / "official")
    for receipt in own.data_raw.rglob("receipt.json"):
        said = json.loads(receipt.read_text("utf-8"))
        receipt.write_text(json.dumps({**said, "realm": "official", "note": None}), "utf-8")
    return own


def test_sample_files_that_are_in_the_official_archive_are_held_for_good_and_status_says_how_to_go_on(
    sinned: Settings,
) -> None:
    verdicts = derive(sinned, WONDER)
    assert [v.state for v in verdicts] == ["held", "held"]
    assert history(sinned, WONDER).is_empty()
    for verdict in verdicts:
        assert verdict.problem is not None
        assert SAID in str(verdict.problem)
        assert f"drugflow retract {WONDER} {verdict.archive_id}" in str(verdict.problem)
        with pytest.raises(DrugflowError, match="cannot be read, so it has no rows to accept"):
            accept(sinned.data_raw, "official", verdict, "the sample looks true")
    status = read_status(sinned, "official", sinned.now().date())
    held = next(s["held"] for s in status["sources"] if s["source"] == WONDER)
    assert [SAID in h["why"] for h in held] == [True, True]
    # What the bytes decide stays decided: the next night need not look again.
    assert is_settled(sinned, "official")
