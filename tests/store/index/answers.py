"""What a store answers, and what its documents say: they must be the same, whatever is the matter with its index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.store.making import a_run, a_session, a_step
from tfstore.document.documents import ErrorInfo, Session, Summary, ToolSummary, Usage
from tfstore.errors import StoreError
from tfstore.index.rows import Telling, calls_of, row_of
from tfstore.reading.designed_ends import waits_for
from tfstore.reading.messages import answer_of
from tfstore.reading.search import Pattern, matches_in, sessions_holding

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store

COUNT = 12
"""Of talks in a store that is full."""

TOOLS = ("weather", "search", "mail")
TEXTS = ("the harbour at dawn", "Straße nach Köln", "berth 14 is free", "東京の天気", "ISTANBUL")
LOOKED_FOR = (
    "harbour",
    "STRASSE",
    "straße",
    "köln",
    "berth 1",
    "東京の天気",
    "istanbul",
    "ab",
    "user: ada",
    "nowhere",
)
REGEXES = ("har.?bour", "berth [0-9]+", "(dawn|free)", "k.ln")


def a_talk(number: int, **more: Any) -> Session:
    """Return a session that says something, calls a model and a tool, and goes on from the one before."""
    tool, text = TOOLS[number % 3], TEXTS[number % 5]
    call = a_step("1_2", "assistant_call", "1_1", model=f"gpt-{number % 2}", response_id=f"resp_{number}")
    call.usage, call.duration_ms = Usage(10, number, total_tokens=10 + number), 100 + number
    call.previous_response_id = f"resp_{number - 1}" if number else None
    failed = a_step("1_4", "tool_error", "1_3", tool_name=tool, status="failed")
    failed.error = ErrorInfo("tool" if number % 2 else "timeout", f"no {text}")
    steps = [
        a_step("1_1", "user_message", payload_started={"text": text}),
        call,
        a_step("1_3", "tool_call", "1_2", tool_name=tool, payload_started={"arguments": {"n": number}}),
        *([failed] if number % 4 == 3 else []),
    ]
    summary = Summary(
        runs=1,
        model_calls=1,
        usage=Usage(10, number, total_tokens=10 + number // 2),
        models={f"gpt-{number % 2}": 1},
        tools={tool: ToolSummary(calls=1)},
    )
    day = f"2026-09-{number % 28 + 1:02}"
    fields = {
        "title": f"Talk {number}",
        "metadata": {"user": "ada" if number % 2 else "bob"},
        "summary": summary,
    }
    fields |= {"started_at": f"{day}T09:14:00.000Z", "result": "failed" if number % 4 == 3 else "completed"}
    return a_session(f"sess_{day.replace('-', '')}T091400Z_{number:08x}", a_run(1, *steps), **fields | more)


def answers(store: Store) -> dict[str, Any]:
    """Return what the store answers."""
    ids = store.ids()
    found: dict[str, Any] = {
        "list": store.list(),
        "list 3": store.list(limit=3),
        "list failed": store.list(result="failed"),
        "list active": store.list(status="active"),
        "list since": store.list(since="2026-09-03"),
        "list timeout": store.list(error_class="timeout"),
        "list ada": store.list(metadata={"user": "ada"}),
        "list by tokens": store.list(sort="tokens"),
        "steps": [_place(step) for step in store.steps()],
        "made": {n: (each := store.find_response(f"resp_{n}")) and each[0] for n in range(len(ids) + 2)},
        "continued": {n: sorted(store.continued_in(f"resp_{n}")) for n in range(len(ids) + 2)},
        "skipped": sorted(store.skipped),
    }
    for tool in TOOLS:
        found[f"list {tool}"] = store.list(tool=tool)
        found[f"steps {tool}"] = [_place(step) for step in store.steps(tool=tool)]
    for name in ("timeout", "tool"):
        found[f"steps {name}"] = [_place(step) for step in store.steps(error_class=name)]
    for label in ("assistant_call", "tool_call"):
        found[f"calls {label}"] = sorted(_numbers(each) for each in store.index.calls(label))
    for text in (*LOOKED_FOR, *REGEXES):
        pattern = Pattern.of(text, regex=text in REGEXES)
        holding = sessions_holding(store, pattern, lambda _: None, ids=ids)
        found[f"search {text}"] = [(session.session_id, matches) for session, matches in holding]
    return found


def said_by_documents(store: Store) -> dict[str, Any]:
    """Return what it should answer: every document is read for every question."""
    sessions = []
    skipped = []
    for session_id in store.ids():
        try:
            sessions.append(store.get(session_id))
        except StoreError:
            skipped.append(session_id)
    rows = [row_of(session, Telling(answer_of(session), waits_for(session))) for session in sessions]
    rows.sort(key=lambda row: (row.started_at or "", row.session_id), reverse=True)
    steps = [step for session in sessions for run in session.runs for step in run.steps]
    classes = {step.session_id: step.error.class_ for step in steps if step.error}
    made = {step.response_id: step.session_id for step in steps if step.label == "assistant_call"}
    count = len(sessions) + len(skipped) + 2
    found: dict[str, Any] = {
        "list": rows,
        "list 3": rows[:3],
        "list failed": [row for row in rows if row.result == "failed"],
        "list active": [row for row in rows if row.status == "active"],
        "list since": [row for row in rows if (row.started_at or "") >= "2026-09-03T00:00:00.000Z"],
        "list timeout": [row for row in rows if classes.get(row.session_id) == "timeout"],
        "list ada": [row for row in rows if row.metadata.get("user") == "ada"],
        "list by tokens": sorted(rows, key=lambda row: -row.usage.total_tokens),
        "steps": [_place(step) for step in steps],
        "made": {n: made.get(f"resp_{n}") for n in range(count)},
        "continued": {
            n: [step.session_id for step in steps if step.previous_response_id == f"resp_{n}"]
            for n in range(count)
        },
        "skipped": skipped,
    }
    for tool in TOOLS:
        found[f"list {tool}"] = [row for row in rows if tool in row.tools]
        found[f"steps {tool}"] = [_place(step) for step in steps if step.tool_name == tool]
    for name in ("timeout", "tool"):
        found[f"steps {name}"] = [_place(step) for step in steps if step.error and step.error.class_ == name]
    for label in ("assistant_call", "tool_call"):
        groups: dict[str, list[Any]] = {}
        for session in sessions:
            for each, calls in calls_of(session):
                if each == label:
                    groups.setdefault(calls.name, []).append(calls)
        found[f"calls {label}"] = sorted(
            (
                name,
                *(sum(getattr(each, field) for each in some) for field in _FIELDS),
                sorted(number for each in some for number in each.durations),
            )
            for name, some in groups.items()
        )
    for text in (*LOOKED_FOR, *REGEXES):
        pattern = Pattern.of(text, regex=text in REGEXES)
        matches = ((session.session_id, list(matches_in(store, session, pattern))) for session in sessions)
        found[f"search {text}"] = [each for each in matches if each[1]]
    return found


_FIELDS = ("sessions", "failed_sessions", "calls", "errors", "input_tokens", "output_tokens")


def _numbers(calls: Any) -> tuple[Any, ...]:
    return (calls.name, *(getattr(calls, field) for field in _FIELDS), sorted(calls.durations))


def _place(step: Any) -> tuple[str | None, str]:
    return step.session_id, step.step_id


def index_of(store: Store) -> Path:
    return store.paths.root / "index.db"


def indexed(store: Store, sql: str) -> list[Any]:
    with closing(sqlite3.connect(index_of(store))) as db:
        return db.execute(sql).fetchall()
