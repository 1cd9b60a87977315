"""The mutation corpus: whatever happens to a publisher's file, nothing is lost, changed or misread in silence.

Each mutation of a small file meets an installation that holds the whole file: ingest, clean, quality, history. It ends
in an equal history, in a history that says exactly what an independent reader finds in the mutated file, or in a held
vintage with a sentence; records in = clean + set aside + rejected, always.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.corpus.layouts import LAYOUTS
from tests.faults.corpus.mutations import KINDS, Mutation, mutations
from tests.faults.corpus.run import Bench

NAME = "Mutation corpus"
WHOLE = list(LAYOUTS)[:6]
"""One layout of each source meets every mutation; the source's other layouts meet every fourth."""
FEWEST = 1000

Counts = Counter[tuple[str, str, str]]


def chosen(name: str, kind: str) -> list[Mutation]:
    """The mutations of a kind that a layout meets in the whole corpus."""
    every = mutations(LAYOUTS[name], kind)
    return every if name in WHOLE else every[list(LAYOUTS).index(name) % 4 :: 4]


def rows_of(counts: Counts) -> list[list[str | int]]:
    """Rows of the report: source and kind, mutations, and how many of them ended equal, accounted for, held."""
    pairs = sorted({(source, kind) for source, kind, _ in counts}, key=lambda p: (p[0], KINDS.index(p[1])))
    rows: list[list[str | int]] = []
    for source, kind in pairs:
        ends = [counts[source, kind, outcome] for outcome in ("equal", "accounted", "held")]
        rows.append([f"{source}: {kind}", sum(ends), *ends])
    return rows


@pytest.fixture(scope="module")
def counts() -> Iterator[Counts]:
    """How the mutations ended. Written at the end as JSON to DRUGFLOW_FAULT_REPORT, a file or a folder, where set."""
    found: Counts = Counter()
    yield found
    place = os.environ.get("DRUGFLOW_FAULT_REPORT")
    if place and found:
        path = Path(place) / "mutation_corpus.json" if Path(place).is_dir() else Path(place)
        path.write_text(json.dumps({"name": NAME, "rows": rows_of(found)}, indent=1) + "\n", "utf-8")


def met(bench: Bench, some: list[Mutation], counts: Counts) -> list[str]:
    """Let all mutations happen, one after another; what went wrong, each in a sentence that names the mutation."""
    wrong = []
    for mutation in some:
        try:
            counts[bench.layout.source, mutation.kind, bench.meet(mutation)] += 1
        except Exception as error:  # all are to be seen at once, whatever one of them does
            wrong.append(f"{mutation.name}: {type(error).__name__}: {str(error).splitlines()[0][:500]}")
    return wrong


def test_the_corpus_is_large_enough_and_always_the_same() -> None:
    names = [m.name for layout in LAYOUTS for kind in KINDS for m in chosen(layout, kind)]
    assert len(names) >= FEWEST
    assert len(set(names)) == len(names)
    assert {LAYOUTS[name].source for name in WHOLE} == {layout.source for layout in LAYOUTS.values()}
    again = mutations(LAYOUTS["CBP"], "bytes")
    assert [m.content for m in again] == [m.content for m in mutations(LAYOUTS["CBP"], "bytes")]


@pytest.mark.parametrize("name", WHOLE)
def test_a_few_mutations_of_each_source_are_read_right_told_or_held(tmp_path: Path, name: str) -> None:
    at = WHOLE.index(name)
    every = [mutations(LAYOUTS[name], kind) for n, kind in enumerate(KINDS) if (n + at) % 2]
    some = [of_kind[(at * 3 + 1) % len(of_kind)] for of_kind in every]
    assert met(Bench(LAYOUTS[name], tmp_path), some, Counter()) == []


@pytest.mark.long
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_mutation_is_read_right_told_or_held(tmp_path: Path, counts: Counts, name: str) -> None:
    every = [m for kind in KINDS for m in chosen(name, kind)]
    assert met(Bench(LAYOUTS[name], tmp_path), every, counts) == []
