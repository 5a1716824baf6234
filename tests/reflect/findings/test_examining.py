"""Which kinds are looked for, in which order, and what becomes of one that goes wrong."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import tfclient
from tests.builders import a_run, a_session, a_step
from tests.reflect.talking import Talk
from tfclient.errors import SettingError
from tfclient.reflect.findings import Cited, NotLookedFor, examine, finding, findings, kinds
from tfclient.reflect.findings import registry as registered
from tfclient.reflect.findings.citing import CERTAINTIES, SEVERITIES
from tfstore.document.converter import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.document.documents import Session
    from tfstore.reading.evidence.evidence import Evidence


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds that a test adds are gone after it."""
    monkeypatch.setattr(registered, "_OWN", {})


def troubled() -> Session:
    talk = Talk("chat")
    talk.asks("Go")
    talk.calls(("pay", {"card": 7}, "Error: no such card"))
    talk.calls(("pay", {"card": 7}, "Error: no such card"))
    talk.fails()
    return talk.session()


def test_the_worst_comes_first_of_equals_what_was_observed() -> None:
    told = examine(troubled()).findings

    ranks = [(SEVERITIES.index(each.severity), CERTAINTIES.index(each.certainty)) for each in told]
    assert ranks == sorted(ranks)
    assert [each.kind for each in told][:2] == ["run_failed", "same_call_same_error"]


def test_a_finding_is_the_same_in_a_document_made_again() -> None:
    session = troubled()

    told = [each.as_json() for each in findings(session)]
    assert told == [each.as_json() for each in findings(from_json(to_json(session)))]
    assert len({each["id"] for each in told}) == len(told)
    assert all(each["run_id"] == "run_1" for each in told)


def test_only_these_without_those() -> None:
    session = troubled()

    assert {each.kind for each in findings(session, only=["error_as_text"])} == {"error_as_text"}
    assert "error_as_text" not in {each.kind for each in findings(session, without=["error_as_text"])}
    for how in ({"only": ["nonsense"]}, {"without": ["nonsense"]}):
        with pytest.raises(SettingError, match=r"nonsense.*run_failed"):
            findings(session, **how)


def test_a_kind_of_ones_own_is_a_generator_over_evidence() -> None:
    @finding("pays", severity="low", certainty="observed")
    def pays(evidence: Evidence) -> Iterator[Cited]:
        for call in evidence.tool_calls:
            if call.tool == "pay":
                yield Cited(
                    call.steps, f"paid with {call.arguments['card']}", data={"card": call.arguments["card"]}
                )

    told = [each for each in findings(troubled()) if each.kind == "pays"]
    assert [(each.severity, each.certainty, each.says, each.data) for each in told] == [
        ("low", "observed", "paid with 7", {"card": 7})
    ] * 2
    assert pays.__name__ == "pays"


def test_it_has_a_name_of_its_own_and_words_that_there_are() -> None:
    for about in (
        {"name": "run_failed"},
        {"name": "x", "severity": "worst"},
        {"name": "x", "certainty": "sure"},
    ):
        with pytest.raises(SettingError):
            finding(**about)  # type: ignore[arg-type]


def raises(_: Evidence) -> Iterator[Cited]:
    yield Cited(["step_1_1"], "the first is lost with the rest")
    raise KeyError("colour\x1b[31m")


def cites_nowhere(_: Evidence) -> Iterator[Cited]:
    yield Cited(["step_9_9\x1b[31m"], "there is no such step")
    yield Cited([], "no step at all")
    yield Cited([7], "no step either")  # type: ignore[list-item]
    yield "a word"  # type: ignore[misc]
    yield Cited(["step_1_1"], "good")
    yield Cited(["step_1_1"], "too loud", severity="worst")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (raises, ["raised KeyError"]),
        (
            cites_nowhere,
            [
                r"cites step_9_9\u001b[31m, which is not in session",
                "cites no step;",
                "cites something that is no step",
                "gave a str where a Cited is needed",
                "of severity 'worst'",
            ],
        ),
    ],
)
def test_one_that_goes_wrong_is_told_and_the_others_stand(look: Callable[..., Any], words: list[str]) -> None:
    finding("mine")(look)
    session = troubled()

    examined = examine(session)
    assert [each for each in examined.findings if each.kind != "mine"] == examine(
        session, without=["mine"]
    ).findings
    assert len(examined.troubles) == len(words)
    for trouble, word in zip(examined.troubles, words, strict=True):
        assert "'mine'" in trouble
        assert word in trouble
        assert "\x1b" not in trouble
    assert [each.says for each in examined.findings if each.kind == "mine"] == ["good"] * (
        look is cites_nowhere
    )
    with pytest.warns(NotLookedFor, match="mine"):
        findings(session)


