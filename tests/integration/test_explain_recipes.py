"""What the engine makes of a recipe: which rows it finds, and that it adds them up, in releases written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from pipelines.catalog.recipe import Hook
from pipelines.core.settings import Settings
from pipelines.query.explain import explain
from pipelines.query.explain.hooks import HOOKS
from tests.conftest import installation
from tests.integration.release_by_hand import write_release

AREAS = [
    {"area_id": "tucson_sector", "corridor_id": "tucson", "region": "southwest"},
    {"area_id": "laredo_sector", "corridor_id": "laredo", "region": "southwest"},
]


def seizure(month: date, events: int, area: str = "tucson_sector", **more: Any) -> dict[str, Any]:
    """A row of seizures_monthly: cocaine of a sector."""
    fact = {"month": month, "area_id": area, "drug_id": "cocaine", "component": "USBP", "region": "southwest"}
    return {**fact, "events": events, "quantity_lb": events / 2, **more}


def release(folder: Path, **rows: list[dict[str, Any]]) -> Settings:
    """An installation whose release has the given marts."""
    home = installation(folder, "sample")
    write_release(home, "20260201T000000Z", {f"marts.{table}": found for table, found in rows.items()})
    return home


def mix(events: int) -> dict[str, Any]:
    """A row of drug_mix: cocaine of the corridor Tucson, twelve months to December 2025."""
    return {"month": date(2025, 12, 1), "corridor_id": "tucson", "drug_id": "cocaine", "events_12": events}


def test_twelve_months_are_the_month_and_the_eleven_before(tmp_path: Path) -> None:
    facts = [seizure(date(2024, 12, 1), 1), seizure(date(2025, 1, 1), 2), seizure(date(2025, 12, 1), 4)]
    home = release(tmp_path, dim_area=AREAS, seizures_monthly=facts, drug_mix=[mix(6)])
    found = explain(home, "drug_mix 2025-12 tucson cocaine")
    assert [f.values["events"] for f in found.facts] == [4, 2]


def test_a_filter_on_a_dimension_leaves_its_other_members_out(tmp_path: Path) -> None:
    facts = [seizure(date(2025, 6, 1), 2), seizure(date(2025, 6, 1), 8, "laredo_sector")]
    home = release(tmp_path, dim_area=AREAS, seizures_monthly=facts, drug_mix=[mix(2)])
    found = explain(home, "drug_mix 2025-12 tucson cocaine")
    assert [f.key["area_id"] for f in found.facts] == ["tucson_sector"]


def test_rows_that_do_not_give_the_released_figure_are_told(tmp_path: Path) -> None:
    home = release(tmp_path, dim_area=AREAS, seizures_monthly=[seizure(date(2025, 6, 1), 2)], drug_mix=[mix(5)])
    steps = explain(home, "drug_mix 2025-12 tucson cocaine").steps
    assert any("events_12 = 2.0. The released value is 5: report this difference" in s for s in steps), steps


def test_rows_that_give_the_released_figure_say_nothing_of_it(tmp_path: Path) -> None:
    home = release(tmp_path, dim_area=AREAS, seizures_monthly=[seizure(date(2025, 6, 1), 2)], drug_mix=[mix(2)])
    assert not any("report" in s for s in explain(home, "drug_mix 2025-12 tucson cocaine").steps)


def test_a_missing_figure_is_not_added_up(tmp_path: Path) -> None:
    blank = {**mix(0), "events_12": None, "null_reason": "missing_month"}
    home = release(tmp_path, dim_area=AREAS, seizures_monthly=[seizure(date(2025, 6, 1), 2)], drug_mix=[blank])
    steps = explain(home, "drug_mix 2025-12 tucson cocaine").steps
    assert any("A figure is missing (missing_month)" in s for s in steps)
    assert not any("report" in s for s in steps)


@pytest.mark.parametrize(("elapsed", "events"), [(1, [1]), (3, [4, 2, 1])])
def test_the_first_months_of_a_fiscal_year_begin_in_october(tmp_path: Path, elapsed: int, events: list[int]) -> None:
    months = [(date(2025, 9, 1), 8), (date(2025, 10, 1), 1), (date(2025, 11, 1), 2), (date(2025, 12, 1), 4)]
    pace = {
        "fiscal_year": 2026, "scope": "national", "drug_id": "cocaine", "measure": "events",
        "months_elapsed": elapsed, "to_date": float(sum(events)),
    }  # fmt: skip
    home = release(tmp_path, seizures_monthly=[seizure(*m) for m in months], fytd_pace=[pace])
    found = explain(home, "fytd_pace 2026 national cocaine events")
    assert [f.values["events"] for f in found.facts] == events
    assert not any("report" in s for s in found.steps)


def test_pounds_are_added_up_as_kilograms(tmp_path: Path) -> None:
    """1 lb is 0.45359237 kg: 3 events are 1.5 lb here."""
    fact = seizure(date(2025, 6, 1), 3, component="OFO", fiscal_year=2025)
    rate = {"fiscal_year": 2025, "drug_id": "cocaine", "quantity_kg": 1.5 * 0.45359237}
    home = release(tmp_path, seizures_monthly=[fact], statutory_rate=[rate])
    found = explain(home, "statutory_rate 2025 cocaine")
    assert (found.fact_count, [s for s in found.steps if "report" in s]) == (1, [])


def test_every_hook_that_a_recipe_may_name_is_there() -> None:
    assert set(HOOKS) == set(get_args(Hook))
