"""Running a piece of work in a process of its own, with its time and peak memory.

What belongs here: measuring. What does not: what is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds (children included) and the peak memory of the largest process, in MB."""

    wall: float
    cpu: float
    peak_mb: float

    def __str__(self) -> str:
        """As a table cell."""
        return f"{self.wall:6.1f} s | {self.cpu:6.1f} s | {self.peak_mb:7,.0f} MB"


def run(command: list[str], environment: dict[str, str] | None = None, expect: tuple[int, ...] = (0,)) -> Cost:
    """Cost of one command; raises RuntimeError with its last words where it fails."""
    read, write = os.pipe()
    started = time.perf_counter()
    wrapper = [sys.executable, "-c", _WRAPPER, str(write), *command]
    whole = {**os.environ, **(environment or {})}
    done = subprocess.run(wrapper, env=whole, pass_fds=[write], capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    os.close(write)
    with os.fdopen(read) as pipe:
        code, cpu, peak = pipe.read().split()
    if int(code) not in expect:
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {done.stdout[-800:]} {done.stderr[-800:]}")
    return Cost(wall, float(cpu), float(peak))


_WRAPPER = """
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
scale = 1024 if sys.platform != "darwin" else 1024 * 1024
os.write(int(sys.argv[1]), f"{code} {used.ru_utime + used.ru_stime} {used.ru_maxrss / scale}".encode())
"""


def stage(name: str, *arguments: str) -> Cost:
    """Cost of one stage of benchmarks.stages in a fresh process."""
    return run([sys.executable, "-m", "benchmarks.stages", name, *arguments])


def folder_mb(path: Path) -> float:
    """Size of all files below a folder."""
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) / 1e6
