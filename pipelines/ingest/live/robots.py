"""robots.txt: what a site asks programs to leave alone, kept so that an unchanged night need not ask again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pipelines.core.files import recall, write_json
from pipelines.ingest.live.client import Client, user_agent
from pipelines.ingest.live.problems import BlockedError, DisallowedError, LiveError
from pipelines.ingest.live.sniff import is_challenge, is_page
from pipelines.ingest.live.state import seconds_since

DAY = 24 * 3600
LOOK_AGE, DOWNLOAD_AGE = 30 * DAY, DAY
"""Oldest rules that may allow a look at the page (the one request of a night), and a download."""


def require_allowed(client: Client, url: str, oldest: float) -> None:
    """Return where robots.txt allows the address. oldest: seconds that stored rules may be old.

    Raises DisallowedError where it does not, LiveError where robots.txt cannot be read: then nothing is known to be
    allowed.
    """
    from filelock import FileLock
    from protego import Protego

    host = str(urlsplit(url).hostname)
    path = client.settings.live / f"{host}.robots.json"
    # Sources that share a host read its rules once, and do not write them at the same moment.
    with client.deadline.waiting_for(FileLock(path.with_suffix(".lock"))):
        stored = recall(path)
        if not _is_known(stored) or seconds_since(client.settings, stored["read_at"]) > oldest:
            page = client.look(f"https://{host}/robots.txt", missing_ok=True)
            if page.status == 200 and is_page(page.body):
                rules = f"https://{host}/robots.txt"
                if is_challenge(page.body):
                    raise BlockedError("captcha_for_rules", file=rules)
                raise LiveError("page_for_rules", file=rules)
            stored = {
                "read_at": client.settings.now().isoformat(timespec="seconds"),
                "text": page.text if page.status == 200 else "",
            }
            write_json(path, stored)
    if not Protego.parse(stored["text"]).can_fetch(url, user_agent(client.settings)):
        raise DisallowedError("robots_disallow", file=url, host=host)


def honour(client: Client, url: str, oldest: float) -> None:
    """require_allowed for an address, and from now on for every address that the site redirects to."""
    require_allowed(client, url, oldest)
    client.may_fetch = lambda led_to: require_allowed(client, led_to, oldest)


def _is_known(stored: Any) -> bool:
    """Whether rules are kept in the form in which they are written."""
    return isinstance(stored, dict) and all(isinstance(stored.get(name), str) for name in ("read_at", "text"))
