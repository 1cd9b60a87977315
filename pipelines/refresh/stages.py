"""The stages of one source as plain functions of the settings: ingest, clean, judge, history.

What belongs here: which folder each stage reads and writes, so that the UI and the command line run
the same steps. What does not: Dagster (assets), rules of any stage. Imports no Dagster, dbt or GX, and
the stages' own libraries only when a stage runs: definitions and an unchanged refresh need none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.archive.decisions import ledger_path, read_ledger, retractions
from pipelines.archive.sample_guard import generated
from pipelines.archive.vintages import ArchivedVintage, effective_vintages, list_archive
from pipelines.catalog.load import get_source, load_catalog
from pipelines.core.dependencies import modules_used
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json
from pipelines.core.fingerprint import code_fingerprint, fingerprint, sha256_of
from pipelines.core.settings import DBT_PROJECT, PACKAGE, Settings
from pipelines.core.types import Realm
from pipelines.dbt.fingerprint import models_fingerprint
from pipelines.ingest.origins import Origin, describe, ingest, nothing_offered, offered, parse_origin
from pipelines.ingest.report import IngestReport
from pipelines.quality.verdict import Verdict, read_verdicts
from pipelines.releases.manifest import current_manifest, newest_release

if TYPE_CHECKING:
    from pipelines.clean.run import Summary

Fetching = Callable[[str, int, int | None], None]
"""Called while a file comes: source, bytes so far, bytes announced or None."""


def active_sources() -> list[str]:
    """Sources whose data are refreshed, in the catalogue's order."""
    return [s.id for s in load_catalog().values() if s.status == "active"]


def resolve_origin(settings: Settings) -> Origin:
    """The origin of a run: the setting, else that of the current release, else the sample.

    Where the current release was deleted by hand, the newest kept one says where it came from.
    """
    if settings.origin:
        return parse_origin(settings.origin)
    manifest = current_manifest(settings) or newest_release(settings)
    if manifest is None:
        return parse_origin("sample")
    try:
        return parse_origin(manifest.origin)
    except DrugflowError as error:
        raise DrugflowError(
            f"The current release came from {manifest.origin}, which cannot be read now: {error}"
        ) from error


def realm_of(settings: Settings) -> Realm:
    """The realm that is spoken of, which a mirror says also while it is not mounted.

    Raises DrugflowError where the setting names no origin.
    """
    manifest = None if settings.origin else current_manifest(settings) or newest_release(settings)
    text = settings.origin or (manifest.origin if manifest else "sample")
    return "official" if text.startswith("mirror:") else parse_origin(text).realm


def refuse_wrong_mirror(settings: Settings, origin: Origin, sources: list[str]) -> None:
    """Raise DrugflowError where a mirror has nothing of the sources asked for: a wrong path, or nothing mounted there.

    A mirror that has other sources need not have one of which the archive has files added by hand.
    """
    asked = sources or active_sources()
    if origin.folder is None or not origin.folder.is_dir() or any(offered(origin, s) for s in asked):
        return
    others = any(offered(origin, s) for s in active_sources())
    if not others or not any(list_archive(settings.data_raw, origin.realm, s) for s in asked):
        raise DrugflowError(nothing_offered(origin.folder, asked))


def ingest_source(settings: Settings, origin: Origin, source_id: str) -> IngestReport:
    """Archive what the origin has; the report is kept for status.

    A look at an agency's site that was made for this run a moment ago is not repeated.
    """
    path = _report_path(settings, origin.realm, source_id)
    if origin.folder is None:
        from pipelines.ingest.live.run import looked_recently

        stored = read_json(path)
        if stored is not None and stored.pop("origin", None) == origin.name and looked_recently(settings, source_id):
            return IngestReport(**stored)
    report = ingest(origin, source_id, settings.data_raw, settings)
    write_json(path, {**asdict(report), "origin": origin.name})
    return report


def known_vintages(settings: Settings, realm: Realm, source_id: str) -> list[ArchivedVintage]:
    """The vintages of a source that may speak: all, or those published by the day that is looked back to."""
    retracted = retractions(read_ledger(settings.data_raw, realm), source_id)
    found = effective_vintages(settings.data_raw, realm, source_id, retracted)
    day = settings.as_of
    return [v for v in found if day is None or v.receipt.vintage <= day]


def look_at_agencies(settings: Settings, origin: Origin, sources: list[str], progress: Fetching) -> None:
    """Fetch what is new at the agencies' sites, all sources side by side; nothing to do for other origins."""
    if origin.folder is not None:
        return
    from pipelines.ingest.live.run import fetch_all

    for source_id, report in fetch_all(settings, sources, progress).items():
        write_json(_report_path(settings, origin.realm, source_id), {**asdict(report), "origin": origin.name})


def answers(settings: Settings, origin: Origin) -> dict[str, list[str | None]]:
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
    write_json(_report_path(settings, "official", source_id), {**asdict(report), "origin": "live"})
    return report


