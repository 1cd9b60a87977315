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

from pipelines.quality.verdict import Check
from pipelines.sources.catalog import Expectation

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_EXAMPLES = 3
PAGE_STYLE = (
    "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;vertical-align:top}"
    ".d-none{display:none}ul{list-style:none;padding:0}pre{white-space:pre-wrap}</style>"
)


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
    pages = []
    for frame in frames:
        batch = _context().get_batch(batch_parameters={"dataframe": frame.to_pandas()})
        result = batch.validate(
            suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": where}
        )
        for outcome in result.results:
            if outcome.exception_info and outcome.exception_info.get("raised_exception"):
                raise ValueError(f"{name}: {outcome.expectation_config.type}: {outcome.exception_info}")
            _add(totals[outcome.expectation_config.meta["id"]], outcome, frame.height, where)
            for entry in ("unexpected_list", "unexpected_index_list", "unexpected_index_query"):
                outcome.result.pop(entry, None)
        pages.append(_page_view().render(ValidationResultsPageRenderer().render(result)))
    return list(totals.values()), offline("".join(pages[:1]) if pages else "<html><body>No row to check.</body></html>")


def _kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: datetime.fromisoformat(v) if isinstance(v, str) and _DATE.match(v) else v for k, v in kwargs.items()}


def _add(check: Check, outcome: Any, rows: int, where: list[str]) -> None:
    check.evaluated_rows += rows
    if outcome.success:
        return
    count = int(outcome.result.get("unexpected_count") or 1)
    check.passed = False
    if not check.failing_rows:
        check.detail = _sentence(outcome, where)
    check.failing_rows += count


def _sentence(outcome: Any, where: list[str]) -> str:
    places = (outcome.result.get("unexpected_index_list") or [])[:_EXAMPLES]
    if not places:
        return f"observed {outcome.result.get('observed_value')}"
    told = []
    for place in places:
        values = ", ".join(f"{k} {_plain(v)}" for k, v in place.items() if k not in where)
        told.append(f"{values} ({', '.join(f'{k} {_plain(place[k])}' for k in where if k in place)})")
    return "; ".join(told)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    return str(value)


def offline(page: str) -> str:
    """A Great Expectations page without anything fetched from another host."""
    page = re.sub(r"<script\b[^>]*>.*?</script>", "", page, flags=re.S)
    page = re.sub(r"<link\b[^>]*>", "", page)
    page = re.sub(r"<img\b[^>]*>", "", page)
    page = re.sub(r'<a\b[^>]*href="https?://[^"]*"[^>]*>(.*?)</a>', r"\1", page, flags=re.S)
    page = re.sub(r"url\(['\"]?https?:[^)]*\)", "none", page)
    page = re.sub(r"@import[^;]*;", "", page)
    return page.replace("</head>", PAGE_STYLE + "</head>", 1)
