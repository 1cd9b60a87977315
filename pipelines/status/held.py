"""Which held vintages still matter: those whose periods no accepted vintage around them covers.

Without this a source would be blocked for ever by one bad file, long after the publisher put a good one in its place.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pipelines.archive.vintages import list_archive
from pipelines.catalog.source import LONGEST_DAYS, Source
from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.quality.verdict import Verdict


def waiting(settings: Settings, realm: Realm, source: Source, verdicts: list[Verdict]) -> list[Verdict]:
    """The held vintages that no accepted one has overtaken.

    A later accepted vintage of the same coverage and scope overtakes a held one where it begins no later than that
    one, or no later than a step after the last period of the accepted one before it. What is missing then is a state
    of the figures, which ``meta.vintages`` shows, and no period. For a retracted one nobody waits.
    """
    clean = settings.stage("clean", realm) / source.id
    said = {v.id: (v.receipt.coverage, v.receipt.scope) for v in list_archive(settings.data_raw, realm, source.id)}
    stored: dict[str, dict[str, Any]] = {
        v.archive_id: read_json(clean / v.archive_id / "summary.json") or {} for v in verdicts
    }
    step = timedelta(days=LONGEST_DAYS[source.cadence])

    def overtaken(held: Verdict) -> bool:
        like = [v for v in verdicts if v.state != "held" and said.get(v.archive_id) == said.get(held.archive_id)]
        ends = [_day(stored[v.archive_id], "last_period") for v in like if v.vintage < held.vintage]
        begins = [_day(stored[v.archive_id], "first_period") for v in like if v.vintage > held.vintage]
        own = _day(stored[held.archive_id], "first_period")
        limits = [end + step for end in ends if end] + ([own] if own else [])
        return bool(limits) and any(begin <= max(limits) for begin in begins if begin)

    return [v for v in verdicts if v.state == "held" and not v.retracted and not overtaken(v)]


def _day(summary: dict[str, Any], name: str) -> date | None:
    text = summary.get(name)
    return date.fromisoformat(text) if text else None
