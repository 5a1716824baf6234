"""What a session holds of a thread, to recognise it where a fork repeats it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfclient.importing.logs.chain import Known, digest_of
from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfstore.journal.entries import Entry
from tfstore.journal.request_texts import RequestTexts


def known_in(entries: Iterable[Entry]) -> Iterator[Known]:
    """Yield the items of an imported session, in the order in which the model was given them and said them."""
    texts = RequestTexts()
    for entry in entries:
        if entry["type"] == "attempt.sent":
            text = texts.whole(str(entry.get("exchange_id")), entry.get("body"))
            for item in _items(text or "", "input"):
                yield Known(digest_of(item))
        elif entry["type"] == "attempt.answered":
            data = body_bytes(entry.get("body")).decode("utf-8", "replace")
            body = parse_json(data)
            response_id = body.get("id") if isinstance(body, dict) else None
            for item in _items(data, "output"):
                yield Known(digest_of(item), str(response_id))


def _items(text: str, name: str) -> list[dict[str, Any]]:
    body = parse_json(text)
    listed = body.get(name) if isinstance(body, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
