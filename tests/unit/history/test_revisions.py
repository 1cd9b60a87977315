"""From vintages to revisions, against a model that goes through the rows one by one.

What must hold is said in docs of the history tables: a row is one state of one key, from the vintage that first
showed it to the one that replaced it; a full vintage withdraws what it should have had, a partial one nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalog.source import Source
from pipelines.history import run
from pipelines.history.revisions import Vintage, columns, revise
from pipelines.history.run import Accepted, build_history
from tests.unit.tried import described

TOLERANCE = 0.5
SOURCE = Source.model_validate(
    described(
        frame=[
            {"name": "place", "type": "text", "role": "key"},
            {"name": "month", "type": "date", "role": "key"},
            {"name": "kind", "type": "text", "role": "key"},
            {"name": "events", "type": "integer", "role": "value"},
            {"name": "weight", "type": "number", "role": "value", "tolerance": TOLERANCE},
            {"name": "is_noted", "type": "boolean", "role": "annotation"},
            {"name": "is_fytd", "type": "boolean", "role": "context"},
        ],
        scope=["kind"],
    )
)
KEY, VALUES = ("place", "month", "kind"), ("events", "weight", "is_noted")
SCHEMA = {
    "place": pl.String, "month": pl.Date, "kind": pl.String, "events": pl.Int64, "weight": pl.Float64,
    "is_noted": pl.Boolean, "scope": pl.String,
}  # fmt: skip
COVERAGE = {"scope": pl.String, "first_period": pl.Date, "last_period": pl.Date}
MONTHS = [date(2024, m, 1) for m in (11, 12)] + [date(2025, 1, 1)]
KINDS = ["drugs", "arms"]
PUBLISHED = [date(2025, m, 15) for m in range(1, 7)]
Key = tuple[str, date, str]
Row = tuple[int | None, float | None, bool]


@dataclass(frozen=True)
class Told:
    """A vintage as one would write it down: its rows, and what it speaks about if not just them."""

    published: date
    rows: dict[Key, Row]
    partial: bool = False
    everything: bool = False

    def windows(self) -> dict[str, tuple[date, date]]:
        """First and last month of each kind that the vintage speaks about."""
        if self.everything:
            return dict.fromkeys(KINDS, (MONTHS[0], MONTHS[-1]))
        months = {kind: [k[1] for k in self.rows if k[2] == kind] for kind in KINDS}
        return {kind: (min(found), max(found)) for kind, found in months.items() if found}

    def vintage(self, seed: int = 0) -> Vintage:
        """The same as frames, its rows in an order that the seed gives."""
        rows = [(*key, *values, key[2]) for key, values in self.rows.items()]
        random.Random(seed).shuffle(rows)
        windows = [(kind, *window) for kind, window in self.windows().items()]
        return Vintage(
            self.published,
            self.partial,
            pl.DataFrame(rows, schema=SCHEMA, orient="row"),
            pl.DataFrame(windows, schema=COVERAGE, orient="row"),
        )


def history(told: list[Told], seed: int = 0) -> pl.DataFrame:
    """The history of vintages given oldest first."""
    return revise(SOURCE, [t.vintage(seed) for t in told])


def states(told: list[Told]) -> list[dict[str, Any]]:
    """The states of a history of one key, oldest first."""
    return history(told).sort("first_vintage").to_dicts()


# ---- the model ----


@dataclass
class State:
    """One state of one key in the model."""

    key: Key
    row: Row | None
    value_vintage: date
    first: date
    seen: date
    change: str
    excerpts: list[date] = field(default_factory=list)
    replaced: date | None = None


def model(told: list[Told]) -> list[State]:
    """Every state of every key, by going through vintages and rows one at a time."""
    current: dict[Key, State] = {}
    done: list[State] = []

    def follow(key: Key, row: Row | None, change: str, vintage: Told, value_vintage: date) -> None:
        if key in current:
            current[key].replaced = vintage.published
            done.append(current[key])
        excerpts = [vintage.published] if vintage.partial else []
        day = vintage.published
        current[key] = State(key, row, value_vintage, day, day, change, excerpts)

    for vintage in told:
        for key, row in vintage.rows.items():
            old = current.get(key)
            if old is None or old.row is None:
                follow(key, row, "added", vintage, vintage.published)
            elif old.row[0] != row[0] or apart(old.row[1], row[1]):
                follow(key, row, "revised", vintage, vintage.published)
            elif old.row[2] != row[2]:
                follow(key, (*old.row[:2], row[2]), "annotated", vintage, old.value_vintage)
            else:
                old.seen = vintage.published
                old.excerpts += [vintage.published] if vintage.partial else []
        if vintage.partial:
            continue
        for key, old in list(current.items()):
            window = vintage.windows().get(key[2])
            if key not in vintage.rows and old.row is not None and window and window[0] <= key[1] <= window[1]:
                follow(key, None, "withdrawn", vintage, vintage.published)
    return done + list(current.values())


def apart(old: float | None, new: float | None) -> bool:
    """Whether two weights differ by more than the tolerance; one that appears or vanishes does."""
    if old is None or new is None:
        return old is not new
    return abs(old - new) > TOLERANCE


# ---- any history ----

KEYS = st.tuples(st.sampled_from(["Nogales", "Naco"]), st.sampled_from(MONTHS), st.sampled_from(KINDS))
ROWS = st.tuples(st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, 0.0, 0.375, 0.75, 1.125, 9.0]), st.booleans())
FRAMES = st.dictionaries(KEYS, ROWS, max_size=8)


def tellings(partial: st.SearchStrategy[bool], everything: st.SearchStrategy[bool]) -> st.SearchStrategy[list[Told]]:
    """One to six vintages, oldest first."""
    one = st.tuples(FRAMES, partial, everything)
    return st.lists(one, min_size=1, max_size=6).map(
        lambda found: [Told(day, rows, p, e) for day, (rows, p, e) in zip(PUBLISHED, found, strict=False)]
    )


ANY = tellings(st.booleans(), st.booleans())
FULL = tellings(st.just(False), st.just(True))
EXCERPTS_AFTER_A_FULL_ONE = tellings(st.just(True), st.just(False)).map(
    lambda found: [Told(found[0].published, found[0].rows, False, True), *found[1:]]
)


@given(ANY)
def test_any_history_is_that_of_the_model(told: list[Told]):
    wanted = sorted(
        (
            (*s.key, *(s.row or (None, None, None)), s.value_vintage, s.first, s.replaced, s.excerpts, s.change)
            for s in model(told)
        ),
        key=lambda r: (*r[:3], r[7]),
    )
    found = history(told).sort(*KEY, "first_vintage")
    assert (
        found.select(
            *KEY, *VALUES, "value_vintage", "first_vintage", "replaced_vintage", "excerpt_vintages", "change"
        ).rows()
        == wanted
    )


@given(ANY)
def test_the_last_vintage_that_showed_a_state_is_that_of_the_model(told: list[Told]):
    wanted = {(s.key, s.first): s.seen if s.replaced else None for s in model(told) if s.row is not None}
    shown = history(told).filter(pl.col("change") != "withdrawn")
    assert {(r[:3], r[3]): r[4] for r in shown.select(*KEY, "first_vintage", "last_vintage").iter_rows()} == wanted


@given(ANY, st.integers(1, 10**6))
def test_the_order_of_the_rows_is_of_no_account(told: list[Told], seed: int):
    assert history(told, seed).equals(history(told))


@given(FULL)
def test_as_of_any_day_gives_the_newest_full_vintage_of_that_day(told: list[Told]):
    found = history(told)
    for vintage in told:
        day = pl.lit(vintage.published)
        then = found.filter(
            pl.col("first_vintage") <= day,
            pl.col("replaced_vintage").is_null() | (pl.col("replaced_vintage") > day),
            pl.col("change") != "withdrawn",
        )
        rows = {row[:3]: row[3:] for row in then.select(*KEY, *VALUES).iter_rows()}
        assert rows.keys() == vintage.rows.keys()
        for key, (events, weight, noted) in vintage.rows.items():
            assert (rows[key][0], rows[key][2]) == (events, noted)
            assert not apart(rows[key][1], weight)


@given(ANY)
def test_states_of_a_key_follow_each_other_without_gap_or_overlap(told: list[Told]):
    for _, group in history(told).sort("first_vintage").group_by(KEY, maintain_order=True):
        starts, ends = group["first_vintage"].to_list(), group["replaced_vintage"].to_list()
        assert ends == [*starts[1:], None]
        assert starts == sorted(set(starts))
        for start, last, end in zip(starts, group["last_vintage"], ends, strict=True):
            assert (last is None) == (end is None)
            assert last is None or start <= last < end


@given(EXCERPTS_AFTER_A_FULL_ONE)
def test_excerpts_withdraw_nothing(told: list[Told]):
    found = history(told)
    assert "withdrawn" not in found["change"].to_list()
    keys = {key for t in told for key in t.rows}
    assert set(found.filter(pl.col("replaced_vintage").is_null()).select(KEY).iter_rows()) == keys


@given(FULL)
def test_a_vintage_published_again_later_changes_no_state(told: list[Told]):
    again = Told(date(2025, 12, 15), told[-1].rows, everything=True)
    assert history([*told, again]).drop("last_vintage").equals(history(told).drop("last_vintage"))


# ---- one case each ----

HERE: Key = ("Nogales", MONTHS[1], "drugs")
ELSEWHERE: Key = ("Naco", MONTHS[1], "drugs")
FIRST, SECOND, THIRD, FOURTH = PUBLISHED[:4]


def full(published: date, rows: dict[Key, Row]) -> Told:
    """A full vintage that speaks about every month and kind."""
    return Told(published, rows, everything=True)


def test_what_appears_is_added():
    (state,) = states([full(FIRST, {HERE: (1, 5.0, False)})])
    assert (state["change"], state["value_vintage"], state["first_vintage"]) == ("added", FIRST, FIRST)
    assert (state["last_vintage"], state["replaced_vintage"], state["excerpt_vintages"]) == (None, None, [])


def test_a_new_figure_is_a_revision_with_both_values_kept():
    old, new = states([full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, {HERE: (2, 5.0, False)})])
    assert (old["events"], old["last_vintage"], old["replaced_vintage"]) == (1, FIRST, SECOND)
    assert (new["events"], new["change"], new["value_vintage"]) == (2, "revised", SECOND)


@pytest.mark.parametrize(("weight", "count"), [(5.5, 1), (4.5, 1), (5.500001, 2), (4.499999, 2)])
def test_a_difference_within_the_tolerance_is_no_revision(weight: float, count: int):
    told = [full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, {HERE: (1, weight, False)})]
    assert len(states(told)) == count


def test_small_steps_do_not_creep_past_the_tolerance():
    steps = [5.0, 5.3, 5.6]
    told = [full(day, {HERE: (1, w, False)}) for day, w in zip(PUBLISHED, steps, strict=False)]
    assert [(s["weight"], s["change"]) for s in states(told)] == [(5.0, "added"), (5.6, "revised")]


def test_notes_do_not_let_small_steps_creep_past_the_tolerance():
    steps = [(5.0, False), (5.3, True), (5.6, True)]
    told = [full(day, {HERE: (1, *step)}) for day, step in zip(PUBLISHED, steps, strict=False)]
    assert [(s["weight"], s["change"]) for s in states(told)] == [(5.0, "added"), (5.0, "annotated"), (5.6, "revised")]


@pytest.mark.parametrize(("old", "new"), [(None, 0.0), (0.0, None)])
def test_a_missing_figure_is_not_zero(old: float | None, new: float | None):
    told = [full(FIRST, {HERE: (1, old, False)}), full(SECOND, {HERE: (1, new, False)})]
    assert [s["weight"] for s in states(told)] == [old, new]


def test_a_note_that_changes_leaves_the_figure_its_vintage():
    told = [full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, {HERE: (1, 5.0, True)})]
    noted = states(told)[1]
    assert (noted["change"], noted["value_vintage"], noted["first_vintage"]) == ("annotated", FIRST, SECOND)


def test_a_figure_that_changes_with_its_note_is_revised():
    told = [full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, {HERE: (2, 5.0, True)})]
    assert [(s["change"], s["value_vintage"]) for s in states(told)] == [("added", FIRST), ("revised", SECOND)]


def test_what_vanishes_is_withdrawn_and_has_no_figure():
    told = [full(FIRST, {HERE: (1, 5.0, True)}), full(SECOND, {ELSEWHERE: (1, 5.0, True)})]
    gone = history(told).filter(place="Nogales").sort("first_vintage").to_dicts()[1]
    assert (gone["change"], gone["first_vintage"]) == ("withdrawn", SECOND)
    assert (gone["events"], gone["weight"], gone["is_noted"]) == (None, None, None)


def test_what_is_withdrawn_stays_withdrawn_once():
    later: dict[Key, Row] = {ELSEWHERE: (1, 5.0, False)}
    told = [full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, later), full(THIRD, later)]
    assert history(told).filter(place="Nogales")["change"].to_list() == ["added", "withdrawn"]


def test_what_comes_back_is_added_again():
    rows: dict[Key, Row] = {HERE: (1, 5.0, False)}
    told = [full(FIRST, rows), full(SECOND, {ELSEWHERE: (1, 1.0, False)}), full(THIRD, rows)]
    found = history(told).filter(place="Nogales").sort("first_vintage")
    assert found["change"].to_list() == ["added", "withdrawn", "added"]
    assert found["value_vintage"].to_list()[2] == THIRD
    assert found["replaced_vintage"].to_list() == [SECOND, THIRD, None]


def test_a_month_outside_the_window_is_not_withdrawn():
    old: dict[Key, Row] = {("Nogales", MONTHS[0], "drugs"): (1, 5.0, False), HERE: (1, 5.0, False)}
    told = [Told(FIRST, old), Told(SECOND, {HERE: (1, 5.0, False)})]
    assert history(told)["change"].to_list() == ["added", "added"]


def test_a_month_inside_the_window_is_withdrawn():
    old: dict[Key, Row] = {(p, m, "drugs"): (1, 5.0, False) for p in ("Nogales", "Naco") for m in MONTHS}
    new = {k: v for k, v in old.items() if k != HERE}
    found = history([Told(FIRST, old), Told(SECOND, new)])
    assert found.filter(change="withdrawn").select(KEY).rows() == [HERE]


def test_a_scope_that_the_vintage_does_not_speak_about_is_not_withdrawn():
    arms: Key = ("Nogales", MONTHS[1], "arms")
    told = [Told(FIRST, {HERE: (1, 5.0, False), arms: (1, 5.0, False)}), Told(SECOND, {HERE: (1, 5.0, False)})]
    assert history(told)["change"].to_list() == ["added", "added"]


def test_an_excerpt_that_shows_a_row_is_remembered():
    rows: dict[Key, Row] = {HERE: (1, 5.0, False)}
    (state,) = states([full(FIRST, rows), Told(SECOND, rows, partial=True), full(THIRD, rows)])
    assert state["excerpt_vintages"] == [SECOND]


def test_an_excerpt_revises_what_it_shows():
    told = [full(FIRST, {HERE: (1, 5.0, False)}), Told(SECOND, {HERE: (2, 5.0, False)}, partial=True)]
    assert [(s["events"], s["change"]) for s in states(told)] == [(1, "added"), (2, "revised")]


def test_columns_are_those_of_the_contract():
    assert columns(SOURCE) == [
        "place", "month", "kind", "events", "weight", "is_noted", "scope", "value_vintage", "first_vintage",
        "last_vintage", "replaced_vintage", "excerpt_vintages", "change",
    ]  # fmt: skip
    assert history([full(FIRST, {HERE: (1, 5.0, False)})]).columns == columns(SOURCE)


def test_no_vintage_is_no_history():
    with pytest.raises(ValueError, match="at least one vintage"):
        revise(SOURCE, [])


# ---- the file ----


def accepted(folder: Path, told: Told, content: str = "") -> Accepted:
    """A vintage as the clean stage leaves it on disk."""
    vintage = told.vintage()
    place = folder / told.published.isoformat()
    place.mkdir(parents=True, exist_ok=True)
    vintage.frame.drop("scope").with_columns(is_fytd=pl.lit(False)).write_parquet(place / "clean.parquet")
    vintage.coverage.with_columns(
        is_open=pl.lit(None, dtype=pl.Boolean), rows=pl.lit(vintage.frame.height), values=pl.struct(kind="scope")
    ).write_parquet(place / "coverage.parquet")
    return Accepted(told.published, told.partial, place, content or str(sorted(told.rows.items())))


def written(folder: Path, told: list[Told], source: Source = SOURCE) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The history file of these vintages, and its summary."""
    found = [accepted(folder / "clean", t) for t in told]
    summary = build_history(source, found, folder / "history")
    return pl.read_parquet(folder / "history" / "tried.parquet"), summary


