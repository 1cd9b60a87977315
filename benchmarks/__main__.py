"""``make bench``: what the pipeline costs, and its ratio to a bare DuckDB script.

Needs the real files (DRUGFLOW_REAL_DATA). ``python -m benchmarks refresh`` measures whole refreshes,
``python -m benchmarks scale 1 10 100`` the stages at multiples of the BTS rows, ``python -m benchmarks trends`` the
statistics on ten times the series and the months of the current release; without words, the first two.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, run, stage
from pipelines.core.settings import PROJECT_ROOT

STAGES = ("ingest", "clean", "judge", "history", "facts")
DRUGFLOW = str(Path(sys.executable).with_name("drugflow"))


def real_mirror() -> Path:
    """The mirror of real files, or a sentence and the end."""
    place = Path(os.environ.get("DRUGFLOW_REAL_DATA", PROJECT_ROOT.parent / "shared" / "real_data")) / "mirror"
    if not place.is_dir():
        sys.exit(f"The real files are not at {place}: set DRUGFLOW_REAL_DATA to the folder that has mirror/.")
    return place


def environment(folder: Path) -> dict[str, str]:
    """An installation of its own below a scratch folder."""
    return {
        "DRUGFLOW_DATA_RAW": str(folder / "raw"),
        "DRUGFLOW_DATA_MARTS": str(folder / "marts"),
        "DRUGFLOW_DAGSTER_HOME": str(folder / "dagster"),
    }


def tell(name: str, cost: Cost, remark: str = "") -> None:
    """One row of the results, at once, so that a long run shows its progress."""
    sys.stdout.write(f"| {name:42} | {cost} | {remark} |\n")
    sys.stdout.flush()


def refreshes(folder: Path) -> Path:
    """Whole refreshes on the real mirror; returns the build file."""
    mirror = folder / "mirror"
    newest = max((real_mirror() / "cdc_vsrr_overdose").iterdir())
    shutil.copytree(real_mirror(), mirror)
    shutil.rmtree(mirror / "cdc_vsrr_overdose" / newest.name)
    env = environment(folder)
    origin = f"mirror:{mirror}"
    tell("import of the definitions", run([sys.executable, "-c", "import pipelines.definitions"], env))
    tell("first refresh of all vintages but one", run([DRUGFLOW, "refresh", "--origin", origin], env))
    tell("unchanged refresh", run([DRUGFLOW, "refresh"], env))
    shutil.copytree(newest, mirror / "cdc_vsrr_overdose" / newest.name)
    tell("refresh after one new VSRR vintage", run([DRUGFLOW, "refresh"], env))
    tell("full refresh, everything derived again", run([DRUGFLOW, "refresh", "--full"], env))
    sample = environment(folder / "sample")
    tell("sample refresh in an empty folder", run([DRUGFLOW, "refresh", "--origin", "sample"], sample))
    return folder / "marts" / "build" / "official" / "drugflow.duckdb"


def scale(folder: Path, build: Path, multiples: list[int]) -> None:
    """The stages of the BTS source at multiples of its rows, beside the bare script."""
    mirror = real_mirror()
    cbp = str(max((mirror / "cbp_drug_seizures").iterdir()) / "nationwide-drugs-fy23-fy26-dec.csv")
    vsrr = str(mirror / "cdc_vsrr_overdose" / "2025-07-16" / "xkb8-kh2a.parquet")
    original = str(mirror / "bts_border_crossings" / "2025-04-01" / "Border_Crossing_Entry_Data.csv.gz")
    for times in multiples:
        place = folder / f"x{times}"
        place.mkdir()
        stage("multiply", str(place), original, str(times))
        bts = str(place / "mirror" / "bts_border_crossings" / "2025-04-01" / "Border_Crossing_Entry_Data.csv")
        bare = stage("limit", str(place), cbp, vsrr, bts)
        tell(f"bare script, BTS x{times}", bare)
        costs = {n: stage(n, str(place), *([str(build)] if n == "facts" else [])) for n in STAGES}
        for name, cost in costs.items():
            tell(f"{name}, BTS x{times}", cost, f"{cost.wall / bare.wall:.1f} times the bare script")
        total = sum(c.wall for n, c in costs.items() if n != "judge")
        sys.stdout.write(
            f"ingest to facts without validation, x{times}: {total:.1f} s, {total / bare.wall:.1f} times\n"
        )
        shutil.rmtree(place)


def main(words: list[str]) -> None:
    """Measure what the words name."""
    if words == ["trends"]:
        from benchmarks.trends import measure

        measure()
        return
    numbers = [int(w) for w in words if w.isdigit()] or [1, 10, 100]
    with tempfile.TemporaryDirectory(prefix="drugflow-bench-") as scratch:
        sys.stdout.write("| what | wall | processor | peak memory | |\n|---|---|---|---|---|\n")
        build = refreshes(Path(scratch) / "refresh")
        if "refresh" not in words:
            scale(Path(scratch), build, numbers)


if __name__ == "__main__":
    main(sys.argv[1:])
