"""Looking at an origin: what is new goes into the archive, and a report says how each source answered.

What belongs here: one look for one run, and what is kept of it. What does not: what an origin is (ingest), whether
anything has to be done about it (survey).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from pipelines.core.files import read_json, write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.ingest.origins import Origin, ingest
from pipelines.ingest.report import IngestReport
from pipelines.refresh.origin import active_sources

Fetching = Callable[[str, int, int | None], None]
"""Called while a file comes: source, bytes so far, bytes announced or None."""
Answers = dict[str, list[str | None]]


def look_at_origin(
    settings: Settings,
    origin: Origin,
    sources: list[str],
    run: str | None = None,
    fetching: Fetching = lambda _source, _got, _total: None,
) -> dict[str, IngestReport]:
    """Archive what the origin has and the archive has not, and store a report for each source.

    Agencies are asked side by side; the files of a mirror are read once, one source after another.
    run: id of the run that the look is made for, whose own steps do not repeat it then.
    Raises DrugflowError where the archive of a source is damaged.
    """
    if origin.folder is None:
        from pipelines.ingest.live.run import fetch_all

        reports = fetch_all(settings, sources, fetching)
    else:
        reports = {s: ingest(origin, s, settings.data_raw, settings) for s in sources}
    for report in reports.values():
        _keep(settings, origin.realm, report, origin.name, run)
    return reports


def ingest_source(
    settings: Settings, origin: Origin, source_id: str, run: str | None = None, sources: list[str] | None = None
) -> IngestReport:
    """What the look at one source brought: the one made for this run, else made now.

    sources: all that the run is about. The first of them to come looks at the agencies of all, side by side; the
    others wait for it, wherever they run. A look within DRUGFLOW_LIVE_PAUSE_SECONDS is not repeated.
    """
    if origin.folder is not None:
        return _kept(settings, origin, source_id, run) or look_at_origin(settings, origin, [source_id], run)[source_id]
    (settings.data_marts / "ingest").mkdir(parents=True, exist_ok=True)
    with FileLock(settings.data_marts / "ingest" / ".look.lock"):
        if (report := _kept(settings, origin, source_id, run)) is not None:
            return report
        others = [s for s in sources or [] if s != source_id and _kept(settings, origin, s, run) is None]
        return look_at_origin(settings, origin, [source_id, *others], run)[source_id]


def answers(settings: Settings, origin: Origin) -> Answers:
    """How the agencies answered last, by source: the word and since when they fail; nothing for other origins.

    The release tells it in meta.sources, so that a change of it is a reason for another release of the same tables.
    """
    if origin.folder is not None:
        return {}
    from pipelines.ingest.live.state import read_state

    states = (read_state(settings, source_id) for source_id in active_sources())
    return {s.source: [s.state, s.failing_since] for s in states}


def backfill_source(settings: Settings, source_id: str, progress: Fetching) -> IngestReport:
    """Fetch every linked release of a document page that is not archived yet."""
    from pipelines.ingest.live.run import fetch_source

    report = fetch_source(settings, source_id, progress, backfill=True)
    _keep(settings, "official", report, "live", None)
    return report


def must_look_again(settings: Settings, realm: Realm, source_id: str) -> bool:
    """Whether the last look met a problem of the machine, such as a full disk, so that the same look may succeed."""
    return bool((read_json(_path(settings, realm, source_id)) or {}).get("again"))


def _kept(settings: Settings, origin: Origin, source_id: str, run: str | None) -> IngestReport | None:
    """The stored report that answers for a run; None where there is none of it."""
    stored = read_json(_path(settings, origin.realm, source_id))
    if stored is None or stored.pop("origin", None) != origin.name:
        return None
    made_for = stored.pop("run", None)
    if run is None or made_for != run:
        from pipelines.ingest.live.run import looked_recently

        if origin.folder is not None or not looked_recently(settings, source_id):
            return None
    return IngestReport(**stored)


def _keep(settings: Settings, realm: Realm, report: IngestReport, origin: str, run: str | None) -> None:
    write_json(_path(settings, realm, report.source), {**asdict(report), "origin": origin, "run": run})


def _path(settings: Settings, realm: Realm, source_id: str) -> Path:
    return settings.stage("ingest", realm) / f"{source_id}.json"
