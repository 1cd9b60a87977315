"""Results of pure functions over series, kept by what went in: only a series whose rows changed is computed again.

What belongs here: finding which series are known, keeping results beside the build file. What does not: any
statistics (analysis). A result is found by a hash of the rows, the code and the libraries that made it, never by
a date or a name, so an old one cannot be taken for a new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import polars as pl

from pipelines.vocabulary import atomic_path, code_fingerprint, fingerprint, read_json, sha256_of, write_json

BUILD_FILE = "DRUGFLOW_BUILD_FILE"
_LIBRARIES = ("numpy", "polars", "ruptures", "scipy", "statsmodels")
_MARK = "series_mark"


def by_series(
    name: str,
    rows: pl.DataFrame,
    by: list[str],
    compute: Callable[[pl.DataFrame], pl.DataFrame],
    folder: Path | None = None,
) -> pl.DataFrame:
    """compute(rows), where it need not run again for series that it has seen.

    rows: all series, told apart by the columns of ``by``. compute gets whole series and returns any rows of them,
    with the columns of ``by``; a series may give none. folder: where results are kept, beside the build file unless
    given. A file there that is damaged or of other code is computed anew.
    """
    folder = folder or Path(os.environ[BUILD_FILE]).parent / "remembered"
    path, account = folder / f"{name}.parquet", folder / f"{name}.json"
    code = fingerprint([code_fingerprint(Path(__file__).parent / "analysis"), *map(version, _LIBRARIES), *by])
    marks = _marks(rows, by)
    kept = read_json(account) if path.exists() else None
    if kept and (kept["code"] != code or kept["sha256"] != sha256_of(path)):
        kept = None
    known = set(kept["marks"]) if kept else set()
    new = marks.filter(~pl.col(_MARK).is_in(list(known)))
    parts = []
    if kept:
        parts.append(pl.read_parquet(path).join(marks.select(_MARK), on=_MARK, how="semi"))
    if new.height or not parts:
        fresh = compute(rows.join(new, on=by, how="semi", nulls_equal=True))
        parts.append(fresh.join(marks, on=by, how="left", nulls_equal=True))
    result = pl.concat(parts)
    if new.height or known - set(marks[_MARK]):
        with atomic_path(path) as part:
            result.write_parquet(part)
        write_json(account, {"code": code, "marks": sorted(marks[_MARK]), "sha256": sha256_of(path)})
    return result.drop(_MARK)


def _marks(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The columns of by and a hash of all values of the series, whatever the order of its rows."""
    text = pl.concat_str([pl.col(c).cast(pl.String).fill_null("\0") for c in sorted(rows.columns)], separator="\x1f")
    series = rows.with_columns(text.alias(_MARK)).sort(_MARK).group_by(by, maintain_order=True)
    joined = series.agg(pl.col(_MARK).str.join("\x1e"))
    digest = [hashlib.sha256(content.encode()).hexdigest() for content in joined[_MARK]]
    return joined.with_columns(pl.Series(_MARK, digest, dtype=pl.String))
