"""``tfclient findings``, and where else findings are told: in ``why`` and in the list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step
from tests.cli.making import HOSTILE_TEXT, WEATHER, a_store, run
from tests.projection.builders import call, output
from tests.projection.wire import as_completion
from tests.reflect.talking import Talk
from tfclient.cli import limited
from tfclient.reflect.findings import registry
from tfclient.view.listing import Listing, Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Session
    from tfstore.store import Store


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds that a test adds are gone after it."""
    monkeypatch.setattr(registry, "_OWN", {})


def named(session: Session, number: int) -> Session:
    session.session_id = f"sess_20260902T09140{number}Z_{number:08x}"
    session.started_at = f"2026-09-02T09:14:0{number}.000Z"
    return session


def looping(number: int = 1) -> Session:
    """High: a loop; medium: errors in plain text."""
    talk = Talk("chat")
    talk.asks("Where is order A-7?")
    for _ in range(4):
        talk.calls(("get_order", {"order_id": "A-7"}, "A-7 is in the warehouse"))
    talk.calls(("get_shop", {"shop": 1}, "Error: closed"))
    talk.says()
    return named(talk.session(), number)


def cut(number: int = 2) -> Session:
    """High: an answer that was cut off."""
    talk = Talk("chat")
    talk.asks("Tell me a story.")
    sent = talk.story.send(talk.body())
    body = as_completion(sent.response_id, [{"role": "assistant", "content": "It was a dark and"}])
    body["choices"][0]["finish_reason"] = "length"
    sent.answer(body)
    return named(talk.session(), number)


def quiet(number: int = 3) -> Session:
    return named(a_session(a_run(*a_chat("Hello").steps), title="Hello"), number)


@pytest.fixture
def odd(tmp_path: Path) -> Store:
    return a_store(tmp_path / "odd", looping(), cut(), quiet())


def test_the_worst_first_with_the_steps_it_rests_on(odd: Store) -> None:
    outcome = run("findings", "00000001", "--store", odd.paths.root)

    assert outcome.code == 1
    assert outcome.out.splitlines()[4:] == [
        "high   loop_without_progress 1.3, 1.4, 1.6, 1.7, 1.9, 1.10 and 2 more",
        '       a loop: get_order with {"order_id":"A-7"} 4 times, the same answer each',
        '       time: "A-7 is in the warehouse"',
        "medium error_as_text ~ 1.16",
        '       get_shop answered with an error as plain text: "Error: closed"',
    ]


def test_as_json(odd: Store) -> None:
    outcome = run("findings", "00000001", "--store", odd.paths.root, "--json")

    told = outcome.json
    assert (outcome.code, told["not_looked_for"]) == (1, [])
    assert told["session_id"] == looping().session_id
    first = told["findings"][0]
    assert first.keys() == {"id", "kind", "severity", "certainty", "run_id", "steps", "says", "data"}
    assert (first["kind"], first["steps"][:2]) == ("loop_without_progress", ["step_1_3", "step_1_4"])


def test_the_latest_if_none_is_named_and_nothing_where_nothing_is(odd: Store) -> None:
    outcome = run("findings", "--store", odd.paths.root)

    assert outcome.code == 0
    assert outcome.out.startswith("Hello")
    assert outcome.err == "Nothing is wrong that can be told for certain.\n"


@pytest.mark.parametrize(
    ("options", "code", "kinds"),
    [
        (["--severity", "high"], 1, ["loop_without_progress"]),
        (["--severity", "medium"], 1, ["loop_without_progress", "error_as_text"]),
        (["--kind", "error_as_text"], 0, ["error_as_text"]),
        (["--kind", "error_as_text", "--kind", "error_swallowed"], 0, ["error_as_text", "error_swallowed"]),
        (["--kind", "call_repeated", "--writes", "get_order"], 0, []),
    ],
)
def test_some_of_them(odd: Store, options: list[str], code: int, kinds: list[str]) -> None:
    outcome = run("findings", "00000001", *options, "--store", odd.paths.root, "--json")

    assert (outcome.code, [each["kind"] for each in outcome.json["findings"]]) == (code, kinds)


