"""One held vintage in an installation in Spanish: what an analyst and an operator read of it, up to the alert."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from pipelines.alerts.conditions import of_sources
from pipelines.alerts.memory import News
from pipelines.alerts.message import Seen, body
from pipelines.catalog.load import get_source
from pipelines.core.wording import VARIABLE
from pipelines.dbt.lineage import load_lineage
from pipelines.orchestration.source_assets import source_assets
from pipelines.refresh.refresh import blocked
from pipelines.refresh.workers import Workers
from pipelines.release.cautions import caution_rows
from pipelines.status.account import read_account
from pipelines.status.overview import read_status
from tests.faults.house import BAD, CBP, FILE, House, furnish, spoilt

TODAY = date(2024, 2, 20)
FOUND = f"rejected_rows no pasó (1 fila): {FILE}, línea 9: Drug Type 'Nitazenes' es desconocido, se esperaba uno de "
IN_ENGLISH = f"rejected_rows failed (1 row): {FILE}, line 9: Drug Type 'Nitazenes' is unknown, expected one of "
TO_DO = "Si la agencia lo agregó o le cambió el nombre, inclúyalo en pipelines/sources/cbp_drug_seizures/source.yml"
ENGLISH = re.compile(r"\b(is|are|was|the|of|and|expected|failed|rows?|line|unknown|held|since)\b")
"""Words that no Spanish sentence has; the publisher's own names stand in quotation marks."""


def assert_spanish(text: str) -> None:
    """No English word is left in a text, apart from what it quotes."""
    assert not ENGLISH.search(re.sub(r"'[^']*'", "", text)), text


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An installation in Spanish that holds a vintage with a drug that the YAML does not list."""
    monkeypatch.setenv(VARIABLE, "es")
    english = furnish(tmp_path)
    house = House(english.mirror, english.settings.model_copy(update={"language": "es"}))
    house.offer(BAD, {FILE: spoilt("Fentanyl", "Nitazenes")})
    assert house.run()[BAD].state == "held"
    return house


def test_the_status_says_in_spanish_why_it_is_held_and_what_to_do(house: House) -> None:
    (source,) = (s for s in read_status(house.settings, "official", TODAY)["sources"] if s["source"] == CBP)
    (held,) = source["held"]
    assert held["why"].startswith(FOUND)
    assert held["how_to_go_on"].startswith(TO_DO)
    for text in (held["why"], held["how_to_go_on"], *(check["found"] for check in held["failed"])):
        assert_spanish(text)


def test_the_refresh_says_it_in_spanish(house: House) -> None:
    (told,) = map(str, blocked(house.settings, "official"))
    assert told.startswith(f"{CBP} {BAD} está retenida: {FOUND}")
    assert_spanish(told)


def test_the_alert_is_in_spanish_and_its_last_sentence_in_english(house: House) -> None:
    account = read_account(house.settings, "official", get_source(CBP))
    conditions = [c for c in of_sources([account], "official", TODAY) if c.word == "held"]
    text = body(News([(c, "2024-02-20T06:00") for c in conditions], []), Seen(), "marts", language="es")
    *spanish, english = text.split("\n\n")
    assert FOUND in spanish[0]
    assert TO_DO in spanish[0]
    for block in spanish:
        assert_spanish(block)
    assert CBP in english
    assert ENGLISH.search(english)


def test_analysts_read_the_caution_in_both_languages(house: House) -> None:
    account = read_account(house.settings, "official", get_source(CBP))
    rows = caution_rows("official", [account], load_lineage(), [])
    (caution,) = (row for row in rows if row["code"] == f"held_{CBP}_{BAD}")
    assert FOUND in caution["text_es"]
    assert IN_ENGLISH in caution["text_en"]


def test_the_check_in_the_ui_says_it_in_spanish(house: House) -> None:
    _, clean, _ = source_assets(house.settings, get_source(CBP), Workers())
    result = dg.materialize([clean], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    shown = {c.check_name: c.metadata for c in result.get_asset_check_evaluations() if not c.passed}
    assert FOUND in str(shown["vintages_accepted"]["held"].value)
    assert f"{FILE}, línea 9: Drug Type 'Nitazenes' es desconocido" in str(shown["rejected_rows"]["failed"].value)
