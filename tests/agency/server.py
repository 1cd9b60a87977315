"""An agency on loopback: real HTTP that speaks Socrata and CBP document pages, and misbehaves when told to.

Tests reach it through DRUGFLOW_LIVE_ENDPOINTS: every host of the sources' YAML is answered from here.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Callable[["Handler"], bool]
"""Answers a request in place of the agency and gives True, or gives False to let it answer."""


@dataclass
class DataSet:
    """A Socrata data set: its CSV and when its rows changed."""

    body: bytes
    updated: int

    @property
    def rows(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.body.decode("utf-8"))))


@dataclass
class Document:
    """A file at an address. modified: the Last-Modified header."""

    body: bytes
    modified: str | None = None
    kind: str = "text/csv"
    cache: str | None = None


@dataclass
class Agency:
    """What the sites hold, what went wrong on purpose, and who asked for what."""

    sets: dict[str, DataSet] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    faults: list[tuple[str, Fault, int]] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ordered: bool = True
    address: str = ""

    def fail(self, part: str, fault: Fault, times: int = 1_000_000) -> None:
        """Misbehave for the next so many requests whose address has this part."""
        self.faults.append((part, fault, times))

    def heal(self) -> None:
        """Behave again."""
        self.faults.clear()

    def asked(self, part: str = "") -> list[str]:
        """Addresses asked for, in order, that have this part."""
        return [path for path, _ in self.seen if part in path]

    def fault_for(self, path: str) -> Fault | None:
        for i, (part, fault, times) in enumerate(self.faults):
            if part in path and times > 0:
                self.faults[i] = (part, fault, times - 1)
                return fault
        return None


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    agency: Agency

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.agency.seen.append((path, {k.title(): v for k, v in self.headers.items()}))
        try:
            fault = self.agency.fault_for(path)
            if fault is None or not fault(self):
                self.honest(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def honest(self, path: str) -> None:
        """Answer as the agency would."""
        parts = urlsplit(path)
        for name, data in self.agency.sets.items():
            if parts.path == f"/api/views/{name}.json":
                return self.give(json.dumps({"id": name, "rowsUpdatedAt": data.updated}).encode(), "application/json")
            if parts.path == f"/api/views/{name}/rows.csv":
                return self.give(data.body)
            if parts.path == f"/resource/{name}.json":
                return self.give(json.dumps([{"count": str(len(data.rows) - 1)}]).encode(), "application/json")
            if parts.path == f"/resource/{name}.csv":
                return self.give(self.page_of(data, parse_qs(parts.query)))
        document = self.agency.documents.get(parts.path)
        if document is None:
            return self.give(b"<html>Page not found</html>", "text/html", 404)
        etag = f'"{hash(document.body) & 0xFFFFFFFF:x}"'
        headers = {"ETag": etag, **({"Last-Modified": document.modified} if document.modified else {})}
        if document.cache:
            headers["Cache-Control"] = document.cache
        if self.headers.get("If-None-Match") == etag:
            return self.give(b"", status=304, headers=headers)
        return self.give(document.body, document.kind, headers=headers)

    def page_of(self, data: DataSet, query: dict[str, list[str]]) -> bytes:
        """One page; without an order (or when told to ignore it) every page is shuffled in another way."""
        header, *rows = data.rows
        rows = [[f"row-{i:06d}", *row] for i, row in enumerate(rows)]
        limit, offset = int(query["$limit"][0]), int(query["$offset"][0])
        if not self.agency.ordered or query.get("$order") != [":id"]:
            turn = (offset // limit) * 2
            rows = rows[turn:] + rows[:turn]
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([[":id", *header], *rows[offset : offset + limit]])
        return out.getvalue().encode()

    def give(
        self,
        body: bytes,
        kind: str = "text/csv",
        status: int = 200,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """A whole answer; length: what to announce instead of the truth."""
        self.send_response(status)
        said = {"Content-Type": kind, "Content-Length": str(len(body) if length is None else length), **(headers or {})}
        for name, value in said.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """This status and body."""

    def fault(handler: Handler) -> bool:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        handler.give(body, named.pop("Content-Type", "text/html"), status, named)
        return True

    return fault


def drips(seconds: float) -> Fault:
    """A byte at a time, for ever."""

    def fault(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(seconds)
        return True

    return fault


def drips_headers(seconds: float) -> Fault:
    """A status line, then a byte of a header at a time, for ever."""

    def fault(handler: Handler) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(1000):
            handler.wfile.write(b"a")
            time.sleep(seconds)
        return True

    return fault


def drips_unmeasured(body: bytes, seconds: float) -> Fault:
    """A body without a length, a line at a time, whose end is that of the connection."""

    def fault(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for line in body.splitlines(keepends=True):
            handler.wfile.write(line)
            handler.wfile.flush()
            time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault


def stalls(seconds: float) -> Fault:
    """Nothing at all for so long."""

    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault


def breaks_off(body: bytes, reset: bool) -> Fault:
    """Half of a body whose whole length was announced, then an end or a reset."""

    def fault(handler: Handler) -> bool:
        handler.give(body[: len(body) // 2], length=len(body))
        handler.wfile.flush()
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        handler.close_connection = True
        return True

    return fault


def zipped(body: bytes) -> Fault:
    """The body under Content-Encoding gzip."""

    def fault(handler: Handler) -> bool:
        handler.give(gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return True

    return fault


def announces(length: int) -> Fault:
    """Few bytes under a huge Content-Length."""

    def fault(handler: Handler) -> bool:
        handler.give(b"a,b\n", length=length)
        handler.close_connection = True
        return True

    return fault


def http_date(moment: object) -> str:
    """A moment as HTTP headers say it."""
    return format_datetime(moment, usegmt=True)  # type: ignore[arg-type]


@contextmanager
def serving() -> Iterator[Agency]:
    """An agency that answers until the end of the block."""
    agency = Agency()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"agency": agency}))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    agency.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield agency
    finally:
        server.shutdown()
        server.server_close()
