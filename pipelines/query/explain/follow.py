"""The engine of explain: follows the recipe of a row's table down to the keys of the publishers' records.

What belongs here: what each kind of step does, for any table. What does not: what a table is made of (its recipe),
rows by their filters (rows), looking the records up (evidence).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pipelines.catalog.dictionary import model_path
from pipelines.catalog.load import load_catalog
from pipelines.catalog.recipe import PLACE, TERMS, Adds, Choice, Recipe, Record, Rows, Say, Seed, Step, When
from pipelines.catalog.recipe_check import pinned, reference
from pipelines.catalog.table import Table
from pipelines.query.explain import rows, seeds
from pipelines.query.explain.answer import Fact, Line, listed, said
from pipelines.query.explain.current import Current, Row
from pipelines.query.explain.evidence import Wanted
from pipelines.query.explain.hooks import HOOKS

ASK = "Ask for any of the rows below to see the agency's file, line and checksum."
DATED = (
    "vintage {vintage} is the newest one that covers the row; first_vintage {first_vintage} is the first one with the "
    "present values of its records."
)
_NONE = Recipe(steps=[Step(say=Choice(otherwise="explain goes no further: the table's file has no recipe."))])
_UNKNOWN = "(not in this release)"


@dataclass
class Chain:
    """The way from a released row to its records.

    facts: released rows between, those that are worth listing (fact_count and nonzero_count count all). lines: records
    of seeds. is_sum: many records, so each is shown once and without its states' sentences. last: sentences that come
    after those about the records.
    """

    steps: list[str] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    fact_count: int = 0
    nonzero_count: int = 0
    lines: list[Line] = field(default_factory=list)
    is_sum: bool = False
    last: list[str] = field(default_factory=list)


def follow(current: Current, table: Table, row: Row, shown: tuple[str, ...] | None = None) -> Chain:
    """The chain of one row, as the table's recipe says.

    shown: the columns that another table takes from this row; steps about others are left out. Unset: all.
    """
    return _Follower(current, table, row, shown).run()


class _Follower:
    """One row on its way. values: its columns, and what the steps so far named, as ``name.column``."""

    def __init__(self, current: Current, table: Table, row: Row, shown: tuple[str, ...] | None) -> None:
        self.current, self.table, self.row, self.shown = current, table, row, shown
        self.values: dict[str, Any] = dict(row)
        self.parts: dict[str, list[float]] = {}
        self.has_unfollowed = False
        self.chain = Chain()

    def run(self) -> Chain:
        """Take the steps of the recipe that are for this row, in order."""
        recipe = self.table.explain or _NONE
        self.chain.steps = self._built(recipe)
        place = len(self.chain.steps)
        for step in recipe.steps:
            if not self._holds(step.when) or (self.shown is not None and step.about and step.about not in self.shown):
                continue
            self._say(step.say)
            if step.rows is not None:
                self._rows(step.rows)
            if step.record is not None:
                self._record(step.record)
            if step.seed is not None:
                self._seed(step.seed)
            if step.hook is not None:
                self.chain.steps += HOOKS[step.hook](self.row)
        self.chain.steps[place:place] = self._reads(recipe)
        self._add_up()
        if self.has_unfollowed and self.shown is None:
            self.chain.steps.append(ASK)
        if self.row.get("source_id") in load_catalog() and "first_vintage" in self.row:
            own = [self._sentence(step.say) for step in recipe.vintages if self._holds(step.when)]
            self.chain.last.append(own[0] if own else self._filled(DATED))
        return self.chain

    def _built(self, recipe: Recipe) -> list[str]:
        """Which SQL makes the table."""
        if self.table.made_by != "dbt":
            return []
        macro = f" with the macro dbt_project/macros/{recipe.macro}.sql" if recipe.macro else ""
        return [f"marts.{self.table.name} is built by {model_path(self.table.name)}{macro}."]

    def _reads(self, recipe: Recipe) -> list[str]:
        """The other marts that the row's steps are about: those with the figures, then the dimensions in filters."""
        facts, dimensions = [], []
        for step in (s.rows for s in recipe.steps if s.rows and self._holds(s.when)):
            facts.append(step.table)
            table = self.current.tables.get(f"marts.{step.table}")
            keys = [key for one in (step, *step.narrow) for key in one.matches]
            dimensions += [found[1] for key in keys if table and (found := reference(table, key))]
        reads = [f"marts.{t}" for t in dict.fromkeys([*facts, *dimensions]) if t != self.table.name]
        return [f"It reads {listed(reads)}."] if reads else []

    def _holds(self, when: When) -> bool:
        return all(test.holds(self.values.get(name)) for name, test in when.items())

    def _filled(self, sentence: str) -> str:
        return PLACE.sub(lambda place: said(self.values.get(place[1], _UNKNOWN)), sentence)

    def _sentence(self, say: Say | None) -> str:
        chosen = say.of(self.row) if say else None
        return "" if chosen is None else self._filled(chosen)

    def _say(self, say: Say | None) -> None:
        if sentence := self._sentence(say):
            self.chain.steps.append(sentence)

    def _rows(self, step: Rows) -> None:
        table = self.current.tables.get(f"marts.{step.table}")
        shown = tuple(step.show.of(self.row) or ())
        if table is None or not shown:
            return
        filters = [*step.matches.items()]
        filters += [m for narrowed in step.narrow if self._holds(narrowed.when) for m in narrowed.matches.items()]
        found = rows.find(self.current, table, filters, self.row, shown[0], step.order)
        nonzero = [r for r in found.rows if r[shown[0]]]
        is_one = pinned(table, step)
        self.chain.fact_count += len(found.rows)
        self.chain.nonzero_count += len(nonzero)
        self.chain.is_sum |= not is_one
        self.has_unfollowed |= bool(found.rows) and not step.follow
        # Of many rows, only those with a figure lead to records.
        followed = found.rows if is_one else nonzero
        for one in (followed or found.rows) if step.follow else found.rows:
            key = {g: one[g] for g in table.grain}
            self.chain.facts.append(Fact(table=table.name, key=key, values={s: one[s] for s in shown}))
        for one in followed if step.follow else []:
            self._take(follow(self.current, table, one, shown), with_steps=is_one)
        if step.name and is_one:
            there = found.rows[0] if found.rows else dict.fromkeys(c.name for c in table.columns)
            self.values |= {f"{step.name}.{name}": value for name, value in there.items()}
        elif step.name:
            counts = {"count": len(found.rows), "nonzero": len(nonzero), "total": found.total}
            self.values |= {f"{step.name}.{name}": value for name, value in counts.items()}
        self._part(step.adds, found.total)

    def _take(self, part: Chain, with_steps: bool) -> None:
        """Put the chain of an upstream row behind what is there."""
        if with_steps:
            self.chain.steps += [s for s in part.steps if s not in self.chain.steps]
        self.chain.wanted += part.wanted
        self.chain.lines += part.lines
        self.chain.is_sum |= part.is_sum

    def _record(self, step: Record) -> None:
        source = load_catalog().get(step.source or self.row["source_id"])
        if source is None:
            self.chain.steps.append(
                f"explain goes no further for this row: there is no source {self.row['source_id']} any more."
            )
            return
        one_of = {name: match.is_ for name, match in step.key.items() if name in step.lists}
        fixed = {
            name: rows.value_of(step.key[name], self.row) if name in step.key else self.row[name]
            for name in source.key
            if name not in one_of
        }
        asked = tuple(c for c in step.columns if self.row.get(c) is not None)
        if self.shown is not None:
            asked = tuple(c for c in self.shown if c in source.names("value"))
        terms = []
        for values in product(*one_of.values()):
            key = {**fixed, **dict(zip(one_of, values, strict=True))}
            key = {name: key[name] for name in source.key}
            states = self.current.states(source.id, key) if step.name or step.adds or step.optional else []
            if step.optional and not states:
                continue
            now: Mapping[str, Any] = states[-1].values if states else {}
            if step.columns:
                terms.append(f"{said(now.get(step.columns[0]))} ({', '.join(map(said, values))})")
                self._part(step.adds, now.get(step.columns[0]) or 0)
            if step.name:
                self.values |= {f"{step.name}.{c}": now.get(c) for c in step.columns}
            self.chain.wanted.append(
                Wanted(
                    source=source.id,
                    key=key,
                    # A release from before such a column has that of the row's own vintage.
                    vintage=self.row.get(step.vintage) or self.row["vintage"],
                    absent=self._sentence(step.absent),
                    withdrawn=self._sentence(step.withdrawn),
                    columns=asked,
                    state=self.row[step.state] if step.state else None,
                )
            )
        if step.name:
            self.values[f"{step.name}.{TERMS}"] = " + ".join(terms)

    def _seed(self, step: Seed) -> None:
        key = {name: self.row[name] for name in step.same or self.table.grain}
        if line := seeds.find(step.name, key, must=step.absent is None):
            self.chain.lines.append(line)
            self.chain.steps += seeds.sentences(line, self.row)
        else:
            self._say(step.absent)

    def _part(self, adds: Adds | None, amount: float) -> None:
        if adds is not None:
            self.parts.setdefault(adds.to, []).append(amount * (adds.times.of(self.row) or 0))

    def _add_up(self) -> None:
        """Say where the rows do not give the released figure: it must never happen, and nobody would see it."""
        for column, parts in self.parts.items():
            released = self.row.get(column)
            if released is not None and not math.isclose(math.fsum(parts), released, rel_tol=1e-9, abs_tol=1e-6):
                self.chain.steps.append(
                    f"These rows give {column} = {said(math.fsum(parts))}. The released value is {said(released)}: "
                    "report this difference."
                )
