"""A chunk on its way to the clean frame, with the account of every record it began with.

What belongs here: the bookkeeping that makes records in = clean + set aside + rejected.
What does not: any rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipelines.clean.split import LINE, LONGEST_TEXT, LONGEST_VALUE
from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Phrase, Text


@dataclass
class RecordBatch:
    """Records of one chunk of one file. frame always has the column _line.

    refused holds the rejected records as frames: file, line, column, value, reason, told, record.
    """

    file: str
    records: int
    aside: dict[str, int] = field(default_factory=dict)
    refused: list[pl.DataFrame] = field(default_factory=list)
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    raw: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """The rejected records, one dictionary each."""
        return [row for frame in self.refused for row in frame.iter_rows(named=True)]

    def set_aside(self, rows: pl.Expr, rule: str) -> None:
        """Take rows out of the frame under a named rule; a null condition keeps the row."""
        out = self.frame.select(rows.fill_null(False).alias("out"))["out"]
        if count := int(out.sum()):
            self.aside[rule] = self.aside.get(rule, 0) + count
            self.frame = self.frame.filter(~out)

    def reject(self, rows: pl.Expr, column: str, reason: Phrase | Text, value: str | None = None) -> None:
        """Take rows out of the frame as unreadable.

        column is the publisher's header, reason the end of a sentence in both languages, value the id of the column
        whose cell is told.
        """
        out = self.frame.select(rows.fill_null(False).alias("out"))["out"]
        if not out.any():
            return
        refused = self.frame.filter(out)
        # A line of a file with figures side by side is several rows; what the publisher wrote is the whole line.
        raw = self.raw if self.raw.height else refused
        written = refused.select(LINE).join(raw, on=LINE, how="left", maintain_order="left")
        texts = [pl.col(c).cast(pl.String).fill_null("") for c in written.columns if c != LINE]
        told = next((f[value].cast(pl.String) for f in (written, refused) if value in f.columns), None)
        self.refused.append(
            written.select(
                pl.lit(self.file).alias("file"),
                pl.col(LINE).alias("line"),
                pl.lit(column).alias("column"),
                (pl.lit(None, pl.String) if told is None else pl.lit(told)).str.slice(0, LONGEST_VALUE).alias("value"),
                pl.lit(reason.said("en")).alias("reason"),
                pl.lit(reason.model_dump_json()).alias("told"),
                pl.concat_str(texts, separator=",").str.slice(0, LONGEST_TEXT).alias("record"),
            ).cast({"line": pl.Int64})
        )
        self.frame = self.frame.filter(~out)

    def check(self) -> None:
        """Raise DrugflowError, of a kind in NOT_CONSERVED, unless every record is accounted for."""
        kept, aside, out = self.frame.height, sum(self.aside.values()), sum(f.height for f in self.refused)
        if kept + aside + out != self.records:
            told = {"records": self.records, "kept": kept, "aside": aside, "rejected": out}
            raise DrugflowError("chunk_lost_records", file=self.file, **told)
