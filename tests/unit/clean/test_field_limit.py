"""The longest field is ours to bound: libraries lift the csv module's limit for the whole process."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from pipelines.clean.files import _titles
from pipelines.clean.split import _record
from pipelines.clean.unpack import FileProblem

TOO_LONG = "x" * 200_000


@pytest.fixture(params=[131_072, 2**31 - 1], ids=["csv's own limit", "lifted by a library"])
def _limit(request: pytest.FixtureRequest) -> Iterator[None]:
    before = csv.field_size_limit(request.param)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("_limit")
def test_a_title_that_long_is_no_header() -> None:
    with pytest.raises(FileProblem, match=r"file\.csv, line 1: the header cannot be read"):
        _titles("file.csv", f"FY,{TOO_LONG}", ",")


@pytest.mark.usefixtures("_limit")
def test_a_cell_that_long_is_no_record() -> None:
    why, lines = _record([f"2024,{TOO_LONG}"], 0, 2, ",")
    assert (str(why), lines) == ("has a field of more than 131,072 characters", 1)
