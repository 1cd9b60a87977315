"""What holds for every trend row, by a loop over the released monthly values that knows nothing of the SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import duckdb
import pytest

from tests.integration.raw_files import rows

Series = dict[date, tuple[float, float | None, float | None, float | None]]


def before(month: date, months: int) -> date:
    """The month so many months earlier."""
    at = month.year * 12 + month.month - 1 - months
    return date(at // 12, at % 12 + 1, 1)


@pytest.fixture(scope="module")
def series(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], Series]:
    """value, rolling_3, rolling_12 and yoy_12 by month, of every seizure series of four scopes."""
    found: dict[tuple[str, ...], Series] = defaultdict(dict)
    for scope, member, drug, measure, month, *figures in rows(
        db,
        "select scope, scope_id, drug_id, measure, month, value, rolling_3, rolling_12, yoy_12 "
        "from marts.seizure_trends where scope <> 'area'",
    ):
        found[scope, member, drug, measure][month] = tuple(figures)
    assert len(found) == 8 * 10 * 3
    return found


@pytest.mark.parametrize(("window", "column"), [(3, 1), (12, 2)])
def test_rolling_sums_agree_with_a_naive_loop(series: dict[tuple[str, ...], Series], window: int, column: int) -> None:
    for months in series.values():
        for month, figures in months.items():
            needed = [before(month, n) for n in range(window)]
            whole = all(m in months for m in needed)
            expected = sum(months[m][0] for m in needed) if whole else None
            assert figures[column] == (None if expected is None else pytest.approx(expected, abs=1e-4))


def test_growth_is_the_sum_over_that_of_a_year_before_and_0_where_they_are_equal(
    series: dict[tuple[str, ...], Series],
) -> None:
    equal = 0
    for months in series.values():
        for month, (_, _, rolling, growth) in months.items():
            if growth is None:
                continue
            earlier = months[before(month, 12)][2]
            assert rolling is not None
            assert earlier
            assert growth == pytest.approx((rolling - earlier) / earlier, abs=1e-9)
            if rolling == earlier:
                equal += 1
                assert growth == 0
    assert equal > 0


def test_another_unit_scales_amounts_and_changes_no_growth(series: dict[tuple[str, ...], Series]) -> None:
    for (scope, member, drug, measure), months in series.items():
        if measure != "quantity_kg":
            continue
        pounds = series[scope, member, drug, "quantity_lb"]
        for month, (value, _, _, growth) in months.items():
            assert value == pytest.approx(pounds[month][0] * 0.45359237)
            assert growth == (None if pounds[month][3] is None else pytest.approx(pounds[month][3], rel=1e-4, abs=1e-7))
