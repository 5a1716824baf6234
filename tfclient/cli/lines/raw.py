"""What the journal holds of one step's call: the requests and responses, and what the tool hook saw."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from tfclient.cli.failures import Refused
from tfclient.cli.lines.blocks import block
from tfd2.columns import one_line
from tfstore.document.documents import Session, Step
from tfstore.journal.reading import Entry
from tfstore.reading.calls.exchanges import entries_of, request_bodies
from tfstore.reading.figures import counted, duration, joined, size
from tfstore.reading.model_calls import model_call_of


def raw_entries(entries: list[Entry], session: Session, step: Step) -> list[Entry]:
    """Return those of a session's journal entries that are of the call that a step belongs to, in their order.

    Raises:
        Refused: the journal is gone, holds nothing of this step, or the document does not say what.
    """
    if not entries:
        raise Refused(
            f"The journal of session {session.session_id} is not there any more: only its document is left."
        )
    call = model_call_of(session, step) or step
    if any(each.exchange_id is None for each in call.attempts):
        raise Refused(
            f"The document of session {session.session_id} was made by an earlier version of tfclient, which did not "
            f"write down which entries are whose: `tfclient rebuild {session.session_id}` makes it anew."
        )
    found = entries_of(entries, session, step)
    if not found:
        raise Refused(
            f"The journal of session {session.session_id} has nothing of its own on {step.step_id}: "
            f"`--step {step.step_id}` shows what the document holds."
        )
    return found


def raw_lines(everything: Iterable[Entry], wanted: list[Entry], width: int) -> Iterator[Text]:
    """Yield entries as one reads an exchange; bodies that go on from an earlier one are put together.

    Args:
        everything: all entries of the session, which may hold what a body goes on from.
        wanted: those to show.
        width: columns.
    """
    bodies = request_bodies(everything)
    began = wanted[0]["at"] if wanted else 0
    chunks: dict[str, list[Entry]] = {}
    for entry in wanted:
        if entry["type"] == "stream.chunk":
            chunks.setdefault(str(entry.get("exchange_id")), []).append(entry)
    for place, entry in enumerate(wanted):
        kind = entry["type"]
        of_stream = chunks.get(str(entry.get("exchange_id")), [])
        if kind == "stream.chunk" and entry is not of_stream[0]:
            continue
        if place:
            yield Text()
        after = duration((entry["at"] - began) // 1000)
        where = str(entry.get("exchange_id") or entry.get("call") or entry.get("tool") or "")
        about = one_line(joined(where, f"+{after}", f"seq {entry['seq']}"), max(width - len(kind) - 3, 8))
        yield Text.assemble((kind, "bold"), (f" · {about}", "dim"))
        if kind == "stream.chunk":
            yield from _stream(of_stream, width)
        else:
            yield from _entry(entry, bodies.get(str(entry.get("exchange_id"))), width)


_KNOWN = frozenset(
    {"type", "at", "mono", "seq", "prev", "session_id", "writer", "exchange_id", "call", "tool", "n"}
    | {"method", "url", "status", "headers", "body", "complete"}
)


def _entry(entry: Entry, request: str | None, width: int) -> Iterator[Text]:
    line = " ".join(str(entry[name]) for name in ("method", "url") if entry.get(name))
    if entry.get("status") is not None:
        line = f"HTTP {entry['status']}"
    if line:
        for piece in block(line, width):
            yield Text(piece, "bold red" if (entry.get("status") or 0) >= 400 else "cyan")
    headers = entry.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        for piece in block(f"{name}: {value}", width):
            yield Text(piece, "dim")
    for name, value in entry.items():
        if name not in _KNOWN and value not in (None, [], {}):
            for piece in block(f"{name}: {_json(value)}", width):
                yield Text(piece, "yellow" if name in {"redactions", "error"} else "")
    body = entry.get("body")
    if isinstance(body, dict):
        text = request if entry["type"] == "attempt.sent" and request is not None else body.get("text")
        for piece in block(laid_out(text) if isinstance(text, str) else _json(body), width):
            yield Text(piece)


def _stream(entries: list[Entry], width: int) -> Iterator[Text]:
    """Yield the chunks of a stream put together: where one ended and the next began says nothing."""
    pieces: list[str] = []
    for entry in entries:
        data = entry.get("data")
        if isinstance(data, str):
            pieces.append(data)
        elif isinstance(data, dict) and isinstance(data.get("base64"), str):
            raw = base64.b64decode(data["base64"] + "==")
            try:
                pieces.append(raw.decode())
            except UnicodeDecodeError:
                pieces.append(f"[{size(len(raw))} that are no text]\n")
    last = duration((entries[-1]["at"] - entries[0]["at"]) // 1000)
    yield Text(joined(counted(len(entries), "chunk"), f"over {last}"), "dim")
    for line in block("".join(pieces).replace("\n\n", "\n"), width):
        yield Text(line)


def laid_out(text: str) -> str:
    r"""Return JSON indented, and any other text as it is.

    Example:
        >>> laid_out('{"a":1}'), laid_out("plain")
        ('{\n  "a": 1\n}', 'plain')
    """
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
