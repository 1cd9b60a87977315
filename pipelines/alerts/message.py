"""The text of an alert: what turned, since when, what analysts see meanwhile, what to do. Plain text.

It is in the installation's language; its last sentence says the same in short in the other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipelines.alerts.conditions import Condition
from pipelines.alerts.memory import News, Told
from pipelines.core.problem import Phrase, Problem
from pipelines.core.wording import LANGUAGES, Language, installation_language, say


@dataclass(frozen=True)
class Seen:
    """The release that analysts open. newest: source, newest period, vintage; periods are null before any data."""

    release_id: str | None = None
    built_at: str | None = None
    origin: str | None = None
    newest: list[tuple[str, date | None, date | None]] = field(default_factory=list)


def title(news: News, language: Language | None = None) -> str:
    """One line for a subject."""
    turned = [Phrase.of("alert.turned", subject=_short(c.key, c), word=_word(c.word)) for c, _ in news.turned]
    over = [Phrase.of("alert.no_longer", subject=_short(key, t), word=_word(t.word)) for key, t in news.over]
    parts = [_said("alert.listed", language, parts=part) for part in (turned, over) if part]
    return _said("alert.title", language, parts=parts)


def body(news: News, seen: Seen, place: str, rehearsed: date | None = None, language: Language | None = None) -> str:
    """The whole text. place: the folder of the marts, so that one mailbox may hear of several installations."""
    own = language or installation_language()
    blocks = [_said("alert.rehearsal", own, day=rehearsed)] if rehearsed else []
    for condition, since in news.turned:
        heading = _said(
            "alert.heading", own, subject=condition.subject, word=_word(condition.word), since=moment(since)
        )
        happened = _said("alert.happened", own, found=_in_a_row(condition.found, own))
        blocks.append(f"{heading}\n{happened}\n{_said('alert.to_do', own, to_do=_in_a_row(condition.to_do, own))}")
    blocks += [
        _said("alert.over", own, subject=t.subject, word=_word(t.word), since=moment(t.since)) for _, t in news.over
    ]
    blocks += [meanwhile(seen, own), _said("alert.installation", own, place=place)]
    return "\n\n".join([*blocks, *(in_short(news, other) for other in LANGUAGES if other != own)])


def _in_a_row(parts: Sequence[Problem | Phrase], language: Language) -> str:
    """What is said, one thing after another. What a phrase tells of, as a held vintage, has its advice beside it."""
    return " ".join(part.said(language, advice=isinstance(part, Problem)) for part in parts)


def meanwhile(seen: Seen, language: Language | None = None) -> str:
    """What analysts open now."""
    if seen.release_id is None:
        return _said("alert.no_release", language)
    told = {"release": seen.release_id, "built": moment(seen.built_at or ""), "origin": seen.origin}
    lines = [_said("alert.release", language, **told)]
    for source, period, vintage in seen.newest:
        if period:
            lines.append(_said("alert.newest", language, source=source, period=f"{period:%Y-%m}", vintage=vintage))
        else:
            lines.append(_said("alert.no_data", language, source=source))
    return "\n".join(lines)


def in_short(news: News, language: Language) -> str:
    """What turned and what is over, in one sentence."""
    parts = [
        Phrase.of("alert.turned_short", subject=_short(c.key, c), word=_word(c.word), since=moment(since))
        for c, since in news.turned
    ]
    parts += [Phrase.of("alert.over_short", subject=_short(key, t), word=_word(t.word)) for key, t in news.over]
    return _said("alert.in_short", language, parts=parts)


def moment(text: str) -> str:
    """A stored time to the minute, or a stored day."""
    return f"{text[:16].replace('T', ' ')} UTC" if "T" in text else text


def _said(key: str, language: Language | None, **values: Any) -> str:
    return say(key, values, language)


def _word(word: str) -> Phrase:
    return Phrase.of(f"alert.{word}")


def _short(key: str, about: Condition | Told) -> Phrase | str:
    """The source that a condition is about, by its id, or what else it is about."""
    source, stroke, _ = key.partition("/")
    return source if stroke else about.subject
