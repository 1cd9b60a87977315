"""What a release is, and which releases are there to read.

What belongs here: reading manifests, the current and the pinned release. What does not: making a release (release).
"""

from __future__ import annotations

import contextlib
from typing import Any

from pydantic import BaseModel

from pipelines.core.errors import DrugflowError
from pipelines.core.files import load, read_json
from pipelines.core.problem import Phrase, Stored
from pipelines.core.settings import Settings
from pipelines.core.types import Realm

DATABASE = "drugflow.duckdb"


class Manifest(BaseModel):
    """What a release is. tables: schema.table -> rows and content hash.

    number: the order in which releases were published; clocks are set back. 0: made before numbers were given.
    """

    release_id: str
    number: int = 0
    realm: Realm
    origin: str
    built_at: str
    code_version: str
    content_hash: str
    tables: dict[str, dict[str, Any]]
    held: list[Stored] = []
    """What holds vintages back, each with its source and vintage."""
    failed_checks: list[str] = []
    rehearsed_day: str | None = None
    """The day that counted as today, where it was not the machine's."""

    @property
    def order(self) -> tuple[int, str, str]:
        """What releases are sorted by, the oldest first."""
        return self.number, self.built_at, self.release_id


def current_manifest(settings: Settings) -> Manifest | None:
    """The manifest of the release that analysts open, or None, also where its folder lacks the database."""
    path = settings.current / "manifest.json"
    return load(Manifest, path) if path.exists() and (settings.current / DATABASE).is_file() else None


def nothing_to_open(settings: Settings) -> DrugflowError:
    """Why analysts have no release to open, and how they get one."""
    kept, is_link = releases(settings), settings.current.is_symlink()
    if not is_link and not kept:
        return DrugflowError("nothing_released", file=settings.data_marts)
    told = {"again": pinned_release(settings) or "--unpin", "kept": kept_releases(kept)}
    if is_link:
        return DrugflowError(
            "current_release_gone", file=settings.releases, release=settings.current.readlink().name, **told
        )
    return DrugflowError("current_link_gone", file=settings.current, **told)


def kept_releases(kept: list[Manifest]) -> list[str] | Phrase:
    """The ids of kept releases for a sentence."""
    return [m.release_id for m in kept] or Phrase.of("phrase.none")


def pinned_release(settings: Settings) -> str | None:
    """Id of the release that analysts see until it is unpinned; a pin on a release that is gone holds nothing."""
    pinned = read_json(settings.data_marts / "pinned.json")
    is_kept = pinned is not None and any(m.release_id == pinned["release_id"] for m in releases(settings))
    return pinned["release_id"] if is_kept else None


def releases(settings: Settings) -> list[Manifest]:
    """All kept releases that have their database and a manifest that can be read, oldest first."""
    found = []
    for path in settings.releases.glob("[!.]*/manifest.json"):
        with contextlib.suppress(OSError, DrugflowError):
            found += [load(Manifest, path)] if (path.parent / DATABASE).is_file() else []
    return sorted(found, key=lambda m: m.order)


def newest_release(settings: Settings) -> Manifest | None:
    """The newest kept release, of official ones where there is any."""
    kept = releases(settings)
    return next(reversed([m for m in kept if m.realm == "official"] or kept), None)
