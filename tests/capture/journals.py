"""What a recorder has written, as the tests ask for it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tfclient import Recorder
from tfstore.disk.paths import StorePaths
from tfstore.journal.reading import read_entries
from tfstore.journal.repeated_bodies import SentTexts

Entry = dict[str, Any]


def sessions(store: Recorder | Path) -> list[str]:
    """Return the ids of all sessions in a store, oldest first."""
    folder = _root(store) / "journal"
    return sorted((path.name for path in folder.iterdir()), key=_opened(store)) if folder.is_dir() else []


def entries(store: Recorder | Path, kind: str | None = None, session: str | None = None) -> list[Entry]:
    """Return a session's entries, or those of one type; there must be one session if none is named."""
    if session is None:
        (session,) = sessions(store)
    found, report = read_entries(StorePaths(_root(store)), session)
    assert report.intact, report
    return [entry for entry in found if kind is None or entry["type"] == kind]


def types(store: Recorder | Path, session: str | None = None) -> list[str]:
    """Return the types of a session's entries in order, chunks in a row as one."""
    kinds = [entry["type"] for entry in entries(store, session=session)]
    return [kind for n, kind in enumerate(kinds) if kind != "stream.chunk" or kinds[n - 1] != kind]


def body(store: Recorder | Path, exchange_id: str | None = None) -> bytes:
    """Return the bytes of a response's body, the last one's by default, wherever they are in the journal."""
    answered = entries(store, "attempt.answered")
    chosen = (
        answered[-1] if exchange_id is None else next(e for e in answered if e["exchange_id"] == exchange_id)
    )
    if chosen["complete"]:
        return _bytes(chosen["body"])
    chunks = [e for e in entries(store, "stream.chunk") if e["exchange_id"] == chosen["exchange_id"]]
    return b"".join(_bytes(each["data"]) for each in chunks)


def requests(store: Recorder | Path, session: str | None = None) -> list[str | None]:
    """Return the whole texts of a session's requests."""
    texts = SentTexts()
    return [
        texts.whole(entry["exchange_id"], entry["body"])
        for entry in entries(store, "attempt.sent", session=session)
    ]


def everything(store: Recorder | Path) -> str:
    """Return all that is in the journals, as text."""
    return "".join(path.read_text() for path in sorted((_root(store) / "journal").rglob("*.jsonl")))


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    return data["text"].encode() if "text" in data else base64.b64decode(data["base64"])


def _root(store: Recorder | Path) -> Path:
    return store.settings.directory if isinstance(store, Recorder) else store


def _opened(store: Recorder | Path) -> Any:
    return lambda session: read_entries(StorePaths(_root(store)), session)[0][0]["at"]
