"""The dictionary: every released table and column with type, unit, both languages and null rule.

What belongs here: reading and checking the YAML files beside this module, and what is made from them (the
properties file of the marts models, the rows of meta.dictionary, comments). What does not: building tables
(dbt), exporting them (release).

``python -m pipelines.catalog.dictionary`` rewrites ``_marts.yml`` and ``_sources.yml`` of the dbt project.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.catalog.load import get_source, load_catalog
from pipelines.catalog.source import Source, Subject
from pipelines.core.errors import DrugflowError
from pipelines.core.files import atomic_path, read_yaml

FOLDER = Path(__file__).parents[1] / "release" / "dictionary"
SHARED = "columns.yml"
FILES = (
    "dimensions.yml",
    "facts.yml",
    "trends.yml",
    "trends_crossings.yml",
    "trends_comparisons.yml",
    "trends_years.yml",
    "trends_statistics.yml",
    "trends_revisions.yml",
    "history.yml",
    "meta.yml",
)
PROJECT = Path(__file__).resolve().parents[2]
MARTS_YAML = PROJECT / "dbt_project" / "models" / "marts" / "_marts.yml"
SOURCES_YAML = PROJECT / "dbt_project" / "models" / "staging" / "_sources.yml"

AS_OF = {
    "seizures_as_of": "seizures_monthly",
    "overdose_deaths_as_of": "overdose_deaths_12mo",
    "crossings_as_of": "border_crossings_monthly",
}
"""The fact that each as-of macro gives as it was known on a date."""
STATE_COLUMNS = (
    "history_scope",
    "value_vintage",
    "history_first_vintage",
    "last_vintage",
    "replaced_vintage",
    "excerpt_vintages",
    "change",
)
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
Schema = Literal["marts", "history", "meta"]
_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_COLUMN = r"^dim_[a-z_]+\.[a-z][a-z0-9_]*$"
_TYPE = r"^(VARCHAR|BOOLEAN|INTEGER|BIGINT|DOUBLE|DATE|TIMESTAMP)(\[\])?$"
# Names that DuckDB reads as an operator: unquoted, "select overlaps from ..." is a syntax error.
_QUOTED = frozenset({"overlaps"})
_HEADER = """\
# Written by: make docs, from pipelines/release/dictionary and pipelines/sources. Edit those, not this.
"""


class _Strict(BaseModel):
    """Unknown keys are errors: a misspelt key must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Column(_Strict):
    """One released column. check lists the only values it may have (nulls aside): a mart refuses any other.

    refers names the dimension's column that holds each of its values: dbt tests it (in the dimension itself
    it is the key, and nothing is tested).
    """

    name: str = Field(pattern=_NAME)
    type: str = Field(pattern=_TYPE, description="DuckDB type")
    unit: str | None = None
    nullable: bool = False
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)
    null_en: str | None = Field(default=None, description="when and why it is null")
    null_es: str | None = None
    check: list[str] = []
    refers: str | None = Field(default=None, pattern=_COLUMN)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rule = bool(self.null_en), bool(self.null_es)
        if self.nullable and not all(rule):
            raise ValueError("may be null, so null_en and null_es must say when and why")
        if not self.nullable and any(rule):
            raise ValueError("has a null rule but is not nullable: set nullable or remove the rule")
        if self.check and self.type != "VARCHAR":
            raise ValueError(f"has a list of accepted values, which is for VARCHAR, not for {self.type}")
        return self

    @property
    def text_en(self) -> str:
        """English text, with the values of check where it does not name them: a reader must filter on them."""
        return self._naming(self.en, "Values")

    @property
    def text_es(self) -> str:
        """The same in Spanish."""
        return self._naming(self.es, "Valores")

    @property
    def comment(self) -> str:
        """English text with unit and null rule, as COMMENT ON and dbt show it."""
        unit = f"Unit: {self.unit}." if self.unit else None
        return " ".join(text for text in (self.text_en, unit, self.null_en) if text)

    def _naming(self, text: str, word: str) -> str:
        named = set(self.check) <= set(re.findall(r"\w+", text))
        return text if named else f"{text} {word}: {', '.join(self.check)}."


class Table(_Strict):
    """One released table or view. grain names the columns that tell its rows apart.

    made_by: dbt has a model of that name; release writes the table when a release is assembled.
    """

    name: str = Field(pattern=_NAME)
    table_schema: Schema = Field(alias="schema")
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)
    grain: list[str] = Field(min_length=1)
    source: str | None = Field(default=None, description="the one source that it comes from")
    subject: Subject | Literal["shared"] | None = Field(default=None, description="of a mart; unset: its source's")
    made_by: Literal["dbt", "release"] = "dbt"
    columns: list[Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [c.name for c in self.columns]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"has {', '.join(twice)} twice")
        if missing := sorted(set(self.grain) - set(names)):
            raise ValueError(f"has {', '.join(missing)} in its grain but not among its columns")
        loose = sorted(c.name for c in self.columns if c.name in self.grain and c.nullable)
        if loose and self.table_schema != "meta":
            raise ValueError(f"has {', '.join(loose)} in its grain, which may be null: a key is never null")
        return self

    @property
    def full_name(self) -> str:
        """Schema and name, as in a query."""
        return f"{self.table_schema}.{self.name}"


