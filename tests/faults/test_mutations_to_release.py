"""One mutation of each kind through to the release, all in one refresh: what changed is what the files say.

The installation has one small vintage of each source. Above it lies one mutated vintage of each kind.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.core.settings import Settings
from pipelines.refresh.refresh import Outcome
from pipelines.releases.manifest import Manifest, current_manifest
from tests.conftest import installation, run_refresh
from tests.faults.corpus.layouts import LAYOUTS
from tests.faults.corpus.meaning import figures_of
from tests.faults.corpus.mutations import KINDS, Mutation, mutations
from tests.faults.corpus.run import read
from tests.faults.house import GOOD, House, assert_plain

WORLD = ("CBP", "AMO", "VSRR 12 columns", "BTS 2025", "WONDER CSV", "Census 2024")
TAKEN = {
    "rows": ("CBP", "one row lost"),
    "numbers": ("VSRR 12 columns", "another figure"),
    "separators": ("BTS 2025", "Windows line ends"),
    "quotes": ("Census 2024", "around every cell"),
}
HELD = {
    "bytes": ("AMO", "zeros in the middle"),
    "columns": ("VSRR 12 columns", "a figure's column lost"),
    "encodings": ("WONDER CSV", "utf-16"),
    "dates": ("BTS 2025", "Marzo 2019"),
}
pytestmark = pytest.mark.long


def day_of(kind: str) -> str:
    """Each kind has a vintage date of its own."""
    return (date.fromisoformat(GOOD) + timedelta(days=10 + KINDS.index(kind))).isoformat()


def mutation(kind: str) -> Mutation:
    """The kind's one mutation; of the numbers the first that is another figure."""
    name, what = (TAKEN | HELD)[kind]
    some = mutations(LAYOUTS[name], kind)
    if what != "another figure":
        return next(m for m in some if what in m.what)
    whole = read(LAYOUTS[name], LAYOUTS[name].write())
    return next(m for m in some if figures_of(m.layout, m.means) not in (None, whole))


class Releases:
    """The release before the mutations, the outcome of the refresh that met them, and the release after."""

    def __init__(self, folder: Path) -> None:
        (folder / "mirror").mkdir()
        self.settings: Settings = installation(folder, f"mirror:{folder / 'mirror'}")
        house = House(folder / "mirror", self.settings)
        for layout in (LAYOUTS[name] for name in WORLD):
            house.offer(GOOD, {layout.file: layout.write()}, layout.said, layout.source)
        assert run_refresh(self.settings).exit_code == 0
        self.before: Manifest = current_manifest(self.settings)  # type: ignore[assignment]
        for kind in KINDS:
            found = mutation(kind)
            layout = found.layout
            house.offer(day_of(kind), {layout.file: found.content}, layout.said, layout.source)
        self.outcome: Outcome = run_refresh(self.settings)
        self.after: Manifest = current_manifest(self.settings)  # type: ignore[assignment]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.current / "drugflow.duckdb"), read_only=True) as connection:
            return connection.sql(query).fetchall()


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return Releases(tmp_path_factory.mktemp("mutations"))


def test_what_can_be_read_is_released_and_what_cannot_is_told(releases: Releases) -> None:
    assert releases.after.release_id != releases.before.release_id
    assert releases.outcome.failure is None
    assert releases.outcome.exit_code == 1
    told = sorted(sentence.partition(" is held back")[0] for sentence in map(str, releases.outcome.blocked))
    # A held vintage that a later one covers blocks nothing any more.
    newest = {LAYOUTS[name].source: day_of(kind) for kind, (name, _) in TAKEN.items()}
    held = [(LAYOUTS[name].source, day_of(kind)) for kind, (name, _) in HELD.items()]
    assert told == sorted(f"{source} {day}" for source, day in held if day > newest.get(source, ""))
    for sentence in map(str, releases.outcome.blocked):
        assert_plain(sentence)


def test_the_release_says_which_vintages_are_held(releases: Releases) -> None:
    found = releases.rows("select source_id, vintage::text from meta.vintages where state = 'held' order by all")
    assert found == sorted((LAYOUTS[name].source, day_of(kind)) for kind, (name, _) in HELD.items())


def test_exactly_the_figures_that_the_files_change_are_new_in_the_history(releases: Releases) -> None:
    changed = {}
    for source in (LAYOUTS[name].source for name in WORLD):
        query = f"select change, value_vintage::text, count(*) from history.{source} where first_vintage > '{GOOD}' group by all"  # noqa: E501
        changed[source] = releases.rows(query)
    assert {k: v for k, v in changed.items() if v} == {
        "cbp_drug_seizures": [("withdrawn", day_of("rows"), 1)],
        "cdc_vsrr_overdose": [("revised", day_of("numbers"), 1)],
    }


def test_histories_of_other_sources_have_the_content_that_they_had(releases: Releases) -> None:
    """But for the Census, whose rows name the excerpts that showed them: the quoted file is one more that agrees."""
    before, after = releases.before.tables, releases.after.tables
    changed = {t for t in before if t.startswith("history.") and before[t] != after[t]}
    assert changed - {"history.coverage"} == {
        "history.cbp_drug_seizures", "history.cdc_vsrr_overdose", "history.census_population",
    }  # fmt: skip
    shown = f"[{GOOD}, {day_of('quotes')}]"
    assert releases.rows("select distinct excerpt_vintages::text from history.census_population") == [(shown,)]
