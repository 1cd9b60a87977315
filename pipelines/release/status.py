"""The state of every source in one look, for the command line.

What belongs here: putting stored accounts together. What does not: printing (cli).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.ingest.archive import list_archive
from pipelines.release.meta import freshness, read_outline, state_of
from pipelines.release.publish import current_manifest, pinned_release, releases
from pipelines.settings import Settings
from pipelines.sources.catalog import load_catalog
from pipelines.vocabulary import Realm

TAKE_BACK = "Nothing needs doing; 'drugflow accept {} {} --reason \"…\"' takes the retraction back."


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
                "last_attempt": account.fetching.last_attempt if account.fetching else None,
                "failing_since": account.fetching.failing_since if account.fetching else None,
                "archived_vintages": len(list_archive(settings.data_raw, realm, source.id)),
                "held": [
                    {
                        "vintage": v.archive_id,
                        "why": v.problem,
                        "how_to_go_on": TAKE_BACK.format(source.id, v.archive_id)
                        if v.retracted
                        else how_to_go_on(source.id, v.archive_id, v.readable),
                        "retracted": v.retracted,
                        "overtaken": v not in account.waiting and not v.retracted,
                    }
                    for v in account.held
                ],
                "problems": account.problems,
                "notes": account.fetching.notes if account.fetching else [],
            }
        )
    return {
        "realm": realm,
        "is_sample": realm == "sample",
        "release": manifest.model_dump(exclude={"tables"}) if manifest else None,
        "pinned": pinned_release(settings),
        "kept_releases": [m.release_id for m in releases(settings)],
        "sources": rows,
    }


def how_to_go_on(source_id: str, vintage: str, readable: bool) -> str:
    """What an operator does about a held vintage."""
    again = f"get the file again and add it with 'drugflow add {source_id} FILE --published {vintage[:10]}'"
    if not readable:
        return f"{again[0].upper()}{again[1:]}, then 'drugflow refresh'."
    return (
        f"Compare it with the publisher's page; {again}, or publish it as it is with "
        f"'drugflow accept {source_id} {vintage} --reason \"…\"'."
    )