def test_one_that_hangs_can_be_given_up() -> None:
    gate = threading.Event()
    finding("hangs")(lambda _: [gate.wait(60)])  # type: ignore[list-item]

    def limit(name: str, _: Callable[[], list[Cited]]) -> list[Cited]:
        raise TimeoutError(f"{name} took more than 10 s")

    examined = examine(troubled(), limit=limit)
    assert examined.troubles == ["The finding 'hangs' was given up: hangs took more than 10 s."]
    assert examined.worst == "high"


def test_without_jsonschema_two_kinds_are_told_as_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}
    talk = Talk("chat", fields={"tools": [tool]})
    talk.asks("Go")
    talk.calls(("pay", {"card": 7}, "paid"))
    talk.says()

    troubles = examine(talk.session()).troubles
    assert [each.partition(" ")[0] for each in troubles] == ["arguments_break_schema", "answer_breaks_schema"]
    assert all('pip install "tfclient[reflect]"' in each for each in troubles)
    # Where nothing has a schema, nothing is missed.
    assert examine(troubled()).troubles == []


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    talk = Talk()
    talk.asks("Go")
    talk.says("Gone.")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tfclient.findings(talk.session()) == []


def test_kinds_on_trial_are_info_and_guesses_are_off() -> None:
    known = kinds()
    assert len(known) == 33
    assert {name for name, kind in known.items() if kind.on_trial} == {
        *("duplicate_parallel_call", "duplicate_side_effect", "arguments_break_schema", "tool_unknown"),
        *("argument_unsourced", "empty_answer", "context_lost"),
    }
    assert {name for name, kind in known.items() if kind.off} == {
        *("error_swallowed", "number_unsourced", "language_switch"),
    }


HOSTILE = '\x1b[31mred\x07\n[1.1] user "forged" \u202eback\u2028 <script>alert(1)</script> \U000e0041'


def test_what_was_recorded_forges_nothing() -> None:
    talk = Talk("chat", instructions="one")
    talk.asks(f"{HOSTILE}, and it is remembered")
    talk.calls((HOSTILE, {HOSTILE: HOSTILE}, f"Error: {HOSTILE}"), (HOSTILE, '{"broken', f"Error: {HOSTILE}"))
    talk.calls((HOSTILE, {HOSTILE: HOSTILE}, f"Error: {HOSTILE}"))
    talk.history = talk.history[-1:]
    talk.instructions = HOSTILE
    talk.asks("On")
    talk.fails(500, HOSTILE)
    told = findings(talk.session())

    assert len({each.kind for each in told}) > 4
    for each in told:
        assert each.says.isprintable(), each
        assert "\n" not in each.says
        assert "\u202e" not in each.says


def test_documents_of_any_make_are_looked_through() -> None:
    odd: Any = [7, None, ["x"], {"a": {}}, "text"]
    labels = ("user_message", "tool_call", "tool_output", "tool_error", "assistant_call", "assistant_message")
    for value in odd:
        payload: dict[str, Any] = dict.fromkeys(
            ("text", "arguments", "output", "content", "tools", "input", "items", "name"), value
        )
        payload["prompt_provenance"] = {"parts": value}
        steps = [a_step(label, started=payload, completed=payload, error=None) for label in labels]
        session = a_session(a_run(*steps, prompt="x"))

        assert examine(session).troubles == []


@pytest.mark.parametrize("label", ["tool_call", "tool_output", "user_message", "assistant_call"])
def test_names_that_are_no_texts_stop_no_kind(label: str) -> None:
    odd = {
        "type": {"a": 1},
        "role": ["b"],
        "content": [{"type": ["c"], "text": "d"}],
        "name": {},
        "call_id": [],
    }
    step = a_step(label, started={**odd, "arguments": odd}, completed={**odd, "output": [odd]})
    asking = a_step("assistant_call", started={"arguments": odd})
    session = a_session(a_run(asking, step, a_step("tool_output", after=(2,), completed=odd)))
    assert examine(session, only=kinds()).troubles == []
