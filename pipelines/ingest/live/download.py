"""One file from a site to disk, chunk by chunk, judged by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from pathlib import Path

from pipelines.ingest.live.client import Client
from pipelines.ingest.live.problems import RepeatableError
from pipelines.ingest.live.retry import persist
from pipelines.ingest.live.sniff import refuse_what_is_no_data

Progress = Callable[[int, int | None], None]
"""Called with the bytes that came and those announced, None where nothing is announced."""
_HEAD = 4096


@dataclass(frozen=True)
class Fetched:
    """The address that was asked for, and what the site said of the file."""

    url: str
    etag: str | None
    last_modified: str | None

    @property
    def modified_on(self) -> date | None:
        """Day of Last-Modified in UTC."""
        try:
            moment = parsedate_to_datetime(self.last_modified or "")
        except ValueError:
            return None
        return moment.astimezone(UTC).date()

    @property
    def published_at(self) -> str | None:
        """Last-Modified in ISO 8601, UTC."""
        if self.modified_on is None:
            return None
        return parsedate_to_datetime(self.last_modified or "").astimezone(UTC).isoformat()


def download(
    client: Client, url: str, target: Path, progress: Progress, headers: Mapping[str, str] | None = None
) -> Fetched | None:
    """Write a file to target; None where the site answers that it is unchanged. Retried from its beginning.

    Raises LiveError or BlockedError; target is whole or absent.
    """
    try:
        return persist(client.settings, lambda: _once(client, url, target, progress, headers))
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _once(
    client: Client, url: str, target: Path, progress: Progress, headers: Mapping[str, str] | None
) -> Fetched | None:
    with client.open(url, headers) as response:
        if response.status_code == 304:
            return None
        plain = "Content-Encoding" not in response.headers
        announced = response.headers.get("Content-Length", "") if plain else ""
        total = int(announced) if announced.isdigit() else None
        head, judged, got = b"", False, 0
        with target.open("wb") as handle:
            for chunk in client.chunks(response, client.settings.live_max_bytes):
                if not judged:
                    head = (head + chunk)[:_HEAD]
                    if judged := len(head) >= _HEAD:
                        refuse_what_is_no_data(url, target.suffix, head)
                handle.write(chunk)
                got += len(chunk)
                progress(got, total)
        refuse_what_is_no_data(url, target.suffix, head)
        if not head.strip():
            raise RepeatableError(f"{url} gave an empty file.")
        if total is not None and got != total:
            raise RepeatableError(f"{url} announced {total:,} bytes and gave {got:,}.")
        return Fetched(url, response.headers.get("ETag"), response.headers.get("Last-Modified"))
