"""Archives that are damaged, dangerous or lie, made byte by byte.

What belongs here: zip, gzip, Parquet and Excel files for tests. What does not: what must happen to them.
"""

from __future__ import annotations

import io
import struct
import zipfile

import polars as pl

MEGABYTE = 1024**2


def zip_of(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive with these paths and contents; a path is kept as it is given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for path, content in entries:
            archive.writestr(zipfile.ZipInfo(path), content, compression)
    return buffer.getvalue()


def zip_that_says(size: int, path: str, content: bytes) -> bytes:
    """A zip archive whose directory and entry claim another unpacked size than the true one."""
    packed = zip_of((path, content))
    return packed.replace(struct.pack("<L", len(content)), struct.pack("<L", size))


def locked_zip(path: str, content: bytes) -> bytes:
    """A zip archive that says that its entry is encrypted."""
    packed = bytearray(zip_of((path, content)))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def nameless_zip(path: str, content: bytes) -> bytes:
    """A zip archive in whose directory the name of the entry begins with a zero byte, where every reader ends it."""
    packed = bytearray(zip_of((path, content)))
    packed[packed.rindex(path.encode())] = 0
    return bytes(packed)


def unknown_compression(path: str, content: bytes) -> bytes:
    """A zip archive whose entry is packed in a way that nobody knows."""
    packed = bytearray(zip_of((path, content)))
    packed[8:10] = b"\x63\x00"
    at = packed.rindex(b"PK\x01\x02") + 10
    packed[at : at + 2] = b"\x63\x00"
    return bytes(packed)


def parquet_of(csv: bytes) -> bytes:
    """The same table as Parquet, every column as text."""
    buffer = io.BytesIO()
    pl.read_csv(io.BytesIO(csv), infer_schema=False).write_parquet(buffer)
    return buffer.getvalue()


def parquet_with(csv: bytes, column: str, value: object) -> bytes:
    """The same table with one column that holds a value in every row, of the value's own type."""
    frame = pl.read_csv(io.BytesIO(csv), infer_schema=False)
    buffer = io.BytesIO()
    frame.with_columns(pl.Series(column, [value] * frame.height)).write_parquet(buffer)
    return buffer.getvalue()


def parquet_bomb(rows: int) -> bytes:
    """A small Parquet file with very many equal rows."""
    buffer = io.BytesIO()
    pl.select(pl.repeat(1, rows, dtype=pl.Int8).alias("FY")).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def office_file(*entries: tuple[str, bytes]) -> bytes:
    """A zip archive that looks like an Office document."""
    return zip_of(("[Content_Types].xml", b'<?xml version="1.0"?><Types/>'), *entries)
