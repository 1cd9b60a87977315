"""One file from a site to disk, chunk by chunk, judged by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from pipelines.ingest.live.client import Client
from pipelines.ingest.live.problems import RepeatableError
from pipelines.ingest.live.retry import persist
from pipelines.ingest.live.sniff import refuse_what_is_no_data

Progress = Callable[[int, int | None], None]
"""Called with the bytes that came and those announced, None where nothing is announced."""
A_DAY = timedelta(days=1)
"""How far a clock may be ahead of ours."""
_HEAD = 4096
_LINES = {".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class Fetched:
    """The address that was asked for, and what the site said of the file.

    modified: the moment of Last-Modified in UTC; None where it says none, or one that has not come yet: a vintage of
    such a day would hide every true one until then.
    """

    url: str
    etag: str | None
    last_modified: str | None
    modified: datetime | None = None

    @property
    def modified_on(self) -> date | None:
        """Day of Last-Modified in UTC."""
        return self.modified.date() if self.modified else None

    @property
    def published_at(self) -> str | None:
        """Last-Modified in ISO 8601, UTC."""
        return self.modified.isoformat() if self.modified else None

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for the file only if it is another one by now."""
        return conditions(self.etag, self.last_modified)


def conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Headers that ask for a file only if it is no longer the one that was taken with these."""
    said = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in said.items() if value is not None}


def _past_moment(header: str | None, now: datetime) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header or "")
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= now + A_DAY else None


def download(
    client: Client,
    url: str,
    target: Path,
    progress: Progress,
    ends_line: bool,
    headers: Mapping[str, str] | None = None,
) -> Fetched | None:
    """Write a file to target; None where the site answers that it is unchanged. Retried from its beginning.

    ends_line: the publisher ends the last line of a text, so that one which does not is cut off.
    Raises LiveError or BlockedError; target is whole or absent.
    """
    try:
        return persist(
            client.settings, client.deadline, lambda: _once(client, url, target, progress, ends_line, headers)
        )
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _once(
    client: Client,
    url: str,
    target: Path,
    progress: Progress,
    ends_line: bool,
    headers: Mapping[str, str] | None,
) -> Fetched | None:
    with client.open(url, headers) as response:
        if response.status_code == 304:
            return None
        announced = response.headers.get("Content-Length", "")
        total = int(announced) if announced.isdigit() else None
        head, end, judged, got = b"", b"", False, 0
        with target.open("wb") as handle:
            for chunk in client.chunks(response, client.settings.live_max_bytes):
                if not judged:
                    head = (head + chunk)[:_HEAD]
                    if judged := len(head) >= _HEAD:
                        refuse_what_is_no_data(url, target.suffix, head)
                handle.write(chunk)
                end = chunk[-1:] or end
                got += len(chunk)
                progress(got, total)
        refuse_what_is_no_data(url, target.suffix, head)
        if not head.strip():
            raise RepeatableError("download_is_empty", file=url)
        if total is not None and got != total:
            raise RepeatableError("download_is_short", file=url, announced=total, got=got)
        if ends_line and target.suffix in _LINES and end not in (b"\n", b"\r"):
            raise RepeatableError("download_ends_in_a_line", file=url)
        modified = response.headers.get("Last-Modified")
        return Fetched(url, response.headers.get("ETag"), modified, _past_moment(modified, client.settings.now()))
