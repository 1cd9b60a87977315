"""What decides that there is nothing to do: the survey that the release rests on, against the archive as it is.

What belongs here: what a survey has, where it is handed on from stage to stage, and the comparison. What does not:
the stages themselves. Each source's survey is taken before its vintages are cleaned and goes along with what is made
of them. So whatever arrives while a refresh runs differs from the survey of that refresh, and the next one takes it.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.archive.decisions import ledger_path, read_ledger, retractions
from pipelines.archive.vintages import ArchivedVintage, effective_vintages, list_archive
from pipelines.core.files import read_json, recall, write_json
from pipelines.core.fingerprint import code_fingerprint, sha256_of
from pipelines.core.settings import DBT_PROJECT, PACKAGE, Settings
from pipelines.core.types import Realm
from pipelines.ingest.origins import Origin
from pipelines.refresh.look import answers, must_look_again
from pipelines.refresh.origin import active_sources
from pipelines.releases.manifest import current_manifest

Survey = dict[str, Any]
"""Of a source: vintages (content by archive id), decisions, code, limits."""


def known_vintages(
    settings: Settings, realm: Realm, source_id: str, only: Collection[str] | None = None
) -> list[ArchivedVintage]:
    """The vintages of a source that may speak: all, or those published by the day that is looked back to.

    only: the archive ids that count; unset: all.
    """
    retracted = retractions(read_ledger(settings.data_raw, realm), source_id)
    found = effective_vintages(settings.data_raw, realm, source_id, retracted)
    day = settings.as_of
    return [v for v in found if (day is None or v.receipt.vintage <= day) and (only is None or v.id in only)]


def source_survey(settings: Settings, realm: Realm, source_id: str, code: str | None = None) -> Survey:
    """All that the figures of one source follow from, as it is now. code: project_code, where it is known."""
    return {
        "vintages": {v.id: v.receipt.content for v in list_archive(settings.data_raw, realm, source_id)},
        "decisions": _decisions(settings, realm),
        "code": code or project_code(),
        "limits": [settings.max_unpacked_bytes, settings.max_unpack_ratio],
    }


def survey(settings: Settings, origin: Origin) -> Survey:
    """All that the tables follow from, as it is now: where the files come from, and the survey of every source."""
    code = project_code()
    return {
        "origin": origin.name,
        "sources": {s: source_survey(settings, origin.realm, s, code) for s in active_sources()},
    }


def keep_judged(settings: Settings, realm: Realm, source_id: str, taken: Survey, run: str | None) -> None:
    """Note which survey the verdicts of a source are about, and the run that made them."""
    write_json(_judged(settings, realm, source_id), {"survey": taken, "run": run})


def read_judged(settings: Settings, realm: Realm, source_id: str) -> tuple[Survey | None, str | None]:
    """The survey that the verdicts of a source are about, and the run that made them; None where there are none."""
    stored = read_json(_judged(settings, realm, source_id)) or {}
    return stored.get("survey"), stored.get("run")


def keep_built(settings: Settings, realm: Realm, source_id: str, taken: Survey | None) -> None:
    """Note which survey the history of a source rests on."""
    write_json(_built(settings, realm, source_id), taken)


def built_survey(settings: Settings, origin: Origin) -> Survey:
    """The survey that the histories rest on, in the form of ``survey``."""
    return {
        "origin": origin.name,
        "sources": {s: read_json(_built(settings, origin.realm, s)) for s in active_sources()},
    }


def note_release(settings: Settings, origin: Origin) -> None:
    """Note what the release that was just published rests on, so that the next refresh sees whether that is all.

    Not where the same files may be read next time, or one that the archive has was not cleaned.
    """
    if is_settled(settings, origin.realm):
        write_json(
            _noted(settings, origin.realm),
            {"survey": built_survey(settings, origin), "answers": answers(settings, origin)},
        )


def forget_release(settings: Settings, realm: Realm) -> None:
    """Let the next comparison find that everything is to be done."""
    _noted(settings, realm).unlink(missing_ok=True)


def is_released(settings: Settings, origin: Origin, now: Survey) -> bool:
    """Whether the current release rests on this survey, so that its tables would come out as they are."""
    current = current_manifest(settings)
    noted = recall(_noted(settings, origin.realm)) or {}
    return current is not None and current.realm == origin.realm and noted.get("survey") == now


def is_told(settings: Settings, origin: Origin) -> bool:
    """Whether the last release that was published says how the agencies answer by now."""
    return bool((recall(_noted(settings, origin.realm)) or {}).get("answers") == answers(settings, origin))


def project_code() -> str:
    """Fingerprint of all code and descriptions of the project."""
    return code_fingerprint(PACKAGE, DBT_PROJECT)


def code_version() -> str:
    """Version of the project and fingerprint of its code."""
    return f"{version('drugflow')}+{project_code()}"


def is_settled(settings: Settings, realm: Realm) -> bool:
    """Whether the same files would meet the same problems again: not where one was archived meanwhile, or not read.

    A full disk or a damaged archive can be mended.
    """
    for source_id in active_sources():
        if must_look_again(settings, realm, source_id):
            return False
        for vintage in known_vintages(settings, realm, source_id):
            stored = read_json(settings.stage("clean", realm) / source_id / vintage.id / "summary.json")
            if stored is None or not stored["fingerprint"]:
                return False
    return True


def _decisions(settings: Settings, realm: Realm) -> str:
    """SHA-256 of the ledger of what people decided; empty where there is none."""
    ledger = ledger_path(settings.data_raw, realm)
    return sha256_of(ledger) if ledger.exists() else ""


def _judged(settings: Settings, realm: Realm, source_id: str) -> Path:
    return settings.stage("quality", realm) / f"{source_id}.json"


def _built(settings: Settings, realm: Realm, source_id: str) -> Path:
    return settings.stage("history", realm) / f"{source_id}.survey.json"


def _noted(settings: Settings, realm: Realm) -> Path:
    return settings.data_marts / f"refresh-{realm}.json"
