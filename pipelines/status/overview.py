"""The state of every source in one look, for the command line.

What belongs here: putting stored accounts together. What does not: printing (cli).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.quality.expectations import expectations_of
from pipelines.quality.verdict import Verdict
from pipelines.releases.manifest import current_manifest, nothing_to_open, pinned_release, releases
from pipelines.status.account import broken, freshness, read_outline, state_of
from pipelines.status.advice import about_held


def read_status(settings: Settings, realm: Realm, today: date) -> dict[str, Any]:
    """Release, pin, and each source's state, freshness, periods, held vintages and how to go on.

    What is a sentence is in the installation's language.
    """
    manifest, language = current_manifest(settings), settings.language
    rows = []
    for source in load_catalog().values():
        account = read_outline(settings, realm, source)
        state = "contract" if source.status == "contract" else freshness(account, realm, today)
        rows.append(
            {
                "source": source.id,
                "title": source.title.said(language),
                "state": state_of(account, state),
                "freshness": state,
                "newest_period": account.last_period,
                "furthest_period": account.furthest_period,
                "parts": [{"part": p["part"], "newest_period": p["last_period"]} for p in account.parts],
                "last_vintage": account.last_vintage,
                "next_expected": account.next_expected,
                "days_late": account.days_late(realm, today),
                "landing_page": source.landing_page,
                "last_attempt": account.fetching.last_attempt if account.fetching else None,
                "failing_since": account.fetching.failing_since if account.fetching else None,
                "archived_vintages": len(list_archive(settings.data_raw, realm, source.id)),
                "held": [
                    {
                        "vintage": v.archive_id,
                        "why": v.holding.said(language, advice=False),
                        "kind": v.holding.kind,
                        "failed": _failed(settings, realm, source, v),
                        "how_to_go_on": about_held(source, v).said(language),
                        "retracted": v.retracted,
                        "overtaken": v not in account.waiting and not v.retracted,
                    }
                    for v in account.held
                ],
                "exceptions": [
                    {
                        "vintage": v.archive_id,
                        "accepted_at": entry.accepted_at,
                        "reason": entry.reason,
                        "failed": _failed(settings, realm, source, v),
                    }
                    for v, entry in account.exceptions
                ],
                "problems": [p.said(language) for p in account.problems],
                "notes": [n.said(language) for n in account.fetching.notes] if account.fetching else [],
            }
        )
    return {
        "realm": realm,
        "is_sample": realm == "sample",
        "release": manifest.model_dump(exclude={"tables"}) if manifest else None,
        "nothing_to_open": None if manifest else str(nothing_to_open(settings)),
        "pinned": pinned_release(settings),
        "kept_releases": [m.release_id for m in releases(settings)],
        "sources": rows,
    }


def _failed(settings: Settings, realm: Realm, source: Source, verdict: Verdict) -> list[dict[str, Any]]:
    """Each check that failed, with what it found and the page that shows it, where there is one."""
    quality, batches = settings.stage("quality", realm), {e.id: e.batch for e in expectations_of(source)}
    pages = {c.id: quality / source.id / f"{verdict.archive_id}__{batches.get(c.id)}.html" for c in broken(verdict)}
    return [
        {"check": c.id, "found": c.told(settings.language), "page": str(pages[c.id]) if pages[c.id].is_file() else None}
        for c in broken(verdict)
    ]
