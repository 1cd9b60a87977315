"""From keys of a source to the publisher's records, each from a file whose bytes were verified first.

What belongs here: which vintages show a key, where its record stands, and its states. What does not: which keys a
figure is made of (recipes), reading a file (records).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.archive.vintages import RECEIPT, ArchivedVintage, Receipt
from pipelines.catalog.columns import TidyColumn
from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.clean.files import LINE, Limits, read_records
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json
from pipelines.core.problem import Phrase
from pipelines.query.explain.answer import Line, State, pairs
from pipelines.query.explain.current import Current, ReleasedVintage, Row
from pipelines.query.explain.records import Record, records_at
from pipelines.sources.modules import source_module

NEWEST = "newest vintage that has the record"
LAST = "last vintage that has the record"
STATE = "last vintage that has this state of the record"


@dataclass(frozen=True)
class Wanted:
    """A key whose record is wanted.

    vintage: newest vintage that covers the released row. absent and withdrawn: sentences that say what it means that
    no vintage has such a record, or that a newer one no longer has it. columns: the record's values that the released
    figure rests on; unset: all that it has. state: the first vintage of the state that is asked for; unset: the newest.
    """

    source: str
    key: Row
    vintage: date
    absent: str
    withdrawn: str
    columns: tuple[str, ...] = ()
    state: date | None = None


@dataclass
class Evidence:
    """What was found: sentences, records and states, in the order of the keys."""

    steps: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    history: list[State] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """A clean row: where its record stands.

    since: for the newest, from which vintage on its values stand. is_gone: whether a newer vintage no longer has it.
    """

    vintage: ReleasedVintage
    role: str
    row: Row
    since: str | None = None
    is_gone: bool = False


def gather(current: Current, wanted: list[Wanted], brief: bool = False) -> Evidence:
    """Records and states of the given keys. brief: the newest record only, and no sentences.

    Raises DrugflowError where the clean rows are not those of the release any more, or an archived file is absent or
    no longer has the bytes of its receipt.
    """
    evidence = Evidence()
    for source_id in dict.fromkeys(w.source for w in wanted):
        _gather(current, get_source(source_id), [w for w in wanted if w.source == source_id], brief, evidence)
    return evidence


def _gather(current: Current, source: Source, wanted: list[Wanted], brief: bool, evidence: Evidence) -> None:
    places: list[_Place] = []
    newest = _newest(current, source, wanted)
    for one in wanted:
        states = current.states(source.id, one.key)
        evidence.history += states
        if one.state is not None:
            states = [s for s in states if s.first_vintage <= one.state]
        if not states:
            evidence.steps.append(one.absent)
            evidence.lines += _absent(current, source, one, evidence)
            continue
        state = states[-1]
        if state.is_withdrawn:
            shown = states[-2]
            evidence.steps.append(
                f"The vintage of {shown.last_vintage} is the last with this record; that of {state.first_vintage} "
                f"covers its period and no longer has it. {one.withdrawn}"
            )
            last_with_it = _at(current, source, shown, shown.last_vintage or shown.first_vintage, LAST)
            places.append(replace(last_with_it, is_gone=True))
            continue
        if state.last_vintage is None:
            last = newest.get(_id(source, one.key))
        else:
            last = _at(current, source, state, state.last_vintage, STATE)
        if last is None:
            raise _stale(current, source, Phrase.of("stale.no_vintage_has", key=pairs(one.key)))
        _same(current, source, state, last.row)
        stands = _stands(source, states, one.columns)
        since = ", ".join(f"{values} since {first.value_vintage}" for first, values in stands) or "no figure"
        places.append(_Place(last.vintage, f"{last.role}: {since}", last.row, since))
        places += [
            _at(current, source, first, first.value_vintage, f"first vintage with {values}")
            for first, values in stands
            if not brief and first.value_vintage != last.vintage.vintage
        ]
    lines = _quote(current, source, places)
    if places and not brief:
        evidence.steps += _read_as(source, places, lines)
    evidence.lines += lines


def _stands(source: Source, states: list[State], columns: tuple[str, ...]) -> list[tuple[State, str]]:
    """The states from which on the present values stand, each with these values as text.

    A state changes as a whole: the vintage of its last revision is not that of each of its values.
    """
    now, found = states[-1], dict[date, tuple[State, Row]]()
    for column in (c for c in source.frame if c.role == "value"):
        value = now.values[column.name]
        if column.name not in columns if columns else value is None:
            continue
        first = now
        for earlier in reversed(states):
            if earlier.is_withdrawn or not _equal(column, earlier.values[column.name], value):
                break
            first = earlier
        found.setdefault(first.value_vintage, (first, {}))[1][column.name] = value
    return [(state, pairs(values)) for _, (state, values) in sorted(found.items())]


def _read_as(source: Source, places: list[_Place], lines: list[Line]) -> list[str]:
    """How cleaning read the newest records, and since when each of their values stands."""
    readings, stand = [], []
    for place, line in zip(places, lines, strict=True):
        if place.since or place.is_gone:
            there = {name: place.row[name] for name in source.names("value", "annotation")}
            values = pairs({name: value for name, value in there.items() if value is not None})
            readings.append(f"{line.unit} {line.line} of {line.file} ({line.vintage}): {pairs(line.key)} as {values}")
        if place.since:
            stand.append(f"{pairs(line.key)} has {place.since}")
    steps = [
        f"pipelines/sources/{source.id}/clean.py, with the columns and categories of source.yml beside it, reads "
        f"{'; '.join(readings)}."
    ]
    if stand:
        steps.append(f"By the dates of the vintages, {'; '.join(stand)}.")
        if any(c.tolerance for c in source.frame):
            steps[-1] += f" A difference within the tolerance in pipelines/sources/{source.id}/source.yml is no change."
    return steps


def _id(source: Source, key: Row) -> tuple[Any, ...]:
    return tuple(key[k] for k in source.key)


def _newest(current: Current, source: Source, wanted: list[Wanted]) -> dict[tuple[Any, ...], _Place]:
    """The newest accepted vintage that has a key, with its clean row."""
    found: dict[tuple[Any, ...], _Place] = {}
    left = [w.key for w in wanted]
    for vintage in reversed(current.vintages(source.id)):
        for row in _clean_rows(current, source, vintage, left):
            found[_id(source, row)] = _Place(vintage, NEWEST, row)
        left = [k for k in left if _id(source, k) not in found]
        if not left:
            break
    return found


def _at(current: Current, source: Source, state: State, published: date, role: str) -> _Place:
    """The clean row of a state in one vintage."""
    for vintage in current.vintages(source.id):
        if vintage.vintage == published:
            for row in _clean_rows(current, source, vintage, [state.key]):
                _same(current, source, state, row)
                return _Place(vintage, role, row)
    raise _stale(current, source, Phrase.of("stale.vintage_lost", vintage=published, key=pairs(state.key)))


def _scan(current: Current, source: Source, vintage: ReleasedVintage) -> pl.LazyFrame:
    folder = current.settings.stage("clean", current.session.realm) / source.id / vintage.archive_id
    if not (folder / "clean.parquet").exists():
        raise _stale(current, source, Phrase.of("stale.rows_gone", vintage=vintage.archive_id))
    return pl.scan_parquet(folder / "clean.parquet")


def _clean_rows(current: Current, source: Source, vintage: ReleasedVintage, keys: list[Row]) -> list[Row]:
    if not keys:
        return []
    frame = _scan(current, source, vintage)
    wanted = pl.DataFrame(keys).select(source.key)
    periods = wanted[source.period].unique().implode()
    return (
        frame.filter(pl.col(source.period).is_in(periods))
        .join(wanted.lazy(), on=source.key, how="semi")
        .collect()
        .to_dicts()
    )


def _same(current: Current, source: Source, state: State, row: Row) -> None:
    """Raise DrugflowError where a clean row does not have the state's values: it is of another build."""
    for column in source.frame:
        if column.role != "value":
            continue
        old, new = state.values[column.name], row[column.name]
        if not _equal(column, old, new):
            figures = {"old": str(old), "new": str(new)}
            what = Phrase.of("stale.other_figure", column=column.name, key=pairs(state.key), **figures)
            raise _stale(current, source, what)


