"""The index of sessions: one small row each, so that listing needs no document.

TinyDB again, in pieces: ``catalog/<day>.json`` holds the rows of that day's sessions (the day in the session
id; ``other`` for ids that name none). A piece that outgrows ``FULL`` rows becomes a folder of sixteen, by the
digest of the session id, and so on downwards: closing a session rewrites one small file whether the store
holds ten sessions or a hundred thousand, and listing few sessions opens few files.

The catalog is a cache. A piece that cannot be read is skipped and told in ``trouble``; ``doctor`` makes it
again from the documents.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import asdict, define, field
from cattrs import Converter
from cattrs.errors import BaseValidationError
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from tfstore.disk.files import read_file, replace_file
from tfstore.disk.json_text import compact, parse
from tfstore.disk.locks import only_one
from tfstore.disk.paths import check_session_id, is_real_dir
from tfstore.document.documents import Usage

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Json, Session

FULL: Final = 48
"""Rows of a piece before it is divided."""

OTHER: Final = "other"
TABLE: Final = "rows"
_LARGEST: Final = 64 * 1024 * 1024
_DAY = re.compile(r"sess_(\d{8})T")
_PIECE = re.compile(r"\d{8}|other|[0-9a-f]")
_converter = Converter()


@define
class CatalogRow:
    """What the list shows of a session; all of it is in the session's document too."""

    session_id: str
    title: str = ""
    status: str = "active"
    result: str | None = None
    end_reason: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: int | None = None
    runs: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    errors: int = 0
    models: dict[str, int] = field(factory=dict[str, int])
    tools: dict[str, int] = field(factory=dict[str, int])
    usage: Usage = field(factory=Usage)


def row_of(session: Session) -> CatalogRow:
    """Return the session's row.

    Example:
        >>> from tfstore.document.documents import Session
        >>> row_of(Session("sess_1", title="Hello")).title
        'Hello'
    """
    summary = session.summary
    return CatalogRow(
        session_id=session.session_id,
        title=session.title,
        status=session.status,
        result=session.result,
        end_reason=session.end_reason,
        started_at=session.started_at,
        ended_at=session.ended_at,
        duration_ms=session.duration_ms,
        runs=summary.runs,
        model_calls=summary.model_calls,
        tool_calls=summary.tool_calls,
        tool_errors=summary.tool_errors,
        errors=summary.errors,
        models=dict(summary.models),
        tools={name: tool.calls for name, tool in summary.tools.items()},
        usage=summary.usage,
    )


