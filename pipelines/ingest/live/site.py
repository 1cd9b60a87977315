"""The way to a site: through the environment's proxy if there is one, and to the end of every body.

What belongs here: what httpx and the cache above it must not be trusted with. What a body is cut off by is told here,
below the cache, so that no half of a page is kept as the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx

from pipelines.core.problem import Phrase
from pipelines.ingest.live.deadline import Deadline
from pipelines.ingest.live.problems import LiveError

if TYPE_CHECKING:
    from pydantic import SecretStr

GZIP = ("gzip", "x-gzip")


class Garbled(httpx.DecodingError):
    """An answer that cannot be unpacked; phrase says why."""

    def __init__(self, phrase: str, **detail: Any):
        self.phrase = Phrase.of(phrase, **detail)
        super().__init__(str(self.phrase))


class Site(httpx.BaseTransport):
    """Adds the token below the cache, which would keep it, and connects to where an endpoint says.

    endpoints: host: base URL that answers in its place, asked without a proxy. token: for the host token_for alone.
    """

    def __init__(self, endpoints: dict[str, str], token: SecretStr | None, token_for: str, deadline: Deadline):
        self._endpoints, self._token, self._token_for, self._deadline = endpoints, token, token_for, deadline
        self._direct = httpx.HTTPTransport()
        self._proxied = _through_proxy() or self._direct

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the answer's body comes unpacked."""
        host, headers = request.url.host, request.headers.copy()
        if self._token is not None and host == self._token_for:
            headers["X-App-Token"] = self._token.get_secret_value()
        place = httpx.URL(self._endpoints[host]) if host in self._endpoints else request.url
        sent = httpx.Request(
            request.method,
            request.url.copy_with(scheme=place.scheme, host=place.host, port=place.port),
            headers=headers,
            stream=request.stream,
            extensions={**request.extensions, "trace": self._deadline.watch},
        )
        direct = host in self._endpoints or proxy_bypass(host)
        response = (self._direct if direct else self._proxied).handle_request(sent)
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in GZIP:
            # The length was that of the packed bytes.
            del response.headers["Content-Encoding"]
            response.headers.pop("Content-Length", None)
        elif encoding != "identity":
            response.close()
            raise Garbled("phrase.encoding_not_asked_for", encoding=encoding)
        assert isinstance(response.stream, httpx.SyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Whole(response.stream, encoding in GZIP, self._deadline),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close both ways."""
        self._direct.close()
        self._proxied.close()


def _through_proxy() -> httpx.HTTPTransport | None:
    """The way through the environment's proxy, None where there is none. No word of its address, which has a password.

    Raises LiveError where it cannot be used.
    """
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    try:
        return httpx.HTTPTransport(proxy=proxy if "://" in proxy else f"http://{proxy}")
    except (ValueError, ImportError, httpx.InvalidURL):
        raise LiveError("proxy_cannot_be_used") from None


class _Whole(httpx.SyncByteStream):
    """A body, unpacked, that fails where it was cut off."""

    def __init__(self, raw: httpx.SyncByteStream, packed: bool, deadline: Deadline):
        self._raw, self._packed, self._deadline = raw, packed, deadline

    def __iter__(self) -> Iterator[bytes]:
        yield from unzipped(self._raw) if self._packed else self._raw
        # Where no length was announced, a connection that was cut looks like the end.
        if self._deadline.over:
            raise httpx.ReadTimeout("the look's time is over")

    def close(self) -> None:
        self._raw.close()


def unzipped(packed: Iterable[bytes]) -> Iterator[bytes]:
    """What a gzip stream of one or more members holds.

    httpx takes a stream that was cut off for a whole one, and the first of several members for all of them.
    Raises Garbled where it is damaged or does not end.
    """
    member: zlib._Decompress | None = None
    for chunk in packed:
        rest = chunk
        while rest:
            if member is None:
                # Zeros may fill up what follows a member.
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                yield member.decompress(rest)
            except zlib.error as error:
                raise Garbled("phrase.gzip_damaged", why=str(error)) from error
            rest = member.unused_data
            if member.eof:
                member = None
    if member is not None:
        raise Garbled("phrase.gzip_cut_off")
