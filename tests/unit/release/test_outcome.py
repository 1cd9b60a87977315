"""What a refresh says of a source: a vintage that came is new, also the second one of a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipelines.core.files import write_json
from pipelines.core.settings import Settings
from pipelines.quality.verdict import State, Verdict
from pipelines.status.outcome import known_vintages, outcomes
from tests.unit.release.tiny import settings_of

BTS = "bts_border_crossings"


def taken(settings: Settings, archive_id: str, state: State = "accepted") -> None:
    """A judged vintage whose day is in the history."""
    day = archive_id[:10]
    verdict = Verdict(source=BTS, vintage=day, archive_id=archive_id, fingerprint="", state=state)
    write_json(settings.stage("quality", "official") / BTS / f"{archive_id}.json", verdict.model_dump())
    write_json(
        settings.stage("history", "official") / f"{BTS}.json",
        {"first_period": "2024-01-01", "last_period": "2024-03-01", "vintages": [day], "changes": {}},
    )


def word(settings: Settings, before: dict[str, list[str]]) -> str:
    [found] = [o.word for o in outcomes(settings, "official", before) if o.source == BTS]
    return found


def test_a_second_issue_of_the_same_day_is_new(tmp_path: Path) -> None:
    settings = settings_of(tmp_path).model_copy(update={"today": date(2024, 4, 2)})
    taken(settings, "2024-04-01")
    before = known_vintages(settings, "official")
    assert word(settings, before) == "unchanged"
    taken(settings, "2024-04-01.2")
    assert word(settings, before) == "new"


def test_a_vintage_that_is_held_is_not_new(tmp_path: Path) -> None:
    settings = settings_of(tmp_path).model_copy(update={"today": date(2024, 4, 2)})
    taken(settings, "2024-04-01")
    before = known_vintages(settings, "official")
    taken(settings, "2024-04-01.2", "held")
    assert "Took" not in next(o.sentence for o in outcomes(settings, "official", before) if o.source == BTS)
