"""Plain files at a fixed address: the site's own ETag and Last-Modified say whether they changed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pipelines.ingest.archive import list_archive
from pipelines.ingest.live.client import Client
from pipelines.ingest.live.download import Progress, download
from pipelines.ingest.live.robots import LOOK_AGE, require_allowed
from pipelines.ingest.live.state import SourceState
from pipelines.ingest.live.take import archived_under, receipt_of, release_date, take
from pipelines.ingest.origins import IngestReport
from pipelines.settings import Settings
from pipelines.sources.catalog import Source


def fetch(
    client: Client, settings: Settings, source: Source, state: SourceState, folder: Path, progress: Progress
) -> IngestReport:
    """Archive the file unless the site answers 304 or its bytes are those of an archived vintage.

    Raises LiveError or BlockedError; nothing is archived then.
    """
    report = IngestReport(source.id)
    url = source.fetch.url
    assert url, "the catalogue checked it"
    require_allowed(client, url, LOOK_AGE)
    asked = {}
    if archived_under(settings.data_raw, source.id, state.vintage):
        asked = {
            k: v
            for k, v in (("If-None-Match", state.etag), ("If-Modified-Since", state.last_modified))
            if v is not None
        }
    target = folder / PurePosixPath(unquote(urlsplit(url).path)).name
    got = download(client, url, target, progress, asked)
    if got is None:
        report.known += 1
        return report
    receipt = receipt_of(source, release_date(settings, got.modified_on), target, got, got.published_at)
    sums = [f.sha256 for f in receipt.files]
    same = [
        v for v in list_archive(settings.data_raw, "official", source.id) if [f.sha256 for f in v.receipt.files] == sums
    ]
    if same:
        report.known += 1
        state.vintage = same[-1].id
    else:
        state.vintage = take(settings.data_raw, receipt, target, report)
    state.etag, state.last_modified = got.etag, got.last_modified
    return report