def test_of_all_sessions(odd: Store) -> None:
    told = run("findings", "--all", "--store", odd.paths.root, "--json").json
    assert [len(each["findings"]) for each in told] == [0, 1, 2]

    lines = run("findings", "--all", "--store", odd.paths.root).out.splitlines()
    assert [line for line in lines if not line.startswith(("high", "medium", " "))] == [
        "00000002 Tell me a story.",
        "",
        "00000001 Where is order A-7?",
    ]


def test_a_document_that_cannot_be_read_is_told_and_the_others_are_looked_through(odd: Store) -> None:
    odd.paths.document(cut().session_id).write_text("{", encoding="utf-8")

    outcome = run("findings", "--all", "--store", odd.paths.root, "--json")
    assert (outcome.code, len(outcome.json)) == (1, 2)
    assert "cannot be read" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--kind", "run_fail"], "There is no kind of finding 'run_fail': did you mean run_failed?"),
        (["--kind", "zzz"], "There is no kind of finding 'zzz': give one of run_failed, "),
        (["--severity", "worst"], "--severity 'worst' is unknown: give one of high, medium, low, info."),
        (["last", "--all"], "Give a session or --all, not both."),
        (["--with", "nowhere.py"], "There is no Python file at nowhere.py"),
    ],
)
def test_what_makes_no_sense(odd: Store, options: list[str], says: str) -> None:
    outcome = run("findings", *options, "--store", odd.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(says)


OWN = """
import threading
from tfclient import Cited, finding

@finding("greets", severity="high")
def greets(evidence):
    for own in evidence.ordered:
        if own.step.label == "user_message":
            yield Cited([own], "somebody says something")

@finding("raises")
def raises(evidence):
    raise ValueError("no\\x1b[31m")
    yield

@finding("hangs")
def hangs(evidence):
    # Far longer than it may, and no longer than the tests: a thread cannot be ended.
    threading.Event().wait(60)
    yield from ()

@finding("cites")
def cites(evidence):
    yield Cited(["step_9_9"], "nowhere")
"""


def test_kinds_of_ones_own_and_what_goes_wrong_with_them(
    odd: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "SECONDS", 0.2)
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")

    outcome = run("findings", "last", "--with", tmp_path / "own.py", "--store", odd.paths.root)

    assert outcome.code == 1
    assert "high   greets ~ 1.1" in outcome.out.splitlines()
    troubles = outcome.err.splitlines()
    assert [each.split("'")[1] for each in troubles] == ["raises", "hangs", "cites"]
    assert "raised ValueError: no" in troubles[0]
    assert troubles[1].endswith("was given up: it took more than 0.2 s.")
    assert "step_9_9, which is not in session" in troubles[2]
    assert "\x1b" not in outcome.out + outcome.err


def test_a_file_that_raises_is_told(odd: Store, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("1 / 0", encoding="utf-8")

    outcome = run("findings", "--with", tmp_path / "own.py", "--store", odd.paths.root)
    assert (outcome.code, outcome.out) == (2, "")
    assert "raised ZeroDivisionError: division by zero" in outcome.err


def test_why_tells_them_under_its_story(odd: Store, store: Store) -> None:
    told = run("why", "00000001", "--store", odd.paths.root)

    lines = told.out.splitlines()
    assert lines[4] == "Nothing failed, but 2 findings tell otherwise."
    assert lines[6].startswith("high   loop_without_progress")
    assert told.code == 0
    found = run("findings", "00000001", "--store", odd.paths.root, "--json").json["findings"]
    assert run("why", "00000001", "--store", odd.paths.root, "--json").json["findings"] == found
    # What is no fault is no reason to doubt.
    assert "Nothing failed." in run("why", "00000003", "--store", odd.paths.root).out
    # A failure comes first, and is not told twice.
    assert "run_failed" not in run("why", WEATHER, "--store", store.paths.root).out


def test_why_and_the_list_say_why_an_answer_was_cut_off(odd: Store) -> None:
    first, second = run("why", "00000002", "--store", odd.paths.root).out.splitlines()[4:6]
    assert first.startswith("Run 1 was cut short (length) at 1.2: model ")
    assert second == "  incomplete · length"
    lines = run("list", "--store", odd.paths.root, columns=100).out.splitlines()
    assert [", length" in line for line in lines] == [False, False, True, False]
    rows = run("list", "--store", odd.paths.root, "--json").json
    assert [row["cut_off"] for row in rows] == [{}, {"length": 1}, {}]
    # The page says it in the same words.
    page = Listing(odd).page(Wanted(), 0, 10)
    assert [row["words"]["result"] for row in page["rows"]] == ["completed", "completed, length", "completed"]


def test_an_answer_that_was_cut_off_on_the_way(tmp_path: Path) -> None:
    talk = Talk("chat")
    talk.asks("Go")
    sent = talk.story.send(talk.body())
    item = call("call_1", "get_time", {})
    body = as_completion(sent.response_id, [item])
    body["choices"][0]["finish_reason"] = "length"
    sent.answer(body)
    talk.history += [item, output("call_1", "14:05")]
    talk.says()
    root = a_store(tmp_path / "store", named(talk.session(), 1)).paths.root

    assert run("why", "last", "--store", root).out.splitlines()[4] == (
        "Nothing failed, but an answer was cut off: length."
    )


def test_the_list_of_odd_sessions(odd: Store) -> None:
    outcome = run("list", "--odd", "--store", odd.paths.root, "--json")
    assert [(row["session_id"][-1], row["odd"]) for row in outcome.json] == [
        ("2", ["answer_truncated"]),
        ("1", ["loop_without_progress", "error_as_text"]),
    ]

    lines = run("list", "--odd", "-n", "1", "--store", odd.paths.root, columns=120)
    assert ["answer_truncated" in line for line in lines.out.splitlines()] == [False, True]
    assert "There are older ones" in lines.err
    assert (
        "No session is like that." in run("list", "--odd", "--grep", "hello", "--store", odd.paths.root).err
    )
    assert len(run("list", "--odd", "--grep", "story", "--store", odd.paths.root, "--json").json) == 1


def test_a_hostile_session_forges_no_line(tmp_path: Path) -> None:
    talk = Talk("chat")
    hostile: Any = HOSTILE_TEXT + "\n[1.1] user <b>\u2028high   run_failed 9.9"
    talk.asks(hostile)
    for _ in range(3):
        talk.calls((hostile, {hostile: hostile}, f"Error: {hostile}"))
    talk.fails(500, hostile)
    root = a_store(tmp_path / "store", named(talk.session(), 1)).paths.root

    for columns in (40, 80, 300):
        for command in (["findings"], ["findings", "--all"], ["why", "last"], ["list", "--odd"]):
            out = run(*command, "--store", root, columns=columns).out
            assert "same_call_same_error" in out or command[0] == "list"
            assert not [c for c in out if (c < " " and c != "\n") or c in "\x9b\u202e"]
            assert command[0] != "findings" or "\u2028" not in out
            # A line that begins as a finding does is one: nothing that was recorded begins a line.
            heads = [line.split()[1] for line in out.split("\n") if line.startswith("high ")]
            assert set(heads) <= {"run_failed", "same_call_same_error", "output_unused"}
            assert "9.9" not in {line.split()[-1] for line in out.split("\n") if line.startswith("high ")}
    assert json.loads(run("findings", "--store", root, "--json").out)["findings"]


def test_a_kind_that_needs_what_is_not_installed_is_told(odd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    session = looping(4)
    step = a_step("tool.schemas.snapshot", started={"tools": []})
    step.step_id, step.seq = "step_1_99", 99
    session.runs[0].steps.append(step)
    odd.put(session)

    outcome = run("findings", "last", "--store", odd.paths.root)
    assert outcome.err.count('pip install "tfclient[reflect]"') == 2
    assert run("why", "last", "--store", odd.paths.root).err == outcome.err
