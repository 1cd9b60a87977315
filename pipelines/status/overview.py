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
from pipelines.quality.verdict import Verdict, impossible
from pipelines.releases.manifest import current_manifest, nothing_to_open, pinned_release, releases
from pipelines.status.account import broken, freshness, read_outline, state_of

NEW = ("unknown column", "is unknown, expected", "describe the new layout")
"""How cleaning says that a file has what the source's YAML does not list."""


def read_status(settings: Settings, realm: Realm, today: date) -> dict[str, Any]:
    """Release, pin, and each source's state, freshness, periods, held vintages and how to go on."""
    manifest = current_manifest(settings)
    rows = []
    for source in load_catalog().values():
        account = read_outline(settings, realm, source)
        state = "contract" if source.status == "contract" else freshness(account, realm, today)
        rows.append(
            {
                "source": source.id,
                "title": source.title.en,
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
                        "why": v.problem,
                        "failed": _failed(settings, realm, source, v),
                        "how_to_go_on": how_to_go_on(source, v),
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
                "problems": account.problems,
                "notes": account.fetching.notes if account.fetching else [],
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
        {"check": c.id, "found": c.detail, "page": str(pages[c.id]) if pages[c.id].is_file() else None}
        for c in broken(verdict)
    ]


def how_to_go_on(source: Source, verdict: Verdict) -> str:
    """What an operator does about a held vintage."""
    name = f"{source.id} {verdict.archive_id}"
    again = f"get the file again and add it with 'drugflow add {source.id} FILE --published {verdict.archive_id[:10]}'"
    accept = f"'drugflow accept {name} --reason \"…\"'"
    if verdict.retracted:
        return f"Nothing needs doing; {accept} takes the retraction back."
    failed, contents = broken(verdict), [e.id for e in expectations_of(source) if e.batch == "content"]
    if old := next((c.detail for c in failed if c.id in contents), None):
        return (
            f"It is an old file under a newer date, {old.removeprefix('observed ')}. If it was added by mistake: "
            f"'drugflow retract {name} --reason \"…\"', then add the newest file. If the agency itself went back to "
            f"the old figures: {accept}."
        )
    if bounds := impossible(source, verdict):
        return (
            f"No exception covers {', '.join(bounds)}: such a value cannot be. Once the agency has corrected it, "
            f"{again}. If the bound is wrong, correct it in pipelines/sources/{source.id}/source.yml, then 'drugflow "
            "refresh'."
        )
    wrong = f"If the file is wrong, {again}"
    if any(mark in (verdict.problem or "") for mark in NEW):
        place = f"pipelines/sources/{source.id}/source.yml"
        changed = f"If the agency added or renamed it, list it in {place}, then 'drugflow refresh'."
        without = f", or publish it without what cannot be read: {accept}" if verdict.readable else ""
        return f"{changed} {wrong}{without}."
    if not verdict.readable:
        return f"{again[0].upper()}{again[1:]}, then 'drugflow refresh'."
    return f"Compare it with the publisher's page; {again}, or publish it as it is with {accept}."
