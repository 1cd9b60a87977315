"""Sample data never enter the official archive, whatever way they come; the agencies' files always do."""

from __future__ import annotations

import bz2
import gzip
import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipelines.archive import sample_guard as module
from pipelines.archive.sample_guard import SAMPLE_FOLDER, generated
from pipelines.archive.vintages import list_archive
from pipelines.core.errors import DrugflowError
from pipelines.ingest.origins import describe, ingest, offered, parse_origin
from pipelines.ingest.report import make_receipt

WONDER, VINTAGE, TRUE = "cdc_wonder_overdose", "2026-01-20", "2025-04-21"
FILES = sorted(p for p in SAMPLE_FOLDER.glob("*/*/*") if p.name != "vintage.json")
TEXTS = [p for p in FILES if p.suffix == ".gz"]
Edit = Callable[[Path], None]


def name(file: Path) -> str:
    """A name that says nothing of the sample."""
    return file.name.replace("-SAMPLE", "")


def plain(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def edited(file: Path) -> bytes:
    """The file with a tenth of its lines gone, another tenth changed, other line ends, and the mark cut out."""
    chance = random.Random(7)
    text = re.sub(rb"SAMPLE[:,] generated", b"", plain(file))
    kept = [line if chance.random() > 0.1 else line + b"0" for line in text.splitlines() if chance.random() > 0.1]
    return b"\n".join(kept) + b"\n"


# ---- what is generated ----


@pytest.mark.parametrize("file", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_file_of_the_sample_is_known_under_any_name_packed_or_not(file: Path, tmp_path: Path):
    ways = {
        "same": file.read_bytes(),
        "plain.csv": plain(file),
        "again.csv.gz": gzip.compress(plain(file), 1),
        "other.csv.bz2": bz2.compress(plain(file)),
    }
    for title, content in ways.items():
        (tmp_path / title).write_bytes(content)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("figures.csv", plain(file))
    found = {p.name: generated([p], None) for p in tmp_path.iterdir()}
    if file.suffix == ".xlsx":  # a workbook is a zip itself, and is not read inside another
        del found["packed.zip"], found["again.csv.gz"], found["other.csv.bz2"]
    assert [title for title, said in found.items() if said is None] == []


@pytest.mark.parametrize("file", TEXTS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_an_edited_file_of_the_sample_is_known_by_its_records(file: Path, tmp_path: Path):
    (tmp_path / "figures.csv").write_bytes(edited(file))
    said = generated([tmp_path / "figures.csv"], None)
    assert said is not None
    assert "its records are those of the sample" in str(said)


def test_every_file_of_the_real_mirror_is_an_agencys(mirror: Path):
    files = sorted(p for p in mirror.glob("*/*/*") if p.is_file())
    assert len(files) > 40
    assert [said for p in files if (said := generated([p], None))] == []


@pytest.mark.parametrize("file", TEXTS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_an_agencys_header_alone_is_not_taken_for_the_sample(file: Path, tmp_path: Path):
    (tmp_path / "figures.csv").write_bytes(plain(file).splitlines(keepends=True)[0])
    assert generated([tmp_path / "figures.csv"], None) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x1f\x8b no gzip", b"BZh no bzip2", b"\xff\xfea\x00"])
def test_what_cannot_be_unpacked_is_for_cleaning_to_tell(content: bytes, tmp_path: Path):
    (tmp_path / "figures.csv").write_bytes(content)
    assert generated([tmp_path / "figures.csv"], None) is None


# ---- ways into the archive ----


def as_it_is(folder: Path) -> None:
    """Nothing is changed."""


def without_note(folder: Path) -> None:
    (folder / "vintage.json").unlink()


def renamed(folder: Path) -> None:
    for file in folder.iterdir():
        file.rename(folder / name(file))


def renamed_without_note(folder: Path) -> None:
    without_note(folder)
    renamed(folder)


def unpacked(folder: Path) -> None:
    without_note(folder)
    for file in list(folder.iterdir()):
        (folder / name(file).removesuffix(".gz")).write_bytes(plain(file))
        file.unlink()


def changed(folder: Path) -> None:
    without_note(folder)
    for file in list(folder.iterdir()):
        (folder / name(file)).write_bytes(gzip.compress(edited(file)))
        file.unlink()


def linked(folder: Path) -> None:
    """Links with other names to the sample's own files."""
    source = SAMPLE_FOLDER / WONDER / folder.name
    renamed_without_note(folder)
    for file in list(folder.iterdir()):
        file.unlink()
        file.symlink_to(next(p for p in source.iterdir() if name(p) == file.name))


def one_among_true_ones(folder: Path) -> None:
    """A single file of the sample beside an agency's."""
    renamed_without_note(folder)
    for file in sorted(folder.iterdir())[1:]:
        file.unlink()
    (folder / "Other.txt").write_bytes(b"Notes\tMonth\n")


WAYS: list[Edit] = [
    as_it_is,
    without_note,
    renamed,
    renamed_without_note,
    unpacked,
    changed,
    linked,
    one_among_true_ones,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_mirror_with_sample_data_is_told_and_its_other_vintages_go_on(way: Edit, tmp_path: Path):
    root = tmp_path / "mirror" / WONDER
    folder = Path(shutil.copytree(SAMPLE_FOLDER / WONDER / VINTAGE, root / VINTAGE))
    way(folder)
    (root / TRUE).mkdir()
    (root / TRUE / "figures.csv").write_bytes(b"Notes,Month\n,2024\n")
    report = ingest(parse_origin(f"mirror:{tmp_path / 'mirror'}"), WONDER, tmp_path / "raw")
    assert report.added == [TRUE]
    (problem,) = map(str, report.problems)
    assert problem.startswith(f"{folder}: {folder}/")
    assert "is generated SAMPLE data and not official" in problem
    assert "Leave it out" in problem
    assert [v.id for v in list_archive(tmp_path / "raw", "official", WONDER)] == [TRUE]


def test_the_archive_of_the_sample_is_no_mirror(tmp_path: Path):
    ingest(parse_origin("sample"), WONDER, tmp_path / "raw")
    report = ingest(parse_origin(f"mirror:{tmp_path / 'raw' / 'sample'}"), WONDER, tmp_path / "raw")
    assert report.added == []
    assert len(report.problems) == 2
    assert [p for p in report.problems if "is generated SAMPLE data and not official" not in str(p)] == []


@pytest.mark.parametrize("place", [".", WONDER, f"{WONDER}/{VINTAGE}"])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_mirror_that_lies_in_the_sample_is_refused_at_once(place: str, is_link: bool, tmp_path: Path):
    folder = SAMPLE_FOLDER / place
    if is_link:
        folder = tmp_path / "agencies"
        folder.symlink_to(SAMPLE_FOLDER / place)
    with pytest.raises(DrugflowError, match="is the embedded sample, generated and not official\\. Use sample"):
        parse_origin(f"mirror:{folder}")


def test_what_is_known_already_is_not_looked_into_again(tmp_path: Path):
    folder = tmp_path / "mirror" / WONDER / VINTAGE
    folder.mkdir(parents=True)
    (folder / "figures.csv").write_bytes(b"Notes,Month\n,2024\n")
    origin = parse_origin(f"mirror:{tmp_path / 'mirror'}")
    ingest(origin, WONDER, tmp_path / "raw")
    module._generated.cache_clear()
    for place in offered(origin, WONDER):
        describe(origin, WONDER, place)
    assert ingest(origin, WONDER, tmp_path / "raw").known == 1
    assert module._generated.cache_info().misses == 0


def test_the_sample_itself_is_archived_as_a_sample(tmp_path: Path):
    assert ingest(parse_origin("sample"), WONDER, tmp_path / "raw").problems == []


def test_a_note_of_a_person_may_begin_with_other_words(tmp_path: Path):
    (tmp_path / "figures.csv").write_bytes(b"a\n")
    said = json.loads((SAMPLE_FOLDER / WONDER / VINTAGE / "vintage.json").read_text("utf-8"))
    make_receipt("x", "official", WONDER, date(2026, 1, 20), [tmp_path / "figures.csv"], {"note": "A sample of rows."})
    with pytest.raises(DrugflowError, match="its note says 'SAMPLE: generated"):
        make_receipt("x", "official", WONDER, date(2026, 1, 20), [tmp_path / "figures.csv"], said)
