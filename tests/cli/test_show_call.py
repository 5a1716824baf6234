"""``tfclient show --prompt`` and ``--raw``: a call as it was sent and answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.making import WEATHER, a_store, journal, run
from tests.docs.umbrella import QUESTION, umbrella_session
from tests.projection.builders import Story, said, user
from tfclient.cli.lines.raw import raw_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def demo_lines(demo: Path, *arguments: str) -> list[str]:
    outcome = run("show", "last", *arguments, "--store", demo)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out.splitlines()


def test_a_prompt_in_json_is_what_was_sent(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", umbrella_session())

    prompt = run("show", "last", "--prompt", "1.3", "--store", store.paths.root, "--json").json

    assert prompt["step_id"] == "step_1_3"
    assert prompt["items"] == [QUESTION]
    assert [tool["name"] for tool in prompt["tools"]] == ["get_forecast"]
    assert prompt["request"]["input"] == QUESTION
    assert prompt["instructions"] is None
    assert prompt["previous_response_id"] is None


def test_a_prompt_shows_instructions_tools_what_the_server_kept_and_what_was_sent(demo: Path) -> None:
    lines = demo_lines(demo, "--prompt", "4.7")

    titles = [line.partition(" · ")[0] for line in lines if line and line.partition(" · ")[0].isupper()]
    assert titles == ["INSTRUCTIONS", "TOOLS", "KEPT BY THE SERVER", "SENT"]
    assert "  book_table(restaurant: string, time: string, people: integer)" in lines
    kept = lines[lines.index("", 8) :]
    ids = [line.split()[0] for line in kept if line.startswith("  ") and line.split()[0][0].isdigit()]
    # The conversation up to the booking: of the branch that this is, not of the other one.
    assert ids[0] == "1.1"
    assert ids[-2:] == ["4.1", "4.5"]
    assert not any(each.startswith("3.") for each in ids)
    assert "takes no bookings online" in "".join(lines[-2:])


def test_a_compaction_and_a_legacy_completion_have_prompts_too(tmp_path: Path) -> None:
    story = Story()
    first = story.ask([user("Weather?")], [said("Fine.")])
    story.send(
        {"model": "gpt-5", "previous_response_id": first, "instructions": "Keep facts."},
        path="/v1/responses/compact",
    ).answer({"id": "resp_c", "object": "response.compaction", "output": []})
    story.send({"model": "babbage", "prompt": "Once upon"}, path="/v1/completions").answer({"choices": []})
    store = a_store(tmp_path / "store", story.session())

    def shown(step: str) -> list[str]:
        out = run("show", "last", "--prompt", step, "--store", store.paths.root).out
        return [line.strip() for line in out.splitlines() if line]

    compact = shown("1.5")
    assert compact[1:3] == ["INSTRUCTIONS · 11 B", "Keep facts."]
    assert compact[4:] == ["1.1  USER Weather?", "1.3  ASSISTANT Fine.", "SENT · 0 items"]
    completion = shown("2.2")
    assert completion[0].startswith("MODEL babbage")
    assert completion[1:] == ["SENT · 1 item", "1 USER", "Once upon"]


def test_what_only_the_server_knows_of_a_prompt_is_said(tmp_path: Path) -> None:
    story = Story()
    story.ask([user("Hello")], [said("Hi.")], prompt={"id": "pmpt_1"}, previous_response_id="resp_old")
    store = a_store(tmp_path / "store", story.session())
    outcome = run("show", "last", "--prompt", "1.2", "--store", store.paths.root)
    lines = outcome.out.splitlines()
    told = lines.index("NOT KNOWN · 2 things")
    assert lines[told + 1 : told + 3] == [
        "  the context of resp_old, which was not recorded here",
        "  the text of the prompt template pmpt_1, which only the server has",
    ]


def test_only_a_model_call_has_a_prompt(demo: Path) -> None:
    outcome = run("show", "last", "--prompt", "4.6", "--store", demo)

    assert (outcome.code, outcome.out) == (2, "")
    assert (
        outcome.err == "step_4_6 is a tool_error: only a model call has a prompt. It belongs to step_4_7.\n"
    )


def test_a_prompt_that_cannot_be_put_together_is_told(tmp_path: Path) -> None:
    session = umbrella_session()
    session.runs[0].steps = [step for step in session.runs[0].steps if step.label != "tool.schemas.snapshot"]
    store = a_store(tmp_path / "store", session)

    outcome = run("show", "last", "--prompt", "1.3", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert "The prompt of step_1_3 in session" in outcome.err
    assert "cannot be put together" in outcome.err


def test_raw_is_every_attempt_as_recorded(demo: Path) -> None:
    entries = run("show", "last", "--raw", "4.7", "--store", demo, "--json").json

    assert [(entry["type"], entry.get("status")) for entry in entries] == [
        ("call.started", None),
        ("attempt.sent", None),
        ("attempt.answered", 500),
        ("attempt.sent", None),
        ("attempt.answered", 500),
        ("call.ended", None),
    ]
    lines = demo_lines(demo, "--raw", "4.7")
    assert lines.count("POST https://api.openai.com/v1/responses") == 2
    assert lines.count("HTTP 500") == 2
    assert '  "model": "gpt-5.4-mini",' in lines


def test_raw_of_a_tool_call_has_what_the_hook_saw(demo: Path) -> None:
    entries = run("show", "last", "--raw", "1.8", "--store", demo, "--json").json

    kinds = [entry["type"] for entry in entries]
    assert kinds == ["call.started", "attempt.sent", "attempt.answered", "tool.started", "tool.ended"]
    assert entries[-1]["error"]["type"] == "TimeoutError"


def test_raw_of_a_stream_is_put_together(demo: Path) -> None:
    lines = demo_lines(demo, "--raw", "3.4")

    assert sum(line.startswith("stream.chunk") for line in lines) == 1
    assert "event: response.completed" in lines
    assert sum(line.startswith("attempt.ended") for line in lines) == 1


def test_a_request_that_goes_on_from_an_earlier_one_is_shown_whole() -> None:
    first = {"model": "gpt-4.1", "input": [{"role": "user", "content": "Hello"}]}
    begun = json.dumps(first)[:-2]
    sent = {"type": "attempt.sent", "at": 1_000_000, "mono": 1}
    entries = [
        {**sent, "seq": 1, "call": "c-1", "exchange_id": "c-1.1", "body": {"text": json.dumps(first)}},
        {
            **sent,
            "seq": 2,
            "call": "c-2",
            "exchange_id": "c-2.1",
            "body": {"same": ["c-1.1", len(begun)], "text": ', {"role": "user", "content": "And?"}]}'},
        },
    ]

    shown = "\n".join(line.plain for line in raw_lines(entries, entries[1:], 80))

    assert '"content": "Hello"' in shown
    assert '"content": "And?"' in shown


def test_raw_of_a_session_that_was_recovered(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store")
    journal(store, WEATHER, ended=True)

    lines = run("show", "last", "--raw", "1.2", "--store", store.paths.root).out.splitlines()

    assert '  "input": "Hello"' in lines


def test_a_session_without_its_journal_says_so(store: Store) -> None:
    outcome = run("show", WEATHER, "--raw", "1.4", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"The journal of session {WEATHER} is not there any more: only its document is left.\n"
    )


@pytest.mark.parametrize("option", ["--prompt", "--raw"])
def test_one_thing_at_a_time(store: Store, option: str) -> None:
    for other in (["--step", "1.1"], ["--full"], ["--run", "1"], ["--transcript"]):
        outcome = run("show", WEATHER, option, "1.4", *other, "--store", store.paths.root)
        assert (outcome.code, outcome.out) == (2, "")
        assert "shows one step in full: leave out" in outcome.err


@pytest.mark.parametrize("option", ["--prompt", "--raw"])
def test_an_unknown_step(store: Store, option: str) -> None:
    outcome = run("show", WEATHER, option, "9.9", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"Session {WEATHER} has no step '9.9'." in outcome.err


def test_hostile_text_in_a_prompt_is_only_text(tmp_path: Path) -> None:
    session = umbrella_session()
    session.runs[0].steps[0].payload_started["text"] = "\x1b[31m[bold]x[/]\u202e"
    store = a_store(tmp_path / "store", session)

    out = run("show", "last", "--prompt", "1.3", "--store", store.paths.root).out

    assert "␛[31m[bold]x[/]" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_raw_of_a_document_of_an_earlier_version_says_what_to_do(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store")
    journal(store, WEATHER, ended=True)
    run("recover", "--store", store.paths.root)
    path = store.paths.document(WEATHER)
    path.write_text(
        path.read_text(encoding="utf-8").replace('"exchange_id": "c-1.1"', '"n": 1'), encoding="utf-8"
    )

    outcome = run("show", WEATHER, "--raw", "1.2", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert f"`tfclient rebuild {WEATHER}` makes it anew" in outcome.err
    assert run("rebuild", WEATHER, "--store", store.paths.root).code == 0
    assert run("show", WEATHER, "--raw", "1.2", "--store", store.paths.root).code == 0
