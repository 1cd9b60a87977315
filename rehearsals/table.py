"""The table of the nights, for the terminal and for docs/operations.md."""

from __future__ import annotations

from pathlib import Path

from rehearsals.nights import Came

BEGIN, END = "<!-- written by make night -->", "<!-- end of what make night writes -->"


def rows(came: list[Came]) -> list[list[str]]:
    """A row for every source with news in a night, and one for the others."""
    found = []
    for number, night in enumerate(came, 1):
        told = "; ".join(t.removeprefix("drugflow: ") for t in night.told)
        loud = [s for s, w in night.words.items() if w not in ("unchanged", "late") or s in told]
        quiet = [s for s in night.words if s not in loud]
        first = [str(number), str(night.night.day)]
        for at, source in enumerate([*loud, ""] if quiet else loud):
            word = night.words[source] if source else _count([night.words[s] for s in quiet])
            alert = "; ".join(p for p in _parts(told) if p.startswith(f"{source} ")) if source else ""
            found.append(
                [
                    *(first if at == 0 else ["", ""]),
                    source or f"{'the others' if loud else 'all'}",
                    word,
                    night.vintages[source] if source else "",
                    night.released if at == 0 else "",
                    alert.removeprefix(f"{source} "),
                ]
            )
    return found


def _parts(told: str) -> list[str]:
    return [p for part in told.split("; ") for p in part.split(", ")]


def _count(words: list[str]) -> str:
    return ", ".join(f"{words.count(w)} {w}" for w in sorted(set(words)))


def as_markdown(came: list[Came]) -> str:
    """The table, and what went wrong on purpose in each night."""
    lines = ["| night | day | source | outcome | vintage | release | alert |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(came)]
    faults = [f"{n} {c.night.fault}" for n, c in enumerate(came, 1) if c.night.fault]
    how = [f"night {n} {c.how}" for n, c in enumerate(came, 1) if c.how]
    return "\n".join([*lines, "", f"On purpose: {'; '.join(faults)}.", f"{'; '.join(how).capitalize()}; the others"
                      " through the same job in one process."])  # fmt: skip


def write_into(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replace what stands between two marks of a page."""
    head, _, rest = page.read_text("utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", "utf-8")
