"""Plain files at a fixed address: the site's own ETag and Last-Modified say whether they changed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pipelines.ingest.live.client import Client
from pipelines.ingest.live.download import Progress, conditions, download
from pipelines.ingest.live.robots import LOOK_AGE, require_allowed
from pipelines.ingest.live.state import SourceState
<<<<<<< HEAD
from pipelines.ingest.live.take import archived_under, receipt_of, release_date, take
=======
from pipelines.ingest.live.take import archived_under, receipt_of, take_as_current
>>>>>>> 213e67d (wip)
from pipelines.ingest.origins import IngestReport
from pipelines.settings import Settings
from pipelines.sources.catalog import Source


def fetch(
    client: Client, settings: Settings, source: Source, state: SourceState, folder: Path, progress: Progress
) -> IngestReport:
    """Archive the file unless the site answers 304 or its bytes are those of the newest vintage.

    Raises LiveError or BlockedError; nothing is archived then.
    """
    report = IngestReport(source.id)
    url = source.fetch.url
    assert url, "the catalogue checked it"
    require_allowed(client, url, LOOK_AGE)
    archived = archived_under(settings.data_raw, source.id, state.vintage)
    asked = conditions(state.etag, state.last_modified) if archived else {}
    target = folder / PurePosixPath(unquote(urlsplit(url).path)).name
    got = download(client, url, target, progress, source.files.final_newline, asked)
    if got is None:
        report.known += 1
        return report
<<<<<<< HEAD
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
=======
    receipt = receipt_of(source, got.modified_on or settings.now().date(), target, got, got.published_at)
    state.vintage = take_as_current(settings, receipt, target, report)
>>>>>>> 213e67d (wip)
    state.etag, state.last_modified = got.etag, got.last_modified
    return report
