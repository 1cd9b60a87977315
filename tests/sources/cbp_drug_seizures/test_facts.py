"""Facts about CBP's seizures, on frames made by hand: closed years, the list of areas, pounds per event."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from tests.unit.quality.vintages import context, fact

YEAR = pl.date_range(date(2023, 1, 1), date(2023, 12, 1), "1mo", eager=True).to_list()
JANUARY = date(2024, 1, 1)
CBP = get_source("cbp_drug_seizures")


def seizures(*rows: tuple[str, int, float, int, bool]) -> pl.DataFrame:
    """Rows of area, fiscal year, weight, events and whether the year runs."""
    schema = {"area_id": pl.String, "fiscal_year": pl.Int64, "quantity_lb": pl.Float64, "events": pl.Int64,
              "is_fytd": pl.Boolean}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        month=pl.date("fiscal_year", 9, 1), component=pl.lit("OFO"), region=pl.lit("southwest"),
        land_filter=pl.lit("land_only"), drug_id=pl.lit("fentanyl"),
    )  # fmt: skip


CLOSED = seizures(("a", 2023, 5.0, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))


def closed(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, partial: bool = False) -> dict[int, int]:
    """Changed rows by fiscal year."""
    found = fact(CBP, "closed_years", context(folder, new, old, scope="fiscal_year", partial=partial))
    return dict(found.select("fiscal_year", "changed_rows").iter_rows())


def test_a_closed_year_published_again_has_no_changed_row(tmp_path: Path):
    assert closed(tmp_path, CLOSED.reverse(), CLOSED) == {2023: 0, 2024: 0}


@pytest.mark.parametrize(("weight", "changed_rows"), [(5.0 + 5e-7, 0), (5.0 - 5e-7, 0), (5.00001, 1), (9.0, 1)])
def test_a_weight_of_a_closed_year_may_move_by_the_tolerance(tmp_path: Path, weight: float, changed_rows: int):
    new = seizures(("a", 2023, weight, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))
    assert closed(tmp_path, new, CLOSED) == {2023: changed_rows, 2024: 0}


def test_events_of_a_closed_year_may_not_move(tmp_path: Path):
    new = seizures(("a", 2023, 5.0, 2, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))
    assert closed(tmp_path, new, CLOSED) == {2023: 1, 2024: 0}


def test_a_row_that_comes_or_goes_in_a_closed_year_is_a_change(tmp_path: Path):
    new = seizures(("a", 2023, 5.0, 1, False), ("a", 2024, 7.0, 3, False), ("c", 2024, 1.0, 1, False))
    assert closed(tmp_path, new, CLOSED) == {2023: 1, 2024: 1}


def test_a_year_that_ran_in_either_vintage_is_not_compared(tmp_path: Path):
    running = seizures(("a", 2023, 5.0, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 1.0, 1, True))
    assert closed(tmp_path, CLOSED, running) == {2023: 0}
    assert closed(tmp_path, running, CLOSED) == {2023: 0}


def test_a_year_that_ends_before_september_is_not_compared(tmp_path: Path):
    unfinished = CLOSED.with_columns(month=pl.date("fiscal_year", 8, 1))
    assert closed(tmp_path, unfinished, CLOSED) == {}


def test_a_label_of_a_closed_year_needs_its_september(tmp_path: Path):
    rows = CLOSED.with_columns(month=pl.when(pl.col("fiscal_year") == 2024).then(date(2023, 12, 1)).otherwise("month"))
    running = seizures(("a", 2025, 1.0, 1, True)).with_columns(month=date(2024, 12, 1))
    found = fact(CBP, "closed_labels", context(tmp_path, pl.concat([rows, running]), scope="fiscal_year"))
    assert found.rows() == [(2023, date(2023, 9, 1), 0), (2024, date(2023, 12, 1), 9)]
    excerpt = context(tmp_path, rows, scope="fiscal_year", partial=True)
    assert fact(CBP, "closed_labels", excerpt).is_empty()


def test_an_area_under_another_region_or_component_is_told(tmp_path: Path):
    """The list of areas says OFO and southwest of Tucson's field office; nobody lists the last one."""
    rows = seizures(*((f"{name}_field_office", 2023, 1.0, 1, False) for name in ("laredo", "tucson", "atlantis")))
    is_tucson = pl.col("area_id").str.starts_with("tucson")
    moved = rows.filter(is_tucson).with_columns(region=pl.lit("coastal_interior"))
    found = fact(CBP, "areas", context(tmp_path, pl.concat([rows, moved]), scope="fiscal_year"))
    assert found.select("area_id", "region", "listed", "is_as_listed").rows() == [
        ("atlantis_field_office", "southwest", None, False),
        ("laredo_field_office", "southwest", "OFO southwest", True),
        ("tucson_field_office", "coastal_interior", "OFO southwest", False),
        ("tucson_field_office", "southwest", "OFO southwest", True),
    ]


def test_a_year_outside_the_newer_window_is_not_compared(tmp_path: Path):
    assert closed(tmp_path, CLOSED.filter(fiscal_year=2024), CLOSED) == {2024: 0}


def test_closed_years_need_two_full_vintages(tmp_path: Path):
    assert closed(tmp_path, CLOSED, None) == {}
    assert closed(tmp_path, CLOSED.head(1), CLOSED, partial=True) == {}


def test_pounds_per_event_of_a_month_over_the_year_before_in_the_middle_drug(tmp_path: Path):
    # 10 lb an event in each of twelve months; then 5, 4 and 400 in three drugs, of which 5 / 10 is the middle.
    def rows(months: list[date], pounds: dict[str, float]) -> pl.DataFrame:
        one = seizures(("a", 2024, 1.0, 2, False)).drop("month", "drug_id", "quantity_lb")
        return one.join(pl.DataFrame({"month": months}), how="cross").join(
            pl.DataFrame({"drug_id": [*pounds], "quantity_lb": [2 * p for p in pounds.values()]}), how="cross"
        )

    old = rows(YEAR, {"fentanyl": 10.0, "heroin": 10.0, "lsd": 10.0})
    new = rows([JANUARY], {"fentanyl": 5.0, "heroin": 4.0, "lsd": 400.0}).select(old.columns)
    for found in (context(tmp_path, new, old, scope="fiscal_year"), context(tmp_path, pl.concat([old, new]), None)):
        assert fact(CBP, "weight_per_event", found).rows() == [(JANUARY, 0.5)]
