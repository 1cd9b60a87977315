"""``make night``: fourteen nights against agencies on loopback, and whether the end equals a mirror's.

Needs the real files (DRUGFLOW_REAL_DATA). One night runs through dagster-daemon, dagster-webserver and the schedule,
the others through the same job in this process. Prints the table and writes it into docs/operations.md; exit code 1
where anything differs from what the calendar says must come.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.__main__ import real_mirror
from pipelines.core.settings import PROJECT_ROOT, Settings
from pipelines.definitions import run_refresh_job
from pipelines.refresh.protocol import refreshing
from pipelines.refresh.refresh import refresh
from pipelines.releases.manifest import Manifest, current_manifest
from rehearsals import disk
from rehearsals.agencies import Publisher
from rehearsals.calendar import CBP, Night, calendar
from rehearsals.daemon import scheduled_night
from rehearsals.installation import DRUGFLOW, PATIENCE_SECONDS, environment, installation, on
from rehearsals.nights import Came, run_job, run_night
from rehearsals.table import as_markdown, write_into
from tests.agency.server import Agency, serving
from tests.agency.sink import Sink, listening

THROUGH_THE_DAEMON = date(2026, 1, 16)
PAGE = PROJECT_ROOT / "docs" / "operations.md"


def main() -> int:
    """Run everything; 0 where all came as it must."""
    mirror, began = real_mirror(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drugflow-night-") as scratch, serving() as agency, listening() as sink:
        folder = Path(scratch)
        settings = installation(folder, agency.address, sink.address)
        publisher = Publisher(agency, mirror, folder / "mirror")
        came = []
        for night in calendar(3 * PATIENCE_SECONDS):
            came.append(one(night, settings, publisher, agency, sink))
            tell(came[-1], len(came))
        taken = disk.budget(settings, len(came))
        ours, theirs = current_manifest(settings), from_mirror(folder, publisher.own)
    wrong = [sentence for c in came for sentence in c.wrong] + differences(ours, theirs)
    minutes = (time.monotonic() - began) / 60
    assert ours is not None
    same = (
        f"The last release has the content hash {ours.content_hash}, and so has that of `--origin mirror` on the same "
        "vintages."
        if ours.content_hash == theirs.content_hash
        else "**The last release differs from that of `--origin mirror` on the same vintages.**"
    )
    text = f"{as_markdown(came)}\n\n{same} It took {minutes:.1f} minutes."
    print(f"\n{text}\n")
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    if not wrong:
        write_into(PAGE, text)
        write_into(PAGE, taken, disk.BEGIN, disk.END)
    return 1 if wrong else 0


def one(night: Night, settings: Settings, publisher: Publisher, agency: Agency, sink: Sink) -> Came:
    """Publish, misbehave, run, behave again."""
    agency.heal()
    first = not settings.current.exists()
    for item in night.published:
        publisher.publish(item, on(settings, night.day))
    if first:
        # As an operator does on the first day: the nightly look takes the newest month alone.
        command = [DRUGFLOW, "backfill", "--source", CBP]
        subprocess.run(command, env=environment(on(settings, night.day)), cwd=PROJECT_ROOT, check=True)
    night.misbehave(agency)
    if night.day == THROUGH_THE_DAEMON:
        how = "through dagster-daemon, dagster-webserver and the schedule"
        return run_night(night, settings, sink, scheduled_night, how)
    return run_night(night, settings, sink, run_job, "")


def tell(came: Came, number: int) -> None:
    """A line for the terminal as soon as a night is over."""
    loud = ", ".join(f"{s} {w}" for s, w in came.words.items() if w != "unchanged") or "all unchanged"
    print(f"night {number:>2} {came.night.day}: {loud}; release {came.released}; "
          f"alerts: {came.told or 'none'}", flush=True)  # fmt: skip
    for sentence in came.wrong:
        print(f"  WRONG: {sentence}", flush=True)


def from_mirror(folder: Path, mirror: Path) -> Manifest:
    """The release that the same vintages give through a mirror, in an installation of its own."""
    own = Settings(
        origin=f"mirror:{mirror}",
        data_raw=folder / "other" / "data_raw",
        data_marts=folder / "other" / "data_marts",
        dagster_home=folder / "other" / "dagster_home",
    )
    with refreshing(own, "the rehearsal", print) as running:
        outcome = refresh(running, [], False, lambda _step, _word: None, run_refresh_job)
    assert outcome.manifest is not None, outcome.failure
    return outcome.manifest


def differences(ours: Manifest | None, theirs: Manifest) -> list[str]:
    """Tables that differ between the two releases."""
    assert ours is not None
    names = sorted({*ours.tables, *theirs.tables})
    return [f"{n} differs from the mirror's" for n in names if ours.tables.get(n) != theirs.tables.get(n)]


if __name__ == "__main__":
    sys.exit(main())
