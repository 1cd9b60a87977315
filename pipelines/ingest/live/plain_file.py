"""Plain files at a fixed address: the site's own ETag and Last-Modified say whether they changed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pipelines.archive.vintages import list_archive
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from pipelines.ingest.live.archive_download import receipt_of, take_as_current
from pipelines.ingest.live.client import Client
from pipelines.ingest.live.download import Progress, conditions, download
from pipelines.ingest.live.robots import LOOK_AGE, honour
from pipelines.ingest.live.state import SourceState
from pipelines.ingest.report import IngestReport


def fetch(
    client: Client, settings: Settings, source: Source, state: SourceState, folder: Path, progress: Progress
) -> IngestReport:
    """Archive the file unless the site answers 304 or its bytes are those of the newest vintage.

    Raises LiveError or BlockedError; nothing is archived then.
    """
    report = IngestReport(source.id)
    url = source.fetch.url
    assert url, "the catalogue checked it"
    honour(client, url, LOOK_AGE)
    # Only of this very address: another file's date would say "unchanged" of one that was never fetched.
    vintages = list_archive(settings.data_raw, "official", source.id)
    is_of_url = any(v.id == state.vintage and v.receipt.url == url for v in vintages)
    asked = conditions(state.etag, state.last_modified) if is_of_url else {}
    target = folder / PurePosixPath(unquote(urlsplit(url).path)).name
    got = download(client, url, target, progress, source.files.final_newline, asked)
    if got is None:
        report.known += 1
        return report
    receipt = receipt_of(source, got.modified_on or settings.now().date(), target, got, got.published_at)
    state.vintage = take_as_current(settings, receipt, target, report)
    state.etag, state.last_modified = got.etag, got.last_modified
    return report
