"""Agents that were wrong and successful: one command names the cause in its first ten lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import Outcome, run
from tests.reflect.buggy_agents import forgetful, waiting, wrong_order
from tests.server.replies import Call, answer, calls
from tfclient import Recorder, TracedOpenAI

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

QUESTIONS = [
    "Hi! I am allergic to nuts, please keep that in mind.",
    "What do people eat in Thailand?",
    "And what is typical of the north?",
    "Which soup would you cook tonight?",
    "Good, and which sauce goes with it?",
]


def _lost_order(server: ScriptedServer, client: Any) -> None:
    server.script(calls(Call("get_order", {"order_id": "A-1002"})), answer("Your order holds a lamp."))
    wrong_order(client)


def _lost_allergy(server: ScriptedServer, client: Any) -> None:
    server.script(
        *(answer(f"Here is what I know of question {n}.") for n in range(4)), answer("A peanut sauce.")
    )
    forgetful(client, QUESTIONS)


def _loop(server: ScriptedServer, client: Any) -> None:
    server.script(*[calls(Call("get_order", {"order_id": "A-1002"}))] * 24, answer("I give up."))
    waiting(client, lambda order_id: f"{order_id}: left the shop, with parcel 77")


@pytest.mark.parametrize(
    ("agent", "words", "of_step"),
    [
        (
            _lost_order,
            ["id_not_in_answer", "A-1002", "A-1001", "1.4, 1.5"],
            ("1.7", "1.7 ASSISTANT Your order holds a lamp."),
        ),
        (
            _lost_allergy,
            ["context_cut", 'no longer sent: 1.1 USER "Hi! I am allergic to nuts'],
            ("5", "Run 5 Good, and which sauce goes with it?"),
        ),
        (
            _loop,
            ["loop_without_progress", "24 times", "get_order"],
            ("1.70", "1.70 CALL get_order"),
        ),
    ],
)
def test_the_cause_is_in_the_first_ten_lines(
    server: ScriptedServer,
    tmp_path: Path,
    agent: Callable[..., None],
    words: list[str],
    of_step: tuple[str, str],
) -> None:
    root = tmp_path / "store"
    with TracedOpenAI(base_url=server.url, api_key="sk-test", recorder=Recorder(root)) as client:
        agent(server, client)
        ended = client.end_session()
    assert ended is not None
    ended.wait(60)

    step, first_of_step = of_step
    for command in (["findings", "last"], ["why", "last"], ["why", "last", step]):
        told: Outcome = run(*command, "--store", root, columns=100)
        first = " ".join(" ".join(told.out.splitlines()[:10]).split())
        assert [word for word in words if word not in first] == [], told.out
        assert "Nothing failed." not in told.out
    assert told.out.startswith(first_of_step)
    assert run("why", "last", "--store", root, "--json").json["failures"] == []


def test_a_call_of_the_loop_says_how_often_it_was_made_before(server: ScriptedServer, tmp_path: Path) -> None:
    root = tmp_path / "store"
    with TracedOpenAI(base_url=server.url, api_key="sk-test", recorder=Recorder(root)) as client:
        _loop(server, client)
        ended = client.end_session()
    assert ended is not None
    ended.wait(60)

    told = run("why", "last", "1.70", "--store", root, columns=100).out
    assert "Asked the same 22 times before, with the same answer" in told
    assert run("why", "last", "1.70", "--store", root, "--json").json["tool"]["same_answer"] is True


def _price_of(name: str, _: Any) -> float:
    raise KeyError(f"no price of a {name}")


def test_a_program_that_died_of_its_own_exception_says_so_first(
    server: ScriptedServer, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    server.script(calls(Call("get_order", {"order_id": "A-1002"})), answer("Your order holds a lamp."))
    with TracedOpenAI(base_url=server.url, api_key="sk-test", recorder=Recorder(root)) as client:
        session = client.session()
        with pytest.raises(KeyError), session:
            _price_of("lamp", wrong_order(client))
        assert session.wait(60)

    told = run("why", "last", "--store", root, columns=100)
    first = " ".join(told.out.splitlines()[:10])
    assert [word for word in ("KeyError", "no price of a lamp") if word not in first] == [], told.out
    assert run("list", "--failed", "--store", root, "--json").json
