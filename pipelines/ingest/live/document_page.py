"""Document pages: an agency's page that links one data file a month, such as those of CBP.

What belongs here: finding, ordering and taking the linked files. Their names follow no rule (a re-issue gets _0
or _1), so links are ordered by the month in their folder, then by their place on the page.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from pipelines.archive.vintages import is_ahead, list_archive
from pipelines.catalog.source import Source
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.ingest.live.archive_download import has_bytes, receipt_of, retracted, take
from pipelines.ingest.live.client import Client, site_of
from pipelines.ingest.live.download import Progress, conditions, download
from pipelines.ingest.live.months import Link, day_of, is_reissue, of_the_month, released_in
from pipelines.ingest.live.problems import BlockedError, DisallowedError, LaterError, LiveError, by_hand
from pipelines.ingest.live.robots import DAY, DOWNLOAD_AGE, LOOK_AGE, honour
from pipelines.ingest.live.sniff import is_challenge
from pipelines.ingest.live.state import SourceState, seconds_since
from pipelines.ingest.report import IngestReport

WEEK = 7 * DAY
"""After so many seconds the newest month's files are looked at again although the page is as it was."""


def find_links(page: str, base: str, pattern: str) -> list[Link]:
    """Data files that a page links, oldest first: by folder month, then by place on the page.

    pattern: regular expression searched in the path; its group ``released`` is YYYY-MM.
    Raises LiveError for an address with credentials or a port in it, or in a folder that is no month.
    """
    parser = _Anchors()
    parser.feed(page)
    found: dict[str, Link] = {}
    for href in parser.hrefs:
        try:
            url = urldefrag(urljoin(base, href)).url
            released = released_in(pattern, url)
        except ValueError:
            continue  # no address, so no file
        if released is None or url in found:
            continue
        if site_of(url) is None:
            raise LiveError("link_with_credentials", file=base)
        try:
            found[url] = Link(url, date.fromisoformat(f"{released}-01"))
        except ValueError as error:
            raise LiveError("link_in_no_month", file=url, folder=released) from error
    return sorted(found.values(), key=lambda link: link.released)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value.strip() for name, value in attrs if tag == "a" and name == "href" and value]


def fetch(
    client: Client,
    settings: Settings,
    source: Source,
    state: SourceState,
    folder: Path,
    progress: Progress,
    backfill: bool = False,
) -> IngestReport:
    """Archive what the newest month of the page has and the archive has not; with backfill, every month.

    The newest month may link several files (in November the closed fiscal year and the new one): all are taken. Those
    taken before are asked for again, on condition that they changed, where the page changed and once a week.
    One file's failure is a problem in the report, and the others go on.
    Raises LiveError or BlockedError where the page itself cannot be had.
    """
    report = IngestReport(source.id)
    assert source.fetch.url, "the catalogue checked it"
    honour(client, source.fetch.url, LOOK_AGE)
    page = client.look(source.fetch.url)
    links = find_links(page.text, page.url, source.fetch.link_pattern or "")
    if not links:
        if is_challenge(page.body):
            raise BlockedError("captcha_for_links", file=source.fetch.url)
        raise LiveError("page_links_no_file", file=source.fetch.url)
    begun = [link for link in links if not is_ahead(link.released, settings.now().date())]
    report.problems += [
        Problem.of("link_of_a_month_to_come", source=source.id, file=link.url, month=f"{link.released:%Y-%m}")
        for link in links
        if link not in begun
    ]
    archive = {v.id: v for v in list_archive(settings.data_raw, "official", source.id)}
    known = {v.receipt.url for v in archive.values()} | {u for u, name in state.taken.items() if name in archive}
    seen = sha256(page.body).hexdigest()
    again = seen != state.page or seconds_since(settings, state.files_seen_at) > WEEK
    before = set() if backfill else {*archive}
    taking = _Taking(client, settings, source, state, folder, progress, report, links, before)
    for link in begun:
        is_newest, is_known = link.released == begun[-1].released, link.url in known
        if not is_newest and not backfill:
            continue
        if is_known and not (is_newest and again):
            report.known += 1
            continue
        try:
            taking.take(link)
        except BlockedError as error:
            report.problems.append(by_hand(source, error))
            report.blocked = True
            if not isinstance(error, DisallowedError):
                break  # the site itself refuses us: it is not asked for the others
        except LiveError as error:
            report.problems.append(error.problem)
            if isinstance(error, LaterError):
                break  # it asks to be left alone for longer than a look may last
    if again and not report.problems:
        state.page, state.files_seen_at = seen, settings.now().isoformat(timespec="seconds")
    report.notes = _notes(settings, source, state, begun)
    return report


