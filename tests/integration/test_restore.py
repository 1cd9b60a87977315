"""Backup and restore: archive and marts, copied into an empty folder, answer there as before."""

from __future__ import annotations

import shutil

import pytest

from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from tests.conftest import installation
from tests.integration.conftest import Command


@pytest.fixture(scope="module")
def restored(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Archive and marts copied into an empty folder, with no home."""
    settings = installation(tmp_path_factory.mktemp("restored"), "sample")
    shutil.copytree(sample_release.data_raw, settings.data_raw)
    shutil.copytree(sample_release.data_marts, settings.data_marts, symlinks=True)
    return settings


def test_the_restored_release_is_the_one_that_was_copied(restored: Settings, sample_release: Settings) -> None:
    assert read_json(restored.current / "manifest.json") == read_json(sample_release.current / "manifest.json")
    assert restored.current.resolve().is_relative_to(restored.data_marts.resolve())


@pytest.mark.parametrize(
    "words", [["status"], ["sql", "select count(*) from marts.seizures_monthly"], ["verify"]], ids=lambda w: w[0]
)
def test_what_was_restored_answers(restored: Settings, command: Command, words: list[str]) -> None:
    done = command(restored, *words)
    assert done.returncode == 0, done.stderr


def test_a_refresh_of_what_was_restored_has_nothing_to_do(restored: Settings, command: Command) -> None:
    done = command(restored, "refresh")
    assert done.returncode == 0, done.stderr
    assert "Nothing changed" in done.stdout
