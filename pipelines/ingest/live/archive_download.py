"""From downloaded files to a vintage in the archive."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pipelines.archive.decisions import read_ledger, retractions
from pipelines.archive.vintages import ArchivedVintage, Receipt, effective_vintages, is_ahead, list_archive, store
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from pipelines.ingest.live.download import Fetched
from pipelines.ingest.report import IngestReport, make_receipt


def receipt_of(source: Source, vintage: date, file: Path, got: Fetched, published_at: str | None) -> Receipt:
    """Receipt of one downloaded file. Nothing that was sent to the site is in it, so no token can be."""
    said = {"coverage": source.fetch.coverage, "scope": source.fetch.scope}
    receipt = make_receipt("live", "official", source.id, vintage, [file], said)
    return receipt.model_copy(
        update={"url": got.url, "published_at": published_at, "etag": got.etag, "last_modified": got.last_modified}
    )


def archived_under(data_raw: Path, source_id: str, archive_id: str | None) -> bool:
    """Whether a remembered vintage is in the archive still."""
    return archive_id is not None and any(v.id == archive_id for v in list_archive(data_raw, "official", source_id))


def retracted(data_raw: Path, source_id: str) -> set[str]:
    """Folders of vintages that a person took back: their bytes may be a true release under another date."""
    return {*retractions(read_ledger(data_raw, "official"), source_id)}


def has_bytes(vintage: ArchivedVintage, receipt: Receipt) -> bool:
    """Whether a vintage has these very bytes, whatever its files are called."""
    return [f.sha256 for f in vintage.receipt.files] == [f.sha256 for f in receipt.files]


def take(data_raw: Path, receipt: Receipt, file: Path, report: IngestReport) -> str:
    """Archive one file and count it; the name of its folder, also where it was there before."""
    stored = store(data_raw, receipt, [file])
    if stored is not None:
        report.added.append(stored.id)
        return stored.id
    report.known += 1
    vintages = list_archive(data_raw, receipt.realm, receipt.source)
    return next(v.id for v in vintages if v.receipt.vintage == receipt.vintage and v.receipt.content == receipt.content)


def take_as_current(
    settings: Settings, receipt: Receipt, file: Path, report: IngestReport, goes_back: bool = False
) -> str:
    """Archive what a site gives now under a date at which it speaks; the name of the vintage that has it.

    An agency that takes a wrong file back gives an old one again, with its old date: under that date it would lie
    below the wrong one, or be known already, and the wrong one would stay current for ever.
    goes_back: the site says that the file is older than the one it gave before.
    """
    data_raw = settings.data_raw
    withdrawn = retracted(data_raw, receipt.source)
    effective = [
        v for v in effective_vintages(data_raw, receipt.realm, receipt.source, withdrawn) if v.id not in withdrawn
    ]
    if effective and has_bytes(effective[-1], receipt):
        report.known += 1
        return effective[-1].id
    archived = list_archive(data_raw, receipt.realm, receipt.source)
    # What a person added may be newer than what the site gives; only the site's own files can go back.
    own = next((v for v in reversed(archived) if v.receipt.origin == receipt.origin and v.id not in withdrawn), None)
    if own is not None:
        day, last = receipt.vintage, own.receipt.vintage
        hidden = day == last and not has_bytes(own, receipt) and _is_under(archived, day, receipt)
        if goes_back or day < last or hidden:
            receipt = _dated_by_the_look(receipt, archived, last, settings.now().date())
    return take(data_raw, receipt, file, report)


def _dated_by_the_look(receipt: Receipt, archived: list[ArchivedVintage], last: date, today: date) -> Receipt:
    # A day that has not come is nobody's release: waiting for it would hide this one.
    day = today if is_ahead(last, today) else max(today, last)
    while _is_under(archived, day, receipt):
        day += timedelta(days=1)
    said = receipt.published_at or receipt.vintage
    note = f"The site dates it {said}, before what it gave earlier; its date here is the day on which it was fetched."
    return receipt.model_copy(update={"vintage": day, "note": note})


def _is_under(archived: list[ArchivedVintage], day: date, receipt: Receipt) -> bool:
    return any(v.receipt.vintage == day and v.receipt.content == receipt.content for v in archived)
