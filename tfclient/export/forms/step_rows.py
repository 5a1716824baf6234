"""Sessions as a table, a row a step: for spreadsheets (CSV), and for DuckDB and pandas (Parquet)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from tfclient.errors import PackageMissing
from tfclient.otlp.parts import Reader, as_json, fit
from tfstore.reading.calls.costs import Price, is_paid
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Run, Session, Step

TEXTS: Final = (
    *(
        "session_id",
        "run_id",
        "step_id",
        "label",
        "type",
        "status",
        "started_at",
        "ended_at",
        "model",
        "tool_name",
    ),
    *(
        "call_id",
        "response_id",
        "previous_response_id",
        "finish_reason",
        "error_class",
        "error_code",
        "error_message",
    ),
    "text",
)
NUMBERS: Final = (
    *("seq", "duration_ms", "retries", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
)
COLUMNS: Final = (
    *(
        "session_id",
        "run_id",
        "step_id",
        "seq",
        "label",
        "type",
        "status",
        "started_at",
        "ended_at",
        "duration_ms",
    ),
    *("model", "tool_name", "call_id", "response_id", "previous_response_id", "finish_reason", "retries"),
    *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "dollars"),
    *("error_class", "error_code", "error_message", "text"),
)
PAYLOADS: Final = ("payload_started", "payload_completed")

_TAKEN_FOR_FORMULAS: Final = re.compile(r"[=+\-@\t\r]")
_GROUP: Final = 5_000
"""Rows that are in memory at once."""


def rows_of(session: Session, reader: Reader, price: Price | None = None) -> Iterator[Json]:
    """Yield a row for each step of a session, under the names of ``COLUMNS`` and ``PAYLOADS``."""
    for run in session.runs:
        for step in run.steps:
            yield _row(session, run, step, reader, price)


def _row(session: Session, run: Run, step: Step, reader: Reader, price: Price | None) -> Json:
    usage, error = step.usage, step.error
    return {
        **{name: getattr(step, name) for name in (*TEXTS, *NUMBERS) if hasattr(step, name)},
        "session_id": session.session_id,
        "run_id": run.run_id,
        **{
            name: None if usage is None else getattr(usage, name)
            for name in NUMBERS
            if name.endswith("_tokens")
        },
        "dollars": price(step) if price is not None and is_paid(step) else None,
        "error_class": None if error is None else error.class_,
        "error_code": None if error is None else error.code,
        "error_message": None if error is None else error.message,
        "text": _text(step, reader),
        **{name: getattr(step, name) for name in PAYLOADS},
    }


def _text(step: Step, reader: Reader) -> str:
    """Return what a step says, whole."""
    key = {"tool_output": "output", "tool_call": "arguments"}.get(step.label, "text")
    payload = step.payload_started if step.label in {"user_message", "policy.snapshot", "tool_call"} else None
    value = reader.texts((step.payload_completed if payload is None else payload).get(key))
    if value is None or isinstance(value, list) or "content" in step.payload_started:
        return text_of(step)
    return as_text(value)


def csv_of(rows: Iterable[Json]) -> Iterator[bytes]:
    """Yield the rows as CSV in UTF-8, its header first; a cell that a spreadsheet would run begins with an apostrophe.

    Example:
        >>> list(csv_of([]))[0].decode().startswith("session_id,run_id,step_id,seq,")
        True
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
        if out.tell() > 1_000_000:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    text = fit(value)
    return f"'{text}" if _TAKEN_FOR_FORMULAS.match(text) else text


class _Pieces(io.RawIOBase):
    """Holds what was written until somebody takes it, and knows how much that was in all."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        return data


def parquet_of(rows: Iterable[Json]) -> Iterator[bytes]:
    """Yield the rows as a Parquet file, payloads as JSON text.

    Raises:
        PackageMissing: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PackageMissing("writing Parquet", "parquet") from None
    texts, numbers = frozenset((*TEXTS, *PAYLOADS)), frozenset(NUMBERS)
    schema = pa.schema(
        [
            (name, pa.string() if name in texts else pa.int64() if name in numbers else pa.float64())
            for name in (*COLUMNS, *PAYLOADS)
        ]
    )
    pieces = _Pieces()
    with pq.ParquetWriter(pieces, schema, compression="zstd") as writer:
        group: list[Json] = []
        for row in rows:
            group.append(_typed(row, texts, numbers))
            if len(group) >= _GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group.clear()
                yield pieces.take()
        if group:
            writer.write_table(pa.Table.from_pylist(group, schema))
    yield pieces.take()


def _typed(row: Json, texts: frozenset[str], numbers: frozenset[str]) -> Json:
    """Return a row with values of the types that the file has, whatever a document says."""
    made: Json = {}
    for name, value in row.items():
        if value is None:
            made[name] = None
        elif name in PAYLOADS:
            made[name] = as_json(value)
        elif name in texts:
            made[name] = fit(value) if isinstance(value, str) else as_json(value)
        elif name in numbers:
            made[name] = value if isinstance(value, int) and abs(value) < 2**63 else None
        else:
            made[name] = float(value)
    return made
