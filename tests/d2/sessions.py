"""The sessions that the golden diagrams show."""

from __future__ import annotations

from typing import Any

from tests.builders import a_chat, a_run, a_session, a_step, tokens
from tfstore.document.documents import Attempt, ErrorInfo, Lineage, ProgramFailure, Session


def weather() -> Session:
    """Four runs: parallel tools with a retry, a follow-up, a fork, a failure."""
    weather: dict[str, Any] = {"tool_name": "get_weather"}
    first = a_run(
        a_step("user_message", "What's the weather in Oslo and Bergen today? Should I take an umbrella?"),
        a_step(
            "policy.snapshot",
            "You are a concise weather assistant.",
            after=(),
            started={"version": "3b24d0324f3f"},
        ),
        a_step(
            "tool.schemas.snapshot", after=(), started={"count": 2, "names": ["get_weather", "send_email"]}
        ),
        a_step("assistant_call", after=(1, 2, 3), **a_request("resp_a1", 1_400, 812, 96)),
        a_step(
            "reasoning",
            "Two cities are asked for, so I need one lookup for each. I can run both at once, then compare the "
            "rain probability to decide on the umbrella.",
        ),
        a_step("tool_call", after=(4,), call_id="call_1", started=_city("Oslo"), duration_ms=840, **weather),
        a_step(
            "tool_call", after=(4,), call_id="call_2", started=_city("Bergen"), status="failed", **weather
        ),
        a_step("tool_output", '{"temp_c": 7.2, "rain_prob": 0.1}', after=(6,), call_id="call_1"),
        a_step(
            "tool_error",
            '503 Service Unavailable: upstream "yr.no" timed out after 5000 ms',
            after=(7,),
            call_id="call_2",
            duration_ms=5_000,
        ),
        a_step(
            "assistant_call",
            after=(2, 3, 8, 9),
            previous_response_id="resp_a1",
            **a_request("resp_a2", 700, 901, 31),
        ),
        a_step("tool_call", call_id="call_3", started=_city("Bergen"), **weather),
        a_step("tool_output", '{"temp_c": 9.8, "rain_prob": 0.92}', call_id="call_3"),
        a_step(
            "assistant_call",
            after=(12, 2, 3),
            previous_response_id="resp_a2",
            **a_request("resp_a3", 2_200, 1_104, 141),
        ),
        a_step(
            "assistant_message",
            "Oslo: 7 °C, partly cloudy. Bergen: 10 °C with heavy rain (92 %). Take the umbrella if you go to Bergen.",
        ),
        duration_ms=10_600,
    )
    second = a_chat(
        "And tomorrow?", "Oslo 5 °C, Bergen 8 °C.", response_id="resp_b1", after=1, duration_ms=4_300
    )
    third = a_chat(
        "Réponds en français, s’il te plaît.",
        "Oslo : 7 °C.",
        response_id="resp_c1",
        after=1,
        duration_ms=1_300,
    )
    fourth = a_run(
        a_step("user_message", "Email this forecast to team@example.com"),
        a_step("assistant_call", **a_request("resp_d1", 1_200, 1_610, 71)),
        a_step(
            "tool_call",
            tool_name="send_email",
            call_id="call_9",
            started={"arguments": {"to": "team@example.com"}},
        ),
        a_step("tool_error", 'PermissionError: scope "mail.send" was not granted ${USER} <team@example.com>'),
        after=2,
        status="failed",
        duration_ms=1_300,
    )
    for run, previous in ((second, "resp_a3"), (third, "resp_a3"), (fourth, "resp_b1")):
        run.steps[1].previous_response_id = previous
    return a_session(first, second, third, fourth, title="Weather agent", result="failed", duration_ms=17_600)


def a_request(response_id: str, duration_ms: int, sent: int, received: int) -> dict[str, Any]:
    """Return the fields of a model request that was answered."""
    return {
        "model": "gpt-4.1",
        "response_id": response_id,
        "duration_ms": duration_ms,
        "usage": tokens(sent, received),
    }


def _city(city: str) -> dict[str, Any]:
    return {"arguments": {"city": city, "units": "metric", "when": "today"}}


