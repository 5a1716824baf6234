"""What of a session's journal is about one step's call: the entries of its attempts, and its requests' whole bodies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tfstore.document.documents import Session, Step
from tfstore.document.times import iso
from tfstore.journal.entries import Entry
from tfstore.journal.request_texts import RequestTexts
from tfstore.reading.model_calls import model_call_of


def entries_of(entries: Sequence[Entry], session: Session, step: Step) -> list[Entry]:
    """Return those of a session's entries that are about the call a step belongs to, in their order.

    There are none where the document was made by a version that did not write down ``exchange_id``.
    """
    calls = _calls(entries, model_call_of(session, step) or step)
    exchanges = {
        entry.get("exchange_id")
        for entry in entries
        if entry["type"] == "attempt.sent" and entry.get("call") in calls
    }
    tools = {step.call_id} if step.call_id and step.label.startswith("tool_") else set[str]()
    return [
        entry
        for entry in entries
        if (entry.get("call") in calls and entry["type"] != "tool.ended")
        or entry.get("exchange_id") in exchanges
        or (entry["type"] in {"tool.started", "tool.ended"} and entry.get("call_id") in tools)
    ]


def request_bodies(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the text of each request by its ``exchange_id``, put together where it goes on from an earlier one.

    Example:
        >>> sent = {"type": "attempt.sent", "exchange_id": "c.1", "body": {"text": "{}"}}
        >>> request_bodies([sent])
        {'c.1': '{}'}
    """
    texts = RequestTexts()
    bodies: dict[str, str] = {}
    for entry in entries:
        if entry["type"] == "attempt.sent":
            exchange_id = str(entry.get("exchange_id"))
            text = texts.whole(exchange_id, entry.get("body"))
            if text is not None:
                bodies[exchange_id] = text
    return bodies


def _calls(entries: Sequence[Entry], step: Step) -> set[Any]:
    """Return the ids of the journal's calls that a step tells of."""
    sent = {
        entry.get("exchange_id"): entry.get("call") for entry in entries if entry["type"] == "attempt.sent"
    }
    if step.attempts:
        return {sent[each.exchange_id] for each in step.attempts if each.exchange_id in sent}
    # It failed before anything left: nothing in the document names it but the moment.
    left = set(sent.values())
    started = (
        entry for entry in entries if entry["type"] == "call.started" and entry.get("call") not in left
    )
    return {entry.get("call") for entry in started if iso(entry["at"]) == step.started_at}
