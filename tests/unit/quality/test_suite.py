"""Great Expectations on a vintage: which rows it looks at, what a wrong YAML does, and what its pages show."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalog.expectations import Expectation
from pipelines.catalog.load import get_source
from pipelines.core.errors import DrugflowError
from pipelines.quality import run
from pipelines.quality.context import Context
from pipelines.quality.expectations import expectations_of
from pipelines.quality.facts import facts
from pipelines.quality.suite import offline, run_suite
from pipelines.quality.verdict import accept
from tests.unit.quality.bench import (
    EXPECTATIONS,
    FEBRUARY,
    GOOD,
    JANUARY,
    MARCH,
    PLACES,
    Bench,
    changed,
    check,
)

# ---- which rows are looked at ----


def test_all_rows_of_the_first_vintage_are_evaluated(bench: Bench):
    bench.add("2024-04-01", GOOD)
    assert check(bench.judge()["2024-04-01"], "events_range").evaluated_rows == len(GOOD)


def test_only_new_or_revised_rows_are_evaluated(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", [*changed(GOOD, 0, 6), ("port 00", MARCH, 5)])
    assert check(bench.judge()["2024-05-01"], "events_range").evaluated_rows == 2


def test_a_vintage_without_news_has_nothing_to_evaluate(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    verdict = bench.judge()["2024-05-01"]
    assert check(verdict, "events_range").evaluated_rows == 0
    assert verdict.state == "accepted"


def test_a_finding_in_an_earlier_vintage_is_found_again(bench: Bench):
    bad = changed(GOOD, 0, 500)
    bench.add("2024-04-01", bad)
    bench.add("2024-05-01", [*bad, ("port 00", MARCH, 5)])
    verdicts = bench.judge()
    assert [check(v, "events_usual").failing_rows for v in verdicts.values()] == [1, 1]


def test_a_finding_that_was_excused_is_found_again_in_the_next_vintage(bench: Bench):
    bench.describe([e | {"severity": "critical"} if e["id"] == "events_usual" else e for e in EXPECTATIONS])
    bad = changed(GOOD, 0, 500)
    bench.add("2024-04-01", bad)
    held = bench.judge()["2024-04-01"]
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "The agency explained it on its page."))
    bench.add("2024-05-01", bad)
    assert bench.states() == ["accepted_by_exception", "held"]


@pytest.mark.parametrize(
    "events", [{JANUARY: 5, FEBRUARY: -1, MARCH: 500}, {JANUARY: -1, FEBRUARY: -1, MARCH: -1}], ids=["some", "all"]
)
def test_pieces_change_no_result(bench: Bench, monkeypatch: pytest.MonkeyPatch, events: dict[date, int]):
    bench.add("2024-04-01", [(p, m, e) for p in PLACES[:2] for m, e in events.items()])
    whole = bench.judge()["2024-04-01"].checks
    monkeypatch.setattr(run, "ROWS_AT_A_TIME", 1)
    for path in bench.verdicts.glob("tried/*"):
        path.unlink()
    assert bench.judge()["2024-04-01"].checks == whole


def test_the_page_shows_the_finding_of_a_later_piece(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "ROWS_AT_A_TIME", 1)
    bench.add("2024-04-01", [("port 00", JANUARY, 5), ("port 00", FEBRUARY, -987)])
    bench.judge()
    assert "-987" in (bench.verdicts / "tried" / "2024-04-01__rows.html").read_text("utf-8")


# ---- a wrong YAML ----


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_be_between", {"column": "evnets", "min_value": 0}),
        ("expect_column_values_to_be_in_set", {"column": "evnets", "value_set": [1]}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["place", "mnoth"]}),
        ("expect_column_values_to_match_regex", {"column": "plcae", "regex": "port"}),
    ],
)
def test_an_expectation_of_a_column_that_is_not_there_raises(bench: Bench, kind: str, kwargs: dict[str, Any]):
    with pytest.raises(DrugflowError, match=r"expectation wrong names .* which frame does not have"):
        bench.describe([{"id": "wrong", "type": kind, "kwargs": kwargs, "why": "A wrong name in the YAML."}])


def test_an_expectation_of_a_fact_that_is_not_in_its_frame_raises(bench: Bench):
    wrong = {"id": "wrong", "batch": "coverage", "type": "expect_column_values_to_be_between",
             "kwargs": {"column": "share", "min_value": 1}, "why": "A wrong name in the YAML."}  # fmt: skip
    bench.describe([wrong])
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    with pytest.raises(ValueError, match=r"wrong cannot run.*does not exist"):
        bench.judge()


def test_a_facts_frame_that_nobody_computes_raises(tmp_path: Path):
    with pytest.raises(DrugflowError, match="nobody computes the facts 'moon_phase'"):
        facts(get_source("bts_border_crossings"), {}, "moon_phase", Context(tmp_path, False, None))


@pytest.mark.parametrize("source_id", ["bts_border_crossings", "cbp_drug_seizures", "cdc_vsrr_overdose"])
def test_every_expectation_of_the_rows_can_run(source_id: str):
    kinds = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "date": pl.Date, "boolean": pl.Boolean}
    source = get_source(source_id)
    frame = pl.DataFrame(schema={c.name: kinds[c.type] for c in source.frame}).clear(1)
    frame = frame.with_columns(file=pl.lit("data.csv"), line=pl.lit(2))
    suite = [e for e in expectations_of(source) if e.batch == "rows"]
    assert len(run_suite(source_id, suite, [frame], ["file", "line"])[0]) == len(suite)


# ---- pages ----

ASSET = re.compile(r"""(?:src|srcset|action|data)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//""", re.I)
LINK = re.compile(r"""href\s*=\s*["']([^"']*)["']""")


