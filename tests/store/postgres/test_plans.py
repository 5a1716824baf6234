"""Questions of a large database go by the indexes that are there for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.postgres import ask
from tests.store.postgres.making import migrated
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.postgres.partitions import ensure_partitions
from tfstore.postgres.postgres_store import PostgresStore
from tfstore.reading.search import TOLD

if TYPE_CHECKING:
    from tests.postgres import Server

SESSIONS = 20_000
STEPS = 10

_SESSIONS = f"""
INSERT INTO sessions (source_id, session_id, month, document_sha256, document_bytes, listed, began, took, tokens, wrong,
  result, models, tools, error_classes, conversations, pairs, words, line, told)
SELECT 'a0000000-0000-4000-8000-000000000000', 's' || n, date '2026-08-01' + (n % 2) * interval '1 month', md5(n::text),
  9, TRUE, to_char(timestamp '2026-08-01' + n * interval '2 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.000Z'), 1, 1,
  n % 50 = 0, CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END, '{{}}', ARRAY['t' || n % 400], '{{}}', '{{}}',
  '{{}}', '', '{{"session_id": "s' || n || '", "usage": {{}}, "played_usage": {{}}}}', 1
  FROM generate_series(1, {SESSIONS}) n;
INSERT INTO agent_run_events (month, source_id, session_id, sequence_no, label, tool_name, error_class, response_id,
  started_at, depends_on, played, text, sha256)
SELECT month, source_id, session_id, k, 'tool_call', 't' || hashtext(session_id || k) % 400,
  CASE WHEN k = 9 AND wrong THEN 'tool' END, 'r' || session_id || k, now(), '{{}}', FALSE,
  left(md5(session_id || k), 6), '' FROM sessions, generate_series(1, {STEPS}) k;
INSERT INTO links SELECT 'r' || session_id || '1', 'made', source_id, session_id FROM sessions;
INSERT INTO documents SELECT month, source_id, session_id, '' FROM sessions;
ANALYZE sessions; ANALYZE agent_run_events; ANALYZE links; ANALYZE documents
"""


@pytest.fixture(scope="module")
def large(postgres_server: Server) -> PostgresStore:
    """Twenty thousand sessions of ten steps, in two months; their documents are empty."""
    from datetime import date

    url = postgres_server.new_url()
    migrated(url)
    with connect(Address.of(url), reads_only=False) as connection:
        ensure_partitions(connection, [date(2026, 8, 1), date(2026, 9, 1)])
    ask(url, "INSERT INTO sources (source_id, name) VALUES ('a0000000-0000-4000-8000-000000000000', 'ci')")
    ask(url, _SESSIONS)
    return PostgresStore(Address.of(url))


QUESTIONS: dict[str, tuple[Callable[[PostgresStore], object], str]] = {
    "the latest": (lambda store: store.list(limit=20), "sessions_started"),
    "the latest that failed": (lambda store: store.list(result="failed", limit=20), "sessions_failed"),
    "with a rare tool": (lambda store: store.list(tool="t7"), "sessions_tools"),
    "by id": (lambda store: store.known("s77"), "sessions_id"),
    "its document": (lambda store: store.text("s77"), "documents_2026_09_pkey"),
    "who made a response": (lambda store: store._linked("rs771", "made"), "links_pkey"),
    "steps of a tool": (lambda store: store._ids_with_steps({"tool": "t7"}), "tool_name_started_at_idx"),
    "steps with an error": (
        lambda store: store._ids_with_steps({"error": "tool"}),
        "error_class_started_at_idx",
    ),
    "a text": (lambda store: store.may_say(["c81e72"], lambda _: [], TOLD, None), "text_idx"),
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_the_index_is_used(large: PostgresStore, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    question, index = QUESTIONS[asked]
    plans: list[str] = []
    whole = large._ask

    def explained(sql: str, *values: object) -> list[object]:
        plans.extend(line for (line,) in whole(f"EXPLAIN {sql}", *values))
        return whole(sql, *values)

    for each in (large, large._documents):
        monkeypatch.setattr(each, "_ask", explained)
    with pytest.MonkeyPatch.context() as context:
        context.setattr("tfstore.postgres.documents.unpacked", bytes)
        question(large)

    plan = "\n".join(plans)
    assert index in plan, plan
    # What began before the oldest month is empty here.
    assert "Seq Scan on agent_run_events_2026" not in plan, plan
