"""Publishing: a folder complete before it is visible, made visible by one atomic rename.

What belongs here: the order of publishing, retention and rollback. What does not: what is in the
database (assemble), what the meta tables say (meta_tables), reading releases (releases).

``data_marts/releases/<id>/``: drugflow.duckdb, parquet/, data_docs/, datapackage.json, manifest.json;
``data_marts/current`` is a link to one of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import AcquireReturnProxy, FileLock, Timeout

from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.releases.manifest import (
    Manifest,
    current_manifest,
    kept_releases,
    newest_release,
    pinned_release,
    releases,
)


def writer_lock(settings: Settings, realm: Realm) -> FileLock:
    """The lock of the one writer of the build file and of current."""
    folder = settings.stage("build", realm)
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.parent / ".writer.lock")


def acquire(settings: Settings, realm: Realm) -> AcquireReturnProxy[Any]:
    """Take the writer's lock; raises DrugflowError where another run keeps it too long."""
    try:
        # What acquire returns lets go at the end of "with"; the lock itself would be taken a second time there.
        return writer_lock(settings, realm).acquire(timeout=settings.lock_timeout_seconds)
    except Timeout as error:
        raise DrugflowError("another_refresh_writes", seconds=settings.lock_timeout_seconds) from error


def refuse_sample_over_official(settings: Settings, realm: Realm) -> None:
    """Raise DrugflowError where a sample would replace an official release."""
    current = current_manifest(settings) or newest_release(settings)
    if realm == "sample" and current is not None and current.realm == "official":
        raise DrugflowError("sample_over_official", release=current.release_id)


def publish(settings: Settings, realm: Realm, origin: str, inputs: Callable[[], str], code_version: str) -> Manifest:
    """Build a release from the private build file and make it current.

    inputs gives the fingerprint of what the models are built from, as it is when called.
    Raises DrugflowError, and leaves the old release current, where the build is not complete for these
    inputs, a critical check failed, or a sample would replace an official release.
    """
    from pipelines.release.assemble import assemble

    refuse_sample_over_official(settings, realm)
    build = settings.stage("build", realm)
    state = read_json(build / "state.json") or {}
    if not state.get("complete") or state.get("inputs") != inputs():
        raise DrugflowError("models_not_built_from_these")
    if failed := [t["name"] for t in state["tests"] if not t["passed"] and t["severity"] == "critical"]:
        raise DrugflowError("checks_of_the_marts_failed", checks=failed)
    settings.releases.mkdir(parents=True, exist_ok=True)
    _sweep(settings.releases)
    now = datetime.now(UTC)
    release_id = _free_id(settings, now, realm)
    part = settings.releases / f".{release_id}.part"
    try:
        manifest: Manifest = assemble(settings, realm, origin, part, release_id, now, code_version, state)
        if inputs() != state["inputs"]:
            raise DrugflowError("histories_changed_meanwhile")
        manifest.number = max((m.number for m in releases(settings)), default=0) + 1
        write_json(part / "manifest.json", manifest.model_dump())
        _sync(part)
        with _showing(settings):
            part.rename(settings.releases / release_id)
            _show(settings)
            prune(settings)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def settle(settings: Settings) -> None:
    """Finish what a process that was killed between choosing a release and showing it has begun.

    Where the current release is gone nothing is chosen in its place: that is for a refresh, or a rollback, to say.
    """
    if current_manifest(settings) is not None:
        with _showing(settings):
            _show(settings)


def _show(settings: Settings) -> None:
    """Let analysts see what they are meant to: the pinned release, else the newest."""
    newest = newest_release(settings)
    wanted = pinned_release(settings) or (newest.release_id if newest else None)
    current = current_manifest(settings)
    if wanted is not None and (current is None or current.release_id != wanted):
        swap(settings, wanted)


def _showing(settings: Settings) -> FileLock:
    """One process at a time chooses, shows and deletes releases; it takes moments."""
    return FileLock(settings.data_marts / ".show.lock", timeout=settings.lock_timeout_seconds)


def swap(settings: Settings, release_id: str) -> None:
    """Point current at a release in one atomic rename; open readers keep what they opened."""
    link = settings.data_marts / f".current.{os.getpid()}"
    while True:
        for left in settings.data_marts.glob(".current.*"):
            left.unlink(missing_ok=True)
        try:
            link.symlink_to(Path("releases") / release_id, target_is_directory=True)
            link.replace(settings.current)
            return
        except FileNotFoundError:
            # Another process swaps at this moment and took our link for one that a killed run left.
            continue


def rollback(settings: Settings, release_id: str | None) -> Manifest:
    """Make an earlier release current and pin it until unpinned.

    None takes the newest one before the current whose content is another: a copy of what analysts see helps nobody.
    Raises DrugflowError listing the kept releases where there is no such release.
    """
    kept = releases(settings)
    current = current_manifest(settings)
    if release_id is None:
        ids = [m.release_id for m in kept]
        at = ids.index(current.release_id) if current and current.release_id in ids else len(ids)
        before = [m.release_id for m in kept[:at] if current is None or not _equal(m, current)]
        release_id = before[-1] if before else ""
    chosen = next((m for m in kept if m.release_id == release_id), None)
    if chosen is None:
        kept_ids = kept_releases(kept)
        if not release_id:
            raise DrugflowError("nothing_to_roll_back_to", kept=kept_ids)
        raise DrugflowError("no_such_release", release=release_id, kept=kept_ids)
    if current and current.realm == "official" and chosen.realm == "sample":
        refuse_sample_over_official(settings, "sample")
    with _showing(settings):
        write_json(settings.data_marts / "pinned.json", {"release_id": chosen.release_id})
        _show(settings)
    return chosen


def unpin(settings: Settings) -> Manifest | None:
    """Let the newest release be current again: the newest official one, where there is any."""
    with _showing(settings):
        (settings.data_marts / "pinned.json").unlink(missing_ok=True)
        _show(settings)
    return newest_release(settings)


def prune(settings: Settings) -> None:
    """Keep what current points at, the pinned one and the newest others; a folder goes by rename, then is deleted.

    What a newer one repeats goes first: publishing equal content again must not push out what could be gone back to.
    """
    current = current_manifest(settings)
    kept = releases(settings)
    repeated = {m.release_id for at, m in enumerate(kept) if any(_equal(m, newer) for newer in kept[at + 1 :])}
    stays = {current.release_id if current else None, pinned_release(settings)}
    others = [m for m in kept if m.release_id not in stays]
    others.sort(key=lambda m: (m.release_id not in repeated, m.order))
    for manifest in others[: -settings.keep_releases]:
        gone = settings.releases / f".{manifest.release_id}.gone"
        (settings.releases / manifest.release_id).rename(gone)
        shutil.rmtree(gone)


def _equal(one: Manifest, other: Manifest) -> bool:
    """Whether analysts would read the same in both."""
    return (one.realm, one.content_hash) == (other.realm, other.content_hash)


def _sweep(folder: Path) -> None:
    """Remove what a killed run left behind; only hidden folders, which are never releases."""
    for path in [*folder.glob(".*.part"), *folder.glob(".*.gone")]:
        shutil.rmtree(path, ignore_errors=True)


def _free_id(settings: Settings, now: datetime, realm: Realm) -> str:
    mark = "-SAMPLE" if realm == "sample" else ""
    name = now.strftime("%Y%m%dT%H%M%SZ")
    taken = {p.name for p in settings.releases.iterdir()}
    candidates = (name + (f"_{n}" if n else "") + mark for n in range(1000))
    return next(c for c in candidates if c not in taken)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as handle:
                os.fsync(handle.fileno())