def test_a_real_page_asks_no_other_host_for_anything(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    verdict = bench.judge()["2024-04-01"]
    pages = [(bench.verdicts / p).read_text("utf-8") for p in verdict.pages]
    assert len(pages) == 2
    for page in pages:
        assert not ASSET.search(page)
        assert "<script" not in page
        assert "http" not in page


def test_every_link_of_a_real_page_leads_somewhere(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    verdict = bench.judge()["2024-04-01"]
    page = (bench.verdicts / verdict.pages[0]).read_text("utf-8")
    assert {link for link in LINK.findall(page) if not link.startswith("#")} == {"../index.html"}


def test_a_real_page_says_in_words_what_held_and_what_failed(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    page = (bench.verdicts / bench.judge()["2024-04-01"].pages[0]).read_text("utf-8")
    assert "✗ failed" in page
    assert "✓ passed" in page


@pytest.mark.parametrize(
    "asset",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        "<script>fetch('https://example.org')</script>",
        '<SCRIPT SRC="https://cdn.example.org/a.js"></SCRIPT>',
        '<link rel="stylesheet" href="https://cdn.example.org/a.css" integrity="sha384-x">',
        '<link rel="stylesheet" href="//cdn.example.org/a.css">',
        '<img src="https://example.org/logo.png" alt="logo"/>',
        "<style>@import url('https://example.org/a.css');</style>",
        "<style>@font-face{src:url(https://example.org/a.woff2)}</style>",
        '<div style="background:url(//example.org/a.png)"></div>',
        '<a href="https://example.org/docs">docs</a>',
        '<iframe src="https://example.org"></iframe>',
    ],
)
def test_offline_leaves_no_asset_of_another_host(asset: str):
    page = offline(f"<html><head>{asset}</head><body>kept {asset} words</body></html>")
    assert "example.org" not in page
    assert "kept" in page
    assert "words" in page


def test_offline_keeps_the_words_of_a_link():
    assert "the docs" in offline('<html><head></head><body><a href="https://example.org">the docs</a></body></html>')


def test_a_page_without_a_row_is_a_page(bench: Bench):
    _, page = run_suite("none", [], [], [])
    assert "No row to check" in page


def test_a_severity_of_the_yaml_is_that_of_the_check():
    suite = [
        Expectation(
            id=severity, type="expect_column_values_to_be_between", kwargs={"column": "events", "min_value": 0},
            severity=severity, why="A count is never negative.",
        )
        for severity in ("critical", "warning", "info")
    ]  # fmt: skip
    checks, _ = run_suite("tried", suite, [pl.DataFrame({"events": [-1]})], [])
    assert checks[0].detail == "observed -1"
    assert [(c.id, c.severity, c.passed) for c in checks] == [
        ("critical", "critical", False),
        ("warning", "warning", False),
        ("info", "info", False),
    ]


# ---- shape ----

SHAPE = {
    "id": "has_shape",
    "batch": "shape",
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "is_as_described", "value_set": [True]},
    "why": "Figures would be read from the wrong place.",
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (pl.all().exclude("events"), "column events, expected_type Int64, found_type absent"),
        (pl.all().exclude("events"), "has_shape failed (1 row)"),
        ([pl.all(), pl.lit(1).alias("kilograms")], "column kilograms, expected_type unknown, found_type Int32"),
        ([pl.all().exclude("events"), pl.col("events").cast(pl.String)], "expected_type Int64, found_type String"),
    ],
)
def test_a_frame_of_another_shape_is_held_and_named(bench: Bench, change: Any, sentence: str):
    bench.describe([SHAPE, *EXPECTATIONS])
    bench.add("2024-04-01", GOOD)
    path = bench.folder / "clean" / "2024-04-01" / "clean.parquet"
    pl.read_parquet(path).select(change).write_parquet(path)
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "held"
    assert sentence in str(verdict.problem)


# ---- words ----


@pytest.mark.parametrize(
    ("column", "value", "english", "spanish"),
    [
        ("months_behind", 1, "it ends 1 month earlier than the vintage before",
         "termina 1 mes antes que la publicación anterior"),
        ("months_behind", 7, "it ends 7 months earlier than the vintage before",
         "termina 7 meses antes que la publicación anterior"),
        ("share_of_known_rows", 0.8219, "82.19% of the rows known before are there",
         "está el 82.19% de las filas conocidas antes"),
        ("share_of_known_rows", 0.9499, "94.99% of the rows known before are there",
         "está el 94.99% de las filas conocidas antes"),
    ],
)  # fmt: skip
def test_a_figure_that_has_words_is_told_in_both_languages(column: str, value: float, english: str, spanish: str):
    never = {"column": column, "min_value": -2, "max_value": -1}
    rule = Expectation(id="tried", type="expect_column_values_to_be_between", kwargs=never, why="Tried by a test.")
    (check,), _ = run_suite("tried", [rule], [pl.DataFrame({"scope": ["all"], column: [value]})], ["scope"])
    assert check.told("en") == f"{english} (scope all)"
    assert check.told("es").replace("\xa0", "").replace(" %", "%") == f"{spanish} (scope all)"