class _Taking:
    """Takes files of one page. archived_before: see months.day_of."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        source: Source,
        state: SourceState,
        folder: Path,
        progress: Progress,
        report: IngestReport,
        links: list[Link],
        archived_before: set[str],
    ):
        self.client, self.settings, self.source, self.state = client, settings, source, state
        self.folder, self.progress, self.report = folder, progress, report
        self.page, self.archived_before = [link.url for link in links], archived_before

    def take(self, link: Link) -> None:
        """Archive a file unless it is as it was when it was taken."""
        honour(self.client, link.url, DOWNLOAD_AGE)
        source, state, report = self.source, self.state, self.report
        everything = list_archive(self.settings.data_raw, "official", source.id)
        withdrawn = retracted(self.settings.data_raw, source.id)
        # What the site itself gave stays known: its bytes would come back under another day at every look.
        archive = [v for v in everything if v.id not in withdrawn or v.receipt.url]
        remembered = state.taken.get(link.url)
        before = [v for v in archive if v.receipt.url == link.url or v.id == remembered]
        asked = {}
        if before:
            last = before[-1]
            of_last = conditions(last.receipt.etag, last.receipt.last_modified) if last.receipt.url == link.url else {}
            asked = state.conditions.get(link.url, of_last) if last.id == remembered else of_last
        target = self.folder / link.name
        got = download(self.client, link.url, target, self.progress, source.files.final_newline, asked)
        if got is None:
            report.known += 1
            return
        month = of_the_month(archive, link, source.fetch.link_pattern or "")
        in_month = got.modified_on is not None and got.modified_on.replace(day=1) == link.released
        receipt = receipt_of(source, link.released, target, got, got.published_at if in_month else None)
        # An older file's bytes may come back in place of a wrong one: they are known only if they are the last.
        rivals = before[-1:] or [v for v in month if is_reissue(v, link)][-1:] or month
        same = next((v for v in rivals if has_bytes(v, receipt)), None)
        if same is not None:
            report.known += 1
            state.taken[link.url] = same.id
        else:
            days = {v.receipt.vintage for v in everything}
            day = day_of(link, got.modified_on, self.page, month, self.archived_before, days)
            moved = day not in (got.modified_on, link.released)
            note = "The day is chosen: it keeps the order of the files released in this month." if moved else None
            receipt = receipt.model_copy(update={"vintage": day, "note": note})
            state.taken[link.url] = take(self.settings.data_raw, receipt, target, report)
        state.conditions[link.url] = got.conditions
        target.unlink()


def _notes(settings: Settings, source: Source, state: SourceState, links: list[Link]) -> list[Problem]:
    """What the page no longer links although it is the newest that was taken, and what it links and nobody took."""
    archive = list_archive(settings.data_raw, "official", source.id)
    linked = {link.url for link in links}
    notes = []
    taken = [v for v in archive if v.receipt.url]
    if taken and taken[-1].receipt.url not in linked:
        last = taken[-1]
        if last.id not in {name for url, name in state.taken.items() if url in linked}:
            page = source.fetch.url
            notes.append(Problem.of("newest_link_gone", source=source.id, file=last.receipt.url, page=page))
    urls = {v.receipt.url for v in archive} | {u for u, name in state.taken.items() if name in {v.id for v in archive}}
    names = {f.name for v in archive for f in v.receipt.files}
    older = [x for x in links if x.released < links[-1].released and x.url not in urls and x.name not in names]
    if older:
        notes.append(Problem.of("older_files_not_archived", source=source.id, count=len(older)))
    return notes
