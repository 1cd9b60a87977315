"""Sending a text to every address of DRUGFLOW_ALERT_URLS through Apprise.

The addresses are secrets: no sentence and no log names more of one than its kind and its place in the list.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from pipelines.core.problem import Phrase, Problem
from pipelines.core.settings import Settings

_NEXT = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Delivery:
    """What became of one address. name: such as 'mailto, number 1 of DRUGFLOW_ALERT_URLS'."""

    name: Phrase
    problem: Problem | None = None
    """Why it did not arrive, with the address's name."""

    @property
    def told(self) -> Problem | Phrase:
        """What became of it."""
        return self.problem or Phrase.of("alert.delivered", name=self.name)

    @property
    def sentence(self) -> str:
        """What became of it, in the installation's language."""
        return str(self.told)


def addresses(settings: Settings) -> list[str]:
    """The configured addresses. A comma or blank inside one belongs to it; only before a new ``kind://`` it parts."""
    text = settings.alert_urls.get_secret_value().strip(" ,\t\r\n") if settings.alert_urls else ""
    return [a for a in _NEXT.split(text) if a]


def deliver(settings: Settings, title: str, body: str, bad: bool = True) -> list[Delivery]:
    """Send to each address; never raises. Apprise waits at most some seconds for a service."""
    return [_send(Phrase.of("alert.address", kind=_kind(a), number=i), a, title, body, bad)
            for i, a in enumerate(addresses(settings), 1)]  # fmt: skip


def _kind(address: str) -> Phrase | str:
    kind, mark, _ = address.partition("://")
    return kind if mark and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", kind) else Phrase.of("alert.no_kind")


def _send(name: Phrase, address: str, title: str, body: str, bad: bool) -> Delivery:
    try:
        import apprise

        # Apprise's own log may quote an address that it cannot read.
        logging.getLogger("apprise").disabled = True
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            return Delivery(name, Problem.of("no_apprise_address", name=name))
        kind = apprise.NotifyType.WARNING if bad else apprise.NotifyType.SUCCESS
        sent = service.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # whatever a service does, the refresh that is told about stands
        return Delivery(name, Problem.of("sending_failed", error=type(error).__name__, name=name))
    return Delivery(name, None if sent else Problem.of("message_not_taken", name=name))
