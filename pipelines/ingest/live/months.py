"""Which day a file of a document page gets, and which archived vintages are of its folder's month.

The folder tells the month of release alone, and Last-Modified the day only where it lies in that month: a site that
moved its files gives all of them the day of the move. So days are made up that keep the order of the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pipelines.archive.vintages import ArchivedVintage
from pipelines.ingest.live.problems import LiveError

_REISSUE = re.compile(r"(?:_(\d+))?\.\w+$")


@dataclass(frozen=True)
class Link:
    """A linked data file. released: the first day of the month in its folder."""

    url: str
    released: date

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


def released_in(pattern: str, url: str) -> str | None:
    """The month, YYYY-MM, that an address says; None where the pattern does not match its path."""
    match = re.search(pattern, unquote(urlsplit(url).path))
    return match["released"] if match else None


def of_the_month(archive: list[ArchivedVintage], link: Link, pattern: str) -> list[ArchivedVintage]:
    """Vintages whose file lies in the same folder month; one without an address by its date."""
    month = f"{link.released:%Y-%m}"
    return [v for v in archive if (_month_of(v, pattern) or f"{v.receipt.vintage:%Y-%m}") == month]


def _month_of(vintage: ArchivedVintage, pattern: str) -> str | None:
    return released_in(pattern, vintage.receipt.url) if vintage.receipt.url else None


def is_reissue(vintage: ArchivedVintage, link: Link) -> bool:
    """Whether both have one name but for the number that a site gives to a second file of a name."""
    return _stem(vintage.receipt.files[0].name) == _stem(link.name)


def _stem(name: str) -> str:
    return _REISSUE.sub("", name)


def _issue(name: str) -> int:
    found = _REISSUE.search(name)
    return int(found[1]) + 1 if found and found[1] else 0


def day_of(
    link: Link,
    modified_on: date | None,
    page: list[str],
    month: list[ArchivedVintage],
    archived_before: set[str],
    taken: set[date],
) -> date:
    """The day of a file: Last-Modified in the folder's month, else its first, moved so that the order is kept.

    It comes after those with a lower number of issue and before those with a higher one, after the month's other files
    that were archived before this look, and among the rest after those with an earlier known day or an earlier place
    on the page. archived_before: their folders, none in a backfill, which takes files in the order of the page. taken:
    days of all vintages.
    Raises LiveError where no day is free.
    """
    known = modified_on if modified_on and modified_on.replace(day=1) == link.released else None

    def comes_first(other: ArchivedVintage) -> bool:
        url, name = other.receipt.url, other.receipt.files[0].name
        if is_reissue(other, link) and _issue(name) != _issue(link.name):
            # Also of what a person added: a file that was replaced never speaks over the one that replaced it.
            return _issue(name) < _issue(link.name)
        if other.id in archived_before or url is None or url == link.url:
            return True
        if known and other.receipt.published_at:
            return other.receipt.vintage <= known
        return url not in page or page.index(url) < page.index(link.url)

    earlier = {v.receipt.vintage for v in month if comes_first(v)}
    later = {v.receipt.vintage for v in month if not comes_first(v)}
    day = known or link.released
    if earlier:
        day = max(day, max(earlier) + timedelta(days=1))
    while day in taken:
        day += timedelta(days=1)
    if later and day > min(later):
        day = min(later)
        while day in taken:
            day -= timedelta(days=1)
        if earlier and day < max(earlier):
            raise LiveError("no_day_is_free", file=link.url, earlier=max(earlier), later=min(later))
    return day
