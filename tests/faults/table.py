"""The table of faults, from the results that pytest wrote: python -m tests.faults.table RESULTS.xml PAGE.md."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- faults: begin, written by make faults -->", "<!-- faults: end -->"


@dataclass
class Row:
    """All cases of one test function. moments: how often the fault was brought about."""

    fault: str
    moments: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def outcome(self) -> str:
        """In a word, or how many were otherwise."""
        if self.failed:
            return f"**{self.failed} otherwise**"
        return "skipped" if self.skipped and not self.moments else "as it says"


def rows(results: Path) -> list[Row]:
    """One row a test function, in the order of files and lines."""
    found: dict[tuple[str, str], Row] = {}
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        function = case.attrib["name"].partition("[")[0]
        words = function.removeprefix("test_").replace("_", " ")
        row = found.setdefault((case.attrib["classname"], function), Row(words[0].upper() + words[1:]))
        row.failed += case.find("failure") is not None or case.find("error") is not None
        row.skipped += case.find("skipped") is not None
        row.moments += 0 if case.find("skipped") is not None else _moments(case)
    return [row for _, row in sorted(found.items())]


def _moments(case: ElementTree.Element) -> int:
    said = [p.attrib["value"] for p in case.iter("property") if p.attrib["name"] == "moments"]
    return int(said[0]) if said else 1


def lines(found: list[Row], seconds: float, today: str) -> Iterator[str]:
    """The table in Markdown, with its date and figures."""
    moments, failed = sum(r.moments for r in found), sum(r.failed for r in found)
    yield (
        f"Run of {today}: {len(found)} faults at {moments:,} moments in {seconds / 60:.0f} minutes, "
        f"{failed or 'none'} otherwise than said."
    )
    yield ""
    yield "| what holds | moments | outcome |"
    yield "|---|---:|---|"
    for row in found:
        yield f"| {row.fault} | {row.moments:,} | {row.outcome} |"


def write(results: Path, page: Path) -> None:
    """Put the table between its marks."""
    suite = next(ElementTree.parse(results).getroot().iter("testsuite"))
    table = "\n".join(lines(rows(results), float(suite.attrib["time"]), f"{datetime.now(UTC):%Y-%m-%d}"))
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
