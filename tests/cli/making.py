"""Stores, sessions and cassettes for the tests of the command, and the command itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from attrs import frozen
from typer.testing import CliRunner

from tests.builders import a_chat, a_run, a_session, a_step, tokens
from tfclient.cli.app import app
from tfstore.document.documents import Attempt, ErrorInfo, Session, Summary, ToolSummary, Usage
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

WEATHER = "sess_20260902T091400Z_7f3a9c01"
HOSTILE = "sess_20260902T100000Z_0badc0de"
GOING_ON = "sess_20260902T111500Z_11fe0000"
NOW = datetime(2026, 9, 2, 12, 0, tzinfo=UTC)

HOSTILE_TEXT = "[bold red]not red[/] :smile: \x1b[31mesc\x07 \u202eback 東京\r\nsecond line"


@frozen
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, columns: int | None = 80) -> Outcome:
    """Run the command as a user types it, its output to no terminal."""
    environ = {
        "COLUMNS": "" if columns is None else str(columns),
        "NO_COLOR": None,
        "FORCE_COLOR": None,
        "THOUGHTFLOW_DIR": None,
    }
    result = CliRunner().invoke(app, [str(each) for each in arguments], env=environ, prog_name="tfclient")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def weather() -> Session:
    """Parallel tools with a retry, a second attempt, a fork, and a run that failed."""
    tool: dict[str, Any] = {"tool_name": "get_weather"}
    first = a_run(
        a_step("user_message", "What's the weather in Oslo and Bergen today? Should I take an umbrella?"),
        a_step("policy.snapshot", "You are concise.", after=(), started={"version": "3b24d0324f3f"}),
        a_step(
            "tool.schemas.snapshot", after=(), started={"count": 2, "names": ["get_weather", "send_email"]}
        ),
        a_step(
            "assistant_call",
            after=(1, 2, 3),
            **_request("resp_a1", 1_400, 812, 96, attempts=_RETRIED, retries=1),
        ),
        a_step(
            "reasoning", "Two cities are asked for, so I need one lookup for each. I can run both at once."
        ),
        a_step("tool_call", after=(4,), call_id="call_1", started=_city("Oslo"), duration_ms=840, **tool),
        a_step(
            "tool_call",
            after=(4,),
            call_id="call_2",
            started=_city("Bergen"),
            status="failed",
            duration_ms=5_000,
            **tool,
        ),
        a_step("tool_output", '{"temp_c": 7.2, "rain_prob": 0.1}', after=(6,), call_id="call_1"),
        a_step(
            "tool_error", '503 Service Unavailable: upstream "yr.no" timed out', after=(7,), call_id="call_2"
        ),
        a_step(
            "assistant_call",
            after=(8, 9),
            previous_response_id="resp_a1",
            **_request("resp_a2", 700, 901, 31),
        ),
        a_step(
            "tool_call", call_id="call_3", started=_city("Bergen"), duration_ms=300, timing="inferred", **tool
        ),
        a_step("tool_output", json.dumps({"hours": list(range(60))}), call_id="call_3"),
        a_step(
            "assistant_call",
            after=(12,),
            previous_response_id="resp_a2",
            **_request("resp_a3", 2_200, 1_104, 141),
        ),
        a_step(
            "assistant_message",
            "Oslo: 7 °C, partly cloudy.\n\nBergen: 10 °C with heavy rain. Take the umbrella.",
        ),
        duration_ms=10_600,
    )
    second = a_chat(
        "And tomorrow?", "Oslo 5 °C, Bergen 8 °C.", response_id="resp_b1", after=1, duration_ms=900
    )
    third = a_chat("Réponds en français.", "Oslo : 7 °C.", response_id="resp_c1", after=1, duration_ms=900)
    fourth = a_run(
        a_step("user_message", "Email this to team@example.com"),
        a_step("policy.snapshot", "You are concise.", after=(), started={"version": "3b24d0324f3f"}),
        a_step("assistant_call", after=(1, 2), **_request("resp_d1", 1_200, 1_610, 71)),
        a_step(
            "tool_call",
            tool_name="send_email",
            call_id="call_9",
            started={"arguments": "not JSON"},
            status="unresolved",
        ),
        a_step(
            "assistant_call",
            after=(1,),
            model="gpt-4.1",
            status="failed",
            duration_ms=60,
            error=ErrorInfo("rate_limit", "You exceeded your current quota.", "insufficient_quota", 429),
        ),
        after=2,
        status="failed",
        duration_ms=1_300,
    )
    session = a_session(
        first, second, third, fourth, session_id=WEATHER, title="Weather agent", result="failed"
    )
    session.started_at, session.duration_ms = "2026-09-02T09:14:00.000Z", 17_600
    session.summary = Summary(
        runs=4,
        steps=26,
        model_calls=7,
        tool_calls=4,
        tool_errors=1,
        unresolved_tool_calls=1,
        errors=2,
        retries=1,
        forks=1,
        models={"gpt-4.1": 7},
        tools={"get_weather": ToolSummary(3, 1, 6_140), "send_email": ToolSummary(1)},
        usage=Usage(4_467, 349, total_tokens=4_816),
    )
    _date(session)
    return session


_RETRIED = [
    Attempt(1, 503, duration_ms=80, retry_after="1"),
    Attempt(2, 200, duration_ms=900, request_id="req_2"),
]


def _request(response_id: str, duration_ms: int, sent: int, received: int, **more: Any) -> dict[str, Any]:
    return {
        "model": "gpt-4.1",
        "response_id": response_id,
        "duration_ms": duration_ms,
        "usage": tokens(sent, received),
        **more,
    }


def _city(city: str) -> dict[str, Any]:
    return {"arguments": {"city": city, "units": "metric"}}


def _date(session: Session) -> None:
    """Let every step begin when what it depends on has ended."""
    ends: dict[str, datetime] = {}
    now = datetime.fromisoformat(session.started_at or "")
    for each in session.runs:
        each.started_at = _iso(now)
        for step in each.steps:
            began = max((ends[before] for before in step.depends_on if before in ends), default=now)
            ends[step.step_id] = began + timedelta(milliseconds=step.duration_ms or 0)
            step.started_at, step.ended_at = _iso(began), _iso(ends[step.step_id])
        now = max(ends.values())


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hostile() -> Session:
    """Texts, names and ids that would like to be more than text."""
    session = a_session(
        a_run(
            a_step("user_message", HOSTILE_TEXT),
            a_step("assistant_call", model="[link=file:///]model[/link]", after=(1,), response_id="resp_[x]"),
            a_step(
                "tool_call",
                after=(2,),
                tool_name="\x1b]0;title\x07",
                started={"arguments": {"[/]": "\x1b[2J"}},
            ),
            a_step("tool_output", "\x1b[2J" + "x" * 400, after=(3,)),
            a_step("assistant_message", "日本語" * 40, after=(2,)),
            a_step("a.label.nobody.knows", "news", type="[bold]news", after=(2,)),
        ),
        session_id=HOSTILE,
        title=HOSTILE_TEXT,
    )
    session.started_at = "2026-09-02T10:00:00.000Z"
    session.notes = ["[red]a note\x1b[31m"]
    return session


def going_on() -> Session:
    """A session that has not ended."""
    session = a_session(
        a_chat("Hello"), session_id=GOING_ON, title="Still talking", status="active", result=None
    )
    session.started_at = "2026-09-02T11:15:00.000Z"
    session.summary = Summary(runs=1, model_calls=1)
    return session


def a_store(path: Path, *sessions: Session) -> Store:
    store = Store(path, create=True)
    for session in sessions:
        store.put(session)
    return store


def journal(store: Store, session_id: str, *, ended: bool = False) -> None:
    """Leave the journal of a writer that is gone: one model call, answered."""
    with Segment.open(store.paths, session_id) as segment:
        segment.append(*entries(ended=ended))


def entries(*, ended: bool) -> list[dict[str, Any]]:
    at = 1_788_340_440_000_000
    sent = {"exchange_id": "c-1.1", "n": 1, "method": "POST", "url": "https://api.openai.com/v1/responses"}
    answer = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "gpt-4.1",
        "output": [_message("Hi")],
    }
    made: list[dict[str, Any]] = [
        {"type": "session.started", "journal_version": 1, "title": "", "metadata": {}, "channel": "text"},
        {"type": "call.started", "call": "c-1", "method": "POST", "path": "/responses", "stream": False},
        {
            "type": "attempt.sent",
            "call": "c-1",
            **sent,
            "headers": {},
            "body": _text({"model": "gpt-4.1", "input": "Hello"}),
        },
        {
            "type": "attempt.answered",
            "exchange_id": "c-1.1",
            "status": 200,
            "headers": {},
            "body": _text(answer),
            "complete": True,
        },
    ]
    if ended:
        made.append({"type": "session.ended", "end_reason": "closed"})
    return [{"at": at + place * 1000, "mono": place * 1000, **entry} for place, entry in enumerate(made)]


def _message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}


def _text(value: Any) -> dict[str, str]:
    return {"text": json.dumps(value)}


def a_cassette(path: Path, *exchanges: tuple[str, Any, Any]) -> Path:
    """Write a cassette of (URL, request, answer)."""
    interactions = [
        {
            "request": {
                "method": "POST",
                "uri": url,
                "headers": {"content-type": ["application/json"]},
                "body": json.dumps(sent),
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"content-type": ["application/json"], "date": ["Wed, 02 Sep 2026 09:14:00 GMT"]},
                "body": {"string": json.dumps(answer)},
            },
        }
        for url, sent, answer in exchanges
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"version": 1, "interactions": interactions}), encoding="utf-8")
    return path


def an_exchange(
    prompt: str = "Hello", answer: str = "Hi", response_id: str = "resp_1"
) -> tuple[str, Any, Any]:
    usage = {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}
    response: dict[str, Any] = {
        "id": response_id,
        "object": "response",
        "status": "completed",
        "model": "gpt-4.1",
        "usage": usage,
    }
    response["output"] = [_message(answer)]
    return "https://api.openai.com/v1/responses", {"model": "gpt-4.1", "input": prompt}, response
