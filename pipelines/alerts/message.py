"""The text of an alert: what turned, since when, what analysts see meanwhile, what to do. Plain text, English first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pipelines.alerts.memory import News

SPANISH = {
    "failed": "la actualización falló",
    "silent": "ninguna actualización terminó",
    "failing": "la consulta falla",
    "blocked": "el sitio rechaza programas o falta intervención",
    "held": "una publicación está retenida",
    "late": "los datos están atrasados",
}


@dataclass(frozen=True)
class Seen:
    """The release that analysts open. newest: source, newest period, vintage; periods are null before any data."""

    release_id: str | None = None
    built_at: str | None = None
    origin: str | None = None
    newest: list[tuple[str, date | None, date | None]] = field(default_factory=list)


def title(news: News) -> str:
    """One line for a subject."""
    parts = []
    if news.turned:
        parts.append(", ".join(f"{_short(c.subject)} {c.word}" for c, _ in news.turned))
    if news.over:
        parts.append(", ".join(f"{_short(t.subject)} no longer {t.word}" for _, t in news.over))
    return f"drugflow: {'; '.join(parts)}"


def body(news: News, seen: Seen, place: str, rehearsed: date | None = None) -> str:
    """The whole text. place: the folder of the marts, so that one mailbox may hear of several installations."""
    blocks = [f"REHEARSAL: {rehearsed} counts as today."] if rehearsed else []
    for condition, since in news.turned:
        blocks.append(
            f"{condition.subject}: {condition.word} since {moment(since)}.\n"
            f"What happened: {condition.sentence}\nWhat to do: {condition.to_do}"
        )
    blocks += [f"Over: {t.subject} is no longer {t.word}; it was since {moment(t.since)}." for _, t in news.over]
    blocks += [meanwhile(seen), f"Installation: {place}. All states: drugflow status.", spanish(news)]
    return "\n\n".join(blocks)


def meanwhile(seen: Seen) -> str:
    """What analysts open now."""
    if seen.release_id is None:
        return "Analysts see nothing yet: no release was published."
    lines = [f"Analysts see the release {seen.release_id}, built {moment(seen.built_at or '')} from {seen.origin}."]
    lines += [
        f"  {source}: newest period {period:%Y-%m}, vintage {vintage}" if period else f"  {source}: no data"
        for source, period, vintage in seen.newest
    ]
    return "\n".join(lines)


def spanish(news: News) -> str:
    """The same in a sentence, for readers of Spanish."""
    parts = [f"{_short(c.subject)}: {SPANISH[c.word]} (desde {moment(since)})" for c, since in news.turned]
    parts += [f"{_short(t.subject)}: resuelto ({SPANISH[t.word]})" for _, t in news.over]
    return f"En español: {'; '.join(parts)}."


def moment(text: str) -> str:
    """A stored time to the minute, or a stored day."""
    return f"{text[:16].replace('T', ' ')} UTC" if "T" in text else text


def _short(subject: str) -> str:
    return subject.partition(" (")[0]
