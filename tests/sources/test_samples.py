"""The embedded sample of every source, read by the source's own cleaning and judged by its own suite."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.catalog.load import get_source, load_catalog
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, clean_vintage
from pipelines.quality.run import Candidate, judge
from pipelines.sources.modules import rules_of, source_module

ACTIVE = [s.id for s in load_catalog().values() if s.status == "active"]


@pytest.mark.parametrize("source_id", ACTIVE)
def test_every_release_of_the_sample_is_read_whole_and_accepted(source_id: str, tmp_path: Path) -> None:
    source, candidates = get_source(source_id), []
    for folder in sorted((SAMPLE_FOLDER / source_id).iterdir()):
        said = json.loads((folder / "vintage.json").read_text("utf-8"))
        files = sorted(p.name for p in folder.iterdir() if p.name != "vintage.json")
        raw = Raw(folder.name, folder.name, folder, files, folder.name, said["coverage"], said.get("scope"))
        made = clean_vintage(source, partial(source_module, source_id), raw, tmp_path / "clean", Limits(), "code")
        assert (made.problem, made.rejected) == (None, 0)
        partial_one = said["coverage"] == "partial"
        out = tmp_path / "clean" / raw.id
        candidates.append(Candidate(raw.id, raw.vintage, out, made.content, partial_one, None, made.records, 0))
    assert len(candidates) >= 2
    verdicts = judge(rules_of(source), candidates, tmp_path / "quality", [])
    assert {v.vintage: v.state for v in verdicts} == {c.vintage: "accepted" for c in candidates}
