"""Document pages: an agency's page that links one data file a month, such as those of CBP.

What belongs here: finding, ordering and taking the linked files. Their names follow no rule (a re-issue gets _0
or _1), so links are ordered by the month in their folder, then by their place on the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pipelines.ingest.archive import is_ahead, list_archive
from pipelines.ingest.live.client import Client
from pipelines.ingest.live.download import Fetched, Progress, download
from pipelines.ingest.live.problems import BlockedError, LiveError
from pipelines.ingest.live.robots import DOWNLOAD_AGE, LOOK_AGE, require_allowed
from pipelines.ingest.live.sniff import is_challenge
from pipelines.ingest.live.state import SourceState
from pipelines.ingest.live.take import free_day, receipt_of, release_date, same_content, take
from pipelines.ingest.origins import IngestReport
from pipelines.settings import Settings
from pipelines.sources.catalog import Source


@dataclass(frozen=True)
class Link:
    """A linked data file. released: the first day of the month in its folder."""

    url: str
    released: date


def find_links(page: str, base: str, pattern: str) -> list[Link]:
    """Data files that a page links, oldest first: by folder month, then by place on the page.

    pattern: regular expression searched in the path; its group ``released`` is YYYY-MM.
    """
    parser = _Anchors()
    parser.feed(page)
    found: dict[str, Link] = {}
    for href in parser.hrefs:
        url = urldefrag(urljoin(base, href)).url
        match = re.search(pattern, unquote(urlsplit(url).path))
        if match is None or url in found:
            continue
        try:
            found[url] = Link(url, date.fromisoformat(f"{match['released']}-01"))
        except ValueError as error:
            raise LiveError(f"{url} lies in the folder {match['released']!r}; expected a month, YYYY-MM.") from error
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

    The newest month may link several files (in November the closed fiscal year and the new one): all are taken.
    With backfill one file's failure is a problem in the report and the others go on.
    Raises LiveError or BlockedError.
    """
    report = IngestReport(source.id)
    assert source.fetch.url, "the catalogue checked it"
    require_allowed(client, source.fetch.url, LOOK_AGE)
    page = client.look(source.fetch.url)
    links = find_links(page.text, page.url, source.fetch.link_pattern or "")
    if not links:
        if is_challenge(page.body):
            raise BlockedError(f"{source.fetch.url} asks for a human (captcha) instead of showing its links.")
        raise LiveError(
            f"{source.fetch.url} links no file that matches fetch.link_pattern: the agency renamed its files or "
            "rebuilt the page. Look at it and correct the source's YAML."
        )
    archive = {v.id: v for v in list_archive(settings.data_raw, "official", source.id)}
    known = {v.receipt.url for v in archive.values()} | {u for u, name in state.taken.items() if name in archive}
    ahead = [link for link in links if is_ahead(link.released, settings.now().date())]
    report.problems += [
        f"{link.url} lies in the folder of {link.released:%Y-%m}, which is still to come: it is not taken."
        for link in ahead
    ]
    links = [link for link in links if link not in ahead]
    wanted = [link for link in links if backfill or link.released == links[-1].released]
    for link in wanted:
        if link.url in known:
            report.known += 1
            continue
        try:
            _take(client, settings, source, state, folder, progress, link, report)
        except BlockedError:
            raise
        except LiveError as error:
            if not backfill:
                raise
            report.problems.append(str(error))
    return report


def _take(
    client: Client,
    settings: Settings,
    source: Source,
    state: SourceState,
    folder: Path,
    progress: Progress,
    link: Link,
    report: IngestReport,
) -> None:
    require_allowed(client, link.url, DOWNLOAD_AGE)
    target = folder / PurePosixPath(unquote(urlsplit(link.url).path)).name
    got = download(client, link.url, target, progress)
    assert got is not None, "304 without a condition"
    day = release_date(settings, release_day(link, got))
    receipt = receipt_of(source, day, target, got, got.published_at if got.modified_on == day else None)
    receipt = receipt.model_copy(update={"url": link.url})
    if same := same_content(settings.data_raw, receipt, link.released, _month_end(link.released)):
        report.known += 1
        state.taken[link.url] = same.id
    else:
        free = free_day(settings.data_raw, source.id, day, link.url)
        state.taken[link.url] = take(settings.data_raw, receipt.model_copy(update={"vintage": free}), target, report)
    state.vintage, state.etag, state.last_modified = state.taken[link.url], got.etag, got.last_modified
    target.unlink()


def release_day(link: Link, got: Fetched) -> date:
    """Day of Last-Modified where it lies in the folder's month, else the month's first day.

    A site that moved its files gives all of them the day of the move, which is no release date.
    """
    day = got.modified_on
    return day if day is not None and day.replace(day=1) == link.released else link.released


def _month_end(first: date) -> date:
    from calendar import monthrange

    return first.replace(day=monthrange(first.year, first.month)[1])
