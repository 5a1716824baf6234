"""Findings and text: both take time in proportion to the session, and little beside projecting it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.bench.figures import Figure
from tests.builders import a_run, a_session, a_step
from tests.projection.builders import call
from tests.reflect.talking import Talk
from tfclient.projection.projector import Projector
from tfclient.reflect.findings import examine, kinds
from tfclient.reflect.text import render
from tfstore.document.documents import Session

_STEPS_A_TURN = 6


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure sessions of many steps, of equal calls, of one huge step; of 10,000 with ``--long``."""
    size = 10_000 if long else 4_000
    for name, made in (("", _talk), (" in windows", _windows)):
        small, large = made(size // 4), made(size)
        session, projecting = _projected(large)
        looking = _looking(session)
        steps = session.summary.steps
        yield Figure(f"looking through {steps:,} steps{name}", looking, "s")
        yield Figure("  / projecting them", looking / projecting, "×", 1)
        ratio = looking / _looking(_projected(small)[0])
        yield Figure("  / looking through a quarter of them", ratio, "×", 6)
        telling = _timed(partial(render, session, 2_000))
        yield Figure(f"text of {steps:,} steps{name} within 2,000 tokens", telling, "s")
        yield Figure("  / projecting them", telling / projecting, "×", 2)
    loop, half = (_projected(_loop(n))[0] for n in (2_000, 1_000))
    yield Figure("2,000 equal calls / 1,000", _looking(loop) / _looking(half), "×", 3)
    huge, tenth = (_huge(n) for n in (20_000_000, 2_000_000))
    took = _looking(huge)
    yield Figure("one step of 20 MB", took, "s")
    yield Figure("  / one of 2 MB", took / _looking(tenth), "×", 15)


def _talk(steps: int) -> Talk:
    talk = Talk("chat", instructions="Be brief.")
    for n in range(steps // _STEPS_A_TURN):
        talk.asks(f"Where is order A-{10_000 + n}, and is it on its way?")
        talk.calls(
            ("get_order", {"order_id": f"A-{10_000 + n}"}, {"order_id": f"A-{10_000 + n}", "stage": n % 7})
        )
        talk.says(f"Order number {n} is on its way.")
    return talk


def _windows(steps: int) -> Talk:
    talk = Talk("chat")
    for n in range(steps // _STEPS_A_TURN * 2):
        talk.asks(f"Question {n} of a long conversation.")
        talk.history = talk.history[-7:]
        talk.says(f"Answer {n}, which is long enough to be known again.")
    return talk


def _loop(calls: int) -> Talk:
    talk = Talk("responses")
    talk.asks("Go")
    before: dict[str, Any] = {}
    for n in range(calls):
        items = talk.history[-1:]
        sent = talk.story.send(talk.story.body(items, **before))
        before = {
            "previous_response_id": sent.answer_items([call(f"call_{n}", "get_order", {"order_id": "A-7"})])
        }
        talk.history = [
            {"type": "function_call_output", "call_id": f"call_{n}", "output": "A-7 is in the shop"}
        ]
    return talk


def _huge(length: int) -> Session:
    line = "Error: order-100234 of ada@example.com was not found in 12.5 s, HTTP 404 {x: [1, 2]} \n"
    log = line * (length // len(line))
    asked = {"arguments": {"order_id": "order-9999871"}}
    call_ = a_step("tool_call", tool_name="get_order", call_id="c1", started=asked)
    steps = [
        a_step("user_message", "Go"),
        a_step("assistant_call"),
        a_step("tool_output", log, call_id="c0"),
        call_,
    ]
    return a_session(a_run(*steps, a_step("assistant_message", "Done")))


def _projected(talk: Talk) -> tuple[Session, float]:
    projector = Projector("sess_20260101T000000Z_00000000")
    talk.story.end()

    def project() -> None:
        for entry in talk.story.entries:
            projector.feed(entry)

    took = _timed(project)
    return projector.session(), took


def _looking(session: Session) -> float:
    return min(_timed(lambda: examine(session, only=kinds())) for _ in range(3))


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began
