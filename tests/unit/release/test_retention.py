"""Which releases are kept, and which one is gone back to, where equal content was published again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.release.publish import rollback
from pipelines.releases.manifest import releases
from tests.unit.release.test_publish import Build
from tests.unit.release.tiny import release

OLD = "20260115T000000Z"


def kept(settings: Settings) -> list[str]:
    return [m.release_id for m in releases(settings)]


def test_equal_content_published_again_pushes_no_other_content_out(tmp_path: Path):
    build = Build(tmp_path, keep=2)
    other = release(build.settings, f"{OLD}-SAMPLE", "sample").name
    again = [build.publish().release_id for _ in range(4)]
    assert kept(build.settings) == [other, *again[-2:]]
    assert rollback(build.settings, None).release_id == other


def test_the_newest_of_equal_contents_is_kept_beside_a_pinned_one(tmp_path: Path):
    build = Build(tmp_path, keep=1)
    first = build.publish().release_id
    rollback(build.settings, first)
    again = [build.publish().release_id for _ in range(2)]
    assert kept(build.settings) == [first, again[-1]]


def test_a_rollback_to_equal_content_is_none(tmp_path: Path):
    build = Build(tmp_path)
    build.publish()
    build.publish()
    with pytest.raises(DrugflowError, match="no release of other content before the current one"):
        rollback(build.settings, None)
