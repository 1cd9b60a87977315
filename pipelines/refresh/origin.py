"""Where a refresh gets its files from, and which sources it is about.

What belongs here: the choice of the origin and of the realm, and refusing one that cannot be meant. What does not:
looking at an origin (look), what origins are (ingest).
"""

from __future__ import annotations

from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import load_catalog
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.ingest.origins import Origin, nothing_offered, offered, parse_origin
from pipelines.releases.manifest import current_manifest, newest_release


class NoOriginError(DrugflowError):
    """Nobody said where the figures come from, and official ones are there already: a question, not a failure."""


def active_sources() -> list[str]:
    """Sources whose data are refreshed, in the catalogue's order."""
    return [s.id for s in load_catalog().values() if s.status == "active"]


def resolve_origin(settings: Settings) -> Origin:
    """The origin of a run: the setting, else that of the current release, else the sample.

    Where the current release was deleted by hand, the newest kept one says where it came from.
    Raises NoOriginError where nothing says it and the archive has official vintages: the sample in their place would
    be taken for them. Raises DrugflowError where the origin cannot be read.
    """
    if settings.origin:
        return parse_origin(settings.origin)
    manifest = current_manifest(settings) or newest_release(settings)
    if manifest is None:
        if archived := _officially_archived(settings):
            raise NoOriginError("origin_not_chosen", sources=archived)
        return parse_origin("sample")
    try:
        return parse_origin(manifest.origin)
    except DrugflowError as error:
        raise DrugflowError("origin_cannot_be_read_now", origin=manifest.origin, found=error) from error


def realm_of(settings: Settings) -> Realm:
    """The realm that is spoken of, which a mirror says also while it is not mounted.

    Raises DrugflowError where the setting names no origin.
    """
    manifest = None if settings.origin else current_manifest(settings) or newest_release(settings)
    text = settings.origin or (manifest.origin if manifest else None)
    if text is None:
        return "official" if _officially_archived(settings) else "sample"
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


def _officially_archived(settings: Settings) -> list[str]:
    """The active sources of which the archive has an official vintage."""
    return [s for s in active_sources() if list_archive(settings.data_raw, "official", s)]
