"""Asking an agency's site one thing, politely: allowed hosts only, one request a second, limits on every phase.

What belongs here: requests and what their failures mean. What does not: what a kind of site offers. The
metadata cache (hishel) turns an unchanged page into a 304; files are streamed past it.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from pipelines.core.errors import why
from pipelines.core.problem import Phrase
from pipelines.core.settings import Settings
from pipelines.ingest.live.deadline import Deadline
from pipelines.ingest.live.pace import wait_for_turn
from pipelines.ingest.live.problems import BlockedError, LiveError, RepeatableError
from pipelines.ingest.live.retry import persist, retry_after_seconds
from pipelines.ingest.live.sniff import is_challenge

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

MAX_HOPS = 5
MAX_METADATA_BYTES = 16 * 1024**2
MAX_CACHE_BYTES = 64 * 1024**2
_HEAD = 4096
_REPEATABLE = {408, 425, 429, 500, 502, 503, 504}
_REFUSED = {401, 403, 407, 451}


@dataclass(frozen=True)
class Page:
    """A small answer that was read whole."""

    url: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; pages of metadata are UTF-8, and a wrong byte in one must not stop a look."""
        return self.body.decode("utf-8", "replace")


def user_agent(settings: Settings) -> str:
    """Who asks, and whom to write to."""
    contact = f"; {settings.contact}" if settings.contact else ""
    return f"drugflow/{version('drugflow')} (open data pipeline{contact})"


class Client:
    """Requests to the hosts of one source, within the limit of one look. Close it, or use it as a context.

    hosts: allow-list, checked again at every redirect. token: Socrata's, sent to the first host alone. patient: the
    look has no limit.
    """

    def __init__(
        self,
        settings: Settings,
        source_id: str,
        hosts: list[str],
        token: SecretStr | None = None,
        patient: bool = False,
    ):
        import hishel
        import hishel.httpx
        import httpx

        from pipelines.ingest.live.site import Site

        self.settings = settings
        self.hosts = hosts
        self.may_fetch: Callable[[str], None] | None = None
        """Asked before a redirect is followed; raises where the address is not to be fetched."""
        self.deadline = Deadline(None if patient else settings.live_look_seconds)
        settings.live.mkdir(parents=True, exist_ok=True)
        # It writes a traceback for each request that a full disk does not let it keep, which harms nobody.
        logging.getLogger("hishel").setLevel(logging.CRITICAL + 1)
        cache = settings.live / f"{source_id}.http.sqlite"
        _drop_unless_sound(cache)
        storage = hishel.SqliteStorage(database_path=cache, max_stream_size=MAX_METADATA_BYTES)
        options: dict[str, object] = {
            "timeout": httpx.Timeout(settings.live_timeout_seconds),
            "headers": {"User-Agent": user_agent(settings), "Accept-Encoding": "gzip"},
            "follow_redirects": False,
        }
        site = Site(settings.live_endpoints, token, hosts[0], self.deadline)
        self._plain = httpx.Client(transport=site, **options)  # type: ignore[arg-type]
        cached = hishel.httpx.CacheTransport(site, storage=storage, rfc={"shared": False})
        self._cached = httpx.Client(transport=cached, **options)  # type: ignore[arg-type]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.deadline.stop()
        self._plain.close()
        self._cached.close()

    def look(self, url: str, missing_ok: bool = False) -> Page:
        """A page of metadata, from the cache where the site says it is unchanged. Retried.

        missing_ok: give 404 and 410 back as they are, and follow redirects without a question, as for robots.txt.
        Raises LiveError or BlockedError.
        """

        def once() -> Page:
            # Without no-cache a page with a long max-age would hide a new release.
            asked = {"Cache-Control": "no-cache"}
            fine = {404, 410} if missing_ok else set()
            with self._open(self._cached, url, asked, fine, checked=not missing_ok) as response:
                body = b"".join(self.chunks(response, MAX_METADATA_BYTES))
                return Page(str(response.url), response.status_code, body)

        return persist(self.settings, self.deadline, once)

    def open(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> contextlib.AbstractContextManager[httpx.Response]:
        """A response whose body is still to be read; 304 only where a header asked for it. Not retried.

        Raises LiveError, BlockedError or RepeatableError.
        """
        compared = {"If-None-Match", "If-Modified-Since"} & set(headers or {})
        return self._open(self._plain, url, headers, {304} if compared else set())

    def chunks(self, response: httpx.Response, limit: int) -> Iterator[bytes]:
        """The body, decoded, piece by piece.

        Raises LiveError over the limit; RepeatableError where it stalls, drips past the deadline, breaks off or is
        short.
        """
        url = _without_query(str(response.url))
        announced = response.headers.get("Content-Length")
        if announced and announced.isdigit() and int(announced) > limit:
            raise LiveError("answer_announces_too_much", file=url, bytes=int(announced), allowed=_allowed(limit))
        ends = time.monotonic() + self.settings.live_deadline_seconds
        got = 0
        with _as_problems(url):
            for chunk in response.iter_bytes():
                got += len(chunk)
                if got > limit:
                    raise LiveError("answer_is_too_large", file=url, allowed=_allowed(limit))
                if time.monotonic() > ends:
                    limit_seconds = self.settings.live_deadline_seconds
                    raise RepeatableError("answer_took_too_long", file=url, seconds=limit_seconds, bytes=got)
                yield chunk

    @contextlib.contextmanager
    def _open(
        self,
        client: httpx.Client,
        url: str,
        headers: Mapping[str, str] | None,
        fine: set[int],
        checked: bool = True,
    ) -> Iterator[httpx.Response]:
        asked = url
        for hop in range(MAX_HOPS + 1):
            host = self._allowed(url)
            if hop and checked and self.may_fetch is not None:
                self.may_fetch(url)
            if self.deadline.over:
                raise LiveError(self.deadline.problem)
            wait_for_turn(self.settings.live, host, self.settings.live_interval_seconds, self.deadline)
            with _as_problems(_without_query(url)):
                response = client.send(client.build_request("GET", url, headers=headers), stream=True)
            with contextlib.closing(response):
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["Location"])
                    continue
                self._judge(asked if hop == 0 else _without_query(url), response, fine)
                yield response
                return
        raise LiveError("too_many_redirects", file=asked, most=MAX_HOPS)

    def _allowed(self, url: str) -> str:
        parts = site_of(url)
        if parts is None:
            raise LiveError("address_with_credentials", hosts=self.hosts)
        if parts.scheme != "https" or parts.hostname not in self.hosts:
            raise LiveError("host_not_listed", file=f"{parts.scheme}://{parts.hostname}", hosts=self.hosts)
        return str(parts.hostname)

    def _head(self, response: httpx.Response) -> bytes:
        """The first bytes of an answer that is no success; empty where they cannot be had."""
        head = b""
        try:
            for chunk in self.chunks(response, MAX_METADATA_BYTES):
                head += chunk
                if len(head) >= _HEAD:
                    break
        except LiveError:
            return head
        return head

    def _judge(self, url: str, response: httpx.Response, fine: set[int]) -> None:
        status = response.status_code
        if status == 200 or status in fine:
            return
        answer = f"{status} {response.reason_phrase}".rstrip()
        if status == 304:
            raise LiveError("answered_unchanged", file=url, answer=answer)
        if status in _REFUSED:
            raise BlockedError("answered_refusal", file=url, answer=answer)
        # Some sites ask for a human under 429 or 503, which would otherwise mean "later".
        if is_challenge(self._head(response)):
            raise BlockedError("answered_captcha", file=url, answer=answer)
        if status in _REPEATABLE:
            asked = retry_after_seconds(response.headers.get("Retry-After"))
            raise RepeatableError("answered_busy", retry_after=asked, file=url, answer=answer)
        raise LiveError("answered_nothing", file=url, answer=answer)