def _equal(column: TidyColumn, old: Any, new: Any) -> bool:
    if old is None or new is None or column.type != "number":
        return bool(old == new)
    return bool(abs(old - new) <= column.tolerance)


def _stale(current: Current, source: Source, what: Phrase) -> DrugflowError:
    return DrugflowError("clean_rows_are_others", source=source.id, release=current.session.release_id, what=what)


def _absent(current: Current, source: Source, one: Wanted, evidence: Evidence) -> list[Line]:
    """The files of the covering vintage, none of which has the key."""
    vintage = next((v for v in current.vintages(source.id) if v.vintage == one.vintage), None)
    if vintage is None:
        raise _stale(current, source, Phrase.of("stale.vintage_not_accepted", vintage=one.vintage))
    if _clean_rows(current, source, vintage, [one.key]):
        raise _stale(current, source, Phrase.of("stale.vintage_has_now", vintage=one.vintage, key=pairs(one.key)))
    if vintage.rejected:
        evidence.steps.append(
            f"{vintage.rejected} records of the vintage of {vintage.vintage} could not be read; this one may be among "
            "them."
        )
    return [
        _line(current, source, vintage, file, one.key, "searched for the record", None)
        for file in sorted(vintage.sha256)
    ]


def _quote(current: Current, source: Source, places: list[_Place]) -> list[Line]:
    """A line for each place, reading every file once."""
    by_file: dict[tuple[str, str], list[_Place]] = {}
    for place in places:
        by_file.setdefault((place.vintage.archive_id, place.row["file"]), []).append(place)
    records: dict[tuple[str, str, int], list[Record]] = {}
    for (archive_id, file), there in by_file.items():
        path, _ = _verified(current, source, there[0].vintage, file)
        for record in records_at(path, [p.row["line"] for p in there], _limits(current)):
            records.setdefault((archive_id, file, record.line), []).append(record)
    lines = []
    for place in places:
        key = {k: place.row[k] for k in source.key}
        found = records.get((place.vintage.archive_id, place.row["file"], place.row["line"]), [])
        fitting = found if len(found) == 1 else [r for r in found if _gives(source, r, key, _limits(current))]
        if not fitting:
            at = {"file": place.row["file"], "line": place.row["line"], "key": pairs(key)}
            raise DrugflowError("no_record_on_line", source=source.id, vintage=place.vintage.archive_id, **at)
        lines.append(_line(current, source, place.vintage, place.row["file"], key, place.role, fitting[0]))
    return lines


