"""What an endpoint gave back, in a few words: how many of what, and how big."""

from __future__ import annotations

from typing import Any


def last_words(events: list[Any]) -> dict[str, Any]:
    """Return what a stream's events said of the whole: the last model, usage and text, and an error if it ended in one.

    Example:
        >>> last_words([{"type": "x.delta", "delta": "H"}, {"type": "x.done", "text": "Hi", "model": "whisper-1"}])
        {'text': 'Hi', 'model': 'whisper-1'}
    """
    said: dict[str, Any] = {}
    for event in events:
        data = event.get("data", event) if isinstance(event, dict) else None
        if not isinstance(data, dict):
            continue
        said |= {key: data[key] for key in ("text", "model", "usage") if data.get(key)}
        said.pop("error", None)
        if data.get("type") == "error" or event.get("event") == "error" or data.get("error"):
            said["error"] = data.get("error") or data
    return said


_LAST = frozenset(
    {"transcript.text.done", "speech.audio.done", "image_generation.completed", "image_edit.completed"}
)


def is_last(events: list[Any]) -> bool:
    """Return whether the last of a stream's events says that nothing follows."""
    last = events[-1] if events else None
    return last == "[DONE]" or (isinstance(last, dict) and str(last.get("type")) in _LAST)


def tells_json(events: list[Any]) -> bool:
    """Return whether these are events indeed, and not a text that happens to begin like some."""
    return bool(events) and all(isinstance(event, dict) or event == "[DONE]" for event in events)


def _last_kind(events: list[Any]) -> str:
    """Return how a stream ended, where its events have names."""
    named = [event.get("event") or event.get("type") for event in events if isinstance(event, dict)]
    return f", the last {named[-1]}" if named and isinstance(named[-1], str) else ""


def result_summary(name: str, body: Any, media: str) -> str:
    """Return a line that says what came back.

    Example:
        >>> result_summary("embeddings.create", {"data": [{"embedding": [0.1, 0.2]}]}, "application/json")
        '1 embedding of 2 numbers'
    """
    if isinstance(body, dict) and "blob" in body:
        return f"{media.partition(';')[0] or 'data'}, {body.get('bytes')} bytes"
    if isinstance(body, str) and body:
        return f"{media.partition(';')[0] or 'text'}, {_counted(len(body), 'character')}"
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("error"), dict | str):
        return "error"
    if isinstance(body.get("events"), list):
        return _counted(len(body["events"]), "event") + _last_kind(body["events"])
    rows = body.get("data")
    if isinstance(rows, list):
        return _of_rows(name, rows)
    if body.get("deleted") is True:
        return f"deleted {body.get('id', '')}".strip()
    if isinstance(body.get("text"), str):
        return str(body["text"])
    if isinstance(body.get("results"), list) and name.startswith("moderations"):
        flagged = sum(1 for row in body["results"] if isinstance(row, dict) and row.get("flagged"))
        return f"{_counted(len(body['results']), 'input')}, {flagged} flagged"
    words = [str(body[key]) for key in ("object", "id", "status") if isinstance(body.get(key), str)]
    return " ".join(words)


def _of_rows(name: str, rows: list[Any]) -> str:
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    if name.startswith("embeddings"):
        vector = first.get("embedding")
        if isinstance(vector, str):
            # base64 of 32-bit floats, which is what the SDK asks for.
            vector = vector.rstrip("=")
            return f"{_counted(len(rows), 'embedding')} of {len(vector) * 3 // 16} numbers"
        size = f" of {len(vector)} numbers" if isinstance(vector, list) else ""
        return _counted(len(rows), "embedding") + size
    if name.startswith("images"):
        return _counted(len(rows), "image")
    return _counted(len(rows), str(first.get("object") or "item").replace("_", " ").replace(".", " "))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