def _report_path(settings: Settings, realm: Realm, source_id: str) -> Path:
    return settings.stage("ingest", realm) / f"{source_id}.json"


def clean_source(settings: Settings, realm: Realm, source_id: str) -> list[Summary]:
    """Clean every effective vintage of a source; each file is compared with its receipt before use."""
    from pipelines.clean.files import Limits
    from pipelines.clean.run import Raw, clean_vintage
    from pipelines.clean.unpack import FileProblem
    from pipelines.sources.fingerprints import cleaning_code
    from pipelines.sources.modules import source_module

    def verify(vintage: ArchivedVintage) -> None:
        vintage.verify()
        files = [vintage.folder / f.name for f in vintage.receipt.files]
        if realm == "official" and (said := generated(files, vintage.receipt.note)):
            # It came into the archive by hand, or before anything looked.
            way_out = f"'drugflow retract {source_id} {vintage.id} --reason \"…\"' takes it out of every table for good"
            raise FileProblem(f"{said}: {way_out}.")

    source = get_source(source_id)
    folder = settings.stage("clean", realm) / source_id
    limits = Limits(settings.max_unpacked_bytes, settings.max_unpack_ratio, settings.chunk_bytes)
    code = fingerprint(
        [cleaning_code(source), code_fingerprint(*modules_used(PACKAGE / "archive" / "sample_guard.py"))]
    )
    summaries = []
    for vintage in known_vintages(settings, realm, source_id):
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


def judge_source(settings: Settings, realm: Realm, source_id: str) -> list[Verdict]:
    """A verdict for every effective vintage of a source."""
    from pipelines.clean.run import Summary
    from pipelines.quality.run import Candidate, judge
    from pipelines.sources.modules import rules_of

    folder = settings.stage("clean", realm) / source_id
    candidates = []
    for vintage in known_vintages(settings, realm, source_id):
        stored = read_json(folder / vintage.id / "summary.json")
        if stored is None:
            raise DrugflowError(f"{source_id} {vintage.id} is archived but not cleaned: materialize clean/{source_id}.")
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
    return judge(rules_of(get_source(source_id)), candidates, settings.stage("quality", realm), ledger)


def build_source_history(settings: Settings, realm: Realm, source_id: str) -> dict[str, Any]:
    """The history of a source from its vintages that are not held."""
    from pipelines.history.run import Accepted, build_history

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
    return build_history(source, accepted, settings.stage("history", realm))


def _is_partial(folder: Path) -> bool:
    return bool(read_json(folder / "summary.json")["coverage"] == "partial")


def is_settled(settings: Settings, realm: Realm) -> bool:
    """Whether the same files would meet the same problems again: not where one was archived meanwhile, or not read.

    A full disk or a damaged archive can be mended.
    """
    for source_id in active_sources():
        if (read_json(settings.stage("ingest", realm) / f"{source_id}.json") or {}).get("again"):
            return False
        for vintage in known_vintages(settings, realm, source_id):
            stored = read_json(settings.stage("clean", realm) / source_id / vintage.id / "summary.json")
            if stored is None or not stored["fingerprint"]:
                return False
    return True


def decisions(settings: Settings, realm: Realm) -> str:
    """SHA-256 of the ledger of what people decided; empty where there is none."""
    ledger = ledger_path(settings.data_raw, realm)
    return sha256_of(ledger) if ledger.exists() else ""


def build_inputs(settings: Settings, realm: Realm) -> str:
    """Fingerprint of everything that the models are built from."""
    marks = [
        f"{s}:{(read_json(settings.stage('history', realm) / f'{s}.json') or {}).get('fingerprint')}"
        for s in active_sources()
    ]
    statistics = code_fingerprint(*modules_used(DBT_PROJECT / "models"))
    return fingerprint([models_fingerprint(), statistics, *marks])


def code_version() -> str:
    """Version of the project and fingerprint of its code."""
    return f"{version('drugflow')}+{code_fingerprint(PACKAGE, DBT_PROJECT)}"


def survey(settings: Settings, origin: Origin) -> str:
    """Fingerprint of all that a refresh depends on: the origin's files, the archive, the ledger, the code.

    Two equal surveys mean that a refresh would change nothing. Reads every file of a mirror.
    """
    parts = [origin.name, code_fingerprint(PACKAGE, DBT_PROJECT)]
    parts.append(f"{settings.max_unpacked_bytes}:{settings.max_unpack_ratio}")
    parts.append(decisions(settings, origin.realm))
    for source_id in active_sources():
        parts += [f"{v.id}:{v.receipt.content}" for v in list_archive(settings.data_raw, origin.realm, source_id)]
        for folder in offered(origin, source_id):
            try:
                receipt, _ = describe(origin, source_id, folder, settings.now().date())
                parts.append(f"{folder.name}:{receipt.content}")
            except (DrugflowError, OSError) as error:
                parts.append(f"{folder.name}:{error}")
    return fingerprint(parts)