def _line(
    current: Current, source: Source, vintage: ReleasedVintage, file: str, key: Row, role: str, record: Record | None
) -> Line:
    path, sha256 = _verified(current, source, vintage, file)
    return Line(
        source=source.id,
        vintage=vintage.vintage,
        archive_id=vintage.archive_id,
        file=file,
        path=str(path.relative_to(current.settings.data_raw)),
        member=record.member if record else None,
        sha256=sha256,
        line=record.line if record else None,
        unit=record.unit if record else "line",
        record=record.text if record else None,
        cells=record.cells if record else {},
        key=key,
        role=role,
    )


def _verified(current: Current, source: Source, vintage: ReleasedVintage, file: str) -> tuple[Path, str]:
    """Path and checksum of an archived file, its bytes compared with receipt and release, once an explanation."""
    path = current.settings.data_raw / current.session.realm / source.id / vintage.archive_id / file
    if path not in current.checksums:
        raw = read_json(path.parent / RECEIPT)
        receipt = None if raw is None else Receipt.model_validate(raw)
        entries = [f for f in receipt.files if f.name == file] if receipt else []
        if receipt is None or not entries:
            raise DrugflowError("file_not_in_archive", file=path)
        ArchivedVintage(folder=path.parent, receipt=receipt.model_copy(update={"files": entries})).verify()
        released = vintage.sha256.get(file, "none")
        if entries[0].sha256 != released:
            sums = {"found": entries[0].sha256[:12], "released": released[:12]}
            raise DrugflowError("file_is_not_the_released", file=path, release=current.session.release_id, **sums)
        current.checksums[path] = entries[0].sha256
    return path, current.checksums[path]


def _limits(current: Current) -> Limits:
    said = current.settings
    return Limits(said.max_unpacked_bytes, said.max_unpack_ratio, said.chunk_bytes)


def _gives(source: Source, record: Record, key: Row, limits: Limits) -> bool:
    """Whether cleaning makes a row with this key from one record of a text file."""
    import tempfile

    from pipelines.clean.columns import typed

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record"
        footer = f"{source.files.end_marker}\n" if source.files.end_marker else ""
        file.write_text(f"{record.header}\n{record.text}\n{footer}", "utf-8")
        for records in read_records(file, source, limits):
            batch = typed(file.name, records, source)
            source_module(source.id).tidy(batch, source)
            rows = batch.frame.drop(LINE).to_dicts()
            if any(all(row[k] == value for k, value in key.items()) for row in rows):
                return True
    return False
