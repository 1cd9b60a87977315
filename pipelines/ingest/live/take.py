"""From downloaded files to a vintage in the archive."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pipelines.ingest.archive import ArchivedVintage, Receipt, is_ahead, list_archive, store
from pipelines.ingest.live.download import Fetched
from pipelines.ingest.origins import IngestReport, make_receipt
from pipelines.settings import Settings
from pipelines.sources.catalog import Source


def receipt_of(source: Source, vintage: date, file: Path, got: Fetched, published_at: str | None) -> Receipt:
    """Receipt of one downloaded file. Nothing that was sent to the site is in it, so no token can be."""
    said = {"coverage": source.fetch.coverage, "scope": source.fetch.scope}
    receipt = make_receipt("live", "official", source.id, vintage, [file], said)
    return receipt.model_copy(
        update={"url": got.url, "published_at": published_at, "etag": got.etag, "last_modified": got.last_modified}
    )


def release_date(settings: Settings, said: date | None) -> date:
    """The day that a site gives for its file; today where it gives none or one in the future, as a wrong clock does."""
    today = settings.now().date()
    return today if said is None or is_ahead(said, today) else said


def archived_under(data_raw: Path, source_id: str, archive_id: str | None) -> bool:
    """Whether a remembered vintage is in the archive still."""
    return archive_id is not None and any(v.id == archive_id for v in list_archive(data_raw, "official", source_id))


def same_content(data_raw: Path, receipt: Receipt, first: date, last: date) -> ArchivedVintage | None:
    """A vintage between two days with these very bytes: a file that somebody added by hand in the meantime."""
    for vintage in list_archive(data_raw, receipt.realm, receipt.source):
        sums = [f.sha256 for f in vintage.receipt.files]
        if first <= vintage.receipt.vintage <= last and sums == [f.sha256 for f in receipt.files]:
            return vintage
    return None


def free_day(data_raw: Path, source_id: str, wanted: date, url: str) -> date:
    """The first day from wanted on that no file of another address has.

    Two windows released on one day are two vintages; under one date the later would replace the earlier.
    """
    others = {
        v.receipt.vintage
        for v in list_archive(data_raw, "official", source_id)
        if v.receipt.url is not None and v.receipt.url != url
    }
    while wanted in others:
        wanted += timedelta(days=1)
    return wanted


def take(data_raw: Path, receipt: Receipt, file: Path, report: IngestReport) -> str:
    """Archive one file and count it; the name of its folder, also where it was there before."""
    stored = store(data_raw, receipt, [file])
    if stored is not None:
        report.added.append(stored.id)
        return stored.id
    report.known += 1
    vintages = list_archive(data_raw, receipt.realm, receipt.source)
    return next(v.id for v in vintages if v.receipt.vintage == receipt.vintage and v.receipt.content == receipt.content)
