"""The worked example of CONTRIBUTING.md, followed word for word in a copy of the project."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import dagster as dg
import duckdb
import pytest
import xlsxwriter

from tests.conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Adding a source\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"```\w+\n(?:#|--) (\S+)\n(.*?)```", TEXT, re.S)
DRAFTING, PUBLISHING = (block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", TEXT, re.S))
SOURCE, RELEASED, FILE = "sesnsp_victims", "2019-12-20", "Estatal-Víctimas - noviembre 2019.xlsx"
MONTHS = ["Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre",
          "Noviembre", "Diciembre"]  # fmt: skip
CHECKS_OF_EVERY_SOURCE = (
    f"tests/sources tests/unit/sources/test_catalog.py tests/unit/ingest/test_sample.py "
    f"tests/integration/test_generated.py tests/integration/test_readme.py "
    f"-k '{SOURCE} or every_source or committed or both_readmes'"
)
NOT_COPIED = (
    ".venv", ".git", ".dagster_home", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "target", "data_raw",
    "data_marts",
)  # fmt: skip
MOST_FILES = 5
_CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Followed:
    """A copy of the project after the last command of the example, with the file that it was given.

    drafts: what 'drugflow new-source' wrote, by path; refused: what the command line said before they were filled in.
    """

    project: Path
    file: Path
    drafts: dict[str, str]
    refused: subprocess.CompletedProcess[str]
    said: list[str]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of the release."""
        with duckdb.connect(str(self.project / "data_marts/current/drugflow.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


def run(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    """One command in the copy, with the environment of these tests in place of one that it would install."""
    here = Path(sys.prefix)
    command = command.replace("make ", f"make VENV={here} -o {here}/.installed ").replace(".venv/bin/", f"{here}/bin/")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRUGFLOW_", "DAGSTER_"))}
    return subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(project)},
        cwd=project,
        check=False,
    )


def done(project: Path, command: str) -> str:
    """What a command printed that must succeed."""
    ended = run(project, command)
    assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
    return ended.stdout


def publishers_file(folder: Path) -> Path:
    """SESNSP's workbook where it is at hand, else one with the rows of the example in each of its years."""
    place = folder / SOURCE / RELEASED / FILE
    place.parent.mkdir(parents=True)
    real = Path(os.environ.get("DRUGFLOW_REAL_DATA", ROOT.parent / "shared" / "real_data")) / "mirror" / SOURCE
    if real.is_dir():
        shutil.copy(real / RELEASED / FILE, place)
        return place
    header, *rows = csv.reader(next(text for path, text in BLOCKS if path.endswith("rows.csv")).splitlines())
    table = [header, *([str(year), *row[1:]] for year in range(2015, 2020) for row in rows)]
    with xlsxwriter.Workbook(place) as book:
        sheet = book.add_worksheet("Hoja1")
        for line, row in enumerate(table):
            cells = [*row[:-1], ""] if row[0] == "2019" else [*row[:-1], row[-1] or "0"]
            sheet.write_row(line, 0, [int(cell) if cell.isdigit() else cell for cell in cells] if line else row)
    return place


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The example from its first command to its last."""
    folder = tmp_path_factory.mktemp("example")
    project = Path(shutil.copytree(ROOT, folder / "drugflow", ignore=shutil.ignore_patterns(*NOT_COPIED)))
    file = publishers_file(folder / "FOLDER")
    before = files(project)
    for command in DRAFTING:
        done(project, command.replace("FOLDER", str(folder / "FOLDER")))
    drafts = {path: (project / path).read_text("utf-8") for path in files(project) - before}
    refused = run(project, ".venv/bin/drugflow sources")
    for path, text in BLOCKS:
        (project / path).write_text(text, "utf-8")
    said = [done(project, command.replace("FOLDER", str(folder / "FOLDER"))) for command in PUBLISHING]
    return Followed(project, file, drafts, refused, said)


def files(project: Path) -> set[str]:
    """Files of the project as its repository would see them."""
    left_out = shutil.ignore_patterns(*NOT_COPIED)
    found = set()
    for folder, below, names in os.walk(project):
        below[:] = sorted(set(below) - left_out(folder, below))
        found |= {str((Path(folder) / n).relative_to(project)) for n in set(names) - left_out(folder, names)}
    return found


@pytest.fixture(scope="module")
def raw(followed: Followed) -> Counter[tuple[int, int]]:
    """Victims by year and month in the publisher's workbook, added up from its XML. A blank cell adds no month."""
    found: Counter[tuple[int, int]] = Counter()
    with zipfile.ZipFile(followed.file) as book:
        words = [
            "".join(t.text or "" for t in word.iter(f"{_CELL}t"))
            for word in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        header: dict[str, str] = {}
        with book.open("xl/worksheets/sheet1.xml") as sheet:
            for _, row in ElementTree.iterparse(sheet):
                if row.tag == f"{_CELL}row":
                    cells = {
                        re.sub(r"\d", "", c.get("r", "")): words[int(v)] if c.get("t") == "s" else v
                        for c in row
                        if (v := c.findtext(f"{_CELL}v")) is not None
                    }
                    row.clear()
                    if not header:
                        header = cells
                        continue
                    named = {header[column]: cell for column, cell in cells.items()}
                    filled = [(n, named[m]) for n, m in enumerate(MONTHS, 1) if m in named]
                    found.update({(int(named["Año"]), n): int(float(cell)) for n, cell in filled})
                    found[0, 0] += len(MONTHS)
    return found


# ---- what is written by hand, and what follows ----


def test_the_example_is_the_files_that_the_first_command_drafts(followed: Followed) -> None:
    assert set(followed.drafts) == {path for path, _ in BLOCKS}
    assert len(BLOCKS) <= MOST_FILES


def test_the_rows_of_the_example_are_drafted_from_the_file(followed: Followed) -> None:
    name = next(path for path, _ in BLOCKS if path.endswith("rows.csv"))
    assert dict(BLOCKS)[name] == followed.drafts[name]


def test_a_draft_is_refused_until_it_is_filled_in(followed: Followed) -> None:
    assert followed.refused.returncode == 2
    assert f"{SOURCE}/source.yml is not filled in yet" in " ".join(followed.refused.stderr.split())


def test_no_python_changes_outside_the_folder_of_the_source(followed: Followed) -> None:
    now = {path for path in files(followed.project) if path.endswith(".py")}
    changed = {
        path
        for path in now
        if not (ROOT / path).exists() or (ROOT / path).read_bytes() != (followed.project / path).read_bytes()
    }
    assert changed == {path for path, _ in BLOCKS if path.endswith(".py")}


def test_the_checks_of_every_source_hold_after_it(followed: Followed) -> None:
    told = done(followed.project, f".venv/bin/python -m pytest -q -p no:cacheprovider {CHECKS_OF_EVERY_SOURCE}")
    assert int(re.findall(r"(\d+) passed", told)[0]) > 20


def test_the_style_of_the_example_is_the_project_s(followed: Followed) -> None:
    python = " ".join(path for path, _ in BLOCKS if path.endswith(".py"))
    for check in ("ruff check", "ruff format --check", "mypy --strict"):
        done(followed.project, f".venv/bin/{check} {python}")


# ---- every figure of the file ----


def test_the_release_has_every_victim_of_the_file_by_month(followed: Followed, raw: Counter[tuple[int, int]]) -> None:
    wanted = sorted((year, month, victims) for (year, month), victims in raw.items() if year)
    released = followed.rows(
        f"select year(month), month(month), sum(victims)::bigint from history.{SOURCE} group by all order by all"
    )
    assert released == wanted


def test_every_cell_of_the_file_is_clean_set_aside_or_rejected(
    followed: Followed, raw: Counter[tuple[int, int]]
) -> None:
    (account,) = (followed.project / "data_marts/clean/official" / SOURCE).glob("*/summary.json")
    said = json.loads(account.read_text("utf-8"))
    assert said["records"] == raw[0, 0]
    assert said["rows"] + sum(said["set_aside"].values()) + said["rejected"] == said["records"]
    assert (set(said["set_aside"]), said["rejected"]) == ({"month_not_published"}, 0)


def test_the_known_answers_are_those_of_the_real_file(followed: Followed) -> None:
    """Victims of intentional homicide in 2018 and to November 2019, as counted in SESNSP's file with another reader."""
    if followed.file.stat().st_size < 1_000_000:
        pytest.skip("SESNSP's file is not at hand: set DRUGFLOW_REAL_DATA to the folder that has mirror/")
    answered = dict(re.findall(r"(20\d\d)\D+(\d+)", followed.said[-1]))
    assert (answered["2018"], answered["2019"]) == ("33743", "31688")


# ---- what follows from the description ----


def test_the_source_is_in_the_tables_about_sources_in_both_languages(followed: Followed) -> None:
    where = f"where source_id = '{SOURCE}'"
    assert followed.rows(f"select title_es from meta.sources {where}") == [
        ("Víctimas de delitos del fuero común (SESNSP)",)
    ]
    assert followed.rows(f"select vintage::varchar, state from meta.vintages {where}") == [(RELEASED, "accepted")]
    cautions = {code for (code,) in followed.rows(f"select code from meta.cautions {where}")}
    # From the day on which the next month is overdue, lateness is told too.
    assert cautions - {f"late_{SOURCE}"} == {"victims_are_not_cases"}
    column = f"table_schema = 'history' and table_name = '{SOURCE}' and column_name = 'victims'"
    texts = followed.rows(f"select unit, description_en, description_es from meta.dictionary where {column}")
    assert texts == [("victims", "Persons.", "Personas.")]


def test_the_source_has_its_assets_and_checks_in_the_ui(followed: Followed) -> None:
    with dg.DagsterInstance.from_config(str(followed.project / ".dagster_home")) as instance:
        built = {
            key.to_user_string() for key in instance.all_asset_keys() if instance.get_latest_materialization_event(key)
        }
        raw = dg.AssetCheckKey(dg.AssetKey(["clean", SOURCE]), "key_unique")
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key([raw])
    assert {f"raw/{SOURCE}", f"clean/{SOURCE}", f"history/{SOURCE}", f"staging/stg_{SOURCE}"} <= built
    assert checks[raw].status.value == "SUCCEEDED"


def test_the_source_has_its_page_and_its_line_in_both_readmes(followed: Followed) -> None:
    page = (followed.project / "docs" / "sources" / f"{SOURCE}.md").read_text("utf-8")
    assert "A victim is a person, and one case can have several." in page
    for readme in ("README.md", "README.es.md"):
        assert f"| `{SOURCE}` |" in (followed.project / readme).read_text("utf-8")


def test_the_source_has_a_sample_and_that_of_every_other_stays(followed: Followed) -> None:
    sample = Path("pipelines/ingest/sample")
    made = {p.relative_to(followed.project / sample): p for p in (followed.project / sample).rglob("*") if p.is_file()}
    assert len([p for p in made if p.parts[0] == SOURCE and "SAMPLE" in p.name]) == 2
    for name, path in made.items():
        if name.parts[0] != SOURCE:
            assert path.read_bytes() == (ROOT / sample / name).read_bytes(), name
