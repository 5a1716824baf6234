"""Stores with something of everything, and the databases that they are sent to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.builders import a_chat, a_run, a_session, a_step
from tests.cli.making import going_on, hostile, weather
from tests.postgres import ask
from tfstore.document.converter import to_json
from tfstore.document.documents import RedactedPlace, Replay, Session
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.postgres.migrating import migrate
from tfstore.postgres.postgres_store import PostgresStore
from tfstore.postgres.syncing import Sync, Synced, Wanted
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

CONTINUED = "sess_20260903T080000Z_c0000001"
REPLAYED = "sess_20260903T090000Z_0e91a700"
NIGHTLY = "nightly"


def some_sessions() -> list[Session]:
    """Failed, hostile, active, going on from another session's response, a replay, and one without a beginning."""
    continued = a_session(
        a_chat("And next week?", "Rain.", response_id="resp_n1"),
        session_id=CONTINUED,
        title="Go on",
        metadata={"user": "ada", "tries": 3},
    )
    continued.started_at = "2026-09-03T08:00:00.000Z"
    continued.runs[0].lineage.parent_response_id = "resp_b1"
    continued.runs[0].conversation_id = "conv_1"
    continued.runs[0].steps[1].previous_response_id = "resp_b1"
    continued.redaction.places = [
        RedactedPlace("header:authorization", "request.headers.authorization", "dropped", 2, 94),
        RedactedPlace("openai_key", "request.body.input[].content", "replaced", 3, 153),
    ]
    replayed = a_session(a_chat("Again", "Yes.", response_id="resp_r1"), session_id=REPLAYED, title="Again")
    replayed.started_at, replayed.replay = "2026-09-03T09:00:00.000Z", Replay(session_id=CONTINUED)
    replayed.runs[0].conversation_id = "conv_1"
    replayed.redaction.places = [RedactedPlace("openai_key", "response.body\0", "replaced", 2**60, 1)]
    undated = a_session(
        a_chat("When?", "ÇA N'EST PAS 50% DE _tout_", response_id="resp_u1"), session_id=NIGHTLY
    )
    undated.started_at = None
    return [weather(), hostile(), going_on(), continued, replayed, undated]


def a_full_store(path: Path) -> Store:
    """Return a store of them, with notes, and with documents that hold no session or another one."""
    store = Store(path, create=True, keep=lambda text, _where, _mode: (text, []))
    for session in some_sessions():
        store.put(session)
    store.note(CONTINUED, "wrong week", step="1.1", score=0, tags=["bug"])
    store.pin(CONTINUED, "outage-7", "the first one")
    store.paths.document("sess_broken").write_text("{half of a docu", encoding="utf-8")
    copied = to_json(a_session(a_chat("A copy", response_id="resp_copy"), session_id="sess_original"))
    store.paths.document("sess_copied").write_text(json.dumps(copied), encoding="utf-8")
    store.paths.document("sess_later").write_text('{"schema_version": "thoughtflow/9"}', encoding="utf-8")
    return store


def migrated(url: str) -> Address:
    """Make the tables there."""
    address = Address.of(url)
    with connect(address, reads_only=False) as connection:
        migrate(connection, address)
    return address


def sync(store: Store, url: str, *, name: str | None = None, **wanted: Any) -> Synced:
    """Send what the store holds, active sessions too."""
    return Sync(store, Address.of(url), name=name).run(Wanted(**{"live": True, **wanted}))


def read(url: str) -> PostgresStore:
    return PostgresStore(Address.of(url))


def an_odd_step(**fields: Any) -> Session:
    """A session of one step with such fields."""
    return a_session(a_run(a_step("user_message", "Hello"), a_step("assistant_message", "Hi", **fields)))


def is_whole(folder: Store, url: str) -> bool:
    """Whether the database has all that the folder has, and nothing else."""
    steps = sum(
        len(run.steps) for each in folder.ids() if each in _readable(folder) for run in folder.get(each).runs
    )
    ((sessions,),) = ask(url, "SELECT count(*) FROM sessions")
    ((documents,),) = ask(url, "SELECT count(*) FROM documents")
    ((events,),) = ask(url, "SELECT count(*) FROM agent_run_events")
    ((payloads,),) = ask(url, "SELECT count(*) FROM agent_run_payloads WHERE payload IS NOT NULL")
    with read(url) as team:
        same = all(team.text(each) == folder.text(each) for each in folder.ids())
    return same and (sessions, documents, events, payloads) == (*[len(folder.ids())] * 2, steps, steps)


def _readable(folder: Store) -> set[str]:
    folder.list()
    return {*folder.ids()} - {*folder.skipped}
