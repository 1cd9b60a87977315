"""The scope of a row as one text, which joins a vintage's rows with what it covers."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pipelines.catalog.source import Source


def scope_text(source: Source) -> pl.Expr:
    """The scope columns of a row as one text; empty where the source has no scope dimension."""
    return joined(pl.col(c) for c in source.scope) if source.scope else pl.lit("")


def joined(values: Iterable[pl.Expr]) -> pl.Expr:
    """Values with a stroke between them; a stroke inside a value is marked, so that no two scopes have one text."""
    texts = [v.cast(pl.String).str.replace_all(r"([\\/])", r"\${1}") for v in values]
    return pl.concat_str(texts, separator="/")