def load_dictionary(folder: Path = FOLDER, sources: Iterable[Source] | None = None) -> list[Table]:
    """All tables in the order of the files, then the history table of each source, with their columns resolved.

    sources is the catalogue unless given; a folder of its own brings none along.

    Raises DrugflowError with one sentence for each mistake, naming file, table and column.
    """
    if sources is None:
        sources = load_catalog().values() if folder == FOLDER else ()
    problems: list[str] = []
    shared = _read(folder / SHARED, dict)
    used: set[str] = set()
    tables: list[Table] = []
    for file in FILES:
        for raw in _read(folder / file, list):
            table = _table(file, raw, shared, used, problems)
            if table is None:
                continue
            if table.full_name in {t.full_name for t in tables}:
                problems.append(f"{file}: table {table.full_name} is there twice.")
            tables.append(table)
    tables += [t for s in sources if (t := _history(s, shared, used, problems)) is not None]
    problems += [f"{SHARED}: column {n} is used by no table; remove it or use it." for n in shared if n not in used]
    problems += _dangling(tables)
    if problems:
        raise DrugflowError("\n".join(problems))
    return tables


def dictionary_rows(tables: Iterable[Table] | None = None) -> list[dict[str, Any]]:
    """Rows of meta.dictionary: one for each table (column_name None), then one for each of its columns."""
    rows: list[dict[str, Any]] = []
    for table in load_dictionary() if tables is None else tables:
        place = {"table_schema": table.table_schema, "table_name": table.name}
        rows.append(
            {
                **place,
                "column_name": None,
                "data_type": None,
                "unit": None,
                "is_nullable": None,
                "description_en": table.en,
                "description_es": table.es,
                "null_rule_en": None,
                "null_rule_es": None,
            }
        )
        rows += [
            {
                **place,
                "column_name": column.name,
                "data_type": column.type,
                "unit": column.unit,
                "is_nullable": column.nullable,
                "description_en": column.text_en,
                "description_es": column.text_es,
                "null_rule_en": column.null_en,
                "null_rule_es": column.null_es,
            }
            for column in table.columns
        ]
    return rows


def dbt_yaml(tables: Iterable[Table]) -> str:
    """The dbt properties file of the given tables, each an enforced contract with its tests."""
    lines = [f"{_HEADER}version: 2\n\nmodels:\n"]
    for table in tables:
        model = {
            "name": table.name,
            "description": table.en,
            "config": {"contract": {"enforced": True}, "meta": {"subject": _subject(table)}},
            "data_tests": [{"unique_key": {"arguments": {"columns": table.grain}}}],
        }
        lines.append("".join(f"{'  - ' if k == 'name' else '    '}{_line({k: v})}" for k, v in model.items()))
        lines.append("    columns:\n")
        lines += [f"      - {_flow(_dbt_column(table, column))}" for column in table.columns]
        lines.append("\n")
    return "".join(lines).rstrip("\n") + "\n"


def _subject(table: Table) -> str:
    """The group of a mart in the asset graph."""
    if table.subject:
        return table.subject
    if table.source is None:
        raise DrugflowError(f"{table.full_name} comes from no single source: give it a subject in the dictionary.")
    return get_source(table.source).subject


def render() -> str:
    """The properties file of the marts models as the dictionary says it now."""
    return dbt_yaml(t for t in load_dictionary() if t.table_schema == "marts" and t.made_by == "dbt")


def render_sources() -> str:
    """The properties file of what dbt reads: one history a source, and the coverage of all."""
    place = "read_parquet('{{ env_var('DRUGFLOW_HISTORY', '../data_marts/history/sample') }}/{name}.parquet')"
    named = {s.id: s.title.en for s in load_catalog().values() if s.status == "active"}
    named["coverage"] = "What each accepted vintage speaks about, of all sources."
    lines = [_HEADER, "version: 2\n\nsources:\n  - name: history\n"]
    lines.append("    description: Revision histories, one Parquet file a source, written by the history stage.\n")
    lines.append(f"    config:\n      meta:\n        {_line({'external_location': place})}    tables:\n")
    lines += [f"      - {_flow({'name': name, 'description': text})}" for name, text in named.items()]
    return "".join(lines)


def main() -> None:
    """Rewrite the properties files of the marts models and of what dbt reads."""
    for target, text in ((MARTS_YAML, render()), (SOURCES_YAML, render_sources())):
        with atomic_path(target) as part:
            part.write_text(text, "utf-8")
        sys.stdout.write(f"Wrote {target.relative_to(PROJECT)}\n")


