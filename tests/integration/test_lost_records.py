"""A record that cleaning loses: the vintage is held and the check of the asset is red, in words of both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pipelines.catalog.load import get_source
from pipelines.core.problem import NOT_CONSERVED
from pipelines.orchestration.source_assets import source_assets
from pipelines.quality.verdict import read_verdicts
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import resolve_origin
from pipelines.refresh.workers import Workers
from pipelines.sources import modules
from pipelines.sources.modules import source_module
from tests.faults.house import CBP, FILE, ROWS, House, csv_file, furnish

VINTAGE = "2024-02-15"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An archive with a good vintage and one that is not cleaned yet."""
    house = furnish(tmp_path)
    house.offer(VINTAGE, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    return house


def evaluations(house: House) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of the clean asset, materialized as the UI does it, by name."""
    _, clean, _ = source_assets(house.settings, get_source(CBP), Workers())
    result = dg.materialize([clean], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def lose_a_record(patch: pytest.MonkeyPatch) -> None:
    """Let the source's own cleaning drop the last record of every chunk without a word."""
    module = source_module(CBP)

    def losing(batch, source):  # type: ignore[no-untyped-def]
        module.tidy(batch, source)
        batch.frame = batch.frame.head(batch.frame.height - 1)

    patch.setattr(modules, "source_module", lambda _id: replace(module, tidy=losing))


def test_no_record_is_lost_by_the_cleaning_as_it_is(house: House) -> None:
    assert evaluations(house)["records_conserved"].passed


def test_a_lost_record_turns_the_check_red_and_holds_the_vintage(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_a_record(monkeypatch)
    check = evaluations(house)["records_conserved"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    verdict = next(v for v in read_verdicts(house.settings.stage("quality", "official"), CBP) if v.vintage == VINTAGE)
    assert verdict.state == "held"
    assert verdict.problem is not None
    assert verdict.problem.kinds & NOT_CONSERVED
    told = {language: verdict.problem.said(language) for language in ("en", "es")}
    kept = len(ROWS) - 1
    assert f"{len(ROWS)} records in, but {kept} clean + 0 set aside + 0 rejected" in told["en"]
    assert f"entraron {len(ROWS)} registros, pero hay {kept} limpios + 0 apartados + 0 rechazados" in told["es"]
