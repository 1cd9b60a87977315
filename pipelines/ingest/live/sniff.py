"""Looking at a file's first bytes: an agency's error page must not be archived as data."""

from __future__ import annotations

from pipelines.ingest.live.problems import BlockedError, LiveError

_CHALLENGE = (b"captcha", b"access denied", b"are you a robot", b"cf-chl", b"pardon our interruption")


def is_page(head: bytes) -> bool:
    """Whether bytes begin a page (HTML or XML) instead of data."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def is_challenge(head: bytes) -> bool:
    """Whether a page asks for a human."""
    folded = head.lower()
    return is_page(head) and any(word in folded for word in _CHALLENGE)


def refuse_what_is_no_data(url: str, suffix: str, head: bytes) -> None:
    """Compare the first bytes with what the name promises.

    Raises BlockedError for a page that asks for a human, LiveError for any other page or form of file.
    """
    if is_challenge(head):
        raise BlockedError("captcha_for_file", file=url)
    if is_page(head):
        raise LiveError("page_for_file", file=url, begins=repr(head.lstrip()[:40]), expected=suffix)
    is_zip, is_gzip = head.startswith(b"PK\x03\x04"), head.startswith(b"\x1f\x8b")
    promised = {".xlsx": is_zip, ".zip": is_zip, ".gz": is_gzip, ".parquet": head.startswith(b"PAR1")}
    plain = not (is_zip or is_gzip or head.lstrip()[:1] in (b"{", b"["))
    if not promised.get(suffix, plain):
        raise LiveError("download_of_another_kind", file=url, begins=repr(head[:20]), expected=suffix)
