"""``tfclient diff`` of two model calls, and of two runs: what the model was given on each side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import HOSTILE, run
from tests.reflect.talking import BOTH, Talk
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def a_tool(api: str, name: str, about: str) -> dict[str, Any]:
    inner = {"name": name, "description": about, "parameters": {"type": "object", "properties": {}}}
    return {"type": "function", "function": inner} if api == "chat" else {"type": "function", **inner}


def session(api: str, number: int, question: str, about: str, heat: float, *more: str) -> Any:
    tools = [a_tool(api, name, about) for name in ("get_order", *more)]
    talk = Talk(
        api, instructions=f"You work for shop {number}.", fields={"tools": tools, "temperature": heat}
    )
    talk.asks(question)
    talk.says("Which one?")
    talk.asks("The last one.")
    talk.says("It is on its way.")
    made = talk.session()
    made.session_id = f"sess_20260902T09140{number}Z_0000000{number}"
    return made


def two(tmp_path: Path, api: str) -> Path:
    store = Store(tmp_path / "store", create=True)
    store.put(session(api, 1, "Where is my order?", "An order.", 0.2, "cancel_order"))
    store.put(session(api, 2, "Where is my parcel?", "An order by its id.", 0.7))
    return store.paths.root


def call_of(root: Path, number: int, nth: int) -> str:
    store = Store(root)
    found = store.get(f"sess_20260902T09140{number}Z_0000000{number}")
    calls = [step.step_id for each in found.runs for step in each.steps if step.label == "assistant_call"]
    return f"0000000{number}:{calls[nth].removeprefix('step_').replace('_', '.')}"


@BOTH
def test_what_two_model_calls_were_given(tmp_path: Path, api: str) -> None:
    root = two(tmp_path, api)
    before, after = call_of(root, 1, 1), call_of(root, 2, 1)

    told = run("diff", before, after, "--store", root, "--json").json
    assert "runs" not in told
    changes = {each["field"]: (each["before"], each["after"]) for each in told["prompts"]["changes"]}
    assert changes["instructions"] == ("You work for shop 1.", "You work for shop 2.")
    assert changes["temperature"] == (0.2, 0.7)
    assert changes["tool get_order"][1]["description"] == "An order by its id."
    assert changes["tool cancel_order"][1] is None
    assert set(changes) == {"instructions", "temperature", "tool get_order", "tool cancel_order"}
    (message,) = told["prompts"]["messages"]
    assert message["changes"] == [
        {"field": "text", "before": "Where is my order?", "after": "Where is my parcel?"}
    ]

    out = run("diff", before, after, "--store", root, columns=100).out
    assert "tool cancel_order only before" in out
    assert "+ You work for shop 2." in out
    assert "+ Where is my parcel?" in out
    assert "2 messages the same." in out


@BOTH
def test_two_runs_say_what_their_first_calls_were_given(tmp_path: Path, api: str) -> None:
    root = two(tmp_path, api)

    told = run("diff", "00000001:1", "00000001:2", "--store", root, "--json").json
    assert told["prompts"]["changes"] == []
    assert [(each["before"] is None, each["label"]) for each in told["prompts"]["messages"]] == [
        (True, "assistant_message"),
        (True, "user_message"),
    ]
    assert told["runs"]
    out = run("diff", "00000001:1", "00000001:2", "--store", root).out
    assert out.index("Run 1 → Run 2") < out.index("WHAT THE MODEL WAS GIVEN")


def test_a_step_stands_for_the_model_call_it_belongs_to(tmp_path: Path) -> None:
    root = two(tmp_path, "responses")
    steps = [step for each in Store(root).get("sess_20260902T091401Z_00000001").runs for step in each.steps]
    answers = [each.step_id for each in steps if each.label in {"assistant_message", "user_message"}][:2]

    for each in answers:
        told = run("diff", f"00000001:{each}", call_of(root, 1, 0), "--store", root, "--json").json
        assert told["prompts"]["before"] == told["prompts"]["after"]
        assert told["prompts"]["messages"] == []
    assert "The same." in run("diff", f"00000001:{answers[0]}", call_of(root, 1, 0), "--store", root).out


def test_many_messages_are_counted(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    talk = Talk("chat")
    talk.asks("one")
    talk.says("two")
    for n in range(60):
        talk.history.append({"role": "user", "content": f"number {n}"})
    talk.asks("three")
    talk.says("four")
    store.put(made := talk.session())
    calls = [step.step_id for each in made.runs for step in each.steps if step.label == "assistant_call"]

    out = run("diff", f"last:{calls[0]}", f"last:{calls[1]}", "--store", store.paths.root).out
    assert "… and 22 more messages that differ" in out


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        (["last:1.4", "last"], "two of a kind"),
        (["last:7", "last:1"], "no run 7"),
        (["last:1.99", "last:1.1"], "1.99"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, sides: list[str], told: str) -> None:
    outcome = run("diff", *sides, "--store", two(tmp_path, "chat"), columns=200)

    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_nothing_hostile_gets_to_the_terminal(store: Store) -> None:
    steps = [step for each in store.get(HOSTILE).runs for step in each.steps]
    call = next(step.step_id for step in steps if step.label == "assistant_call")

    outcome = run("diff", f"{HOSTILE}:{call}", f"{HOSTILE}:{call}", "--store", store.paths.root)
    assert outcome.code == 0
    assert not [c for c in outcome.out if (c < " " and c != "\n") or c == "\u202e"]
