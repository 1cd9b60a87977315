"""A small installation with one good vintage of CBP seizures, into which tests bring a bad one.

What belongs here: building the installation, running its stages, and what must hold after any bad input. What
does not: bad input itself. The rows are made up in the publisher's format; their figures mean nothing.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, clean_vintage
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import Settings
from pipelines.quality.verdict import Verdict
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import resolve_origin
from pipelines.refresh.refresh import blocked
from pipelines.refresh.stages import build_source_history, clean_source, judge_source
from pipelines.sources.modules import source_module

CBP = "cbp_drug_seizures"
GOOD, BAD = "2024-01-15", "2024-02-15"
FILE = "nationwide-drugs.csv"
HEADER = "FY,Month (abbv),Component,Region,Land Filter,Area of Responsibility,Drug Type,Count of Event,Sum Qty (lbs)"
OFFICE = "Office of Field Operations,Southwest Border,Land Only"
OLD_ROWS = [
    f"2024 (FYTD),{month},{OFFICE},{area} FIELD OFFICE,Fentanyl,{events},{pounds}"
    for month in ("OCT", "NOV")
    for area, events, pounds in (("SAN DIEGO", 9, "41.5"), ("TUCSON", 15, "607.25"), ("EL PASO", 2, "0.75"))
]
NEW_ROWS = [
    f"2024 (FYTD),DEC,{OFFICE},{area} FIELD OFFICE,{drug},{events},{pounds}"
    for area, drug, events, pounds in (
        ("SAN DIEGO", "Fentanyl", 8, "38.5"),
        ("TUCSON", "Fentanyl", 11, "412.5"),
        ("EL PASO", "Fentanyl", 1, "1.25"),
        ("TUCSON", "Heroin", 3, "7.5"),
        ("LAREDO", "Cocaine", 4, "88.5"),
    )
]
ROWS = OLD_ROWS + NEW_ROWS
TUCSON = 9
"""Line of NEW_ROWS[1], the row that tests spoil: the header is line 1, OLD_ROWS are lines 2 to 7."""
_INSIDE = re.compile(r"Traceback|polars|pyo3|File \"|\b\w+(?:Error|Exception)\b|Errno| at 0x")


def csv_file(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    """A CSV file of a header and rows."""
    return "".join(line + end for line in (header, *rows)).encode()


def spoilt(old: str, new: str) -> bytes:
    """A file whose row on line TUCSON has one text replaced by another; all its other rows are good."""
    rows = list(ROWS)
    assert old in rows[TUCSON - 2]
    rows[TUCSON - 2] = rows[TUCSON - 2].replace(old, new)
    return csv_file(*rows)


def spoilt_row(row: str) -> bytes:
    """A file whose line TUCSON is another text."""
    return csv_file(*ROWS[: TUCSON - 2], row, *ROWS[TUCSON - 1 :])


@dataclass(frozen=True)
class House:
    """An installation and its mirror."""

    mirror: Path
    settings: Settings

    def offer(self, vintage: str, files: dict[str, bytes], said: Any = None, source: str = CBP) -> Path:
        """Put one vintage into the mirror; its folder."""
        folder = self.mirror / source / vintage
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        if said is not None:
            (folder / "vintage.json").write_text(said if isinstance(said, str) else json.dumps(said), "utf-8")
        return folder

    def run(self, source: str = CBP) -> dict[str, Verdict]:
        """Ingest, clean, judge and build the history of a source; its verdicts by archive id."""
        ingest_source(self.settings, resolve_origin(self.settings), source)
        return self.derive(source)

    def derive(self, source: str = CBP) -> dict[str, Verdict]:
        """Everything after the archive."""
        clean_source(self.settings, "official", source)
        verdicts = judge_source(self.settings, "official", source)
        build_source_history(self.settings, "official", source)
        return {v.archive_id: v for v in verdicts}

    def problems(self) -> list[str]:
        """The sentences that a user reads about what is not taken in."""
        return [str(found) for found in blocked(self.settings, "official")]

    def history(self, source: str = CBP) -> pl.DataFrame:
        """What analysts' tables are built from."""
        return pl.read_parquet(self.settings.stage("history", "official") / f"{source}.parquet")

    def clean(self, vintage: str, what: str = "clean", source: str = CBP) -> pl.DataFrame:
        """Clean rows, or rejected ones, of a vintage."""
        return pl.read_parquet(self.settings.stage("clean", "official") / source / vintage / f"{what}.parquet")

    def account(self, vintage: str, source: str = CBP) -> dict[str, Any]:
        """The account of a vintage's records."""
        path = self.settings.stage("clean", "official") / source / vintage / "summary.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def archive(self) -> dict[str, str]:
        """Checksum of every archived file and receipt."""
        root = self.settings.data_raw
        return {str(p.relative_to(root)): sha256_of(p) for p in sorted(root.rglob("*")) if p.is_file()}


