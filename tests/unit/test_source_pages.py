"""The committed pages of the sources are those that the YAML gives."""

from __future__ import annotations

import pytest

from pipelines.catalog.load import get_source, load_catalog
from pipelines.dbt.lineage import load_lineage
from pipelines.site.source_pages import FOLDER, page


@pytest.mark.parametrize("source_id", sorted(load_catalog()))
def test_the_committed_page_is_current(source_id: str) -> None:
    committed = (FOLDER / f"{source_id}.md").read_text("utf-8")
    assert committed == page(get_source(source_id), load_lineage()), "run 'make docs'"
