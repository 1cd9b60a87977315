"""Looking at one live source, or at all of them side by side. No failure of a site leaves here as an exception."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError, machine_refused, why
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.ingest.live.problems import BlockedError, LiveError, by_hand
from pipelines.ingest.live.state import SourceState, conclude, read_state, seconds_since
from pipelines.ingest.report import IngestReport

Progress = Callable[[str, int, int | None], None]
"""Called with a source, the bytes that came and those announced, None where nothing is announced."""


def fetch_source(
    settings: Settings,
    source_id: str,
    progress: Progress = lambda _source, _got, _total: None,
    backfill: bool = False,
) -> IngestReport:
    """Look at the source's site and archive what is new; what goes wrong is a problem in the report."""
    source = get_source(source_id)
    if source.fetch.kind == "manual":
        return IngestReport(source_id)
    state = read_state(settings, source_id)
    try:
        report = _fetch(settings, source, state, progress, backfill)
    except BlockedError as error:
        report = IngestReport(source_id, problems=[by_hand(source, error)], blocked=True)
    except OSError as error:
        found = Problem.of("fetching_met_the_machine", source=source_id, found=machine_refused(error))
        report = IngestReport(source_id, problems=[found], again=True)
    except DrugflowError as error:
        report = IngestReport(source_id, problems=[error.problem.at(source_id)])
    except Exception as error:  # whatever one site does, the other sources go on
        found = Problem.of("fetching_failed", source=source_id, error=type(error).__name__, why=why(error))
        report = IngestReport(source_id, problems=[found])
    state.notes = report.notes
    try:
        conclude(settings, state, report.problems, report.blocked)
    except OSError as error:
        found = Problem.of("look_cannot_be_kept", source=source_id, found=machine_refused(error))
        report.problems.append(found)
        report.again = True
    return report


def fetch_all(settings: Settings, sources: list[str], progress: Progress) -> dict[str, IngestReport]:
    """All sources at once; requests to one host wait for one another, see pace."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=max(1, len(sources))) as pool:
        return dict(zip(sources, pool.map(lambda s: fetch_source(settings, s, progress), sources), strict=True))


def looked_recently(settings: Settings, source_id: str) -> bool:
    """Whether a look within DRUGFLOW_LIVE_PAUSE_SECONDS answers for a run, which then asks no second time."""
    return seconds_since(settings, read_state(settings, source_id).last_attempt) <= settings.live_pause_seconds


def _fetch(settings: Settings, source: Source, state: SourceState, progress: Progress, backfill: bool) -> IngestReport:
    from pipelines.ingest.live import document_page, plain_file, socrata
    from pipelines.ingest.live.client import Client

    def tell(got: int, total: int | None) -> None:
        progress(source.id, got, total)

    token = settings.socrata_app_token if source.fetch.kind == "socrata" else None
    settings.live.mkdir(parents=True, exist_ok=True)
    folder = settings.live / f"{source.id}.part"
    # One writer a source: what a killed fetch left is removed by the next, so nothing piles up.
    from filelock import FileLock, Timeout

    try:
        with FileLock(settings.live / f"{source.id}.lock", timeout=settings.lock_timeout_seconds):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            # Who kept the lock may have taken files meanwhile: what was read before it would forget them.
            for name, value in read_state(settings, source.id):
                setattr(state, name, value)
            try:
                with Client(settings, source.id, source.fetch.hosts, token, patient=backfill) as client:
                    if source.fetch.kind == "document_page":
                        return document_page.fetch(client, settings, source, state, folder, tell, backfill)
                    if backfill:
                        raise LiveError("nothing_to_backfill", source=source.id)
                    if source.fetch.kind == "socrata":
                        return socrata.fetch(client, settings, source, state, folder, tell)
                    return plain_file.fetch(client, settings, source, state, folder, tell)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except Timeout as error:
        raise LiveError("another_process_fetches", source=source.id) from error
