"""Socrata data sets: rowsUpdatedAt says whether anything changed, counts say whether all of it came.

Endpoints: ``/api/views/<id>.json`` (metadata), ``/api/views/<id>/rows.csv`` (whole export),
``/resource/<id>.csv`` and ``.json`` (SODA 2.1 queries; pages are complete only in the order of :id).
robots.txt is not asked: these addresses are the programming interface that the agency publishes.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipelines.archive.vintages import list_archive
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from pipelines.ingest.live.archive_download import archived_under, receipt_of, take_as_current
from pipelines.ingest.live.client import Client
from pipelines.ingest.live.download import A_DAY, Fetched, Progress, download
from pipelines.ingest.live.problems import BlockedError, LiveError, RepeatableError
from pipelines.ingest.live.retry import persist
from pipelines.ingest.live.sniff import is_challenge
from pipelines.ingest.live.state import SourceState
from pipelines.ingest.report import IngestReport

ROW_ID = ":id"
OLDEST_CACHE = timedelta(days=7)
csv.field_size_limit(16 * 1024**2)


def fetch(
    client: Client, settings: Settings, source: Source, state: SourceState, folder: Path, progress: Progress
) -> IngestReport:
    """Archive the data set as it is now, if it changed since the last vintage taken.

    Raises LiveError or BlockedError; nothing is archived then.
    """
    report = IngestReport(source.id)
    site = _Site(client, source)
    updated = site.updated_at()
    if updated == state.rows_updated_at and archived_under(settings.data_raw, source.id, state.vintage):
        report.known += 1
        return report
    target = folder / f"{source.fetch.dataset}.csv"
    got, updated = persist(settings, client.deadline, lambda: site.export(target, progress))
    moment = datetime.fromtimestamp(updated, UTC)
    receipt = receipt_of(source, moment.date(), target, got, moment.isoformat())
    goes_back = state.rows_updated_at is not None and updated < state.rows_updated_at
    state.vintage = take_as_current(settings, receipt, target, report, goes_back)
    if report.added or not _may_be_stale(settings, source, state, moment):
        state.rows_updated_at = updated
    state.etag, state.last_modified = got.etag, got.last_modified
    return report


def _may_be_stale(settings: Settings, source: Source, state: SourceState, moment: datetime) -> bool:
    """Whether an export with the bytes of the last vintage came from a cache that is behind the metadata.

    Its marker is not kept then, so that the next look fetches again, until no cache can be that old.
    """
    archived = list_archive(settings.data_raw, "official", source.id)
    published = next((v.receipt.published_at for v in archived if v.id == state.vintage), None)
    return published != moment.isoformat() and settings.now() - moment < OLDEST_CACHE


def _after(done: int, progress: Progress) -> Progress:
    """Progress of a page in that of the whole, whose size nobody knows."""
    return lambda got, _total: progress(done + got, None)


class _Site:
    """One data set at its host."""

    def __init__(self, client: Client, source: Source):
        self.client = client
        self.fetch = source.fetch
        self.ends_line = source.files.final_newline
        self.base = f"https://{source.fetch.hosts[0]}"

    def updated_at(self) -> int:
        """rowsUpdatedAt, seconds since 1970."""
        url = f"{self.base}/api/views/{self.fetch.dataset}.json"
        view = self._json(url)
        updated = view.get("rowsUpdatedAt") if isinstance(view, dict) else None
        if isinstance(updated, bool) or not isinstance(updated, int):
            raise LiveError("no_rows_updated_at", file=url)
        if not 0 < updated <= (self.client.settings.now() + A_DAY).timestamp():
            raise LiveError("rows_updated_at_to_come", file=url, seconds=updated)
        return updated

    def count(self) -> int:
        """Rows that the data set has now."""
        url = f"{self.base}/resource/{self.fetch.dataset}.json?$select=count(*)"
        rows = self._json(url)
        try:
            return int(next(iter(rows[0].values())))
        except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
            raise LiveError("no_count_of_rows", file=url, found=str(rows)[:80]) from error

    def export(self, target: Path, progress: Progress) -> tuple[Fetched, int]:
        """The whole data set in target, and its rowsUpdatedAt.

        Raises RepeatableError where counts or rowsUpdatedAt before, meanwhile and after differ.
        """
        updated, before = self.updated_at(), self.count()
        got, rows = (self._pages if self.fetch.paged else self._whole)(target, progress)
        after = self.count()
        if not before == rows == after or updated != self.updated_at():
            raise RepeatableError("counts_differ", file=got.url, rows=rows, before=before, after=after)
        return got, updated

    def _whole(self, target: Path, progress: Progress) -> tuple[Fetched, int]:
        url = f"{self.base}/api/views/{self.fetch.dataset}/rows.csv?accessType=DOWNLOAD"
        got = download(self.client, url, target, progress, self.ends_line)
        assert got is not None, "304 without a condition"
        with target.open(encoding="utf-8", errors="replace", newline="") as handle:
            return got, max(0, sum(1 for row in csv.reader(handle) if row) - 1)

    def _pages(self, target: Path, progress: Progress) -> tuple[Fetched, int]:
        """Page by page in the order of :id, which is asked for, compared and not kept.

        A site that ignores the order gives rows twice and others never, while the count agrees: ids tell.
        """
        size, part = self.fetch.page_rows, target.with_name("page.csv")
        seen: set[int] = set()
        first: Fetched | None = None
        header: list[str] | None = None
        rows = before = 0
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            while True:
                query = f"$select={quote(ROW_ID)},*&$order={quote(ROW_ID)}&$limit={size}&$offset={rows}"
                url = f"{self.base}/resource/{self.fetch.dataset}.csv?{query}"
                got = download(self.client, url, part, _after(before, progress), self.ends_line)
                assert got is not None, "304 without a condition"
                first = first or got
                before += part.stat().st_size
                with part.open(encoding="utf-8", newline="") as handle:
                    page = csv.reader(handle)
                    names = next(page, [])
                    if names[:1] != [ROW_ID] or (header is not None and names != header):
                        expected = header or [ROW_ID, "..."]
                        raise RepeatableError("columns_differ", file=url, found=str(names), expected=str(expected))
                    if header is None:
                        header = names
                        writer.writerow(header[1:])
                    count = 0
                    for row in page:
                        if not row:
                            continue
                        if hash(row[0]) in seen:
                            raise RepeatableError("row_came_twice", file=url, row=row[0])
                        seen.add(hash(row[0]))
                        writer.writerow(row[1:])
                        count += 1
                rows += count
                if count < size:
                    part.unlink()
                    return Fetched(
                        f"{self.base}/resource/{self.fetch.dataset}.csv", first.etag, first.last_modified
                    ), rows

    def _json(self, url: str) -> Any:
        page = self.client.look(url)
        try:
            return json.loads(page.body)
        except (ValueError, RecursionError) as error:
            if is_challenge(page.body):
                raise BlockedError("captcha_for_answer", file=url) from error
            raise LiveError("no_json", file=url, found=page.text[:60]) from error
