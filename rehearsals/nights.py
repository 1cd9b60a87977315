"""Running one night and reading what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipelines.alerts.record import last_refresh
from pipelines.catalog.load import get_source
from pipelines.core.settings import Settings
from pipelines.orchestration.jobs import REFRESH
from pipelines.releases.manifest import current_manifest
from pipelines.status.account import read_outline
from rehearsals.calendar import SOURCES, Night
from rehearsals.installation import environment
from tests.agency.sink import Sink


@dataclass
class Came:
    """What came of a night. words: by source; vintages: the newest in the marts, by source; told: titles of alerts.

    is_new: its release has other tables than the one before; is_again: it has the same ones.
    """

    night: Night
    words: dict[str, str]
    vintages: dict[str, str]
    release: str
    is_new: bool
    is_again: bool
    told: list[str]
    how: str
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def released(self) -> str:
        """The release, and whether it is another one and has other tables."""
        return f"{self.release}{'' if self.is_new else ', same tables' if self.is_again else ' stays'}"

    @property
    def wrong(self) -> list[str]:
        """Where it differs from what the calendar says must come of it."""
        wanted = {s: self.night.words.get(s, "unchanged") for s in SOURCES}
        found = [f"{s} is {self.words.get(s)}, not {w}: {self.sentences.get(s)}" for s, w in wanted.items()
                 if self.words.get(s) != w]  # fmt: skip
        if self.is_new != self.night.changed:
            found.append("other tables were released" if self.is_new else "no other tables were released")
        if self.is_again != self.night.is_told:
            found.append("the same tables were released" if self.is_again else "the turn is not in meta.sources")
        if sorted(_events(self.told)) != sorted(
            [*self.night.turned, *((s, f"no longer {w}") for s, w in self.night.over)]
        ):
            found.append(f"the alerts were {self.told}")
        if len(self.told) != bool(self.night.turned or self.night.over):
            found.append(f"{len(self.told)} alerts came")
        return [f"{self.night.day}: {sentence}" for sentence in found]


def _events(titles: list[str]) -> list[tuple[str, str]]:
    """(source, word) of every part of the titles of alerts."""
    parts = [p for t in titles for p in re.split("[,;] ", t.removeprefix("drugflow: "))]
    return [(p.partition(" ")[0], p.partition(" ")[2]) for p in parts]


def run_night(night: Night, settings: Settings, sink: Sink, run: Callable[[Settings], Any], how: str) -> Came:
    """Run a night on its day and read what it left. how: in words, for the table."""
    own = settings.model_copy(update={"today": night.day})
    before, heard = current_manifest(own), len(sink.received)
    run(own)
    after, account = current_manifest(own), last_refresh(own)
    assert after is not None, "nothing was published"
    assert account is not None, "no refresh ended"
    outlines = {s: read_outline(own, "official", get_source(s)) for s in SOURCES}
    return Came(
        night,
        {s.source: s.word for s in account.sources},
        {s: str(o.last_vintage or "–") for s, o in outlines.items()},
        after.release_id,
        before is None or before.content_hash != after.content_hash,
        before is not None and before.content_hash == after.content_hash and before.release_id != after.release_id,
        [m["title"] for m in sink.received[heard:]],
        how,
        {s.source: s.sentence for s in account.sources},
    )


def run_job(settings: Settings) -> None:
    """The job of the schedule in this process, with its own executor, as the process has it that the daemon starts."""
    import dagster as dg

    from pipelines.orchestration.instance import prepare_home

    kept = dict(os.environ)
    os.environ.update(environment(settings))
    try:
        prepare_home(settings)
        with dg.DagsterInstance.get() as instance:
            dg.execute_job(
                # Dagster keeps what it loaded by the arguments: each day loads the definitions anew, as a process does.
                dg.build_reconstructable_job(__name__, job_of_the_schedule.__name__, (str(settings.today),)),
                instance=instance,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={"dagster/schedule_name": "nightly_refresh"},
                raise_on_error=False,
            )
    finally:
        os.environ.clear()
        os.environ.update(kept)


def job_of_the_schedule(_day: str) -> Any:
    """The job as a process of its own loads it: for the installation, and on the day, that the environment names."""
    from pipelines.definitions import build_definitions

    return build_definitions(Settings()).resolve_job_def(REFRESH)
