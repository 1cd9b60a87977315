"""The dictionary: every released table and column with type, unit, both languages and null rule.

What belongs here: reading and joining the table files, and the rows of meta.dictionary. What does not: what one file
must say (table), the properties that dbt reads (dbt.properties), building tables (dbt), exporting them (release).

A table is a file, ``<name>.table.yml``: that of a mart beside its SQL, in ``dbt_project/models/marts/<subject>/``; that
of a table which a release writes itself in ``pipelines/release/tables/<schema>/``. Columns that several tables share
are in ``columns.yml``. The history table of a source follows from the source's description and has no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.catalog.load import load_catalog
from pipelines.catalog.recipe_check import recipe_problems
from pipelines.catalog.source import Source
from pipelines.catalog.table import Column, Table
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_yaml
from pipelines.core.settings import PROJECT_ROOT

MODELS = Path("dbt_project", "models")
RELEASE = Path("pipelines", "release", "tables")
SHARED = Path("pipelines", "catalog", "columns.yml")
SUFFIX = ".table.yml"

STATE_COLUMNS = (
    "history_scope",
    "value_vintage",
    "history_first_vintage",
    "last_vintage",
    "replaced_vintage",
    "excerpt_vintages",
    "change",
)
STATE = (
    "The row is one state of a record ({change}): a state begins with the first vintage that has its values, and ends "
    "before the next one that has others or no such record. The history stage makes the states of the clean rows of "
    "every accepted vintage (pipelines/history/revisions.py)."
)
OF_STATE = {"vintage": "value_vintage", "state": "first_vintage", "withdrawn": "This state says so."}
"""Explain recipe of a history table: a row of it is one state of a record."""
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
_SCHEMAS = ("marts", "history", "meta")


def load_dictionary(root: Path = PROJECT_ROOT, sources: Iterable[Source] | None = None) -> list[Table]:
    """All tables by schema and position, then the history table of each source, with their columns resolved.

    sources is the catalogue unless given; a root of its own brings none along.

    Raises DrugflowError with one sentence for each mistake, naming file, table and column.
    """
    if sources is None:
        sources = load_catalog().values() if root == PROJECT_ROOT else ()
    reader = _Reader(_read(root / SHARED))
    tables = reader.tables(root)
    tables += [t for s in sources if (t := reader.history(s)) is not None]
    reader.problems += [
        f"{SHARED.name}: column {n} is used by no table; remove it or use it."
        for n in reader.shared
        if n not in reader.used
    ]
    reader.problems += _dangling(tables)
    # A table that could not be read would make every recipe that mentions it wrong as well.
    reader.problems += [] if reader.problems else recipe_problems(tables)
    if reader.problems:
        raise DrugflowError("\n".join(reader.problems))
    return tables


def as_of_macros(tables: Iterable[Table]) -> dict[str, str]:
    """The fact that each as-of macro gives as it was known on a date, by the macro's name."""
    return {t.as_of: t.name for t in tables if t.as_of}


def model_path(name: str) -> Path:
    """Where the SQL of a model lies, seen from the project's folder."""
    return next((PROJECT_ROOT / MODELS).rglob(f"{name}.sql")).relative_to(PROJECT_ROOT)


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


