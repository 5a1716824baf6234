"""Transcripts of Claude Code as sessions: each kind of line, the tree that they form, agents and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import run
from tests.importing.rollouts import Rollout
from tests.importing.transcripts import Transcript, every_kind
from tests.importing.trees import tree
from tfclient.importing.logs.importing import import_logs
from tfstore.store import Store

if TYPE_CHECKING:
    from tfclient.importing.imported import Imported
    from tfstore.document.documents import Session

SHARED = Path(__file__).parents[3] / "shared" / "agent-logs"


def imported(store: Store, *paths: Path, **how: Any) -> list[Imported]:
    return list(import_logs(store, paths, **how))


def session_of(tmp_path: Path, log: Transcript, **how: Any) -> Session:
    (told,) = imported(Store(tmp_path / "store", create=True), log.write(tmp_path / "log.jsonl"), **how)
    assert told.session is not None
    return told.session


def test_every_kind_of_line(tmp_path: Path) -> None:
    session = session_of(tmp_path, every_kind())
    assert tree(session) == [
        "run_1 user_message completed root",
        "  user_message Why does it fail?",
        "  policy.snapshot <system-reminder>Write tests.</system-reminder>",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    reasoning I look",
        "    assistant_message Let me look.",
        "    tool_call Bash failed",
        "    tool_call Read completed measured 500 ms",
        "  tool_output x = 1",
        "  tool_error is_error Exit code 1",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message x is wrong.",
        "run_2 user_message completed previous_response_id of run_1",
        "  user_message Mend it, slowly.",
        "  policy.snapshot <system-reminder>Write tests.</system-reminder>",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message Slowly mended.",
        "run_3 user_message incomplete previous_response_id of run_1 branch 1",
        "  user_message Mend it.",
        "  user_message And be quick.",
        "  policy.snapshot <system-reminder>Write tests.</system-reminder>",
        "  assistant_call claude-sonnet-5 43→5 incomplete",
        "    assistant_message Mended, but",
        "run_4 user_message failed previous_response_id of run_3",
        "  user_message Go on.",
        "  policy.snapshot <system-reminder>Write tests.</system-reminder>",
        "  assistant_call claude-sonnet-5 failed: 429",
        "run_5 user_message completed previous_response_id of run_4",
        "  user_message Once more.",
        "  policy.snapshot <system-reminder>Write tests.</system-reminder>",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    tool_call Task completed measured 1500 ms",
        "  tool_output There are 3.",
        "  assistant_call claude-sonnet-5 43→5 cancelled: [Request interrupted by user]",
        "    assistant_message 3 files.",
        "  assistant_call claude-sonnet-5 completed",
        "    context_compacted They mended x.",
        "run_6 user_message completed prefix of run_5",
        "  user_message What did we do?",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message We mended x.",
    ]
    assert session.title == "Mending x"
    passed = [
        "attachment",
        "file-history-snapshot",
        "permission-mode",
        "queue-operation",
        "system:turn_duration",
    ]
    assert session.notes == [
        "imported:claude-code",
        "response_ids:made",
        f"log: passed over: {', '.join(f'{each} ×1' for each in passed)}",
        "log: 1 line cannot be read, the first at 32",
    ]
    assert (session.metadata["cwd"], session.metadata["version"]) == ("/srv/shop", "2.1.0")


NESTED = [
    "run_1 user_message completed root",
    "  user_message How many files?",
    "  assistant_call claude-sonnet-5 43→5 completed",
    "    tool_call Task completed",
    "  tool_output There are 3.",
    "  assistant_call claude-sonnet-5 43→5 completed",
    "    assistant_message 3 files.",
    "run_2 tool completed nested of run_1 nested_by:argument nested_by:output",
    "  user_message Count the files.",
    "  assistant_call claude-sonnet-5 43→5 completed",
    "    tool_call Bash completed",
    "  tool_output a b c",
    "  assistant_call claude-sonnet-5 43→5 completed",
    "    assistant_message There are 3.",
]


def counting(main: Transcript, agent: Transcript) -> None:
    """An agent counts files, in lines of its own."""
    agent.start = main.start + len(main.lines)
    agent.asks("Count the files.", parent=None)
    agent.calls("msg_a", "toolu_a", "Bash", command="ls")
    agent.answers("toolu_a", "a b c")
    agent.says("msg_b", "There are 3.")


def asking(main: Transcript) -> None:
    main.asks("How many files?")
    main.calls("msg_1", "toolu_1", "Task", prompt="Count the files.", subagent_type="counter")


def answering(main: Transcript, after: int) -> None:
    main.start += after
    main.answers("toolu_1", "There are 3.")
    main.says("msg_2", "3 files.")


def test_an_agent_in_the_same_file(tmp_path: Path) -> None:
    main, agent = Transcript(), Transcript(agent="a1")
    asking(main)
    counting(main, agent)
    main.lines += agent.lines
    answering(main, 0)
    assert tree(session_of(tmp_path, main)) == NESTED


@pytest.mark.parametrize("named", ["main", "agent", "both", "folder"])
def test_an_agent_in_a_file_of_its_own(tmp_path: Path, named: str) -> None:
    main, agent = Transcript(), Transcript(agent="a1")
    asking(main)
    counting(main, agent)
    answering(main, len(agent.lines))
    one = main.write(tmp_path / "in" / f"{main.session}.jsonl")
    other = agent.write(tmp_path / "in" / main.session / "subagents" / "agent-a1.jsonl")
    paths = {"main": [one], "agent": [other], "both": [other, one], "folder": [tmp_path / "in"]}[named]
    root = tmp_path / "store"
    assert run("import", *paths, "--store", root).code == 0
    store = Store(root)
    assert tree(store.get(store.last())) == NESTED
    assert len(store.ids()) == 1
    if named == "folder":
        assert run("import", *paths, "--store", root, "--json").json["imported"][0]["unchanged"] is True
        assert [step.agent_name for step in store.steps(label="assistant_call")] == [None, None, "a1", "a1"]
        other.unlink()
        problem = run("import", *paths, "--store", root).err
        assert f"{one.parent / other.name} is not what session {store.last()} was imported from" in problem


def test_again_and_grown(tmp_path: Path) -> None:
    log, store, path = Transcript(), Store(tmp_path / "store", create=True), tmp_path / "log.jsonl"
    log.asks("Hello?")
    log.thinks("msg_1", "A greeting")
    (first,) = imported(store, log.write(path))
    (again,) = imported(store, path)
    assert (again.unchanged, again.session) == (True, first.session)
    log.says("msg_1", "Hello.")
    log.asks("And now?")
    (grown,) = imported(store, log.write(path))
    (fresh,) = imported(Store(tmp_path / "fresh", create=True), path)
    assert grown.session == fresh.session
    assert grown.session is not None
    assert store.ids() == [grown.session.session_id]
    assert (grown.session.summary.model_calls, grown.session.runs[1].status) == (2, "cancelled")


def test_a_prompt_that_was_written_anew(tmp_path: Path) -> None:
    log = Transcript()
    log.asks("Hello?")
    answered = log.says("msg_1", "Hello.")
    log.asks("Waht now?")
    log.asks("What now?", parent=answered)
    log.says("msg_2", "Nothing.")
    log.says("msg_3", "Something.", parent="main-3")
    assert tree(session_of(tmp_path, log))[4:] == [
        "run_2 user_message cancelled previous_response_id of run_1",
        "  user_message Waht now?",
        "  assistant_call claude-sonnet-5 cancelled: it was written anew",
        "run_3 user_message completed previous_response_id of run_1 branch 1",
        "  user_message What now?",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message Nothing.",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message Something.",
    ]


def test_one_answer_whose_tools_answer_before_it_is_whole(tmp_path: Path) -> None:
    log = Transcript()
    log.asks("Read both.")
    one = log.calls("msg_1", "toolu_1", "Read", path="a")
    log.answers("toolu_1", "A", parent=one)
    log.calls("msg_1", "toolu_2", "Read", path="b")
    log.answers("toolu_2", "B")
    log.says("msg_2", "Both.")
    session = session_of(tmp_path, log)
    assert (session.summary.model_calls, session.summary.tool_calls, session.summary.runs) == (2, 2, 1)


def test_a_fork_says_what_is_new(tmp_path: Path) -> None:
    parent = Transcript()
    parent.asks("Which city?")
    parent.calls("msg_1", "toolu_1", "Look", at="map")
    parent.answers("toolu_1", "Bergen")
    parent.says("msg_2", "Bergen.")
    fork = Transcript(session="5e551011-0000-4000-8000-000000000002", start=100)
    for number, line in enumerate(parent.lines):
        value = json.loads(line) | {"sessionId": fork.session, "uuid": f"f-{number}"}
        value["forkedFrom"] = {"sessionId": parent.session, "messageUuid": f"main-{number}"}
        value["parentUuid"] = f"f-{number - 1}" if number else None
        fork.raw(value)
    fork.asks("Is it far?", parent=f"f-{len(parent.lines) - 1}")
    fork.says("msg_3", "Rather.")
    paths = [fork.write(tmp_path / "a.jsonl"), parent.write(tmp_path / "b.jsonl")]
    told = imported(Store(tmp_path / "store", create=True), *paths)
    of, session = (each.session for each in told)
    assert of is not None
    assert session is not None
    assert tree(session) == [
        f"run_1 user_message completed previous_response_id parent_session:{of.session_id}",
        "  user_message Is it far?",
        "  assistant_call claude-sonnet-5 43→5 completed",
        "    assistant_message Rather.",
    ]


def test_lines_that_are_there_twice_count_once(tmp_path: Path) -> None:
    log = every_kind()
    whole = session_of(tmp_path, log)
    log.lines[7:7] = log.lines[2:7]
    again = session_of(tmp_path / "other", log)
    assert tree(again) == tree(whole)
    assert "lines that are there twice ×5" in again.notes[2]


def test_several_sessions_in_one_file(tmp_path: Path) -> None:
    one, other = Transcript(), Transcript(session="5e551011-0000-4000-8000-000000000003", start=50)
    for log, said in ((one, "One?"), (other, "Two?")):
        log.asks(said)
        log.says(f"msg_{said}", "Yes.")
    one.lines += other.lines
    told = imported(Store(tmp_path / "store", create=True), one.write(tmp_path / "log.jsonl"))
    assert [each.session.runs[0].input_text for each in told if each.session] == ["One?", "Two?"]


def test_two_agents_in_one_file(tmp_path: Path) -> None:
    log, other = Transcript(), Rollout()
    log.asks("Hello?")
    other.begins()
    log.lines += other.lines
    (told,) = imported(Store(tmp_path / "store", create=True), log.write(tmp_path / "log.jsonl"))
    assert told.problem == (
        f"{tmp_path / 'log.jsonl'} holds the lines of two agents (claude-code from line 1, codex from line 2): "
        "give each a file of its own."
    )


def test_secrets_are_redacted_as_in_traffic(tmp_path: Path) -> None:
    secret = "sk-ant-api03-" + "a1B2" * 20 + "AA"
    log = every_kind()
    log.asks(f"Use {secret}")
    log.calls("msg_9", "toolu_9", "Bash", command=f"export KEY={secret}")
    log.answers("toolu_9", secret)
    log.raw({"type": "custom-title", "customTitle": f"With {secret}", "sessionId": log.session})
    session = session_of(tmp_path, log)
    assert session.redaction.marks >= 3
    assert session.title.startswith("With <redacted")
    root = tmp_path / "store"
    assert secret.encode() not in b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert secret not in json.dumps(Store(root).journal(session.session_id)[0])


def test_lines_of_any_shape_stop_nothing(tmp_path: Path) -> None:
    log = Transcript()
    odd: list[Any] = [None, 7, "x", [], {}, [[]], [{"type": "tool_result"}], [{"type": 3}]]
    for each in odd:
        log.line("user", message=each)
        log.line("user", message={"content": each}, toolUseResult=each)
        log.line(
            "assistant",
            message={"content": each, "id": each, "model": each, "usage": each, "stop_reason": each},
        )
        log.line("attachment", attachment=each)
        log.line("system", subtype=each, logicalParentUuid=each, parent=None)
        log.raw({"type": each, "sessionId": log.session, "uuid": "u"})
    log.asks("Still there?")
    log.says("msg_z", "Yes.")
    assert tree(session_of(tmp_path, log))[-1] == "    assistant_message Yes."


@pytest.mark.skipif(not SHARED.is_dir(), reason="there are no logs beside the repository")
def test_the_samples(tmp_path: Path) -> None:
    paths = [path for path in sorted(SHARED.glob("*.jsonl")) if "codex" not in path.name]
    told = imported(Store(tmp_path / "store", create=True), *paths)
    assert [each.problem for each in told] == [None] * 5
    prompts = {each.path.name: [r.input_text for r in each.session.runs] for each in told if each.session}
    assert len(prompts["representative_messages.jsonl"]) == 4
    assert (
        prompts["session_b.jsonl"][1] == "Perfect! This should appear without any session divider above it."
    )
    assert sum(each.session.summary.tool_errors for each in told if each.session) == 1