def site_of(url: str) -> SplitResult | None:
    """The parts of an address; None where it is none, or has a port or credentials, which a receipt would keep."""
    try:
        parts = urlsplit(url)
        return parts if parts.username is None and parts.password is None and parts.port in (None, 443) else None
    except ValueError:
        return None


def _drop_unless_sound(cache: Path) -> None:
    """Remove a cache that is damaged, which hishel would not tell, or that grew with every change of a page."""
    if not cache.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(cache)) as connection:
            sound = connection.execute("pragma quick_check").fetchone() == ("ok",)
    except sqlite3.Error:
        sound = False
    if not sound or cache.stat().st_size > MAX_CACHE_BYTES:
        for end in ("", "-wal", "-shm"):
            cache.with_name(cache.name + end).unlink(missing_ok=True)


def _allowed(limit: int) -> Phrase:
    """The limit of a file, which an operator can raise, or of a page or an answer about one, which is fixed."""
    return Phrase.of("phrase.most_of_a_page" if limit == MAX_METADATA_BYTES else "phrase.most_of_a_file", bytes=limit)


def _without_query(url: str) -> str:
    """An address for a sentence: a site may put a signature into the query of a redirect."""
    return url.partition("?")[0]


@contextlib.contextmanager
def _as_problems(url: str) -> Iterator[None]:
    """Failures of the network as RepeatableError."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise RepeatableError("no_answer_in_time", file=url, phase=type(error).__name__) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise RepeatableError("answer_broke_off", file=url, why=getattr(error, "phrase", why(error))) from error
    except httpx.InvalidURL as error:
        raise LiveError("no_address", file=url, why=why(error)) from error