def furnish(folder: Path) -> House:
    """A house with one good vintage taken in."""
    house = House(
        folder / "mirror",
        Settings(
            origin=f"mirror:{folder / 'mirror'}",
            data_raw=folder / "raw",
            data_marts=folder / "marts",
            dagster_home=folder / "dagster",
        ),
    )
    house.offer(GOOD, {FILE: csv_file(*OLD_ROWS)})
    assert [v.state for v in house.run().values()] == ["accepted"]
    assert house.problems() == []
    return house


def copied(house: House, folder: Path) -> House:
    """The same house at another place."""
    shutil.copytree(house.mirror.parent, folder, dirs_exist_ok=True)
    places = {"data_raw": folder / "raw", "data_marts": folder / "marts", "dagster_home": folder / "dagster"}
    origin = f"mirror:{folder / 'mirror'}"
    return House(folder / "mirror", house.settings.model_copy(update={"origin": origin, **places}))


def assert_plain(sentence: str) -> None:
    """A sentence for a person: no traceback, no exception's name, and short."""
    assert not _INSIDE.search(sentence), sentence
    assert "\n" not in sentence
    assert len(sentence) < 1500, len(sentence)


def assert_told(sentence: str, file: str, line: int | None, value: str | None) -> None:
    """The sentence names the file, the line and the value, where there are such."""
    assert_plain(sentence)
    assert (f"{file}, line {line}" if line else file) in sentence, sentence
    if value is not None:
        assert value in sentence, sentence


def bring(house: House, files: dict[str, bytes], said: Any = None, vintage: str = BAD) -> Verdict:
    """The verdict of a vintage with these files, after it met the archive, where nothing else may change.

    The good vintage keeps its files, its verdict and its history; records in = clean + set aside + rejected.
    """
    archive, history = house.archive(), house.history()
    house.offer(vintage, files, said)
    verdicts = house.run()
    now = house.archive()
    assert {k: v for k, v in now.items() if not k.startswith(f"official/{CBP}/{vintage}/")} == archive
    assert verdicts[GOOD].state == "accepted"
    verdict = verdicts[vintage]
    account = house.account(vintage)
    assert account["records"] == account["rows"] + sum(account["set_aside"].values()) + account["rejected"]
    if verdict.state == "held":
        assert house.history().equals(history)
        assert house.problems() == [f"{CBP} {vintage} is held back: {verdict.problem}"]
    return verdict


def cleaned(folder: Path, content: bytes, name: str = FILE, source: str = CBP) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Clean rows and rejected records of one file, read without the stages around."""
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "raw" / name).write_bytes(content)
    raw = Raw(id=BAD, vintage=BAD, folder=folder / "raw", files=[name], content=str(hash(content)))
    summary = clean_vintage(get_source(source), partial(source_module, source), raw, folder / "clean", Limits(), "code")
    assert summary.problem is None, summary.problem
    out = folder / "clean" / BAD
    return pl.read_parquet(out / "clean.parquet"), pl.read_parquet(out / "rejected.parquet")
