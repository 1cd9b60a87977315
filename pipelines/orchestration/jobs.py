"""The jobs: the refresh of all assets, and the night around it; the schedule of the night."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from pipelines.catalog.load import get_source
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.orchestration.executor import one_process_executor
from pipelines.orchestration.metadata import listing, table
from pipelines.orchestration.source_assets import archived, content_version
from pipelines.refresh.lock import BusyError
from pipelines.refresh.refresh import RunJob
from pipelines.refresh.unattended import Night, refresh_unattended

REFRESH, NIGHTLY = "refresh", "nightly"


def refresh_job(settings: Settings) -> Any:
    """Everything from the origin to the release."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all(),
        description="Read the origin, clean, validate, compare vintages, build the marts and publish a release.",
        executor_def=one_process_executor(settings),
    )


def nightly_job(settings: Settings, run_job: RunJob) -> dg.JobDefinition:
    """The same as 'drugflow refresh': look at every source; only where something changed run the refresh job.

    run_job: runs the refresh job as a run of its own.
    """

    @dg.op(
        name="refresh_what_changed",
        description="Looks at all sources side by side and runs the refresh job, as a run of its own, where "
        "something changed. A failing source never stops the others.",
    )
    def refresh_what_changed(context: dg.OpExecutionContext) -> None:
        # The run belongs to the home that the daemon opened, whatever the settings say.
        own = settings.model_copy(update={"dagster_home": Path(os.environ.get("DAGSTER_HOME", settings.dagster_home))})

        def progress(step: str, word: str) -> None:
            if word != "started":
                context.log.info(f"{step}: {word}")

        who = f"the nightly run {context.run_id[:8]}"
        try:
            night = refresh_unattended(own, [], False, progress, run_job, who, context.log.warning)
        except BusyError as busy:
            context.log.warning(str(busy))
            context.add_output_metadata({"stepped_aside": str(busy)})
            return
        except DrugflowError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        shown = _shown(night)
        if not night.outcome.changed:
            for look in _looks(own, night):
                context.log_event(look)
        for source in night.sources:
            say = context.log.info if source.word in ("new", "unchanged") else context.log.warning
            say(source.line)
        for sentence in night.alerts:
            context.log.info(sentence)
        if night.outcome.failure:
            raise dg.Failure(description=night.outcome.failure, metadata=shown, allow_retries=False)
        context.add_output_metadata(shown)

    @dg.job(
        name=NIGHTLY,
        description="Looks at every source and refreshes what changed; says the outcome of each, and alerts.",
        # Its one step takes the turn itself, as the command line does.
        executor_def=one_process_executor(None),
    )
    def nightly() -> None:
        refresh_what_changed()

    return nightly


def _looks(settings: Settings, night: Night) -> Iterator[dg.AssetMaterialization]:
    """Looks that found nothing new, for the freshness policies: Dagster counts from an asset's last materialization.

    A look that failed is none.
    """
    origin = night.outcome.origin
    for line in night.sources:
        if line.word not in ("failing", "blocked"):
            source = get_source(line.source)
            yield dg.AssetMaterialization(
                asset_key=["raw", source.id],
                description="Looked at; nothing came.",
                metadata=archived(settings, origin, source, []),
                tags={DATA_VERSION_TAG: content_version(settings, origin.realm, source.id)},
            )


def _shown(night: Night) -> dict[str, Any]:
    """The night as the UI shows it: a line a source, the release, the alerts."""
    manifest = night.outcome.manifest
    return {
        "sources": table(
            [
                {"source": s.source, "outcome": s.word, "vintage": s.vintage or "", "what": s.sentence}
                for s in night.sources
            ]
        ),
        "changed": night.outcome.changed,
        "release": manifest.release_id if manifest else "none",
        "alerts": listing(night.alerts),
    }


def nightly_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """The refresh of every night; on unless switched off in the UI."""
    return dg.ScheduleDefinition(
        name="nightly_refresh",
        job=job,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.nightly_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes every source unattended.",
    )
