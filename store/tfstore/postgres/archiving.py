"""What goes from a database, written down before it does: documents as they are, zstd, and steps as Parquet.

============================================  =====================================================================
``2026-06/documents-<digest>.zip``            ``<store>/<session>.json.zst`` each, as the database has them
``2026-06/steps-<digest>.parquet``            a row a step, with the name of its store; ``payload`` is JSON text
``2026-06/….sha256``                          beside each, of the form that ``sha256sum -c`` reads; written last
============================================  =====================================================================

A file is called by what is in it: none is ever written over by another one, and who dies between writing and dropping
writes the same again.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import shutil
import tempfile
import zipfile
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from attrs import define, field

from tfstore.disk.files import sync_folder, unfinished
from tfstore.disk.paths import open_private
from tfstore.postgres.outgoing import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tfstore.postgres.connecting import Connection

    Key = tuple[Any, str, str]

_ROWS: Final = 1_000
_NUMBERS: Final = frozenset(
    ("sequence_no", "output_index", "duration_ms", "input_tokens", "output_tokens", "total_tokens")
)
_MOMENTS: Final = frozenset({"started_at", "ended_at"})
_THESE: Final = (
    "t.month = %s AND (t.source_id, t.session_id) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))"
)


@define
class Archive:
    """A folder, or an address that ``fsspec`` knows (``s3://bucket/folder``), and what was written there."""

    target: str
    written: list[str] = field(factory=list[str])

    def documents(self, connection: Connection, month: date, keys: Sequence[Key] | None) -> None:
        """Write the documents of sessions of a month, these or all, in the transaction that is open; none, no file."""
        asked = (
            "SELECT src.name, t.session_id, t.document FROM documents t JOIN sources src USING (source_id)"
            f" WHERE {_these(keys)} ORDER BY t.source_id, t.session_id"
        )
        with _rows(connection, asked, month, keys) as rows:
            first = next(rows, None)
            if first is None:
                return
            with self._file(month, "documents", "zip") as file, zipfile.ZipFile(file, "w") as zipped:
                for source, session_id, document in chain([first], rows):
                    # Always the same bytes: no time of now in it.
                    entry = zipfile.ZipInfo(f"{_safe(source)}/{_safe(session_id)}.json.zst")
                    entry.external_attr = 0o600 << 16
                    zipped.writestr(entry, bytes(document))

    def steps(self, connection: Connection, month: date, keys: Sequence[Key] | None) -> None:
        """Write the steps of sessions of a month, these or all, in the transaction that is open; none, no file.

        Raises:
            ImportError: pyarrow is not installed.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = ("month", *EVENT)
        # Row by row by its key: a join is planned by statistics, which a month that was just filled has not got.
        payload = (
            "SELECT p.payload::text FROM agent_run_payloads p WHERE p.month = t.month AND p.source_id = t.source_id"
            " AND p.session_id = t.session_id AND p.sequence_no = t.sequence_no"
        )
        asked = (
            f"SELECT src.name, {', '.join(f't.{each}' for each in columns)}, ({payload})"
            " FROM agent_run_events t JOIN sources src USING (source_id)"
            f" WHERE {_these(keys)} ORDER BY t.source_id, t.session_id, t.sequence_no"
        )
        names = ("source", *columns, "payload")
        schema = pa.schema([(each, _type(each, pa)) for each in names])
        with _rows(connection, asked, month, keys) as rows:
            first = next(rows, None)
            if first is None:
                return
            with (
                self._file(month, "steps", "parquet") as file,
                pq.ParquetWriter(file, schema, compression="zstd") as writer,
            ):
                left = chain([first], rows)
                while group := [dict(zip(names, row, strict=True)) for row in islice(left, _ROWS)]:
                    writer.write_table(pa.Table.from_pylist(group, schema))

    @contextmanager
    def _file(self, month: date, kind: str, ending: str) -> Iterator[IO[bytes]]:
        """Give a file to be written; put it in its place, whole or not at all, and its digest beside it."""
        with tempfile.TemporaryFile() as file:
            yield cast("IO[bytes]", _Unclosed(file))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            name = f"{kind}-{digest[:16]}.{ending}"
            path = f"{month:%Y-%m}/{name}"
            file.seek(0)
            _put(self.target, path, file)
            _put(self.target, f"{path}.sha256", io.BytesIO(f"{digest}  {name}\n".encode()))
        if path not in self.written:
            self.written.append(path)


class _Unclosed(io.BufferedIOBase):
    """A file that stays open when who writes it is done."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: Any, /) -> int:
        return self._file.write(data)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def _rows(
    connection: Connection, asked: str, month: date, keys: Sequence[Key] | None
) -> Iterator[Iterator[Any]]:
    values: list[Any] = [month]
    if keys is not None:
        values += [[each[1] for each in keys], [each[2] for each in keys]]
    with connection.cursor("archived") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(asked.encode(), values)
        yield iter(cursor)


def _these(keys: Sequence[Key] | None) -> str:
    return "t.month = %s" if keys is None else _THESE


def _put(target: str, path: str, content: IO[bytes]) -> None:
    if "://" in target:
        files: Any = importlib.import_module("fsspec")
        with files.open(f"{target.rstrip('/')}/{path}", "wb") as file:
            shutil.copyfileobj(content, file)
        return
    whole = Path(target) / path
    whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = unfinished(whole)
    try:
        with os.fdopen(open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            shutil.copyfileobj(content, file)
            file.flush()
            # What is dropped after this has to be on the disk.
            os.fsync(file.fileno())
        beside.replace(whole)
        sync_folder(whole.parent)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _type(name: str, pa: Any) -> Any:
    if name in _NUMBERS:
        return pa.int64()
    if name in _MOMENTS:
        return pa.timestamp("us", tz="UTC")
    return {"month": pa.date32(), "played": pa.bool_(), "depends_on": pa.list_(pa.string())}.get(
        name, pa.string()
    )


def _safe(name: str) -> str:
    """Return a name as one part of a path, whatever it is."""
    quoted = quote(name, safe="@")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