def _read(path: Path, kind: type) -> Any:
    try:
        raw = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise DrugflowError(f"{path.name} of the dictionary cannot be read: {error}") from error
    if not isinstance(raw, kind):
        raise DrugflowError(f"{path.name} holds a {type(raw).__name__}, expected a {kind.__name__} at its top.")
    return raw


def _history(source: Source, shared: dict[str, Any], used: set[str], problems: list[str]) -> Table | None:
    """The history table of a source: its key, values and annotations, then the state of each row."""
    withdrawn = {
        "nullable": True,
        "null_en": "Null where the publisher gives none or the row was withdrawn.",
        "null_es": "Nulo si la fuente no lo da o si la fila fue retirada.",
    }
    columns: list[Any] = []
    for column in source.frame:
        if column.role == "context":
            continue
        own: dict[str, Any] = {} if column.role == "key" else dict(withdrawn)
        if column.text is not None:
            # A text of its own says which of the shared column's values its source has.
            own |= {"en": column.text.en, "es": column.text.es, "check": []}
        if column.name in shared:
            columns.append({"use": column.name, **own})
        else:
            columns.append({"name": column.name, "type": TYPES[column.type], "unit": column.unit, **own})
    raw = {
        "name": source.id,
        "schema": "history",
        "source": source.id,
        "en": f"All states of every published row: {source.title.en}. One row per key and state; a state is current "
        "where last_vintage is null. Nothing is filled in.",
        "es": f"Todos los estados de cada fila publicada: {source.title.es}. Una fila por llave y estado; un estado es "
        "el vigente si last_vintage es nulo. Nada está completado.",
        "grain": [*source.key, "first_vintage"],
        "columns": columns + list(STATE_COLUMNS),
    }
    return _table(f"{source.id}.yml", raw, shared, used, problems)


def _table(file: str, raw: dict[str, Any], shared: dict[str, Any], used: set[str], problems: list[str]) -> Table | None:
    where = f"{file}: table {raw.get('name', '(without a name)')}"
    before = len(problems)
    columns = [_column(where, entry, shared, used, problems) for entry in raw.get("columns") or []]
    if len(problems) > before:
        return None
    try:
        return Table.model_validate({**raw, "columns": columns})
    except ValidationError as error:
        problems += _sentences(where, error)
        return None


def _column(where: str, entry: Any, shared: dict[str, Any], used: set[str], problems: list[str]) -> Column | None:
    """A column from a shared name, a mapping that overrides one ({use: ...}), or a whole mapping."""
    own: dict[str, Any] = {"use": entry} if isinstance(entry, str) else dict(entry)
    base: dict[str, Any] = {}
    if (use := own.pop("use", None)) is not None:
        if use not in shared:
            problems.append(f"{where}, column {use}: {SHARED} has no column of that name.")
            return None
        used.add(use)
        base = {"name": use, **shared[use]}
        if own.get("nullable") is False:
            base.pop("null_en", None)
            base.pop("null_es", None)
    whole = {**base, **own}
    try:
        return Column.model_validate(whole)
    except ValidationError as error:
        problems += _sentences(f"{where}, column {whole.get('name', '(without a name)')}", error)
        return None


def _dangling(tables: list[Table]) -> list[str]:
    """A sentence for each reference to a column that is not the key of its table."""
    keys = {f"{t.name}.{t.grain[0]}" for t in tables if t.table_schema == "marts" and len(t.grain) == 1}
    return [
        f"{table.full_name}, column {column.name}: refers to {column.refers}, which is not the key of a dimension."
        for table in tables
        for column in table.columns
        if column.refers and column.refers not in keys
    ]


def _sentences(where: str, error: ValidationError) -> list[str]:
    sentences = []
    for problem in error.errors():
        part = ".".join(str(p) for p in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        found = f" (found {problem['input']!r})" if part and problem["type"] != "missing" else ""
        sentences.append(f"{where}{f', key {part}' if part else ''}: {text}{found}.")
    return sentences


def _dbt_column(table: Table, column: Column) -> dict[str, Any]:
    text: dict[str, Any] = {"name": column.name, "data_type": column.type, "description": column.comment}
    if column.name in _QUOTED:
        text["quote"] = True
    constraints: list[dict[str, Any]] = [] if column.nullable else [{"type": "not_null"}]
    if column.check:
        # A constraint of the table costs nothing; a test of each column would be a query and a tenth of a second.
        values = ", ".join(f"'{value}'" for value in column.check)
        constraints.append({"type": "check", "expression": f"{column.name} in ({values})"})
    if constraints:
        text["constraints"] = constraints
    if column.refers and (place := column.refers.split("."))[0] != table.name:
        arguments = {"to": f"ref('{place[0]}')", "field": place[1]}
        text["data_tests"] = [{"relationships": {"arguments": arguments}}]
    return text


def _flow(value: Any) -> str:
    """One line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=sys.maxsize)


def _line(pair: dict[str, Any]) -> str:
    """``key: value`` with the value on the same line."""
    ((key, value),) = pair.items()
    return f"{key}: {_flow({'v': value})[4:-2]}\n"


if __name__ == "__main__":
    main()
