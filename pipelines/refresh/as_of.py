"""A release as it would have been on a day, from the archive alone, in a folder beside the current one.

What belongs here: where it is built and put. What does not: what surrounds it (protocol), the job, the stages.
Everything is derived from the vintages published until that day, by today's code: what was known then, not what was
computed then. Clean rows and verdicts of today's code on the same bytes are taken over from the current stages, which
check their marks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date

from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Phrase
from pipelines.core.settings import Settings
from pipelines.refresh.lock import turn
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.protocol import LOG, refreshing
from pipelines.refresh.refresh import Progress, RunJob
from pipelines.refresh.survey import known_vintages
from pipelines.releases.manifest import Manifest, current_manifest


def look_back(
    settings: Settings, day: date, progress: Progress, run_job: RunJob, tell: Callable[[str], None]
) -> Manifest:
    """Build the release of a day into ``data_marts/asof/<day>/`` and return its manifest.

    The current release, its build file, the account of the last refresh and the runs in the UI stay as they are, and
    nobody is alerted. It takes the installation's turn, whose stages it copies. tell: hears that it waits.
    Raises BusyError where a refresh kept the turn, DrugflowError where nothing was published by that day, or a check
    of that state of the data fails.
    """
    realm = resolve_origin(settings).realm
    place = settings.data_marts / "asof" / day.isoformat()
    work = place.with_name(f".{place.name}.part")
    own = settings.looking_back(day, realm, work)
    if not any(known_vintages(own, realm, s) for s in active_sources()):
        first = min(
            (v[0].receipt.vintage for s in active_sources() if (v := known_vintages(settings, realm, s))), default=None
        )
        if first is None:
            raise DrugflowError("archive_is_empty", day=day)
        raise DrugflowError("nothing_published_until", day=day, first=first)
    who = f"drugflow asof {day}"
    with turn(settings, who, tell):
        try:
            shutil.rmtree(work, ignore_errors=True)
            with refreshing(own, who, tell, log=settings.data_marts / LOG) as running:
                _take_over(settings, own)
                running.failure = run_job(own, [], progress, running.run)
                manifest = current_manifest(own)
                if running.failure or manifest is None:
                    found = running.failure or Phrase.of("phrase.nothing_published")
                    raise DrugflowError("day_not_built", day=day, found=found)
            shutil.rmtree(place, ignore_errors=True)
            (own.releases / manifest.release_id).rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return manifest


def _take_over(settings: Settings, own: Settings) -> None:
    """Clean rows by links, because such files are replaced and never written into; verdicts by copies, whose pages are
    written in place."""
    realm = resolve_origin(own).realm
    for stage, copy in (("clean", os.link), ("quality", shutil.copy2)):
        if settings.stage(stage, realm).is_dir():
            unfinished = shutil.ignore_patterns(".*")
            shutil.copytree(
                settings.stage(stage, realm), own.stage(stage, realm), copy_function=copy, ignore=unfinished
            )
