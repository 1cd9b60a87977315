"""How often the bytes of a mirror are read: once a look, whether they are new or known."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.core.settings import Settings
from pipelines.refresh.look import look_at_origin
from pipelines.refresh.origin import resolve_origin

SOURCE, SIZE = "cbp_drug_seizures", 3_000_000
FIRST_BYTES = 4
"""What tells a packed file from a plain one is read besides."""


class Counted(io.BufferedReader):
    """A file that counts what is read of it."""

    def __init__(self, path: Path, counts: Counter[str]):
        super().__init__(io.FileIO(path))
        self._path, self._counts = path, counts

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self._counts[self._path.name] += len(got)
        return got

    def readinto(self, buffer: Any, /) -> int:
        got = super().readinto(buffer)
        self._counts[self._path.name] += got
        return got


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    for day, letter in (("2024-01-15", b"a"), ("2024-02-15", b"b")):
        folder = tmp_path / "mirror" / SOURCE / day
        folder.mkdir(parents=True)
        (folder / f"{day}.csv").write_bytes(letter * SIZE)
    return tmp_path / "mirror"


@pytest.fixture
def settings(mirror: Path, tmp_path: Path) -> Settings:
    return Settings(origin=f"mirror:{mirror}", data_raw=tmp_path / "raw", data_marts=tmp_path / "marts")


@pytest.fixture
def counts(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Bytes that were read of each file of the mirror."""
    found: Counter[str] = Counter()
    plain = Path.open

    def counted(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        inside = path.is_relative_to(mirror) and mode == "rb"
        return Counted(path, found) if inside else plain(path, mode, *given, **named)

    monkeypatch.setattr(Path, "open", counted)
    return found


def look(settings: Settings) -> tuple[list[str], int]:
    report = look_at_origin(settings, resolve_origin(settings), [SOURCE])[SOURCE]
    return report.added, report.known


def test_a_new_file_is_read_once_on_its_way_into_the_archive(settings: Settings, counts: Counter[str]) -> None:
    assert look(settings) == (["2024-01-15", "2024-02-15"], 0)
    assert counts == dict.fromkeys(("2024-01-15.csv", "2024-02-15.csv"), SIZE + FIRST_BYTES)
    for vintage in list_archive(settings.data_raw, "official", SOURCE):
        vintage.verify()


def test_a_known_file_is_read_once_to_see_that_it_is_the_same(settings: Settings, counts: Counter[str]) -> None:
    look(settings)
    counts.clear()
    assert look(settings) == ([], 2)
    assert counts == dict.fromkeys(("2024-01-15.csv", "2024-02-15.csv"), SIZE)


def test_other_bytes_of_the_same_name_and_size_are_a_second_issue(
    settings: Settings, mirror: Path, counts: Counter[str]
) -> None:
    """The one case in which a file is read twice: to see that it is another one, and to copy it."""
    look(settings)
    (mirror / SOURCE / "2024-02-15" / "2024-02-15.csv").write_bytes(b"c" * SIZE)
    counts.clear()
    assert look(settings) == (["2024-02-15.2"], 1)
    assert counts["2024-02-15.csv"] == 2 * SIZE + FIRST_BYTES
