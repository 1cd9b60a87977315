"""What the rehearsal's installation takes on the disk, as a table."""

from __future__ import annotations

from pathlib import Path

from pipelines.core.settings import Settings

BEGIN, END = "<!-- disk, written by make night -->", "<!-- end of disk -->"


def megabytes(folder: Path) -> float:
    """Bytes of all files below a folder, links not followed, in millions."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def budget(settings: Settings, nights: int) -> str:
    """A row for each thing that grows or not, measured. nights: runs of the job, with news or without."""
    archive = settings.data_raw / "official"
    vintages = [v for s in archive.iterdir() if s.is_dir() for v in s.iterdir()]
    releases = [megabytes(r) for r in settings.releases.iterdir() if r.is_dir()]
    between = sum(megabytes(settings.data_marts / n) for n in ("clean", "quality", "history", "build"))
    return "\n".join(
        [
            "| what | now | grows |",
            "|---|---|---|",
            f"| archive, {len(vintages)} vintages | {megabytes(archive):,.0f} MB | with every vintage, for ever; the "
            f"largest here has {max(map(megabytes, vintages)):,.0f} MB |",
            f"| one release | {max(releases):,.0f} MB | `DRUGFLOW_KEEP_RELEASES` and the current one are kept |",
            f"| stages between | {between:,.0f} MB | with every vintage |",
            f"| Dagster's home | {megabytes(settings.dagster_home):,.0f} MB | by "
            f"{megabytes(settings.dagster_home) / nights:,.1f} MB a night, with news or without |",
            f"| look's memory and log | {megabytes(settings.live) + _log(settings):,.1f} MB | no |",
        ]
    )


def _log(settings: Settings) -> float:
    """Bytes of the log of the command line's last refresh, in millions; none where all runs are the schedule's."""
    path = settings.data_marts / "refresh.log"
    return path.stat().st_size / 1e6 if path.exists() else 0.0
