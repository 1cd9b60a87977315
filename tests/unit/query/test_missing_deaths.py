"""What explain says of a month of deaths that has no figure: hidden by the publisher, or in no file."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import pytest

from pipelines.catalog.dictionary import load_dictionary
from pipelines.query.explain.current import Current
from pipelines.query.explain.follow import follow

ROW: dict[str, Any] = {
    "jurisdiction_id": "US-CA", "month": date(2021, 1, 1), "indicator_id": "drug_overdose", "basis": "final",
    "deaths": None, "source_id": "cdc_wonder_overdose", "vintage": date(2025, 4, 21),
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "said", "unsaid"),
    [
        ("suppressed", "it had 0 to 9 deaths", "Nothing is known"),
        ("not_reported", "Nothing is known of the count", "0 to 9"),
    ],
)
def test_only_a_suppressed_month_is_said_to_have_had_few_deaths(reason: str, said: str, unsaid: str) -> None:
    (table,) = (t for t in load_dictionary() if t.name == "overdose_deaths_monthly")
    (wanted,) = follow(cast(Current, None), table, {**ROW, "missing_reason": reason}).wanted
    assert said in wanted.absent
    assert unsaid not in wanted.absent