SEVERAL_YEARS = [
    full(FIRST, {(p, m, k): (1, 5.0, False) for p in ("Nogales", "Naco") for m in MONTHS for k in KINDS}),
    full(SECOND, {(p, m, k): (2, 5.0, False) for p in ("Nogales", "Naco") for m in MONTHS for k in KINDS[:1]}),
    Told(THIRD, {HERE: (3, 5.0, True)}, partial=True),
]


def test_the_file_is_the_history(tmp_path: Path):
    table, summary = written(tmp_path, SEVERAL_YEARS)
    assert table.equals(history(SEVERAL_YEARS))
    assert summary["rows"] == table.height


def test_a_history_in_several_pieces_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "ROWS_AT_A_TIME", 1)
    table, _ = written(tmp_path, SEVERAL_YEARS)
    assert table.sort(*KEY, "first_vintage").equals(history(SEVERAL_YEARS).sort(*KEY, "first_vintage"))


def test_the_summary_counts_the_changes_of_each_vintage(tmp_path: Path):
    _, summary = written(tmp_path, SEVERAL_YEARS)
    assert summary["changes"] == {
        "2025-01-15": {"added": 12, "revised": 0, "annotated": 0, "withdrawn": 0},
        "2025-02-15": {"added": 0, "revised": 6, "annotated": 0, "withdrawn": 6},
        "2025-03-15": {"added": 0, "revised": 1, "annotated": 0, "withdrawn": 0},
    }
    assert (summary["first_period"], summary["last_period"]) == ("2024-11-01", "2025-01-01")


