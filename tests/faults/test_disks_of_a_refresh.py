"""A whole refresh on disks that are full or locked: the sentence, the release, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.core.settings import Settings
from pipelines.releases.manifest import current_manifest
from tests.faults.afterwards import QUESTION, assert_equal_release, assert_one_release_at_a_time, figures
from tests.faults.disks import all_mounted, mounted
from tests.faults.house import assert_plain
from tests.faults.processes import analyst, duplicate, run

pytestmark = pytest.mark.long
SPARE = 8192
"""Bytes: room for a lock and the beginning of a file."""
FULL = ("No space left on device", "disk is full", "disk I/O error")
LOCKED = ("Read-only file system", "readonly database", "unable to open database file")
"""What the operating system says, and what SQLite says, whose log cannot grow or not be mapped."""


def folders(own: Settings) -> list[Path]:
    """One folder a writing stage, in the order in which a refresh comes to them."""
    ingest, clean, quality, history, build = (
        own.stage(name, "sample").parent for name in ("ingest", "clean", "quality", "history", "build")
    )
    # Other processes clean and judge while this one imports Dagster.
    return [own.data_raw, ingest, clean, quality, own.dagster_home, history, build, own.releases]


def told(said: str) -> str:
    """What a refresh said of its failure, in plain words."""
    assert "Traceback" not in said, said[-3000:]
    words = ("Nothing was published:", "blocked ", "held ", "drugflow:")
    sentences = [line for line in said.splitlines() if line.startswith(words)]
    assert sentences, said[-2000:]
    for sentence in sentences:
        assert_plain(sentence)
    return " ".join(sentences)


def test_a_full_disk_at_any_stage_is_told_and_once_there_is_room_the_release_is_that_of_an_undisturbed_refresh(
    older: Settings, sample_release: Settings, tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    own = duplicate(older, tmp_path)
    before, wanted = current_manifest(own), current_manifest(sample_release)
    assert before is not None
    assert wanted is not None
    record_property("moments", len(folders(own)))
    with all_mounted(folders(own)) as disks, analyst(own.current, QUESTION) as seen:
        for folder, disk in disks.items():
            # Reports of the ingest are smaller than what is spare for the others.
            disk.fill(0 if folder == "ingest" else SPARE)
            code, said = run(own, "refresh")
            assert code == (2 if "Nothing was published:" in said else 1), f"{folder}: {said}"
            assert any(w in told(said) for w in FULL), f"{folder}: {said}"
            # A vintage that found no room is held and told; a release may say so, with the figures of the one before.
            assert figures(current_manifest(own)) == figures(before), folder
            disk.widen()
        code, said = run(own, "refresh")
        assert code == 0, said
        assert_equal_release(own, wanted)
    assert_one_release_at_a_time(seen, own)


def test_a_folder_that_cannot_be_written_to_is_told_and_the_release_stays(
    older: Settings, tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    own = duplicate(older, tmp_path)
    before = current_manifest(own)
    assert before is not None
    record_property("moments", 3)
    for folder in (own.data_marts, own.data_raw, own.dagster_home):
        with mounted(folder) as disk:
            disk.lock()
            code, said = run(own, "refresh")
            assert code in (1, 2), f"{folder}: {said}"
            assert any(w in told(said) for w in LOCKED), f"{folder}: {said}"
            # A source whose archive is locked stops no other: a release may come, with the figures of the one before.
            assert figures(current_manifest(own)) == figures(before), f"{folder}: {said}"
