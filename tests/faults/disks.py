"""Disks that are full or cannot be written to: a small file system in memory in the place of a folder.

What belongs here: mounting, its limits, and unmounting. What does not: what must happen then. Only root may mount;
elsewhere the tests skip.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOMY = "512m"


class Disk:
    """A mounted folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, spare: int) -> None:
        """Leave so many bytes free, in pages of 4 KiB."""
        used = os.statvfs(self.folder)
        taken = (used.f_blocks - used.f_bfree) * used.f_frsize
        self._remount(f"size={taken + spare}")

    def widen(self) -> None:
        """Give it room again."""
        self._remount(f"size={ROOMY}")

    def lock(self) -> None:
        """Let nobody write, not even root."""
        self._remount("ro")

    def unlock(self) -> None:
        """Let everybody write again."""
        self._remount("rw")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """A file system of its own in the place of a folder, with what is in it."""
    kept = folder.with_name(f"{folder.name}.kept")
    folder.rename(kept)
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "none", str(folder)], capture_output=True)
    if made.returncode:
        folder.rmdir()
        kept.rename(folder)
        pytest.skip("only root may mount a small disk, and not in every container")
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def all_mounted(folders: list[Path]) -> Iterator[dict[str, Disk]]:
    """A file system for each of these folders, by the folder's name."""
    with ExitStack() as stack:
        yield {folder.name: stack.enter_context(mounted(folder)) for folder in folders}


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """No file that this process writes may grow beyond so many bytes, until the end of the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