def test_an_unchanged_history_is_not_written_again(tmp_path: Path):
    written(tmp_path, SEVERAL_YEARS)
    path = tmp_path / "history" / "tried.parquet"
    before = path.stat().st_ino
    written(tmp_path, SEVERAL_YEARS)
    assert path.stat().st_ino == before


def test_a_vintage_taken_away_leaves_no_trace(tmp_path: Path):
    written(tmp_path, SEVERAL_YEARS)
    table, summary = written(tmp_path, SEVERAL_YEARS[::2])
    assert table.equals(history(SEVERAL_YEARS[::2]))
    assert summary["vintages"] == ["2025-01-15", "2025-03-15"]


def test_another_tolerance_makes_another_history(tmp_path: Path):
    told = [full(FIRST, {HERE: (1, 5.0, False)}), full(SECOND, {HERE: (1, 5.3, False)})]
    assert written(tmp_path, told)[0].height == 1
    frame = [c.model_copy(update={"tolerance": 0.1}) if c.name == "weight" else c for c in SOURCE.frame]
    assert written(tmp_path, told, SOURCE.model_copy(update={"frame": frame}))[0].height == 2


def test_another_coverage_makes_another_history(tmp_path: Path):
    rows: dict[Key, Row] = {ELSEWHERE: (1, 5.0, False)}
    earlier: dict[Key, Row] = {("Naco", MONTHS[0], "drugs"): (1, 5.0, False), **rows}
    assert "withdrawn" not in written(tmp_path, [Told(FIRST, earlier), Told(SECOND, rows)])[0]["change"].to_list()
    assert "withdrawn" in written(tmp_path, [Told(FIRST, earlier), full(SECOND, rows)])[0]["change"].to_list()


def test_without_a_vintage_the_file_has_its_columns_and_no_row(tmp_path: Path):
    table, summary = written(tmp_path, [])
    assert table.columns == columns(SOURCE)
    assert (table.height, summary["first_period"], summary["last_period"]) == (0, None, None)
    whole, _ = written(tmp_path / "other", SEVERAL_YEARS)
    assert table.schema == whole.schema


def test_coverage_tells_what_each_vintage_speaks_about(tmp_path: Path):
    written(tmp_path, SEVERAL_YEARS)
    found = pl.read_parquet(tmp_path / "history" / "tried.coverage.parquet")
    assert found.select("source_id", "vintage", "is_partial", "scope", "first_period", "last_period").rows()[-1] == (
        "tried", THIRD, True, "drugs", MONTHS[1], MONTHS[1],
    )  # fmt: skip
    assert found.height == 5


@settings(max_examples=10)
@given(ANY)
def test_changes_of_a_summary_add_up_to_its_rows(tmp_path_factory: pytest.TempPathFactory, told: list[Told]):
    table, summary = written(tmp_path_factory.mktemp("history"), told)
    assert sum(n for changes in summary["changes"].values() for n in changes.values()) == table.height