def troubled() -> Session:
    """SDK retries, a request that failed for good, a call nobody answered, a stream left early, a cancellation."""
    retried = a_run(
        a_step("user_message", "Summarise the report"),
        a_step(
            "assistant_call",
            attempts=[Attempt(1, 503, duration_ms=80), Attempt(2, 200, duration_ms=900)],
            retries=1,
            **a_request("resp_1", 980, 40, 12),
        ),
        a_step(
            "tool_call",
            '{"path": "report.pdf"}',
            tool_name="read_file",
            status="unresolved",
            call_id="call_1",
        ),
    )
    refused = a_run(
        a_step("user_message", "Try again"),
        a_step(
            "assistant_call",
            model="gpt-4.1",
            status="failed",
            ending="http_error",
            attempts=[Attempt(n, 429, duration_ms=60) for n in (1, 2, 3)],
            error=ErrorInfo("rate_limit", "You exceeded your current quota.", "insufficient_quota", 429),
        ),
        status="failed",
    )
    left = a_run(
        a_step("user_message", "Tell me a long story"),
        a_step(
            "assistant_call", model="gpt-4.1", status="incomplete", ending="left_early", response_id="resp_3"
        ),
        a_step("assistant_message", "Once upon a time", status="incomplete"),
        status="incomplete",
    )
    stopped = a_run(
        a_step("user_message", "Never mind"),
        a_step("assistant_call", model="gpt-4.1", status="cancelled", ending="cancelled"),
        status="cancelled",
    )
    outside = a_run(
        a_step("user_message", "Go on from yesterday"),
        a_step("assistant_call", previous_response_id="resp_y", **a_request("resp_5", 500, 10, 10)),
        a_step("approval_request", "{}", tool_name="delete_file"),
        a_step("approval_response", completed={"approve": False}),
        a_step("generic", "remember this", type="annotation.note", after=()),
        trigger="resumed",
        lineage=Lineage(parent_response_id="resp_y", source="previous_response_id"),
    )
    return a_session(retried, refused, left, stopped, outside, title="A bad day", result="failed")


def agent_loop(steps: int, run_failed: bool = False) -> Session:  # noqa: FBT001, FBT002
    """One run of an agent that calls a tool again and again."""
    loop = [a_step("user_message", "Refactor the module")]
    while len(loop) < steps - 3:
        loop += [
            a_step("assistant_call", **a_request(f"resp_{len(loop)}", 700, 800, 40)),
            a_step("tool_call", f'{{"command": "pytest -k {len(loop)}"}}', tool_name="shell"),
            a_step("tool_output", "1 passed"),
        ]
    loop.append(a_step("assistant_message", "Done."))
    return a_session(
        a_run(*loop, status="failed" if run_failed else "completed", duration_ms=94_000), title="Refactor"
    )


def looping(times: int, *tools: str, output: str = "pending") -> Session:
    """One run that calls the same tools in turn, with the same answers, before it says something."""
    steps = [a_step("user_message", "Where is my order?")]
    for _ in range(times):
        for name in tools or ("get_order",):
            steps += [
                a_step("assistant_call", **a_request(f"resp_{len(steps)}", 700, 800, 40)),
                a_step("tool_call", tool_name=name, started={"arguments": {"id": "A-1"}}),
                a_step("tool_output", output),
            ]
    steps += [
        a_step("assistant_call", **a_request("resp_last", 700, 800, 40)),
        a_step("assistant_message", "Soon."),
    ]
    return a_session(a_run(*steps), title="Order")


def died_in_a_loop() -> Session:
    """The same call three times, its answer in the way of the program, which ended with an exception."""
    session = looping(3, output='{"status": "pending", "eta": null}')
    session.failure = ProgramFailure("TypeError", "no eta: None", frames=["main (agent.py:31)"])
    session.result, session.end_reason = "failed", "process_exit"
    return session


def many_runs(count: int) -> Session:
    """A long session: follow-ups, a fork now and then, some errors on the way, some failures."""
    runs = []
    for n in range(1, count + 1):
        run = a_chat(
            f"Question {n}: what is the weather in Reykjavík and is it windy?", response_id=f"resp_{n}"
        )
        if n > 1:
            run.lineage = Lineage(
                parent_run_id=f"run_{n - 3 if n % 9 == 0 else n - 1}",
                parent_response_id=f"resp_{n - 3 if n % 9 == 0 else n - 1}",
                source="previous_response_id",
                branch_index=int(n % 9 == 0),
            )
        if n % 6 == 0:
            run.steps[2:2] = [
                a_step("tool_call", "{}", tool_name="search", status="failed"),
                a_step("tool_error", "no such host"),
                a_step("assistant_call", **a_request(f"resp_{n}b", 400, 50, 5)),
            ]
        if n % 11 == 0:
            run.steps[-1] = a_step(
                "assistant_call",
                status="failed",
                model="gpt-4.1",
                error=ErrorInfo("timeout", "Request timed out."),
            )
            run.status = "failed"
        run.duration_ms = 900 + 37 * n
        run.started_at = f"2026-09-02T{9 + n // 60:02}:{n % 60:02}:00.000Z"
        runs.append(run)
    return a_session(*runs, title="Travel agent", duration_ms=383_100)