class _Reader:
    """The table files with the shared columns; problems collects a sentence for each mistake."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared
        self.used: set[str] = set()
        self.problems: list[str] = []

    def tables(self, root: Path) -> list[Table]:
        """The tables that have a file, by schema and position; those without a position after the others, by name."""
        found: dict[str, dict[str, Any]] = {}
        for folder in (root / MODELS, root / RELEASE):
            for path in sorted(folder.rglob(f"*{SUFFIX}")):
                raw, told = _read(path), self._told(path, folder, root)
                if typed := sorted(raw.keys() & told.keys()):
                    self.problems.append(f"{path.name} says {', '.join(typed)}, which its name and folder say.")
                if told["name"] in found:
                    self.problems.append(f"{path.name} is there twice: a table has one file.")
                found[told["name"]] = {**raw, **told}
        for raw in found.values():
            raw["columns"] = list(self._entries(raw, found))
        made = (self._table(f"{raw['name']}{SUFFIX}", raw) for raw in found.values())
        return sorted((t for t in made if t is not None), key=_rank)

    def history(self, source: Source) -> Table | None:
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
            if column.name in self.shared:
                columns.append({"use": column.name, **own})
            else:
                columns.append({"name": column.name, "type": TYPES[column.type], "unit": column.unit, **own})
        raw = {
            "name": source.id,
            "schema": "history",
            "made_by": "history",
            "en": f"All states of every published row: {source.title.en}. One row per key and state; a state is "
            "current where last_vintage is null. Nothing is filled in.",
            "es": f"Todos los estados de cada fila publicada: {source.title.es}. Una fila por llave y estado; un "
            "estado es el vigente si last_vintage es nulo. Nada está completado.",
            "grain": [*source.key, "first_vintage"],
            "columns": columns + list(STATE_COLUMNS),
            "explain": {"steps": [STATE, {"record": {"source": source.id, **OF_STATE}}]},
        }
        return self._table(f"{source.id}.yml", raw)

    def _told(self, path: Path, folder: Path, root: Path) -> dict[str, Any]:
        """What a file's name and place say: a mart is made by the model beside it."""
        name = path.name.removesuffix(SUFFIX)
        schema, *subject = path.parent.relative_to(folder).parts
        told: dict[str, Any] = {"name": name, "schema": schema}
        if folder != root / MODELS:
            return {**told, "made_by": "history" if schema == "history" else "release"}
        if not any(path.with_name(name + kind).is_file() for kind in (".sql", ".py")):
            self.problems.append(f"{path.name}: there is no model beside it, {name}.sql or {name}.py.")
        return {**told, "made_by": "dbt", "subject": "/".join(subject)}

    def _entries(self, raw: dict[str, Any], found: dict[str, dict[str, Any]]) -> Iterator[Any]:
        """The columns of a file; {all_of: <table>, except: [<column>, …]} stands for those of another."""
        for entry in raw.get("columns") or []:
            if not isinstance(entry, dict) or "all_of" not in entry:
                yield entry
            elif (other := found.get(entry["all_of"])) is None:
                self.problems.append(f"{raw['name']}{SUFFIX}: all_of names {entry['all_of']}, which has no file.")
            else:
                yield from (e for e in other["columns"] if _name(e) not in entry.get("except", ()))

    def _table(self, file: str, raw: dict[str, Any]) -> Table | None:
        where = f"{file}: table {raw['name']}"
        before = len(self.problems)
        columns = [self._column(where, entry) for entry in raw["columns"]]
        if len(self.problems) > before:
            return None
        try:
            return Table.model_validate({**raw, "columns": columns})
        except ValidationError as error:
            self.problems += _sentences(where, error)
            return None

    def _column(self, where: str, entry: Any) -> Column | None:
        """A column from a shared name, a mapping that overrides one ({use: ...}), or a whole mapping."""
        own: dict[str, Any] = {"use": entry} if isinstance(entry, str) else dict(entry)
        base: dict[str, Any] = {}
        if (use := own.pop("use", None)) is not None:
            if use not in self.shared:
                self.problems.append(f"{where}, column {use}: {SHARED.name} has no column of that name.")
                return None
            self.used.add(use)
            base = {"name": use, **self.shared[use]}
            if own.get("nullable") is False:
                base.pop("null_en", None)
                base.pop("null_es", None)
        whole = {**base, **own}
        try:
            return Column.model_validate(whole)
        except ValidationError as error:
            self.problems += _sentences(f"{where}, column {whole.get('name', '(without a name)')}", error)
            return None


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise DrugflowError(f"{path.name} of the dictionary cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise DrugflowError(f"{path.name} holds a {type(raw).__name__}, expected a mapping at its top.")
    return raw


def _name(entry: Any) -> Any:
    """Name of a column as a file gives it."""
    return entry.get("name", entry.get("use")) if isinstance(entry, dict) else entry


def _rank(table: Table) -> tuple[int, bool, int, str]:
    return _SCHEMAS.index(table.table_schema), table.position is None, table.position or 0, table.name


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
