"""Content hashes: what makes two builds from one archive equal.

What belongs here: hashing rows so that order, build time and the last digits of doubles do not count.
"""

from __future__ import annotations

import duckdb

from pipelines.core.fingerprint import fingerprint

UNHASHED = {
    "meta.release": None,
    "meta.vintages": {"origin", "retrieved_at"},
    "meta.source_facts": {"fetch_state", "failing_since", "fetch_problem", "last_attempt"},
}
"""Tables, or columns of a table, that say when and where a build was made rather than what it holds."""

SIGNIFICANT_DIGITS = 9


def table_hash(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[int, str]:
    """Row count and hash of a table: equal for equal rows in any order, doubles at nine significant digits.

    Each row is hashed with MD5 and the hashes are added, so the sum equals that over rows sorted by key.
    """
    skipped = UNHASHED.get(f"{schema}.{table}", set())
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? and table_name = ? order by column_index",
        [schema, table],
    ).fetchall()
    texts = []
    for name, kind in columns:
        if skipped is None or name in skipped:
            continue
        texts.append(_text(f'"{name}"', kind))
    row = "concat_ws('|', " + ", ".join(texts) + ")" if texts else "''"
    count, total = connection.execute(
        f'select count(*), coalesce(sum(cast(md5_number_lower({row}) as hugeint)), 0) from "{schema}"."{table}"'
    ).fetchone() or (0, 0)
    return count, fingerprint([str(count), str(total)])


def _text(column: str, kind: str) -> str:
    """SQL of a value as text that no other value of the column and no neighbour can be taken for.

    Words carry their length, so that where one ends counts; nothing is written for null but a lone ``-``;
    0.0 is added to doubles because -0.0 is the same figure.
    """
    if kind == "DOUBLE":
        text = f"format('{{:.{SIGNIFICANT_DIGITS}g}}', {column} + 0.0)"
    elif kind == "VARCHAR" or kind.endswith("[]"):
        text = f"strlen(cast({column} as varchar)) || ':' || cast({column} as varchar)"
    else:
        text = f"cast({column} as varchar)"
    return f"coalesce({text}, '-')"


def content_hash(tables: dict[str, str]) -> str:
    """One hash over the hashes of all tables."""
    return fingerprint(f"{name}:{value}" for name, value in sorted(tables.items()))
