"""Sessions as trajectories, and trajectories as sessions again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.making import run
from tests.importing.rollouts import every_kind
from tests.importing.transcripts import Transcript
from tests.importing.trees import tree
from tests.projection.builders import Story, call, output, said, user
from tests.reflect.talking import Talk
from tfclient.export.atif import trajectories_of
from tfclient.importing.logs.importing import import_logs
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Session

TRAJECTORY = {
    *("schema_version", "session_id", "trajectory_id", "agent", "steps", "notes", "final_metrics"),
    *("continued_trajectory_ref", "extra", "subagent_trajectories"),
}
STEP = {
    *("step_id", "timestamp", "source", "model_name", "reasoning_effort", "message", "reasoning_content"),
    *("tool_calls", "observation", "metrics", "is_copied_context", "llm_call_count", "extra"),
}
OF_AGENTS = {"model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"}


def hold(trajectory: Any) -> None:
    """What the format asks of a trajectory."""
    assert trajectory.keys() <= TRAJECTORY
    assert {"name", "version"} <= trajectory["agent"].keys()
    assert [step["step_id"] for step in trajectory["steps"]] == list(range(1, len(trajectory["steps"]) + 1))
    for step in trajectory["steps"]:
        assert step.keys() <= STEP
        assert step["source"] in {"user", "agent", "system"}
        assert isinstance(step["message"], str)
        assert step["source"] == "agent" or not step.keys() & OF_AGENTS
        asked = {each["tool_call_id"] for each in step.get("tool_calls", [])}
        assert all(isinstance(each["arguments"], dict) for each in step.get("tool_calls", []))
        for result in step.get("observation", {}).get("results", []):
            assert result.keys() <= {"source_call_id", "content", "subagent_trajectory_ref", "extra"}
            assert result.get("source_call_id") is None or result["source_call_id"] in asked
    for inner in trajectory.get("subagent_trajectories", []):
        hold(inner)


def exported(session: Session) -> list[Any]:
    made = trajectories_of(session).listed
    for each in made:
        hold(each)
    return made


def again(tmp_path: Path, trajectory: Any) -> Session:
    path = tmp_path / "trajectory.json"
    path.write_text(json.dumps(trajectory, indent=1), encoding="utf-8")
    (told,) = import_logs(Store(tmp_path / "again", create=True), [path])
    assert told.session is not None, told.problem
    return told.session


def a_talk() -> Session:
    talk = Talk(
        instructions="Be kind.", fields={"tools": [{"type": "function", "name": "pay", "parameters": {}}]}
    )
    talk.asks("Pay 12.")
    talk.calls(("pay", {"amount": 3}, {"error": "too little"}), ("look", "no JSON", "fine"))
    talk.calls(("pay", {"amount": 12}, "paid"))
    talk.says("Paid.")
    talk.asks("Thanks.")
    talk.says("You are welcome.")
    return talk.session()


def test_a_session_as_a_trajectory() -> None:
    (trajectory,) = exported(a_talk())
    assert [(step["source"], step["message"]) for step in trajectory["steps"]] == [
        ("user", "Pay 12."),
        ("system", "Be kind."),
        ("agent", ""),
        ("agent", ""),
        ("agent", "Paid."),
        ("user", "Thanks."),
        ("agent", "You are welcome."),
    ]
    step = trajectory["steps"][2]
    assert [(each["function_name"], each["arguments"]) for each in step["tool_calls"]] == [
        ("pay", {"amount": 3}),
        ("look", {"_raw": "no JSON"}),
    ]
    assert [(each["content"], each.get("extra")) for each in step["observation"]["results"]] == [
        ('{"error": "too little"}', {"is_error": True, "evidence": "output.error"}),
        ("fine", None),
    ]
    assert trajectory["schema_version"] == "ATIF-v1.7"
    assert trajectory["agent"]["tool_definitions"][0]["function"]["name"] == "pay"
    assert trajectory["final_metrics"]["total_steps"] == 7


def test_there_and_back(tmp_path: Path) -> None:
    session = a_talk()
    (trajectory,) = exported(session)
    back = again(tmp_path, trajectory)
    # In a trajectory instructions stand where they were said, in a request before all else; and ids are made.
    assert [line for line in tree(back) if "policy" not in line and "schemas" not in line] == [
        line.replace("output.error", "is_error").replace(" prefix ", " previous_response_id ")
        for line in tree(session)
        if "policy" not in line and "schemas" not in line
    ]
    assert back.notes == ["imported:atif", "response_ids:made"]
    assert exported(back)[0]["steps"][0] == trajectory["steps"][0]


def test_a_fork_is_a_trajectory_of_its_own(tmp_path: Path) -> None:
    story = Story()
    story.begin()
    history = [user("Which city?")]
    story.send(story.body(history)).answer_items([call("call_1", "look", {}), said("Let me see.")])
    history += [call("call_1", "look", {}), said("Let me see."), output("call_1", "Bergen")]
    story.send(story.body(history)).answer_items([said("Bergen.")])
    history.append(said("Bergen."))
    for prompt in ("Is it far?", "Is it wet?"):
        story.send(story.body([*history, user(prompt)])).answer_items([said("Rather.")])
    story.end()
    one, other = exported(story.session())
    assert [step["message"] for step in one["steps"]] == [
        "Which city?",
        "Let me see.",
        "Bergen.",
        "Is it far?",
        "Rather.",
    ]
    assert [step["message"] for step in other["steps"]] == [
        *("Which city?", "Let me see.", "Bergen."),
        *("Is it wet?", "Rather."),
    ]
    assert [step.get("is_copied_context", False) for step in other["steps"]] == [True] * 3 + [False] * 2
    assert other["extra"]["continues"] == one["trajectory_id"]

    back = again(tmp_path, other)
    assert [run.input_text for run in back.runs] == ["Is it wet?"]
    assert [step.label for step in back.runs[0].steps][:3] == [
        "user_message",
        "context.snapshot",
        "assistant_call",
    ]
    assert [step["message"] for step in exported(back)[0]["steps"] if step.get("is_copied_context")] == [
        *("Which city?", "Let me see.", "Bergen."),
    ]


def test_an_agent_within_a_tool(tmp_path: Path) -> None:
    log, agent = Transcript(), Transcript(agent="a1")
    log.asks("How many files?")
    log.calls("msg_1", "toolu_1", "Task", prompt="Count the files.")
    agent.start = len(log.lines)
    agent.asks("Count the files.", parent=None)
    agent.says("msg_a", "There are 3.")
    log.lines += agent.lines
    log.answers("toolu_1", "There are 3.")
    log.says("msg_2", "3 files.")
    (told,) = import_logs(Store(tmp_path / "store", create=True), [log.write(tmp_path / "log.jsonl")])
    assert told.session is not None
    (trajectory,) = exported(told.session)
    (result,) = trajectory["steps"][1]["observation"]["results"]
    (inner,) = trajectory["subagent_trajectories"]
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": inner["trajectory_id"]}]
    assert [step["message"] for step in inner["steps"]] == ["Count the files.", "There are 3."]
    back = tree(again(tmp_path, trajectory))
    assert back == tree(told.session)


def test_every_kind_of_a_rollout(tmp_path: Path) -> None:
    (told,) = import_logs(Store(tmp_path / "store", create=True), [every_kind().write(tmp_path / "r.jsonl")])
    assert told.session is not None
    one, other = exported(told.session)
    assert one["agent"] == {"name": "codex", "version": "0.130.0", "model_name": "gpt-5.5"}
    assert one["steps"][-1]["message"] == "Hello."
    assert other["steps"][-1]["message"] == "Good to know."
    assert sum(step["source"] == "user" for step in one["steps"]) == 4
    failed = [step["extra"] for step in one["steps"] if "extra" in step]
    assert [each["status"] for each in failed] == ["failed", "cancelled"]


def test_by_the_command(tmp_path: Path) -> None:
    root, log = tmp_path / "store", every_kind().write(tmp_path / "r.jsonl")
    run("import", log, "--store", root)
    session_id = Store(root).last()
    outcome = run("export", "atif", "--store", root, "-o", tmp_path, columns=None)
    names = [f"{session_id}.json", f"{session_id}.2.json"]
    assert (outcome.code, outcome.out.split()) == (0, [str(tmp_path / name) for name in names])
    assert outcome.err == "2 trajectories.\n"
    lines = run("export", "atif", "--store", root, "-o", "-").out.splitlines()
    assert [json.loads(line) for line in lines] == [
        json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in names
    ]
    told = run("export", "atif", "--store", root, "-o", tmp_path / "t.json", "--json").json
    assert told == {
        "paths": [str(tmp_path / "t.json"), str(tmp_path / "t.2.json")],
        "sessions": 1,
        "rows": 2,
        "left_out": [],
    }
    assert run("export", "atif", "--store", root, "-o", tmp_path / "t.json").code == 2
    imported = run("import", tmp_path / "t.json", "--store", tmp_path / "other", "--json").json["imported"]
    assert [(each["agent"], each["title"]) for each in imported] == [("atif", "Why do the tests fail?")]


@pytest.mark.parametrize(
    "content", ['{"schema_version": "ATIF-v1.7"}', '{"schema_version": "ATIF-v1.7", "steps": [']
)
def test_what_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content, encoding="utf-8")
    (told,) = import_logs(Store(tmp_path / "store", create=True), [path])
    assert (told.problem or "").startswith(f"{path} is no trajectory that can be read: it ")


def test_steps_of_any_shape_stop_nothing(tmp_path: Path) -> None:
    odd: list[Any] = [None, 7, "x", [], {}, [[]]]
    steps: list[Any] = [*odd]
    for each in odd:
        more = {"message": each, "tool_calls": each, "observation": each, "metrics": each, "timestamp": each}
        steps += [{"source": source, **more} for source in ("user", "agent", "system", each)]
        steps += [
            {"source": "agent", "observation": {"results": [each, {"content": each, "source_call_id": each}]}}
        ]
    steps += [{"source": "user", "message": "Still there?"}, {"source": "agent", "message": "Yes."}]
    session = again(tmp_path, {"schema_version": "ATIF-v1.8", "agent": 3, "steps": steps})
    assert tree(session)[-1] == "    assistant_message Yes."
