"""What must hold of a store after anything: every acknowledged entry is there, all of it reads, chains hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.finishing.recovery import unarchived
from tfclient.opening import open_store
from tfstore.document.json_text import parse
from tfstore.journal.repeated_bodies import SentTexts
from tfstore.keeping.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tfstore.document.documents import Session
    from tfstore.store import Store

EXPECTED = {"unfinished_file", "torn"}
"""What a process that is killed may leave for `doctor` to tell."""


def whole_after(root: Path, acknowledged: Sequence[str], session_id: str) -> Session | None:
    """Open the store, which recovers it, and check all of it; return the session, None if it had not begun."""
    sent = [line.removeprefix("sent ") for line in acknowledged if line.startswith("sent ")]
    if not (root / "sessions").is_dir() and not sent:
        return None
    store = open_store(root)
    for path in store.paths.sessions.glob("*.json"):
        parse(path.read_bytes())
    if session_id not in store.ids():
        assert not sent, "a request had left, and there is no session"
        return None
    session = store.get(session_id)
    holds_all(store, session, acknowledged)
    assert session.status == "closed"
    assert session.end_reason == ("closed" if _closed(store, session_id) else "recovered")
    assert store.paths.diagram(session_id).read_text(encoding="utf-8")
    assert unarchived(store) == []
    assert store.paths.archived(session_id).is_file()
    assert not store.paths.journal_of(session_id).is_dir() or not list(
        store.paths.journal_of(session_id).glob("*.jsonl")
    )
    problems = verify(store, session_id).problems
    assert {each.kind for each in problems} <= EXPECTED, problems
    assert {finding.kind for finding in examine(store)} <= EXPECTED, list(examine(store))
    assert not rebuild(store, session_id).changed
    return session


def holds_all(store: Store, session: Session, acknowledged: Sequence[str]) -> None:
    """Check that all that was acknowledged is in the journal, and that the document shows it."""
    entries, _ = store.journal(session.session_id)
    journal = str([entry for entry in entries if entry["type"] != "attempt.sent"])
    texts = SentTexts()
    requests = [
        str(texts.whole(entry["exchange_id"], entry["body"]))
        for entry in entries
        if entry["type"] == "attempt.sent"
    ]
    calls = {
        str(step.payload_started): step
        for run in session.runs
        for step in run.steps
        if step.label == "assistant_call"
    }
    assert len(calls) <= len(requests)
    said = [str(step.payload_completed) for run in session.runs for step in run.steps]
    for line in acknowledged:
        kind, _, text = line.partition(" ")
        if kind == "sent":
            assert any(f'"{text}"' in request for request in requests), line
            assert any(
                f"'{text}'" in str(step.payload_started) for run in session.runs for step in run.steps
            ), line
        elif kind == "has":
            assert text in journal, line
            assert any(text in each for each in said), line
        elif kind == "piece":
            assert text in journal, line
    in_flight = [
        step
        for run in session.runs
        for step in run.steps
        if step.label == "assistant_call" and step.ending == "unknown"
    ]
    assert len(in_flight) <= 1, "one thread has one call at a time"
    if acknowledged and acknowledged[-1].startswith("sent "):
        assert len(in_flight) + sum("answer to" in each for each in said) >= 1


def _closed(store: Store, session_id: str) -> bool:
    ends = [entry for entry in store.journal(session_id)[0] if entry["type"] == "session.ended"]
    assert len(ends) == 1
    return bool(ends[0]["end_reason"] == "closed")
