"""The worked example of CONTRIBUTING.md, followed word for word in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCK = re.compile(r"```\w+\n(?:#|--) (?P<path>\S+)\n(?P<text>.*?)```", re.S)
COMMANDS = re.compile(r"```console\n(.*?)```", re.S)
SOURCE, RELEASED = "cbp_currency", "2026-08-15"
ASKED = "tests/unit/sources/test_catalog.py tests/unit/quality/test_stability.py -k 'cbp_currency or every_source_says'"
NOT_COPIED = (
    ".venv", ".git", ".dagster_home", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "target", "data_raw",
    "data_marts",
)  # fmt: skip


@dataclass(frozen=True)
class Followed:
    """A copy of the project after the last command of the example, with the file that it was given."""

    project: Path
    file: Path
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the blocks of the example."""
    folder = tmp_path_factory.mktemp("example") / "drugflow"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for block in BLOCK.finditer(TEXT):
        path = folder / block["path"]
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["text"], "utf-8")
    return folder


@pytest.fixture(scope="module")
def followed(project: Path) -> Followed:
    """The commands of the example: on CBP's file where it is at hand, else on the rows of the example."""
    folder = project.parent / "FOLDER"
    real = Path(os.environ.get("DRUGFLOW_REAL_DATA", ROOT.parent / "shared" / "real_data")) / "mirror" / SOURCE
    rows = project / "tests" / "sources" / SOURCE
    shutil.copytree(real / RELEASED if real.is_dir() else rows, folder / SOURCE / RELEASED)
    (commands,) = COMMANDS.findall(TEXT)
    said = []
    for command in commands.strip().splitlines():
        done = run(project, command.replace("FOLDER", str(folder)))
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        said.append(done.stdout)
    (file,) = (folder / SOURCE / RELEASED).glob("*.csv")
    return Followed(project, file, said)


def test_the_release_has_every_amount_of_the_file(followed: Followed) -> None:
    place = 'lower("Inbound/Outbound"), "Area of Responsibility", "Land Filter" = \'Land Only\''
    figures = 'round(sum("Currency Seizures Amount (USD)"), 2), sum("Count of Seizure Events")::bigint, count(*)'
    raw = duckdb.sql(f"select {place}, {figures} from read_csv('{followed.file}') group by all order by all").fetchall()
    assert len(raw) >= 3
    released = followed.rows(
        "select direction, area, land_filter = 'land_only', round(sum(amount_usd), 2), sum(events)::bigint, count(*) "
        f"from history.{SOURCE} group by all order by all"
    )
    assert released == raw


def test_the_query_of_the_example_answers_with_totals_of_the_file(followed: Followed) -> None:
    usd = 'round(sum("Currency Seizures Amount (USD)"), 2)'
    query = f"select lower(\"Inbound/Outbound\"), {usd} from read_csv('{followed.file}') group by all order by all"
    answered = re.findall(r"(inbound|other|outbound)\W+([\d.]+)", followed.said[-1])
    assert [(direction, float(figure)) for direction, figure in answered] == duckdb.sql(query).fetchall()


def test_the_source_is_in_the_tables_about_sources_in_both_languages(followed: Followed) -> None:
    where = f"where source_id = '{SOURCE}'"
    assert followed.rows(f"select title_es from meta.sources {where}") == [("Decomisos de dinero de CBP",)]
    assert followed.rows(f"select vintage::varchar, state from meta.vintages {where}") == [(RELEASED, "accepted")]
    cautions = {code for (code,) in followed.rows(f"select code from meta.cautions {where}")}
    # From the day on which the next month is overdue, lateness is told too.
    assert cautions - {f"late_{SOURCE}"} == {"currency_placeholders"}
    column = f"table_schema = 'history' and table_name = '{SOURCE}' and column_name = 'amount_usd'"
    texts = followed.rows(f"select unit, description_en, description_es from meta.dictionary where {column}")
    assert texts == [("usd", "Amount seized.", "Monto decomisado.")]


def test_the_source_has_its_assets_and_checks_in_the_ui(followed: Followed) -> None:
    with dg.DagsterInstance.from_config(str(followed.project / ".dagster_home")) as instance:
        built = {
            key.to_user_string() for key in instance.all_asset_keys() if instance.get_latest_materialization_event(key)
        }
        raw = dg.AssetCheckKey(dg.AssetKey(["clean", SOURCE]), "key_unique")
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key([raw])
    assert {f"raw/{SOURCE}", f"clean/{SOURCE}", f"history/{SOURCE}", f"staging/stg_{SOURCE}"} <= built
    assert checks[raw].status.value == "SUCCEEDED"


def test_the_source_has_its_page(followed: Followed) -> None:
    page = (followed.project / "docs" / "sources" / f"{SOURCE}.md").read_text("utf-8")
    assert "currency_placeholders" not in page
    assert "Amounts of one and two dollars are placeholders." in page


def test_the_example_is_what_the_tests_ask_of_every_source(followed: Followed) -> None:
    done = run(followed.project, f".venv/bin/python -m pytest -q -p no:cacheprovider {ASKED}")
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 10
