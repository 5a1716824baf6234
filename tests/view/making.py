"""Sessions that the page is tried on: a failing agent, a very long one, a hostile one, one that grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import a_run, a_session, a_step, tokens
from tfstore.document.documents import (
    Attempt,
    ErrorInfo,
    Latency,
    Origin,
    Run,
    Session,
    Step,
    Summary,
    ToolSummary,
    Usage,
)

BEGAN = datetime(2026, 9, 2, 9, 14, tzinfo=UTC)


def timed(session: Session, began: datetime = BEGAN) -> Session:
    """Give the steps times one after another (tool calls of one request at once), and count the session up."""
    at = began
    usage, tools = Usage(), dict[str, ToolSummary]()
    for run in session.runs:
        run.started_at = iso(at)
        for step in run.steps:
            at = _time(step, at)
            if step.usage:
                usage.add(step.usage)
            if step.label == "tool_call":
                tools.setdefault(step.tool_name or "", ToolSummary()).calls += 1
            if step.label == "tool_error":
                tools.setdefault(step.tool_name or "", ToolSummary()).errors += 1
            step.origin = Origin(run.steps[0].step_id, session.runs[0].steps[0].step_id)
        run.ended_at = iso(at)
        at += timedelta(minutes=5)
    steps = [step for run in session.runs for step in run.steps]
    session.started_at, session.ended_at = iso(began), iso(at)
    session.duration_ms = int((at - began).total_seconds() * 1000)
    session.summary = Summary(
        runs=len(session.runs),
        steps=len(steps),
        model_calls=sum(step.label == "assistant_call" for step in steps),
        tool_calls=sum(step.label == "tool_call" for step in steps),
        tool_errors=sum(step.label == "tool_error" for step in steps),
        errors=sum(step.status == "failed" for step in steps),
        models={"gpt-4.1": sum(step.label == "assistant_call" for step in steps)},
        tools=tools,
        usage=usage,
    )
    return session


def _time(step: Step, at: datetime) -> datetime:
    took = timedelta(milliseconds=step.duration_ms or 0)
    step.started_at, step.ended_at = iso(at), iso(at + took)
    if step.label in {"tool_output", "tool_error"}:
        return at + timedelta(milliseconds=900)
    if step.label == "tool_call":
        return at + timedelta(milliseconds=2)
    return at + took


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def a_model_call(n: int | str, *, after: tuple[int | str, ...] | None = None, **fields: Any) -> Step:
    """Return a model request that was answered."""
    fields = {"model": "gpt-4.1", "duration_ms": 1_200, "usage": tokens(812, 96), **fields}
    started = {
        "name": "openai.responses.create",
        "model": "gpt-4.1",
        "arguments": {"temperature": 0.2},
        **fields.pop("started", {}),
    }
    return a_step(
        "assistant_call",
        after=after,
        response_id=f"resp_{n}",
        ending="completed",
        latency=Latency(total_ms=1_200, first_event_ms=310),
        started=started,
        **fields,
    )


def failing() -> Session:
    """Two runs: parallel tools of which one fails and is tried again; then a tool that may not be used."""
    first = a_run(
        a_step("user_message", "What's the weather in Oslo and Bergen today? Should I take an umbrella?"),
        a_step(
            "policy.snapshot",
            "You are a concise weather assistant.",
            after=(),
            started={"version": "3b24d0324f3f", "sources": ["instructions"]},
        ),
        a_step(
            "tool.schemas.snapshot",
            after=(),
            started={
                "count": 1,
                "names": ["get_weather"],
                "tools": [{"type": "function", "name": "get_weather"}],
            },
        ),
        a_model_call(
            "a1",
            after=(1, 2, 3),
            attempts=[
                Attempt(1, 503, error="overloaded", duration_ms=300, started_at=iso(BEGAN)),
                Attempt(2, 200, duration_ms=800, started_at=iso(BEGAN + timedelta(milliseconds=400))),
            ],
            retries=1,
            started={
                "prompt_provenance": {
                    "parts": [
                        {"type": "instructions", "step_id": "step_1_2"},
                        {"type": "tools", "step_id": "step_1_3"},
                        {"type": "user_message", "step_id": "step_1_1"},
                    ]
                }
            },
        ),
        a_step("reasoning", "Two cities are asked for, so I need one lookup for each.", after=(4,)),
        a_step(
            "tool_call",
            tool_name="get_weather",
            after=(4,),
            call_id="call_1",
            duration_ms=840,
            timing="measured",
            started={"arguments": {"city": "Oslo"}},
        ),
        a_step(
            "tool_call",
            tool_name="get_weather",
            after=(4,),
            call_id="call_2",
            duration_ms=700,
            timing="inferred",
            status="failed",
            started={"arguments": {"city": "Bergen"}},
        ),
        a_step(
            "tool_output",
            '{"temp_c": 7.2, "rain_prob": 0.1}',
            after=(6,),
            call_id="call_1",
            tool_name="get_weather",
        ),
        a_step(
            "tool_error",
            '503 Service Unavailable: upstream "yr.no" timed out',
            after=(7,),
            call_id="call_2",
            tool_name="get_weather",
        ),
        a_model_call(
            "a2",
            after=(2, 3, 8, 9),
            previous_response_id="resp_a1",
            started={
                "inherits": {"step_id": "step_1_4", "items": 1},
                "prompt_provenance": {
                    "parts": [
                        {"type": "instructions", "step_id": "step_1_2"},
                        {"type": "tools", "step_id": "step_1_3"},
                        {"type": "response", "step_id": "step_1_4", "response_id": "resp_a1"},
                        {"type": "tool_output", "step_id": "step_1_8"},
                        {"type": "tool_error", "step_id": "step_1_9"},
                    ]
                },
            },
        ),
        a_step("assistant_message", "Oslo: 7 °C, partly cloudy. I could not look Bergen up."),
        duration_ms=4_600,
    )
    second = a_run(
        a_step("user_message", "Email this forecast to team@example.com", after=("step_1_11",)),
        a_model_call(
            "b1",
            previous_response_id="resp_a2",
            started={
                "prompt_provenance": {
                    "parts": [
                        {"type": "response", "step_id": "step_1_10", "response_id": "resp_a2"},
                        {"type": "user_message", "step_id": "step_2_1"},
                    ]
                }
            },
        ),
        a_step(
            "tool_call",
            tool_name="send_email",
            call_id="call_9",
            duration_ms=130,
            status="failed",
            started={"arguments": {"to": "team@example.com"}},
        ),
        a_step(
            "tool_error",
            'PermissionError: scope "mail.send" was not granted',
            tool_name="send_email",
            call_id="call_9",
        ),
        after=1,
        status="failed",
        duration_ms=2_300,
    )
    return timed(a_session(first, second, title="Weather agent", result="failed"))


def long_session(runs: int = 100, loops: int = 6) -> Session:
    """Return ``runs`` runs of 2 + 3 × ``loops`` steps each; every tenth run fails."""
    return timed(
        a_session(*(_long_run(n, loops) for n in range(1, runs + 1)), title="A long night", result="failed")
    )


def _long_run(n: int, loops: int) -> Run:
    steps = [a_step("user_message", f"Prompt number {n}: go through the {n} files and tell what is in them")]
    for loop in range(loops):
        steps += [
            a_model_call(f"{n}_{loop}"),
            a_step(
                "tool_call",
                tool_name="read_file",
                call_id=f"call_{n}_{loop}",
                duration_ms=90,
                started={"arguments": {"path": f"src/file_{loop}.py"}},
            ),
            a_step("tool_output", f"contents of file {loop}", tool_name="read_file"),
        ]
    failed = n % 10 == 0
    if failed:
        steps[-1] = a_step("tool_error", f"FileNotFoundError: file of run {n}", tool_name="read_file")
    steps.append(a_step("assistant_message", f"Answer number {n}"))
    return a_run(*steps, status="failed" if failed else "completed", duration_ms=9_000)


SCRIPT = (
    "<script>window.pwned=1;alert(1)</script>"
    '<img src=x onerror="window.pwned=2;alert(2)"><svg onload="window.pwned=3">'
)
CLOSING = "</script><script>window.pwned=4</script><!--<script>"
RTL = "שלום עולם \u202egnp.exe\u202c مرحبا بالعالم"


def hostile() -> Session:
    """Everything recorded text can try, in every place where text is recorded."""
    run = a_run(
        a_step("user_message", f"{SCRIPT} {CLOSING} ${{vars}} |md # x | {RTL}"),
        a_step(
            "policy.snapshot",
            f"{CLOSING} ]]> <style>*{{display:none}}</style>",
            after=(),
            started={"version": "<b>v</b>"},
        ),
        a_step(
            "tool.schemas.snapshot",
            after=(),
            started={
                "count": 1,
                "names": [SCRIPT],
                "tools": [{SCRIPT: CLOSING, "__proto__": {"polluted": 1}}],
            },
        ),
        a_model_call("x1", after=(1, 2, 3), model=SCRIPT, request_id=CLOSING),
        a_step("reasoning", f"javascript:alert(1) {SCRIPT}", after=(4,)),
        a_step(
            "tool_call",
            tool_name=f"get_{SCRIPT}",
            after=(4,),
            call_id='"><script>window.pwned=5</script>',
            started={"arguments": {SCRIPT: RTL}},
        ),
        a_step("tool_output", "<b>line</b> of output\n" * 240_000, tool_name="big", after=(6,)),
        a_step("tool_error", f"{CLOSING}{SCRIPT}", tool_name="x", error=ErrorInfo("tool", f"{SCRIPT}{RTL}")),
        a_step("assistant_message", f"{RTL}\n{SCRIPT}\n\x1b[31mred\x07 \u2028 &lt;b&gt; \ud800"),
        a_step("generic", SCRIPT, type="annotation.<img src=x onerror=window.pwned=6>"),
        status="failed",
    )
    session = timed(a_session(run, title=f"{SCRIPT}{RTL}", result="failed"))
    session.session_id = "sess_20260902T091400Z_bad0bad0"
    session.metadata = {SCRIPT: CLOSING}
    return session


def growing(runs: int, *, active: bool = True) -> Session:
    """Return a session as it stands after so many runs."""
    session = timed(a_session(*(_long_run(n, 1) for n in range(1, runs + 1)), title="A growing one"))
    session.session_id = "sess_20260902T101400Z_11fe11fe"
    session.status = "active" if active else "closed"
    session.result = None if active else "completed"
    session.integrity.entries = runs
    return session


def a_listed(n: int, *, tools: dict[str, int] | None = None, **fields: Any) -> Session:
    """Return the n-th of many sessions that are told apart in a list, one a minute."""
    began = BEGAN + timedelta(minutes=n)
    summary = Summary(runs=1, models={"gpt-4.1": 1}, tool_errors=fields.pop("tool_errors", 0))
    summary.tools = {name: ToolSummary(calls=calls) for name, calls in (tools or {}).items()}
    return Session(
        f"sess_{began:%Y%m%dT%H%M%SZ}_{n:08x}",
        **{
            "title": f"Session number {n}",
            "status": "closed",
            "result": "completed",
            "started_at": iso(began),
            "duration_ms": 1000 + n,
            "summary": summary,
            **fields,
        },
    )
