"""One mutation through ingest, clean, quality and history, and what must hold afterwards.

What belongs here: the house that meets a mutation, and judging the outcome against an independent reading. What does
not: mutations, readings.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from tests.faults.corpus.layouts import Layout
from tests.faults.corpus.meaning import Figures, figures_of, table_of
from tests.faults.corpus.mutations import Mutation
from tests.faults.house import BAD, GOOD, House, assert_plain

Outcome = Literal["equal", "accounted", "held"]


class Bench:
    """A house with a layout's whole file as its one good vintage, which mutations meet one after another."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self.layout, self.source = layout, get_source(layout.source)
        places = {"data_raw": folder / "raw", "data_marts": folder / "marts", "dagster_home": folder / "dagster"}
        self.house = House(folder / "mirror", Settings(origin=f"mirror:{folder / 'mirror'}", **places))
        content = layout.write()
        self.house.offer(GOOD, {layout.file: content}, layout.said, layout.source)
        verdict = self.house.run(layout.source)[GOOD]
        assert verdict.state == "accepted", verdict.problem
        assert verdict.clean_sheet, [c for c in verdict.checks if not c.passed]
        self.before = self.history()
        self.figures = read(layout, content)
        assert self.figures is not None, layout.name
        assert same(self.current(), self.figures) is None, same(self.current(), self.figures)

    def history(self) -> pl.DataFrame:
        """All states, but for the list of excerpts that showed them, which grows with each that agrees."""
        return self.house.history(self.layout.source).drop("excerpt_vintages")

    def current(self) -> Figures:
        """Figures by key as analysts get them."""
        keys, values = self.source.names("key"), self.source.names("value", "annotation")
        rows = self.history().filter(pl.col("replaced_vintage").is_null(), pl.col("change") != "withdrawn")
        return {
            tuple(r[k] for k in keys): tuple(r[v] for v in values) for r in rows.iter_rows(named=True)
        }  # fmt: skip

    def meet(self, mutation: Mutation) -> Outcome:
        """The outcome, once all that must hold has held. Raises AssertionError with the mutation's name."""
        house, layout = self.house, self.layout
        shutil.rmtree(house.settings.data_raw / "official" / layout.source / BAD, ignore_errors=True)
        house.offer(BAD, {layout.file: mutation.content}, layout.said, layout.source)
        verdicts = house.run(layout.source)
        assert verdicts[GOOD].state == "accepted"
        verdict = verdicts.get(BAD)
        if verdict is None:
            assert mutation.content == layout.write(), "only the same bytes are no new vintage"
            return "equal"
        account = house.account(BAD, layout.source)
        assert account["records"] == account["rows"] + sum(account["set_aside"].values()) + account["rejected"]
        if verdict.state == "held":
            assert self.history().equals(self.before), "a held vintage changed the history"
            (sentence,) = [p for p in house.problems() if p.startswith(layout.source)]
            assert sentence == f"{layout.source} {BAD} is held back: {verdict.problem}"
            assert_plain(sentence)
            assert "error in drugflow" not in sentence, sentence
            if not verdict.readable or account["rejected"]:
                assert layout.file in sentence or "vintage.json limits" in sentence, sentence
            assert mutation.must != "equal", f"harmless, but {sentence}"
            return "held"
        assert house.problems() == []
        assert mutation.must != "held", f"taken: {self.changes()}"
        meant = figures_of(layout, mutation.means)
        assert meant is not None, f"nobody can read this honestly, but it was taken: {self.changes()}"
        expected, withdrawn = after(self.source, layout, self.figures or {}, meant)
        difference = same(self.current(), expected)
        assert difference is None, difference
        assert self.moved() == {k for k in expected if (self.figures or {}).get(k) != expected[k]} | withdrawn
        if self.history().equals(self.before):
            return "equal"
        assert mutation.must != "equal", f"harmless, but the history changed: {self.changes()}"
        return "accounted"

    def moved(self) -> set[tuple[Any, ...]]:
        """Keys that the second vintage gave a new state."""
        rows = self.history().filter(pl.col("first_vintage") == date.fromisoformat(BAD))
        return set(rows.select(self.source.names("key")).rows())

    def changes(self) -> str:
        """What the second vintage changed, in short."""
        rows = self.history().filter(pl.col("first_vintage") == date.fromisoformat(BAD))
        return f"{dict(Counter(rows['change']))} {rows.head(2).rows()}"


def read(layout: Layout, content: bytes) -> Figures | None:
    """An independent reading of bytes."""
    return figures_of(layout, table_of(layout, content))


def after(source: Source, layout: Layout, old: Figures, new: Figures) -> tuple[Figures, set[tuple[Any, ...]]]:
    """Figures after a second vintage, and the keys that it withdraws: those inside its window that it lacks."""
    keys = source.names("key")
    period = keys.index(source.period)
    spans: dict[Any, tuple[date, date]] = {}
    for key in new:
        first, last = spans.get(scope(layout, key), (key[period], key[period]))
        spans[scope(layout, key)] = min(first, key[period]), max(last, key[period])
    withdrawn = set()
    expected = {}
    for key, value in old.items():
        if key in new:
            expected[key] = value if alike(value, new[key]) else new[key]
            continue
        first, last = spans.get(scope(layout, key), (date.max, date.min))
        if layout.said.get("coverage") != "partial" and first <= key[period] <= last:
            withdrawn.add(key)
        else:
            expected[key] = value
    return expected | {k: v for k, v in new.items() if k not in old}, withdrawn


def scope(layout: Layout, key: tuple[Any, ...]) -> Any:
    """What a vintage speaks about as a whole: a fiscal year, an indicator, a measure, a series of areas."""
    if layout.source.startswith("cbp_"):
        return key[0].year + (key[0].month >= 10)
    return {
        "cdc_vsrr_overdose": key[2:3], "bts_border_crossings": key[2:3], "cdc_wonder_overdose": key[2:3],
        "census_population": key[:2],
    }[layout.source]  # fmt: skip


def alike(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether values are equal, doubles within a millionth."""
    return all(
        abs(x - y) <= 1e-6 if isinstance(x, float) and isinstance(y, float) else x == y
        for x, y in zip(a, b, strict=True)
    )


def same(found: Figures, expected: Figures) -> str | None:
    """The first difference in a sentence, or None."""
    for key in [*expected, *found]:
        if key not in found or key not in expected or not alike(found[key], expected[key]):
            return f"{key}: history has {found.get(key)}, the file says {expected.get(key)}"
    return None
