"""Sessions in which a tool fails and is put right, and a store of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.reflect.talking import Talk
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Session


TOOLS = [
    {"type": "function", "name": "pay", "parameters": {"properties": {"amount": {}, "to": {}}}},
    {"type": "function", "name": "calculate", "parameters": {"properties": {"sum": {}}}},
]


def session_id(number: int) -> str:
    return f"sess_202611{number % 28 + 1:02}T080000Z_{number:08x}"


def named(session: Session, number: int) -> Session:
    session.session_id = session_id(number)
    session.started_at = f"2026-11-{number % 28 + 1:02}T08:00:00.000Z"
    for run in session.runs:
        run.started_at = session.started_at
    return session


def paying(
    number: int = 1,
    *,
    prompt: str = "Pay 12 for Ada.",
    error: Any = "Error: total is 12, but paid 3",
    solved: bool = True,
    api: str = "responses",
    instructions: str = "",
    **metadata: Any,
) -> Session:
    """A session in which ``pay`` fails, and then works with another amount."""
    tools = TOOLS if api == "responses" else [{"type": "function", "function": each} for each in TOOLS]
    talk = Talk(api, instructions, {"tools": tools})
    talk.asks(prompt)
    talk.calls(("pay", {"amount": 3, "to": "Ada"}, error))
    if solved:
        talk.calls(("calculate", {"sum": "3+9"}, "12"))
        talk.calls(("pay", {"amount": 12, "to": "Ada"}, "paid"))
    talk.says()
    made = named(talk.session(), number)
    made.metadata |= metadata
    return made


def well(number: int, *, instructions: str = "", calls: int = 1, **metadata: Any) -> Session:
    """A session in which ``pay`` does not fail."""
    talk = Talk(instructions=instructions)
    talk.asks("Pay 5.")
    for amount in range(calls):
        talk.calls(("pay", {"amount": amount}, f"paid {amount}"))
    talk.says()
    made = named(talk.session(), number)
    made.metadata |= metadata
    return made


def a_store(path: Path, *sessions: Session) -> Store:
    store = Store(path, create=True)
    for session in sessions:
        session.status = "closed"
        store.put(session)
    return store


def files_of(store: Store) -> dict[str, bytes]:
    """What lies in the folder of learnings, by name."""
    folder = store.paths.learnings
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