class Catalog:
    """The rows of one store; any number of processes may put rows at once.

    ``trouble`` holds the pieces that could not be read since this object was made, and why.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> catalog = Catalog(StorePaths(tempfile.mkdtemp()))
        >>> catalog.put(CatalogRow("sess_20260902T201135Z_0a1b2c3d", title="Hello"))
        >>> [row.title for row in catalog.rows()]
        ['Hello']
    """

    def __init__(self, paths: StorePaths) -> None:
        """Nothing is made before the first ``put``."""
        self._paths = paths
        self.trouble: dict[Path, str] = {}

    def put(self, row: CatalogRow) -> None:
        """Add the row, or replace the session's earlier one.

        A piece that cannot be read is put aside as ``….corrupt`` and begun again with this row.

        Raises:
            InvalidSessionId: the id cannot be a file name.
            StoreUnusable, OSError: it cannot be written.
        """
        check_session_id(row.session_id)
        with self._alone(day_of(row.session_id)):
            piece = self._piece(row.session_id)
            try:
                self._upsert(piece, row)
            except ValueError as error:
                self.trouble[piece] = str(error)
                piece.replace(piece.with_suffix(".corrupt"))
                self._upsert(piece, row)

    def get(self, session_id: str) -> CatalogRow | None:
        """Return the session's row, if it has one that can be read."""
        check_session_id(session_id)
        return next((row for row in self.read(self._piece(session_id)) if row.session_id == session_id), None)

    def remove(self, *session_ids: str) -> None:
        """Remove the rows of these sessions, where they have one; each piece is written once.

        What may hold such a row and cannot be read goes whole: it is of no use, and ``doctor`` makes it again.

        Raises:
            InvalidSessionId: an id cannot be a file name; nothing was removed.
            StoreUnusable, OSError: it cannot be written.
        """
        days: dict[str, list[str]] = {}
        for session_id in session_ids:
            days.setdefault(day_of(check_session_id(session_id)), []).append(session_id)
        if not is_real_dir(self._paths.catalog):
            return
        left_behind = self._left_behind(days)
        for day, named in days.items():
            with self._alone(day):
                for path in left_behind.get(day, ()):
                    _discard(path)
                pieces: dict[Path, list[str]] = {}
                for session_id in named:
                    pieces.setdefault(self._piece(session_id), []).append(session_id)
                for piece, of_piece in pieces.items():
                    self._remove_rows(piece, of_piece)

    def rows(self, since: str | None = None) -> Iterator[CatalogRow]:
        """Yield all rows, the latest day's first and in no order within a day.

        Args:
            since: leave out days before this one (``yyyymmdd``).
        """
        for _, piece in self.pieces(since):
            yield from self.read(piece)

    def pieces(self, since: str | None = None) -> Iterator[tuple[str, Path]]:
        """Yield (day, file) of all pieces; ``other`` first, then the latest day."""
        if not is_real_dir(self._paths.catalog):
            return
        days = {path.stem for path in self._paths.catalog.iterdir() if _PIECE.fullmatch(path.stem)}
        for day in sorted(days, reverse=True):
            if since is None or day >= since:
                for piece in _leaves(self._paths.catalog / day):
                    yield day, piece

    def read(self, piece: Path) -> list[CatalogRow]:
        """Return the rows of one piece; none, and a note in ``trouble``, if it cannot be read."""
        rows: list[CatalogRow] = []
        try:
            stored = _PieceFile(piece).read() or {}
        except (OSError, ValueError) as error:
            self.trouble[piece] = str(error)
            return rows
        for session_id, row in stored.get(TABLE, {}).items():
            try:
                rows.append(_converter.structure(row, CatalogRow))
            except BaseValidationError:
                self.trouble[piece] = f"the row of {session_id!r} is no row"
        return rows

    def _remove_rows(self, piece: Path, session_ids: list[str]) -> None:
        try:
            stored = (_PieceFile(piece).read() or {}).get(TABLE, {})
        except ValueError:
            piece.unlink()
            return
        kept = {session_id: row for session_id, row in stored.items() if session_id not in session_ids}
        if not kept:
            piece.unlink(missing_ok=True)
        elif len(kept) < len(stored):
            _PieceFile(piece).write({TABLE: kept})

    def _left_behind(self, days: Container[str]) -> dict[str, list[Path]]:
        """What is there of these days and no piece: put aside, not written to its end, or divided since."""
        found: dict[str, list[Path]] = {}
        with os.scandir(self._paths.catalog) as entries:
            top = [Path(each.path) for each in entries]
        for path in top:
            day = path.name.removeprefix(".").partition(".")[0]
            if day in days and path.suffix != ".lock":
                places = path.rglob("*") if is_real_dir(path) else ()
                found.setdefault(day, []).extend(each for each in (path, *places) if not _is_piece(each))
        return found

    def _upsert(self, piece: Path, row: CatalogRow) -> None:
        with TinyDB(piece, storage=_PieceFile) as database:
            table = _rows(database)
            table.upsert(Document(asdict(row), doc_id=cast("int", row.session_id)))
            size = len(table)
            content = {str(each.doc_id): dict(each) for each in table} if size > FULL else {}
        if content:
            self._divide(piece, content)

    def _divide(self, piece: Path, content: dict[str, Json]) -> None:
        folder = piece.with_suffix("")
        depth = len(folder.relative_to(self._paths.catalog).parts) - 1
        parts: dict[str, dict[str, Json]] = {}
        for session_id, row in content.items():
            parts.setdefault(_digest(session_id)[depth], {})[session_id] = row
        # Whole before it is there: from the move on, the folder counts and the piece beside it does not.
        unfinished = folder.with_name(f".{folder.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._paths.make_dir(unfinished)
        for digit, rows in parts.items():
            replace_file(unfinished / f"{digit}.json", compact({TABLE: rows}))
        unfinished.rename(folder)
        piece.unlink()

    def _piece(self, session_id: str) -> Path:
        place = self._paths.catalog / day_of(session_id)
        for digit in _digest(session_id):
            if not is_real_dir(place):
                break
            place /= digit
        return place.with_suffix(".json")

    @contextlib.contextmanager
    def _alone(self, day: str) -> Iterator[None]:
        if not is_real_dir(self._paths.catalog):
            self._paths.create()
            self._paths.make_dir(self._paths.catalog)
        with only_one(self._paths.catalog / f".{day}.lock"):
            yield


class _PieceFile(Storage):
    """TinyDB's storage for one piece: like its own for JSON, but replaced whole and never half written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        try:
            data = parse(read_file(self._path, _LARGEST))
        except FileNotFoundError:
            return None
        table = cast("Json", data).get(TABLE) if isinstance(data, dict) else None
        if not isinstance(table, dict) or not all(
            isinstance(row, dict) for row in cast("Json", table).values()
        ):
            raise ValueError("it holds no rows")
        return {TABLE: cast("Json", table)}

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        replace_file(self._path, compact(data))


class _RowTable(Table):
    document_id_class = str  # type: ignore[assignment]


def _rows(database: TinyDB) -> Table:
    database.table_class = _RowTable
    return database.table(TABLE, cache_size=0)


def day_of(session_id: str) -> str:
    """Return the day that a session id names, or ``other``.

    Example:
        >>> day_of("sess_20260902T201135Z_0a1b2c3d"), day_of("nightly")
        ('20260902', 'other')
    """
    named = _DAY.match(session_id)
    return named[1] if named else OTHER


def _is_piece(path: Path) -> bool:
    """Whether rows are read from here: a piece, or a folder of them, but not the piece that became the folder."""
    if _PIECE.fullmatch(path.stem) is None:
        return False
    return (
        is_real_dir(path)
        if not path.suffix
        else path.suffix == ".json" and not is_real_dir(path.with_suffix(""))
    )


def _discard(path: Path) -> None:
    if is_real_dir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _digest(session_id: str) -> str:
    return sha256(session_id.encode()).hexdigest()


def _leaves(place: Path) -> Iterator[Path]:
    if not is_real_dir(place):
        yield place.with_suffix(".json")
        return
    for stem in sorted({path.stem for path in place.iterdir() if _PIECE.fullmatch(path.stem)}):
        yield from _leaves(place / stem)
