"""Sessions that openai-agents keeps in SQLite."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.importing.trees import tree
from tfclient.importing.logs.importing import import_logs
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"at": "map"}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": '{"error": "no map"}'}
ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Bergen."}]}


def write(path: Path, session: str, *items: Any) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE IF NOT EXISTS agent_sessions (session_id TEXT PRIMARY KEY, created_at TIMESTAMP, "
            "updated_at TIMESTAMP); CREATE TABLE IF NOT EXISTS agent_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "session_id TEXT NOT NULL, message_data TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
        )
        for item in items:
            data = item if isinstance(item, str) else json.dumps(item)
            row = (session, data, "2026-10-03 10:00:00")
            database.execute(
                "INSERT INTO agent_messages (session_id, message_data, created_at) VALUES (?, ?, ?)", row
            )
        database.commit()
    return path


def test_a_session_is_its_items(tmp_path: Path) -> None:
    path = write(
        tmp_path / "any.name", "one", {"role": "user", "content": "Which city?"}, CALL, OUTPUT, ANSWER
    )
    write(path, "two", {"role": "user", "content": "Hello?"}, ANSWER, "{cut")
    one, two = (each.session for each in import_logs(Store(tmp_path / "store", create=True), [path]))
    assert one is not None
    assert two is not None
    assert tree(one) == [
        "run_1 user_message completed root",
        "  user_message Which city?",
        "  assistant_call ? completed",
        "    tool_call look failed",
        '  tool_error output.error {"error": "no map"}',
        "  assistant_call ? completed",
        "    assistant_message Bergen.",
    ]
    assert one.notes == ["imported:openai-agents", "response_ids:made"]
    assert one.started_at == "2026-10-03T10:00:00.000Z"
    assert two.notes[2] == "log: 1 line cannot be read, the first at 7"


def test_again_grown_and_cut(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    path = write(tmp_path / "s.db", "one", {"role": "user", "content": "Which city?"}, CALL)
    (first,) = import_logs(store, [path])
    (again,) = import_logs(store, [path])
    assert (again.unchanged, again.session) == (True, first.session)
    write(path, "one", OUTPUT, ANSWER)
    (grown,) = import_logs(store, [path])
    assert grown.session is not None
    assert (len(store.ids()), grown.session.summary.model_calls, grown.unchanged) == (1, 2, False)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM agent_messages WHERE id > 2")
        database.commit()
    (cut,) = import_logs(store, [path])
    assert f"{path} is not what session {store.last()} was imported from" in (cut.problem or "")
    assert store.get(store.last()) == grown.session


def test_another_database_is_none(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE things (id INTEGER)")
        database.commit()
    (told,) = import_logs(Store(tmp_path / "store", create=True), [path])
    assert told.problem == f"{path} is neither a cassette nor the log of an agent that is known here."
