"""The stages of one source as plain functions of the settings: clean, judge, history.

What belongs here: which folder each stage reads and writes, so that the UI and the command line run the same steps.
What does not: Dagster (assets), looking at an origin (look), rules of any stage. Imports no Dagster, dbt or GX, and
the stages' own libraries only when a stage runs: definitions and an unchanged refresh need none of them.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.archive.decisions import read_ledger
from pipelines.archive.sample_guard import generated
from pipelines.archive.vintages import ArchivedVintage
from pipelines.catalog.load import get_source
from pipelines.core.dependencies import modules_used
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json
from pipelines.core.fingerprint import code_fingerprint, fingerprint
from pipelines.core.settings import DBT_PROJECT, PACKAGE, Settings
from pipelines.core.types import Realm
from pipelines.dbt.fingerprint import models_fingerprint
from pipelines.quality.verdict import Verdict, read_verdicts
from pipelines.refresh.origin import active_sources
from pipelines.refresh.survey import Survey, keep_built, keep_judged, known_vintages, read_judged, source_survey

if TYPE_CHECKING:
    from pipelines.clean.run import Summary


def clean_and_judge(
    settings: Settings, realm: Realm, source_id: str, run: str | None = None
) -> tuple[list[Summary], list[Verdict]]:
    """Clean and judge what the archive of a source has at the beginning, and note that this is what was judged.

    What arrives meanwhile is for the next refresh. run: id of the run that this is a step of.
    """
    taken = source_survey(settings, realm, source_id)
    summaries = clean_source(settings, realm, source_id, taken)
    return summaries, judge_source(settings, realm, source_id, taken, run)


def clean_source(settings: Settings, realm: Realm, source_id: str, taken: Survey | None = None) -> list[Summary]:
    """Clean every effective vintage of a source; each file is compared with its receipt before use.

    taken: the survey whose vintages count; unset: all that are archived.
    """
    from pipelines.clean.files import Limits
    from pipelines.clean.run import Raw, clean_vintage
    from pipelines.clean.unpack import FileProblem
    from pipelines.sources.fingerprints import cleaning_code
    from pipelines.sources.modules import source_module

    def verify(vintage: ArchivedVintage) -> None:
        vintage.verify()
        files = [vintage.folder / f.name for f in vintage.receipt.files]
        if realm == "official" and (found := generated(files, vintage.receipt.note)):
            # It came into the archive by hand, or before anything looked.
            raise FileProblem("sample_in_the_archive", source=source_id, vintage=vintage.id, found=found)

    source = get_source(source_id)
    folder = settings.stage("clean", realm) / source_id
    limits = Limits(settings.max_unpacked_bytes, settings.max_unpack_ratio, settings.chunk_bytes)
    code = fingerprint(
        [cleaning_code(source), code_fingerprint(*modules_used(PACKAGE / "archive" / "sample_guard.py"))]
    )
    summaries = []
    for vintage in known_vintages(settings, realm, source_id, taken and taken["vintages"]):
        receipt = vintage.receipt
        raw = Raw(
            id=vintage.id,
            vintage=receipt.vintage.isoformat(),
            folder=vintage.folder,
            files=[f.name for f in receipt.files],
            content=receipt.content,
            coverage=receipt.coverage,
            scope=receipt.scope,
        )
        module = partial(source_module, source_id)
        summaries.append(clean_vintage(source, module, raw, folder, limits, code, partial(verify, vintage)))
    return summaries


def judge_source(
    settings: Settings, realm: Realm, source_id: str, taken: Survey | None = None, run: str | None = None
) -> list[Verdict]:
    """A verdict for every effective vintage of a source, and a note of the survey that they are about.

    taken: that survey; unset: the archive as it is. Raises DrugflowError where one of its vintages is not cleaned.
    """
    from pipelines.clean.run import Summary
    from pipelines.quality.run import Candidate, judge
    from pipelines.sources.modules import rules_of

    taken = taken or source_survey(settings, realm, source_id)
    folder = settings.stage("clean", realm) / source_id
    candidates = []
    for vintage in known_vintages(settings, realm, source_id, taken["vintages"]):
        stored = read_json(folder / vintage.id / "summary.json")
        if stored is None:
            raise DrugflowError("archived_but_not_cleaned", source=source_id, vintage=vintage.id)
        summary = Summary.model_validate(stored)
        candidates.append(
            Candidate(
                archive_id=vintage.id,
                vintage=summary.vintage,
                folder=folder / vintage.id,
                content=summary.content,
                partial=summary.coverage == "partial",
                problem=summary.problem,
                records=summary.records,
                rejected=summary.rejected,
            )
        )
    ledger = read_ledger(settings.data_raw, realm)
    verdicts = judge(rules_of(get_source(source_id)), candidates, settings.stage("quality", realm), ledger)
    keep_judged(settings, realm, source_id, taken, run)
    return verdicts


def build_source_history(settings: Settings, realm: Realm, source_id: str, run: str | None = None) -> dict[str, Any]:
    """The history of a source from its vintages that are not held.

    run: id of the run that this is a step of; what arrived after that run judged is for the next one.
    Raises DrugflowError where a vintage has no verdict: without it nobody knows whether the history may have it.
    """
    from pipelines.history.run import Accepted, build_history

    judged, judged_by = read_judged(settings, realm, source_id)
    same_run = run is not None and run == judged_by
    vintages = known_vintages(settings, realm, source_id, (judged or {}).get("vintages", {}) if same_run else None)
    verdicts = settings.stage("quality", realm) / source_id
    if missing := [v.id for v in vintages if not (verdicts / f"{v.id}.json").exists()]:
        raise DrugflowError("archived_but_not_judged", source=source_id, vintages=missing)
    source = get_source(source_id)
    folder = settings.stage("clean", realm) / source_id
    accepted = [
        Accepted(
            published=date.fromisoformat(v.vintage),
            partial=_is_partial(folder / v.archive_id),
            folder=folder / v.archive_id,
            content=v.content,
        )
        for v in read_verdicts(settings.stage("quality", realm), source_id)
        if v.state != "held"
    ]
    summary = build_history(source, accepted, settings.stage("history", realm))
    keep_built(settings, realm, source_id, judged)
    return summary


def _is_partial(folder: Path) -> bool:
    return bool(read_json(folder / "summary.json")["coverage"] == "partial")


def build_inputs(settings: Settings, realm: Realm) -> str:
    """Fingerprint of everything that the models are built from."""
    marks = [
        f"{s}:{(read_json(settings.stage('history', realm) / f'{s}.json') or {}).get('fingerprint')}"
        for s in active_sources()
    ]
    statistics = code_fingerprint(*modules_used(DBT_PROJECT / "models"))
    return fingerprint([models_fingerprint(), statistics, *marks])
