"""Sample data that come as official ones: over an official release, in an empty installation, from an old archive."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.ingest.generated import SAMPLE_FOLDER
from pipelines.ingest.origins import ingest, parse_origin
from pipelines.orchestration.stages import is_settled
from pipelines.quality.verdict import accept
from pipelines.release.publish import current_manifest, releases
from pipelines.release.status import read_status
from pipelines.settings import Settings
from pipelines.vocabulary import DrugflowError
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


def test_no_figure_of_an_official_release_changes_and_every_file_is_told(
    official_release: Settings, posing: Path, tmp_path: Path, command: Command
) -> None:
    own = installation(tmp_path, f"mirror:{posing}")
    shutil.copytree(official_release.data_raw, own.data_raw)
    shutil.copytree(official_release.data_marts, own.data_marts, symlinks=True)
    before = current_manifest(own)
    done = command(own, "refresh", "--origin", f"mirror:{posing}")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    folders = [p for p in posing.glob("*/*") if p.is_dir()]
    assert [p for p in folders if f"{p}: {p}/" not in done.stderr] == []
    assert done.stderr.count(SAID) >= len(folders)
    after = current_manifest(own)
    assert before is not None
    assert after is not None
    marts = [{k: t["hash"] for k, t in m.tables.items() if k.startswith("marts.")} for m in (before, after)]
    assert marts[0] == marts[1]


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
        assert SAID in verdict.problem
        assert f"drugflow retract {WONDER} {verdict.archive_id}" in verdict.problem
        with pytest.raises(DrugflowError, match="cannot be read, so it has no rows to accept"):
            accept(sinned.data_raw, "official", verdict, "the sample looks true")
    status = read_status(sinned, "official", sinned.now().date())
    held = next(s["held"] for s in status["sources"] if s["source"] == WONDER)
    assert [SAID in h["why"] for h in held] == [True, True]
    # What the bytes decide stays decided: the next night need not look again.
    assert is_settled(sinned, "official")
