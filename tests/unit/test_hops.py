"""The ways through the house that docs/architecture.md draws: every file is there, and no hop goes back up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_import_arrows import FILES, PACKAGE, ROOT, floor, imported_modules, module_name, part_of

PAGE = ROOT / "docs" / "architecture.md"
TITLES = ("One CBP row from mirror to mart", "One held vintage to its alert")
_FILE = re.compile(r"`([\w/]+\.(?:py|sql))`")
_HANDED_ON = re.compile(r"\([^)]*handed on\)")


def ways(text: str) -> dict[str, list[str]]:
    """The files of each step's hops in order, by the title of its table and the step."""
    found = {}
    for title in TITLES:
        part = text.split(f"## {title}\n")[1].split("\n## ")[0]
        for line in part.splitlines():
            if "→" in line and line.startswith("| "):
                step, hops = line.strip("| ").split(" | ")[:2]
                found[f"{title}: {step}"] = _FILE.findall(_HANDED_ON.sub("", hops))
    return found


WAYS = ways(PAGE.read_text("utf-8"))


def test_both_ways_are_drawn() -> None:
    assert {w.partition(":")[0] for w in WAYS} == set(TITLES)
    assert all(len(files) > 2 for files in WAYS.values())


@pytest.mark.parametrize("way", WAYS)
def test_every_file_of_a_way_is_there(way: str) -> None:
    places = {f: (ROOT / "dbt_project" if f.endswith(".sql") else PACKAGE) / f for f in WAYS[way]}
    assert [f for f, place in places.items() if not place.is_file()] == []


@pytest.mark.parametrize("way", WAYS)
def test_no_hop_goes_back_up(way: str) -> None:
    floors = [floor(part_of(PACKAGE / f)) for f in WAYS[way] if f.endswith(".py")]
    assert floors == sorted(floors, reverse=True)


@pytest.mark.parametrize("way", WAYS)
def test_every_file_of_a_way_is_used_by_one_before_it(way: str) -> None:
    names = [module_name(PACKAGE / f) for f in WAYS[way] if f.endswith(".py")]
    imported = imported_modules(FILES)
    alone = [n for at, n in enumerate(names) if at and not any(n in imported[before] for before in names[:at])]
    assert alone == []


def test_a_hop_up_and_an_unused_file_are_seen() -> None:
    floors = [floor(part_of(PACKAGE / f)) for f in ("clean/run.py", "refresh/stages.py")]
    assert floors != sorted(floors, reverse=True)
    used: set[str] = imported_modules(FILES)[module_name(PACKAGE / "clean/run.py")]
    assert module_name(Path(PACKAGE / "history/run.py")) not in used
