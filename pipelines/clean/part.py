"""A chunk on its way to the clean frame, with the account of every record it began with.

What belongs here: the bookkeeping that makes records in = clean + set aside + rejected.
What does not: any rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipelines.clean.files import LINE
from pipelines.vocabulary import DrugflowError


@dataclass
class Part:
    """Records of one chunk of one file. frame always has the column _line."""

    file: str
    records: int
    aside: dict[str, int] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    raw: pl.DataFrame = field(default_factory=pl.DataFrame)

    def set_aside(self, rows: pl.Expr, rule: str) -> None:
        """Take rows out of the frame under a named rule; a null condition keeps the row."""
        out = self.frame.select(rows.fill_null(False).alias("out"))["out"]
        if count := int(out.sum()):
            self.aside[rule] = self.aside.get(rule, 0) + count
            self.frame = self.frame.filter(~out)

    def reject(self, rows: pl.Expr, column: str, reason: str, value: str | None = None) -> None:
        """Take rows out of the frame as unreadable.

        column is the publisher's header, reason the end of a sentence, value the raw column's id.
        """
        bad = self.frame.filter(rows.fill_null(False))
        if bad.height:
            self.reject_lines(bad[LINE].to_list(), column, value, reason)

    def reject_lines(self, lines: list[int], column: str, value: str | None, reason: str) -> None:
        """Reject the given lines, each once, with its raw record."""
        chosen = set(lines) & set(self.frame[LINE].to_list())
        if not chosen:
            return
        source = self.raw.filter(pl.col(LINE).is_in(list(chosen))) if self.raw.height else self.frame
        source = source.filter(pl.col(LINE).is_in(list(chosen)))
        texts = [c for c in source.columns if c != LINE]
        for row in source.iter_rows(named=True):
            self.rejected.append(
                {
                    "file": self.file,
                    "line": row[LINE],
                    "column": column,
                    "value": None if value is None else str(row.get(value)),
                    "reason": reason,
                    "record": ",".join("" if row[c] is None else str(row[c]) for c in texts)[:500],
                }
            )
        self.frame = self.frame.filter(~pl.col(LINE).is_in(list(chosen)))

    def check(self) -> None:
        """Raise DrugflowError unless every record is accounted for."""
        kept, aside, out = self.frame.height, sum(self.aside.values()), len(self.rejected)
        if kept + aside + out != self.records:
            raise DrugflowError(
                f"{self.file}: {self.records} records in, but {kept} clean + {aside} set aside + {out} rejected. "
                "This is an error in the cleaning code; nothing was published."
            )
