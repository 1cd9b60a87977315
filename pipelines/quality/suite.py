"""Great Expectations: suites from the YAML, run on pandas frames, with pages that work offline.

What belongs here: everything that touches Great Expectations, imported inside the functions because
it costs seconds and 300 MB. What does not: which rows are judged and what follows (run).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

import polars as pl

from pipelines.catalog.expectations import Expectation
from pipelines.core.problem import Phrase
from pipelines.core.wording import knows
from pipelines.quality.verdict import Check

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_EXAMPLES = 3
INDEX = "../index.html"
ICONS = {"fa-check-circle": "✓ passed", "fa-times": "✗ failed", "fa-exclamation-triangle": "✗ could not run"}
PAGE_STYLE = (
    "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;vertical-align:top}"
    ".d-none{display:none}ul{list-style:none;padding:0}pre{white-space:pre-wrap}</style>"
)


def load() -> None:
    """Import Great Expectations now, so that the first suite need not wait for it."""
    import great_expectations  # noqa: F401


@cache
def _context() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("clean").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("batch")


@cache
def _page_view() -> Any:
    """One view for all pages: it compiles each of its templates once, which costs more than the validation."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def columns_checked(expectations: Iterable[Expectation]) -> set[str]:
    """Columns that the expectations look at."""
    found: set[str] = set()
    for expectation in expectations:
        for name in ("column", "column_A", "column_B"):
            found |= {expectation.kwargs[name]} if name in expectation.kwargs else set()
        for name in ("column_list", "column_set"):
            found |= set(expectation.kwargs.get(name, []))
    return found


def run_suite(
    name: str, expectations: list[Expectation], frames: Iterable[pl.DataFrame], where: list[str]
) -> tuple[list[Check], str]:
    """Run expectations on a frame given in chunks; one check each, and a page of the results.

    where names the columns that tell a failing row's place. Raises ValueError where an expectation
    itself cannot run (a wrong column in the YAML): a check that did not run must not look like one that held.
    """
    from great_expectations.core import ExpectationSuite
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    suite = ExpectationSuite(
        name=name,
        expectations=[
            get_expectation_impl(e.type)(
                **_kwargs(e.kwargs), severity=FailureSeverity(e.severity), notes=e.why, meta={"id": e.id}
            )
            for e in expectations
        ],
    )
    totals = {e.id: Check(id=e.id, severity=e.severity, passed=True, why=e.why) for e in expectations}
    page, page_fails = "", False
    for frame in frames:
        batch = _context().get_batch(batch_parameters={"dataframe": frame.to_pandas()})
        result = batch.validate(
            suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": where}
        )
        for outcome in result.results:
            check_id = outcome.expectation_config.meta["id"]
            if problem := _raised(outcome.exception_info):
                raise ValueError(f"{name}: {check_id} cannot run: {problem}")
            _add(totals[check_id], outcome, frame.height, where)
            for entry in ("unexpected_list", "unexpected_index_list", "unexpected_index_query"):
                outcome.result.pop(entry, None)
        if not page or not (page_fails or result.success):
            # One page is kept: that of the first chunk, or of the first one with a finding.
            page, page_fails = _page_view().render(ValidationResultsPageRenderer().render(result)), not result.success
    return list(totals.values()), offline(page or "<html><head></head><body>No row to check.</body></html>")


def _raised(info: dict[str, Any] | None) -> str | None:
    """The message of an exception inside an expectation; Great Expectations nests them by metric."""
    for entry in (info, *(info or {}).values()):
        if isinstance(entry, dict) and entry.get("raised_exception"):
            return str(entry.get("exception_message"))
    return None


def _kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: datetime.fromisoformat(v) if isinstance(v, str) and _DATE.match(v) else v for k, v in kwargs.items()}


def _add(check: Check, outcome: Any, rows: int, where: list[str]) -> None:
    check.evaluated_rows += rows
    if outcome.success:
        return
    check.passed = False
    check.failing_rows += int(outcome.result.get("unexpected_count") or 1)
    check.found += _places(outcome, where)[: _EXAMPLES - len(check.found)]


def _places(outcome: Any, where: list[str]) -> list[Phrase]:
    """The first failing rows, each with its values and its place; the observed value where there is no row.

    A value that the catalogue has words for, by its column, is told in words.
    """
    result, column = outcome.result, outcome.expectation_config.kwargs.get("column")
    places = [p for p in (result.get("unexpected_index_list") or [])[:_EXAMPLES] if isinstance(p, dict)]
    if not places:
        values = result.get("partial_unexpected_list") or [result.get("observed_value")]
        return [_worded(column, value) or Phrase.of("found.observed", value=_plain(value)) for value in values]
    told = []
    for place in places:
        values = {k: v for k, v in place.items() if k not in where}
        words = _worded(column, values[column]) if [*values] == [column] else None
        told.append(
            Phrase.of(
                "found.at",
                found=[words] if words else [f"{k} {_plain(v)}" for k, v in values.items()],
                place=[f"{k} {_plain(place[k])}" for k in where if k in place],
            )
        )
    return told


def _worded(column: str | None, value: Any) -> Phrase | None:
    """A value in words where the catalogue has some for its column."""
    if value is None or not knows(f"found.{column}"):
        return None
    plain = value.item() if hasattr(value, "item") else value
    # Words with plural forms count it.
    return Phrase.of(f"found.{column}", value=plain, count=plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    return str(value)


def offline(page: str) -> str:
    """A Great Expectations page that a browser without a network shows whole.

    Nothing is fetched from another host, links lead to pages that are there, and marks that were drawn with
    a font of icons are words.
    """
    for tag in ("script", "iframe", "footer"):
        page = re.sub(rf"<{tag}\b[^>]*>.*?</{tag}>", "", page, flags=re.S | re.I)
    page = re.sub(r"<(?:link|img|source|base)\b[^>]*>", "", page, flags=re.I)
    page = re.sub(
        r'<label\b[^>]*\bonclick=.*?</label>|<p class="card-text[^>]*>\s*Validation Filter:\s*</p>',
        "",
        page,
        flags=re.S,
    )
    page = re.sub(r'href="(?:\.\./)+index\.html"', f'href="{INDEX}"', page)
    page = re.sub(r'<a\b[^>]*href="(?!#|\.\./index\.html)[^"]*"[^>]*>(.*?)</a>', r"\1", page, flags=re.S | re.I)
    for icon, word in ICONS.items():
        page = re.sub(rf'<i class="[^"]*\b{icon}\b[^"]*"[^>]*>\s*</i>', f"<strong>{word}</strong>", page)
    page = re.sub(r"url\(['\"]?(?:https?:)?//[^)]*\)", "none", page, flags=re.I)
    page = re.sub(r"@import[^;]*;", "", page)
    return page.replace("</head>", PAGE_STYLE + "</head>", 1)
