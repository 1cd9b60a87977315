"""A release as it would have been on a day, from the archive alone, in a folder beside the current one.

What belongs here: where it is built and put. What does not: the job (refresh), the stages. Everything is derived
from the vintages published until that day, by today's code: what was known then, not what was computed then. Clean
rows and verdicts of today's code on the same bytes are taken over from the current stages, which check their marks.
"""

from __future__ import annotations

import os
import shutil
from datetime import date

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.refresh.refresh import Progress, RunJob
from pipelines.refresh.stages import active_sources, known_vintages, resolve_origin
from pipelines.releases.manifest import Manifest, current_manifest


def look_back(settings: Settings, day: date, progress: Progress, run_job: RunJob) -> Manifest:
    """Build the release of a day into ``data_marts/asof/<day>/`` and return its manifest.

    The current release, its build file and the runs in the UI stay as they are. Raises DrugflowError where nothing
    was published by that day, or a check of that state of the data fails.
    """
    realm = resolve_origin(settings).realm
    place = settings.data_marts / "asof" / day.isoformat()
    work = place.with_name(f".{place.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    own = settings.looking_back(day, realm, work)
    if not any(known_vintages(own, realm, s) for s in active_sources()):
        first = min(
            (v[0].receipt.vintage for s in active_sources() if (v := known_vintages(settings, realm, s))), default=None
        )
        raise DrugflowError(
            f"The archive has nothing that was published until {day}: "
            + (f"its first vintage is of {first}." if first else "it is empty; run 'drugflow refresh' first.")
        )
    try:
        # Links where files are replaced and never written into; validation writes its pages in place.
        for stage, copy in (("clean", os.link), ("quality", shutil.copy2)):
            if settings.stage(stage, realm).is_dir():
                unfinished = shutil.ignore_patterns(".*")
                shutil.copytree(
                    settings.stage(stage, realm), own.stage(stage, realm), copy_function=copy, ignore=unfinished
                )
        failure = run_job(own, [], progress)
        manifest = current_manifest(own)
        if failure or manifest is None:
            raise DrugflowError(f"The release of {day} could not be built: {failure or 'nothing was published'}")
        shutil.rmtree(place, ignore_errors=True)
        (own.releases / manifest.release_id).rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest
