"""A sample made from a description is read whole and accepted by the description's own suite, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.clean.source_module import SourceModule
from pipelines.ingest.samples import from_description
from pipelines.ingest.samples.tree import write
from pipelines.quality.run import Candidate, Rules, judge
from pipelines.sources.shared.calendar import first_of_month, month_number
from tests.unit import tried

MONTHS = ["Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre",
          "Noviembre", "Diciembre"]  # fmt: skip
FRAME = [
    {"name": "month", "type": "date", "role": "key"},
    {"name": "place", "type": "text", "role": "key"},
    {"name": "kind", "type": "text", "role": "key"},
    {"name": "events", "type": "integer", "role": "value"},
    {"name": "weight_kg", "type": "number", "role": "value"},
]
BOUNDS: dict[str, tuple[str, dict[str, Any]]] = {
    "shape": ("expect_column_values_to_be_in_set", {"column": "is_as_described", "value_set": [True]}),
    "content": ("expect_column_values_to_be_null", {"column": "found"}),
    "newest_period": ("expect_column_values_to_be_between", {"column": "share_of_previous_rows", "min_value": 1}),
    "every_period": ("expect_column_values_to_be_between", {"column": "share_of_usual_rows", "min_value": 1}),
    "usual_rows": ("expect_column_values_to_be_between", {"column": "share_of_usual_rows", "min_value": 1}),
    "known_series": ("expect_column_values_to_be_between", {"column": "share_there", "min_value": 1}),
    "coverage": ("expect_column_values_to_be_between", {"column": "share_of_known_rows", "min_value": 1}),
    "magnitude": (
        "expect_column_values_to_be_between",
        {"column": "ratio_to_previous_release", "min_value": 0.95, "max_value": 1.05},
    ),
    "last_period": ("expect_column_values_to_be_between", {"column": "months_behind", "max_value": 0}),
    "settled": ("expect_column_values_to_be_between", {"column": "share_revised", "max_value": 0}),
}
EXPECTATIONS = [
    *(
        {"id": column, "type": "expect_column_values_to_be_between", "kwargs": {"column": column, "min_value": 2,
         "max_value": 40}, "why": "Only this test says so."}
        for column in ("events", "weight_kg")
    ),
    *(
        {"id": f"{batch}_is_whole", "batch": batch, "type": kind, "kwargs": kwargs,
         "why": "Nothing leaves a generated file."}
        for batch, (kind, kwargs) in BOUNDS.items()
    ),
]  # fmt: skip
PLACES = [{"code": "01", "place": "Nogales"}, {"code": "02", "place": "Cañón"}]
KIND = {"id": "kind", "names": ["Kind"], "type": "category", "categories": {"Rifle": "rifle", "Pistol": "pistol"}}
LONG: dict[str, Any] = {
    "columns": [
        {"id": "date", "names": ["Date"]},
        {"id": "code", "names": ["Code"]},
        {"id": "place", "names": ["Place"]},
        KIND,
        {"id": "events", "names": ["Events"], "type": "integer"},
        {"id": "weight_kg", "names": ["Weight (kg)"], "type": "number"},
    ],
    "sample": {"columns": {"date": {"period": "{year}-{month:02}-01"}}, "together": [PLACES]},
}
WIDE: dict[str, Any] = {
    "columns": [
        {"id": "year", "names": ["Año"], "type": "integer"},
        {"id": "code", "names": ["Code"]},
        {"id": "place", "names": ["Place"]},
        KIND,
        {"id": "events", "names": MONTHS, "type": "integer", "nullable": True, "wide": "month_name"},
    ],
    "sample": {
        "columns": {"year": {"period": "{year}"}, "events": {"period": "{month_es}"}},
        "together": [PLACES],
    },
}


def tidy(batch: RecordBatch, source: Source) -> None:
    """Rows of either layout; a blank cell is a month that is not out yet."""
    batch.set_aside(pl.col("events").is_null(), "month_not_published")
    if source.wide:
        month = first_of_month(pl.col("year"), month_number(pl.col("month_name"), "es"))
        weight = pl.lit(2.0)
    else:
        month, weight = pl.col("date").str.to_date("%Y-%m-%d", strict=False), pl.col("weight_kg")
    batch.frame = batch.frame.select(
        month.alias("month"), "place", "kind", "events", weight.alias("weight_kg"), "_line"
    )


def cleaned(source: Source, folder: Path) -> list[tuple[Summary, Candidate]]:
    """The account of every release of the source's sample, as written, read and cleaned."""
    found = []
    for vintage in from_description.vintages(source):
        write(folder / "mirror", vintage)
        place = folder / "mirror" / source.id / vintage.published
        raw = Raw(vintage.published, vintage.published, place, list(vintage.files), vintage.published)
        summary = clean_vintage(source, lambda: SourceModule(tidy), raw, folder / "clean", Limits(), "code")
        assert summary.problem is None, summary.problem
        out = folder / "clean" / raw.id
        found.append(
            (
                summary,
                Candidate(raw.id, raw.vintage, out, summary.content, False, None, summary.records, summary.rejected),
            )
        )
    return found


@pytest.mark.parametrize("base", [LONG, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize(
    "files",
    [
        {"formats": ["csv"]},
        {"formats": ["csv"], "encodings": ["latin-1"], "final_newline": False},
        {"formats": ["tsv"], "end_marker": "---"},
        {"formats": ["xlsx"]},
    ],
    ids=["csv", "latin-1", "tsv", "xlsx"],
)
def test_every_release_is_read_without_a_rejected_record_and_accepted(
    tmp_path: Path, base: dict[str, Any], files: dict[str, Any]
) -> None:
    described = tried.described(frame=FRAME, files=files, expectations=EXPECTATIONS, settled_after_months=3, **base)
    source = Source.model_validate(described)
    releases = cleaned(source, tmp_path)
    months, places, kinds = 24, 2, 2
    assert [(s.rows, s.rejected) for s, _ in releases] == [(months * places * kinds, 0)] * 2
    verdicts = judge(Rules(source, {}, "code"), [c for _, c in releases], tmp_path / "quality", [])
    assert [(v.vintage, v.state, [c.id for c in v.checks if not c.passed]) for v in verdicts] == [
        ("2025-07-15", "accepted", []),
        ("2026-01-15", "accepted", []),
    ]
