"""Rollouts of Codex as sessions: each kind of line, growth, forks, and what is no good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import run
from tests.importing.rollouts import Rollout, every_kind, text
from tests.importing.trees import tree
from tfclient.importing.logs.importing import import_logs
from tfstore.journal.segment import Segment
from tfstore.store import Store

if TYPE_CHECKING:
    from tfclient.importing.imported import Imported

SHARED = Path(__file__).parents[3] / "shared" / "agent-logs"


PASSED_OVER = (
    "log: passed over: event_msg:moon_phase ×1, event_msg:task_complete ×1, event_msg:task_started ×1, "
    "weather_report ×1"
)


def imported(store: Store, *paths: Path, **how: Any) -> list[Imported]:
    return list(import_logs(store, paths, **how))


def one(tmp_path: Path, log: Rollout, **how: Any) -> Imported:
    (told,) = imported(Store(tmp_path / "store", create=True), log.write(tmp_path / "rollout.jsonl"), **how)
    return told


def test_every_kind_of_line(tmp_path: Path) -> None:
    told = one(tmp_path, every_kind())
    assert told.session is not None
    assert tree(told.session) == [
        "run_1 user_message completed root",
        "  user_message Why do the tests fail?",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 100→20 completed",
        "    reasoning I run them",
        "    tool_call exec_command failed measured 1500 ms",
        "    tool_call exec_command completed measured 500 ms",
        "  tool_error exit_code:1 Process exited with code 1 E assert 1 == 2",
        "  tool_output clean",
        "  assistant_call gpt-5.5 150→30 completed",
        "    tool_call apply_patch failed measured 1000 ms",
        "  tool_error success:false it does not apply",
        "  assistant_call gpt-5.5 completed",
        "    tool_call shop__price failed measured 80 ms",
        "  tool_error error no such price",
        "  assistant_call gpt-5.5 completed",
        "    tool_call web_search completed",
        "    assistant_message The price is wrong.",
        "run_2 user_message failed previous_response_id of run_1",
        "  user_message Mend it.",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 failed: stream disconnected",
        "run_3 user_message cancelled previous_response_id of run_2",
        "  user_message Again, please.",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 cancelled: the turn was aborted: interrupted",
        "run_4 user_message completed previous_response_id of run_3",
        "  user_message Never mind, say hello.",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 completed",
        "    assistant_message Hello.",
        "run_5 user_message completed previous_response_id of run_3 branch 1",
        "  user_message Say good evening.",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 completed",
        "    assistant_message Good evening.",
        "  assistant_call gpt-5.5 completed",
        "    context_compacted They greeted.",
        "run_6 user_message completed prefix of run_5",
        "  user_message What was it about?",
        "  policy.snapshot You mend code.",
        "  assistant_call gpt-5.5 completed",
        "    assistant_message Greetings.",
        "run_7 user_message completed previous_response_id of run_6",
        "  user_message The other agent is done.",
        "  policy.snapshot You mend code.",
        "  assistant_call gpt-5.5 completed",
        "    assistant_message Good to know.",
    ]
    assert told.session.notes == [
        "imported:codex",
        "response_ids:made",
        PASSED_OVER,
        "log: 1 line cannot be read, the first at 57",
    ]
    assert told.session.metadata["cwd"] == "/srv/shop"


def test_again_changes_nothing_and_what_grew_goes_on(tmp_path: Path) -> None:
    log, store, path = Rollout(), Store(tmp_path / "store", create=True), tmp_path / "rollout.jsonl"
    log.begins()
    log.turn()
    log.asks("Hello?")
    log.thinks("A greeting")
    (first,) = imported(store, log.write(path))
    text = store.text(first.session.session_id) if first.session else b""
    (again,) = imported(store, path)
    assert (again.unchanged, store.ids(), store.text(store.last())) == (True, [store.last()], text)

    log.says("Hello.")
    log.asks("And now?")
    (grown,) = imported(store, log.write(path, end='\n{"timestamp": "2026-10-01T0'))
    assert (grown.unchanged, store.ids()) == (False, [store.last()])
    (fresh,) = imported(Store(tmp_path / "fresh", create=True), path)
    assert grown.session == fresh.session
    assert grown.session is not None
    assert tree(grown.session)[-3:] == [
        "  user_message And now?",
        "  policy.snapshot You mend code.",
        "  assistant_call gpt-5.5 cancelled",
    ]
    assert "Hello." in store.text(store.last()).decode()


def test_an_import_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    store, path = Store(tmp_path / "store", create=True), every_kind().write(tmp_path / "rollout.jsonl")
    (whole,) = imported(store, path)
    entries, _ = store.journal(store.last())
    session_id = store.last()
    assert run("delete", session_id, "--store", store.paths.root).code == 0
    with Segment.open(store.paths, session_id) as segment:
        segment.append(*(
            {k: v for k, v in each.items() if k not in {"seq", "prev", "writer", "session_id"}} for each in entries[:9]
        ))  # fmt: skip
    assert run("recover", "--store", store.paths.root).code == 0
    assert store.get(session_id).end_reason == "recovered"
    (again,) = imported(store, path)
    assert (again.unchanged, again.session) == (False, whole.session)


def test_two_imports_at_once_do_not_double_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = Store(tmp_path / "store", create=True), every_kind().write(tmp_path / "rollout.jsonl")
    (whole,) = imported(store, path)
    session_id = store.last()
    run("delete", session_id, "--store", store.paths.root)
    with Segment.open(store.paths, session_id):
        # As if the other had begun between the two looks.
        monkeypatch.setattr("tfclient.importing.logs.importing.writers", lambda *_: [])
        (told,) = imported(store, path)
    assert f"Session {session_id} is being written by" in (told.problem or "")
    monkeypatch.undo()
    (again,) = imported(store, path)
    assert again.session == whole.session


def test_a_log_that_was_cut_leaves_the_session(tmp_path: Path) -> None:
    log, store, path = every_kind(), Store(tmp_path / "store", create=True), tmp_path / "rollout.jsonl"
    imported(store, log.write(path))
    text = store.text(store.last())
    del log.lines[30:]
    (told,) = imported(store, log.write(path))
    assert told.session is None
    assert told.problem == (
        f"{path} is not what session {store.last()} was imported from: it was cut or changed. "
        f"The session is left as it is; `tfclient delete {store.last()}` before importing makes it anew."
    )
    assert store.text(store.last()) == text


def test_what_was_typed_is_there_once(tmp_path: Path) -> None:
    log = Rollout()
    log.begins()
    log.asks("First, with its mirror.")
    log.says("One.")
    log.event("user_message", message="The mirror comes first.")
    log.item(
        "message", role="user", content=text("# Context from my editor:\na.py\n\nThe mirror comes first.")
    )
    log.says("Two.")
    log.event("user_message", message="Only the mirror.")
    log.says("Three.")
    log.asks("Only the item.", mirrored=False)
    log.says("Four.")
    log.item("message", role="user", content=text("The mirror comes late."))
    log.says("Five.")
    log.event("user_message", message="The mirror comes late.")
    log.asks("<environment_context> is what I ask about.")
    log.says("Six.")
    session = one(tmp_path, log).session
    assert session is not None
    assert [run.input_text.splitlines()[-1] for run in session.runs] == [
        "First, with its mirror.",
        "The mirror comes first.",
        "Only the mirror.",
        "Only the item.",
        "The mirror comes late.",
        "<environment_context> is what I ask about.",
    ]


def test_a_fork_says_what_is_new(tmp_path: Path) -> None:
    parent = Rollout()
    parent.begins()
    parent.turn()
    parent.context()
    parent.asks("Which city?")
    parent.says("Bergen.")
    parent.line("compacted", {"message": "It is about Bergen."})
    parent.asks("Does it rain there?")
    parent.says("It does.")
    fork = Rollout(thread="0a11ce00-0000-7000-8000-000000000002")
    fork.begins(forked_from_id=parent.thread)
    fork.lines += parent.lines[:-4]
    fork.asks("Is it far?")
    fork.says("Rather.")
    paths = [fork.write(tmp_path / "a.jsonl"), parent.write(tmp_path / "b.jsonl")]

    store = Store(tmp_path / "store", create=True)
    one, other = (each.session for each in imported(store, *paths))
    assert one is not None
    assert other is not None
    assert tree(other) == [
        f"run_1 user_message completed previous_response_id parent_session:{one.session_id}",
        "  user_message Is it far?",
        "  policy.snapshot You mend code.…",
        "  assistant_call gpt-5.5 completed",
        "    assistant_message Rather.",
    ]
    assert other.runs[0].lineage.parent_response_id == f"codex_{parent.thread}_2"
    assert "items of the thread it was forked from ×4" in other.notes[2]
    alone = imported(Store(tmp_path / "alone", create=True), paths[0])[0].session
    assert alone is not None
    assert [run.input_text for run in alone.runs] == ["Which city?", "Is it far?"]


def test_a_subagent_names_the_session_that_started_it(tmp_path: Path) -> None:
    parent, child = every_kind(), Rollout(thread="0a11ce00-0000-7000-8000-000000000003")
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": parent.thread, "depth": 1}}}
    child.lines += ["{}"] * 5
    child.begins(source=spawn)
    child.asks("Look at the tests.")
    child.says("I looked.")
    store = Store(tmp_path / "store", create=True)
    told = imported(store, child.write(tmp_path / "a.jsonl"), parent.write(tmp_path / "b.jsonl"))
    of, other = (each.session for each in told)
    assert of is not None
    assert other is not None
    assert tree(other)[0] == f"run_1 user_message completed root parent_session:{of.session_id}"
    assert run("verify", "--all", "--store", store.paths.root).code == 0


@pytest.mark.parametrize("redact", ["secrets", "content"])
def test_secrets_are_redacted_as_in_traffic(tmp_path: Path, redact: str) -> None:
    secret = "sk-proj-" + "a1B2" * 12
    log = every_kind()
    log.asks(f"Use {secret}")
    log.calls("call_9", cmd=f"export KEY={secret}")
    log.answers("call_9", secret)
    log.line("compacted", {"message": secret})
    store = Store(tmp_path / "store", create=True)
    (told,) = imported(store, log.write(tmp_path / "r.jsonl"), redact=redact)
    assert told.session is not None
    assert told.session.redaction.marks > 3
    files = b"".join(path.read_bytes() for path in store.paths.root.rglob("*") if path.is_file())
    entries, _ = store.journal(store.last())
    assert secret not in json.dumps(entries)
    assert secret.encode() not in files
    assert ("Use <redacted" in str(told.session.runs)) == (redact == "secrets")
    assert [step.status for step in store.steps(tool="exec_command", label="tool_call")] == [
        *("failed", "completed", "completed")
    ]


def test_findings_text_and_the_rest_work_on_it(tmp_path: Path) -> None:
    told = one(tmp_path, every_kind())
    assert told.session is not None
    root = tmp_path / "store"
    for command in ("text", "show"):
        assert run(command, "last", "--store", root).code == 0
    found = run("findings", "last", "--json", "--store", root).json
    assert {each["kind"] for each in found["findings"]} >= {"run_failed"}
    assert run("rebuild", "last", "--store", root).code == 0
    assert Store(root).get(told.session.session_id) == told.session
    assert run("doctor", "--store", root).code == 0


def test_what_was_never_sent_is_not_played(tmp_path: Path) -> None:
    session, root = one(tmp_path, every_kind()).session, tmp_path / "store"
    assert session is not None
    for command in (["export", "vcr", "last"], ["again", "last", "1.3"], ["replay", "last", "program.py"]):
        outcome = run(command[0], "--store", root, *command[1:])
        assert outcome.code != 0
        assert "made of a log of codex, which has no requests" in " ".join(outcome.err.split())


def test_two_in_one_file(tmp_path: Path) -> None:
    one, other = Rollout(), Rollout(thread="0a11ce00-0000-7000-8000-000000000009")
    one.begins()
    other.begins()
    one.lines += other.lines
    (told,) = imported(Store(tmp_path / "store", create=True), one.write(tmp_path / "r.jsonl"))
    assert told.problem == (
        f"{tmp_path / 'r.jsonl'} holds the lines of several threads ({one.thread}, {other.thread}): "
        "give each a file of its own."
    )


@pytest.mark.parametrize("content", ["", "\n\n", "{}\n", "[1]\n42\n", '{"a": ' * 100_000])
def test_what_is_no_log(tmp_path: Path, content: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(content)
    (told,) = imported(Store(tmp_path / "store", create=True), path)
    assert told.problem == f"{path} is neither a cassette nor the log of an agent that is known here."


def test_a_log_without_a_conversation(tmp_path: Path) -> None:
    log = Rollout()
    log.begins()
    assert one(tmp_path, log).problem == f"{tmp_path / 'rollout.jsonl'} holds no conversation yet."


def test_lines_of_any_shape_stop_nothing(tmp_path: Path) -> None:
    log = Rollout()
    log.begins(base_instructions=7, source=[], git="x")
    odd: list[Any] = [None, 7, "x", [], {}, [[]], {"type": 3}]
    for each in odd:
        log.line("response_item", {"type": "message", "role": "user", "content": each})
        log.line("response_item", {"type": "function_call_output", "call_id": each, "output": each})
        log.line("response_item", {"type": each, "summary": each})
        log.line("turn_context", {"model": each, "effort": each})
        log.line("compacted", {"message": each, "replacement_history": each})
        for kind in (
            "token_count",
            "exec_command_end",
            "error",
            "thread_rolled_back",
            "user_message",
            "turn_aborted",
        ):
            log.event(
                kind,
                info=each,
                call_id=each,
                duration=each,
                codex_error_info=each,
                num_turns=each,
                message=each,
            )
        log.raw(each)
    log.asks("Still there?")
    log.says("Yes.")
    told = one(tmp_path, log)
    assert told.session is not None
    assert tree(told.session)[-1] == "    assistant_message Yes."


def test_a_line_that_is_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfclient.importing.logs.lines.LONGEST", 2_000)
    log = Rollout()
    log.begins()
    log.asks("x" * 5_000)
    log.asks("Hello?")
    log.says("Hello.")
    told = one(tmp_path, log)
    assert told.session is not None
    assert told.passed_over["unreadable"] == 2
    assert [run.input_text for run in told.session.runs] == ["Hello?"]


def test_by_the_command(tmp_path: Path) -> None:
    folder, root = tmp_path / "in", tmp_path / "store"
    every_kind().write(folder / "deep" / "any.name")
    (folder / "settings.json").write_text('{"a": 1}')
    (folder / "README.md").write_text("none")
    outcome = run("import", folder, "--store", root)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"1 session from 1 log in {root}" in outcome.out.replace("\n", " ")
    assert "not known: event_msg:moon_phase ×1, event_msg:task_complete ×1" in outcome.out
    assert "1 line cannot be read, the first at 57." in outcome.out
    (row,) = run("import", folder, "--store", root, "--json").json["imported"]
    assert row == {
        "log": str(folder / "deep" / "any.name"),
        "agent": "codex",
        "session_id": row["session_id"],
        "path": str(root / "sessions" / f"{row['session_id']}.json"),
        "title": "Why do the tests fail?",
        "result": "failed",
        "unchanged": True,
        "passed_over": {},
        "unreadable": 0,
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="there are no logs beside the repository")
def test_the_sample(tmp_path: Path) -> None:
    (told,) = imported(Store(tmp_path / "store", create=True), SHARED / "codex_rollout_made_by_hand.jsonl")
    assert told.session is not None
    assert [run.input_text for run in told.session.runs] == ["Make the tests pass.", "Did you run them?"]
    assert (told.session.summary.tool_errors, told.session.summary.usage.total_tokens) == (1, 15_884)
