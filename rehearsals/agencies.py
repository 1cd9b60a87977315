"""Real files at the agencies of loopback, and the mirror of the same vintages beside them."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from pipelines.catalog.load import get_source
from pipelines.core.settings import PROJECT_ROOT, Settings
from rehearsals.calendar import Publication
from rehearsals.installation import DRUGFLOW, environment
from tests.agency.server import Agency, DataSet, Document, http_date

NAMES = {"nationwide-drugs-fy": "nationwide-drug-seizures", "amo-drug-seizures-fy": "amo-drug-seizures"}


@dataclass
class Publisher:
    """Publishes at the agency what the mirror of real files has, and writes down what it published.

    own: a mirror of exactly the published vintages, under the names that the agencies give them.
    """

    agency: Agency
    mirror: Path
    own: Path
    links: dict[str, list[str]] = field(default_factory=dict)

    def publish(self, item: Publication, settings: Settings) -> None:
        """Put a vintage where the source's YAML looks for it, or add it by hand."""
        files = sorted(p for p in (self.mirror / item.source / item.mirror).iterdir() if p.name != "vintage.json")
        if item.by_hand is not None:
            self._add(item, files, settings)
            return
        [file] = files
        fetch = get_source(item.source).fetch
        body = _renamed(_as_csv(file), item.column)
        said: dict[str, Any] = {"coverage": fetch.coverage, "scope": fetch.scope}
        moment = datetime.combine(item.day, time(15), UTC)
        if fetch.kind == "socrata":
            assert fetch.dataset
            name = f"{fetch.dataset}.csv"
            self.agency.sets[fetch.dataset] = DataSet(body, int(moment.timestamp()))
        elif fetch.kind == "document_page":
            assert fetch.url
            name = file.name
            path = f"/sites/default/files/{item.day:%Y-%m}/{name}"
            self.agency.documents[path] = Document(body, http_date(moment))
            links = self.links.setdefault(fetch.url, [])
            links.append(path)
            page = "".join(f'<p><a href="{p}">Download the CSV</a></p>' for p in links)
            place = fetch.url.removeprefix("https://www.cbp.gov")
            self.agency.documents[place] = Document(f"<html>{page}</html>".encode(), kind="text/html")
        else:
            assert fetch.url
            name = Path(fetch.url).name
            self.agency.documents[fetch.url.removeprefix("https://www2.census.gov")] = Document(body, http_date(moment))
        self._note(item, {name: body}, said)

    def _add(self, item: Publication, files: list[Path], settings: Settings) -> None:
        assert item.by_hand is not None
        words = ["add", item.source, *map(str, files), "--published", item.mirror, "--partial", "--note", item.by_hand]
        subprocess.run(
            [DRUGFLOW, *words], env=environment(settings), cwd=PROJECT_ROOT, check=True, stdout=subprocess.DEVNULL
        )
        said = {"coverage": "partial", "note": item.by_hand}
        self._note(item, {f.name: f.read_bytes() for f in files}, said)

    def _note(self, item: Publication, files: dict[str, bytes], said: dict[str, Any]) -> None:
        folder = self.own / item.source / item.day.isoformat()
        folder.mkdir(parents=True)
        for name, body in files.items():
            (folder / name).write_bytes(body)
        (folder / "vintage.json").write_text(json.dumps(said), "utf-8")


def _as_csv(file: Path) -> bytes:
    """The file as the agency's export gives it: the mirror keeps some packed."""
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".parquet":
        import polars as pl

        text = io.BytesIO()
        pl.read_parquet(file).write_csv(text)
        return text.getvalue()
    return file.read_bytes()


def _renamed(body: bytes, column: tuple[str, str] | None) -> bytes:
    if column is None:
        return body
    header, end, rest = body.partition(b"\n")
    renamed = header.replace(column[0].encode(), column[1].encode())
    assert renamed != header, f"there is no column {column[0]}"
    return renamed + end + rest
