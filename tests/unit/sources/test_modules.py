"""A source's functions are found in its folder; what it leaves out the toolkit does; what is missing is said."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import pipelines.sources
from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.sources.modules import rules_of, source_module

Plant = Callable[..., str]
"""Text of a module and its name to the id of the source that has it."""


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Sources in a folder of their own, beside those of the project."""
    monkeypatch.setattr(pipelines.sources, "__path__", [*pipelines.sources.__path__, str(tmp_path)])

    def write(text: str, name: str = "clean.py") -> str:
        (tmp_path / "planted").mkdir()
        (tmp_path / "planted" / name).write_text(text, "utf-8")
        return "planted"

    yield write
    for name in [m for m in sys.modules if m.startswith("pipelines.sources.planted")]:
        del sys.modules[name]


def test_the_functions_of_a_folder_are_found(plant: Plant):
    module = source_module(plant("def tidy(batch, source): ...\ndef resolve(frame): return frame, {'twice': 1}"))
    assert module.tidy.__module__ == "pipelines.sources.planted.clean"
    assert module.resolve(pl.DataFrame({"a": [1]}))[1] == {"twice": 1}


def test_a_module_with_tidy_alone_keeps_every_row_and_knows_of_no_end(plant: Plant):
    module = source_module(plant("def tidy(batch, source): ..."))
    frame = pl.DataFrame({"a": [1, 1]})
    kept, aside = module.resolve(frame)
    assert kept.equals(frame)
    assert aside == {}
    assert frame.select(module.is_open().alias("is_open"))["is_open"].to_list() == [None]
    assert not module.is_unfinished(date(2024, 1, 1), date(2024, 6, 1))
    assert module.from_sheet is None


def test_a_folder_without_the_module_says_which_file_to_write():
    with pytest.raises(DrugflowError, match=r"pipelines/sources/nowhere/clean\.py is missing"):
        source_module("nowhere")


def test_a_module_without_tidy_says_which_function_to_write(plant: Plant):
    with pytest.raises(DrugflowError, match=r"planted/clean\.py lacks the function tidy\(batch, source\)"):
        source_module(plant("def tidied(batch, source): ..."))


def test_a_module_that_imports_what_is_not_there_is_not_called_missing(plant: Plant):
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        source_module(plant("import no_such_library"))


def planted(source_id: str) -> Source:
    """A description with the id of a planted source."""
    return get_source("bts_border_crossings").model_copy(update={"id": source_id})


def test_the_facts_of_a_folder_are_found_by_their_batches(plant: Plant):
    rules = rules_of(planted(plant("def tides(source, context): ...\nFACTS = {'tides': tides}", "facts.py")))
    assert rules.facts["tides"].__module__ == "pipelines.sources.planted.facts"


def test_a_source_whose_description_says_everything_needs_no_facts(plant: Plant):
    assert rules_of(planted(plant("def tidy(batch, source): ..."))).facts == {}


def test_facts_that_are_not_listed_are_not_passed_over(plant: Plant):
    with pytest.raises(DrugflowError, match=r"planted/facts\.py lacks FACTS"):
        rules_of(planted(plant("def tides(source, context): ...", "facts.py")))
