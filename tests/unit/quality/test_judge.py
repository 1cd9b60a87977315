"""Judging vintages: what is held, what is remembered, which rows are looked at, and what its pages show."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.quality import run
from pipelines.quality.facts import facts
from pipelines.quality.run import Candidate, judge
from pipelines.quality.subject import Subject
from pipelines.quality.suite import offline, run_suite
from pipelines.quality.verdict import Check, Verdict, accept, read_verdicts
from pipelines.sources.catalog import Expectation, Source, get_source, load_source
from pipelines.sources.ledger import Exemption, read_ledger
from pipelines.vocabulary import DrugflowError

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
SCHEMA = {"place": pl.String, "month": pl.Date, "events": pl.Int64, "is_noted": pl.Boolean}
EXPECTATIONS: list[dict[str, Any]] = [
    {
        "id": "key_unique",
        "type": "expect_compound_columns_to_be_unique",
        "kwargs": {"column_list": ["place", "month"]},
        "why": "A second figure would be counted twice.",
    },
    {
        "id": "events_range",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "events", "min_value": 0},
        "why": "A count is never negative.",
    },
    {
        "id": "events_usual",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "events", "max_value": 100},
        "severity": "warning",
        "why": "More than a hundred is unusual.",
    },
    {
        "id": "coverage_did_not_shrink",
        "batch": "coverage",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "share_of_known_rows", "min_value": 0.95},
        "why": "A release repeats the rows of the one before.",
    },
]
Rows = list[tuple[str, date, int | None]]
PLACES = [f"port {n:02}" for n in range(20)]
GOOD: Rows = [(place, month, 5) for place in PLACES for month in (JANUARY, FEBRUARY)]


class Bench:
    """A source of one figure per place and month, its vintages on disk, and their verdicts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.ledger: list[Exemption] = []
        self.candidates: dict[str, Candidate] = {}
        self._yaml = folder / "sources"
        self._yaml.mkdir()
        self.describe(EXPECTATIONS)
        monkeypatch.setattr(run, "FOLDER", self._yaml)

    def describe(self, expectations: list[dict[str, Any]]) -> None:
        """Write the source's YAML with these expectations."""
        text = get_source("bts_border_crossings").model_dump(mode="json") | {
            "id": "tried",
            "frame": [
                {"name": "place", "type": "text", "role": "key"},
                {"name": "month", "type": "date", "role": "key"},
                {"name": "events", "type": "integer", "role": "value"},
                {"name": "is_noted", "type": "boolean", "role": "annotation"},
            ],
            "period": "month",
            "scope": [],
            "expectations": expectations,
        }
        (self._yaml / "tried.yml").write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")
        self.source: Source = load_source(self._yaml / "tried.yml")

    def add(
        self, vintage: str, rows: Rows, *, partial: bool = False, problem: str | None = None, rejected: int = 0
    ) -> None:
        """A cleaned vintage, or one that could not be read, or one some of whose records could not."""
        place = self.folder / "clean" / vintage
        place.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame([(*r, False) for r in rows], schema=SCHEMA, orient="row").sort("month", "place")
        frame = frame.with_columns(file=pl.lit("data.csv")).with_row_index("line", offset=2)
        frame.with_columns(pl.col("line").cast(pl.Int64)).write_parquet(place / "clean.parquet")
        frame.select(
            scope=pl.lit(""), first_period=pl.col("month").min(), last_period=pl.col("month").max()
        ).unique().write_parquet(place / "coverage.parquet")
        told = {"file": "data.csv", "line": 7, "column": "Value", "value": "many", "reason": "is not a number"}
        pl.DataFrame([told] * rejected, schema=dict.fromkeys(told, pl.String) | {"line": pl.Int64}).write_parquet(
            place / "rejected.parquet"
        )
        content = str(sorted(rows)) + str(rejected)
        records = len(rows) + rejected
        self.candidates[vintage] = Candidate(vintage, vintage[:10], place, content, partial, problem, records, rejected)

    def judge(self) -> dict[str, Verdict]:
        """A verdict by vintage, judged oldest first."""
        found = judge(self.source, [self.candidates[v] for v in sorted(self.candidates)], self.verdicts, self.ledger)
        return {v.archive_id: v for v in found}

    @property
    def verdicts(self) -> Path:
        """Where verdicts lie."""
        return self.folder / "quality"

    def states(self) -> list[str]:
        """The state of each vintage, oldest first."""
        return [v.state for v in self.judge().values()]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty bench."""
    return Bench(tmp_path, monkeypatch)


def check(verdict: Verdict, name: str) -> Check:
    """One check of a verdict."""
    return next(c for c in verdict.checks if c.id == name)


def changed(rows: Rows, at: int, events: int) -> Rows:
    """The rows with another figure at one place."""
    return [(place, month, events if n == at else e) for n, (place, month, e) in enumerate(rows)]


# ---- what is held ----


def test_a_vintage_in_order_is_accepted(bench: Bench):
    bench.add("2024-04-01", GOOD)
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.clean_sheet) == ("accepted", None, True)


def test_a_critical_finding_holds_the_vintage_and_names_file_line_and_value(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "held"
    assert verdict.problem == "events_range failed (1 rows): events -3 (file data.csv, line 2)."


def test_a_warning_holds_nothing_and_is_shown(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, 500))
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.clean_sheet) == ("accepted", None, False)
    finding = check(verdict, "events_usual")
    assert (finding.passed, finding.severity, finding.failing_rows) == (False, "warning", 1)


def test_a_held_vintage_does_not_hold_the_next_one(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", changed(GOOD, 0, -3))
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "held", "accepted"]


def test_a_vintage_that_could_not_be_read_is_held_with_the_reason(bench: Bench):
    bench.add("2024-04-01", [], problem="data.csv is UTF-16.")
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.readable) == ("held", "data.csv is UTF-16.", False)
    assert not check(verdict, "readable").passed


def test_a_rejected_record_holds_the_vintage(bench: Bench):
    bench.add("2024-04-01", GOOD, rejected=1)
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "held"
    assert "data.csv, line 7: Value 'many' is not a number" in (verdict.problem or "")


def test_a_share_of_rejected_records_that_the_source_allows_is_a_warning(bench: Bench):
    bench.source = bench.source.model_copy(update={"max_rejected_share": 0.1})
    bench.add("2024-04-01", GOOD, rejected=1)
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "accepted"
    assert (check(verdict, "rejected_rows").passed, check(verdict, "rejected_rows").severity) == (False, "warning")


def test_a_tenth_of_the_rows_missing_is_held(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[: len(GOOD) * 9 // 10])
    assert bench.states() == ["accepted", "held"]


def test_a_tenth_of_the_rows_missing_after_an_excerpt_is_held(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[:2], partial=True)
    bench.add("2024-06-01", GOOD[: len(GOOD) * 9 // 10])
    assert bench.states() == ["accepted", "accepted", "held"]


def test_an_excerpt_is_not_held_for_what_it_leaves_out(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[:2], partial=True)
    assert bench.states() == ["accepted", "accepted"]


# ---- issues of one date ----


def test_a_later_issue_is_measured_by_the_one_that_it_would_replace(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", GOOD[: len(GOOD) * 9 // 10])
    verdicts = bench.judge()
    assert {name: v.state for name, v in verdicts.items()} == {"2024-04-01": "accepted", "2024-04-01.2": "held"}


def test_a_later_issue_that_holds_speaks_alone_and_keeps_the_first_as_its_measure(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", changed(GOOD, 0, 6))
    assert list(bench.judge()) == ["2024-04-01.2"]
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01.2"]
    before = stamps(bench.verdicts)
    bench.judge()
    assert stamps(bench.verdicts) == before


def test_a_replaced_issue_speaks_again_once_the_later_one_is_gone(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", changed(GOOD, 0, 6))
    bench.judge()
    del bench.candidates["2024-04-01.2"]
    bench.judge()
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01"]


def test_the_date_after_is_measured_by_the_issue_that_speaks(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", [*GOOD, *((f"new {place}", JANUARY, 5) for place in PLACES)])
    bench.add("2024-05-01", GOOD)
    assert {name: v.state for name, v in bench.judge().items()} == {"2024-04-01.2": "accepted", "2024-05-01": "held"}


# ---- exceptions ----


def test_an_exception_publishes_a_held_vintage_and_keeps_its_finding(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    held = bench.judge()["2024-04-01"]
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "The agency explained it on its page."))
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "accepted_by_exception"
    assert not check(verdict, "events_range").passed


def test_an_exception_is_for_one_content_only(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    held = bench.judge()["2024-04-01"]
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "The agency explained it on its page."))
    bench.add("2024-04-01", changed(GOOD, 0, -4))
    assert bench.states() == ["held"]


def test_the_ledger_is_read_as_it_was_written(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    entry = accept(bench.folder / "raw", "official", bench.judge()["2024-04-01"], "Explained on its page.")
    assert read_ledger(bench.folder / "raw", "official") == [entry]
    assert read_ledger(bench.folder / "raw", "sample") == []


@pytest.mark.parametrize(
    ("state", "readable", "reason", "said"),
    [
        ("accepted", True, "A reason of some length.", "is not held back"),
        ("held", False, "A reason of some length.", "cannot be read"),
        ("held", True, "just because", "at least three words"),
    ],
)
def test_an_exception_needs_a_held_readable_vintage_and_a_reason(
    tmp_path: Path, state: Any, readable: bool, reason: str, said: str
):
    verdict = Verdict(
        source="tried", vintage="2024-04-01", archive_id="2024-04-01", fingerprint="x", state=state, readable=readable
    )
    with pytest.raises(DrugflowError, match=said):
        accept(tmp_path, "official", verdict, reason)
    assert read_ledger(tmp_path, "official") == []


# ---- what is remembered ----


def stamps(folder: Path) -> dict[str, int]:
    """Identity of each stored verdict; a verdict that is made again is another file."""
    return {p.name: p.stat().st_ino for p in folder.glob("tried/*.json")}


def test_a_verdict_is_made_once_for_a_content_and_a_suite(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    first = bench.judge()
    before = stamps(bench.verdicts)
    assert bench.judge() == first
    assert stamps(bench.verdicts) == before


def test_another_suite_makes_another_verdict(bench: Bench):
    bench.add("2024-04-01", GOOD)
    assert bench.states() == ["accepted"]
    stricter = [e | {"kwargs": {"column": "events", "min_value": 6}} if e["id"] == "events_range" else e
                for e in EXPECTATIONS]  # fmt: skip
    bench.describe(stricter)
    assert bench.states() == ["held"]


def test_another_content_makes_another_verdict(bench: Bench):
    bench.add("2024-04-01", GOOD)
    assert bench.states() == ["accepted"]
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    assert bench.states() == ["held"]


def test_verdicts_of_a_vintage_taken_away_go(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    bench.judge()
    del bench.candidates["2024-05-01"]
    bench.judge()
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01"]
    assert [p.name for p in bench.verdicts.glob("tried/2024-05-01*")] == []


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
    bad = changed(GOOD, 0, -3)
    bench.add("2024-04-01", bad)
    bench.ledger.append(accept(bench.folder / "raw", "official", bench.judge()["2024-04-01"], "It was explained."))
    bench.add("2024-05-01", [*bad, ("port 00", MARCH, 5)])
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
    with pytest.raises(KeyError, match="moon_phase"):
        facts(get_source("bts_border_crossings"), "moon_phase", Subject(tmp_path, False, None))


@pytest.mark.parametrize("source_id", ["bts_border_crossings", "cbp_drug_seizures", "cdc_vsrr_overdose"])
def test_every_expectation_of_the_rows_can_run(source_id: str):
    kinds = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "date": pl.Date, "boolean": pl.Boolean}
    source = get_source(source_id)
    frame = pl.DataFrame(schema={c.name: kinds[c.type] for c in source.frame}).clear(1)
    frame = frame.with_columns(file=pl.lit("data.csv"), line=pl.lit(2))
    suite = [e for e in source.expectations if e.batch == "rows"]
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
        (pl.all().exclude("events"), "has_shape failed (1 rows)"),
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
