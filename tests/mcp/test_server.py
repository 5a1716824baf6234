"""What the server offers: tools that only read, resources, prompts; small, and with words for what goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp.shared.exceptions import MCPError

from tests.cli.making import GOING_ON, WEATHER, a_store, weather
from tests.mcp.talking import ask, talk

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

TOOLS = ("list_sessions", "read_session", "expand", "search", "why", "findings", "diff", "learnings")


async def _tools(client: Client) -> list[Any]:
    return [each.model_dump(by_alias=True, exclude_none=True) for each in (await client.list_tools()).tools]


def test_eight_tools_that_only_read_and_cost_little(root: Path) -> None:
    tools = talk(root, _tools)

    assert tuple(each["name"] for each in tools) == TOOLS
    assert all(each["annotations"]["readOnlyHint"] for each in tools)
    assert not any("outputSchema" in each for each in tools)
    # Every conversation pays for it.
    assert len(json.dumps(tools, separators=(",", ":"))) < 3_700


def test_resources_are_sessions_runs_and_what_was_learnt(root: Path) -> None:
    async def look(client: Client) -> tuple[list[str], list[str]]:
        templates = (await client.list_resource_templates()).resource_templates
        addresses = [each.uri_template for each in templates]
        addresses += [str(each.uri) for each in (await client.list_resources()).resources]
        texts: list[str] = []
        for address in (f"sessions/{WEATHER}", f"sessions/{WEATHER}/runs/4", "learnings"):
            (content,) = (await client.read_resource(f"thoughtflow://{address}")).contents
            texts.append(str(getattr(content, "text", "")))
        return addresses, texts

    addresses, (session, run, learnings) = talk(root, look)

    assert addresses == [
        "thoughtflow://sessions/{id}",
        "thoughtflow://sessions/{id}/runs/{n}",
        "thoughtflow://learnings",
    ]
    assert session.startswith(f"SESSION {WEATHER} failed")
    assert ("[4.1]" in run, "[1.1]" in run) == (True, False)
    assert learnings == "Nothing was noted yet: `tfclient notes --all` learns from all sessions."


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sessions/nope", "No session 'nope' in this store."),
        (f"sessions/{WEATHER}/runs/99", "has no run 99. It has 4 runs."),
        (f"sessions/{WEATHER}/runs/x", "give the number of a run"),
    ],
)
def test_a_resource_that_is_not_there_says_so(root: Path, address: str, words: str) -> None:
    async def look(client: Client) -> str:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(f"thoughtflow://{address}")
        return str(caught.value)

    assert words in talk(root, look)


def test_prompts_say_how_to_look_and_name_tools_that_there_are(root: Path) -> None:
    async def look(client: Client) -> list[str]:
        named = {each.name for each in (await client.list_prompts()).prompts}
        assert named == {"debug_session", "reflect"}
        first = await client.get_prompt("debug_session", {"session": "7f3a9c01", "question": "Why no mail?"})
        second = await client.get_prompt("reflect", {})
        return [str(getattr(each.messages[0].content, "text", "")) for each in (first, second)]

    debug, reflect = talk(root, look)

    assert "'7f3a9c01'" in debug
    assert "Why no mail?" in debug
    assert {each for each in TOOLS if each in debug} == {"read_session", "why", "expand", "search", "diff"}
    assert {each for each in TOOLS if each in reflect} == {"read_session", "findings", "learnings"}


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("read_session", {"session": "nope"}, "No session 'nope' in this store. list_sessions shows"),
        ("read_session", {"session": "sess_"}, "is the start of 3 session ids"),
        ("read_session", {"session": WEATHER[:-1] + "f"}, f"Did you mean {WEATHER}"),
        ("read_session", {"session": WEATHER, "run": 99}, "has no run 99. It has 4 runs."),
        ("read_session", {"max_tokens": 299}, "greater than or equal to 300"),
        ("read_session", {"max_tokens": 20_001}, "less than or equal to 20000"),
        ("expand", {"session": WEATHER, "what": "9.9"}, "has no step '9.9'. read_session lists them."),
        ("expand", {"session": WEATHER, "what": "4.5", "offset": 10**6}, "offset 1000000 cannot be used"),
        ("why", {"session": WEATHER, "part": "run_9"}, "has no run 9"),
        ("why", {"session": WEATHER, "part": "x\x1b[1m"}, "has no step"),
        ("findings", {"severity": "dire"}, "give one of high, medium, low, info"),
        ("search", {"text": "x", "kind": "thought"}, "give one of user_message"),
        ("list_sessions", {"result": "odd"}, "give one of failed, completed, cancelled, active"),
        ("list_sessions", {"since": "yesterday"}, "give 30m, 2h, 3d, 1w, or a date"),
        ("list_sessions", {"since": "999999w"}, "give 30m, 2h, 3d, 1w, or a date"),
        ("list_sessions", {"limit": 51}, "less than or equal to 50"),
        ("diff", {"before": f"{WEATHER}:1.2"}, "give a session, or a run of one as last:2"),
        ("diff", {"before": "nope"}, "No session 'nope'"),
        ("propose_adaptation", {"title": "x", "text": "y", "because": ["z"]}, "Unknown tool"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    root: Path, tool: str, arguments: dict[str, Any], words: str
) -> None:
    answer = ask(root, tool, **arguments)

    assert answer.failed
    assert words in answer.text
    assert "\x1b" not in answer.text


def test_what_is_left_out_may_be_null(root: Path) -> None:
    answer = ask(root, "list_sessions", result=None, tool=None, since=None)

    assert not answer.failed
    assert answer.text.startswith("SESSIONS 3, newest first")


def test_the_list_is_narrowed(root: Path) -> None:
    def listed(**arguments: Any) -> list[str]:
        lines = ask(root, "list_sessions", **arguments).text.splitlines()
        return [line.split()[0] for line in lines if line.startswith("sess_")]

    assert listed(result="failed") == [WEATHER]
    assert listed(result="active") == [GOING_ON]
    assert listed(tool="send_email") == [WEATHER]
    assert listed(since="2026-09-02T11:00") == [GOING_ON]
    assert listed(limit=1) == [GOING_ON]
    assert "there are older ones" in ask(root, "list_sessions", limit=1).text


def test_a_store_may_come_to_be_later(tmp_path: Path) -> None:
    root = tmp_path / "later" / ".thoughtflow"

    async def look(client: Client) -> tuple[str, str]:
        before: Any = await client.call_tool("read_session", {})
        a_store(root, weather())
        after: Any = await client.call_tool("read_session", {})
        return before.content[0].text, after.content[0].text

    before, after = talk(root, look)

    assert f"There is no store at {root}." in before
    assert after.startswith(f"SESSION {WEATHER} failed")


def test_what_cannot_be_read_is_told(root: Path) -> None:
    (root / "sessions" / f"{GOING_ON}.json").write_text("{", encoding="utf-8")

    read = ask(root, "read_session", session=GOING_ON)
    assert read.failed
    assert f"The document of session {GOING_ON}" in read.text
    listed = ask(root, "list_sessions")
    assert not listed.failed
    assert listed.text.splitlines()[-1].startswith(f"The document of session {GOING_ON}")


def test_notes_that_cannot_be_read_are_told_where_their_session_is_read(root: Path) -> None:
    (root / "notes" / f"{WEATHER}.jsonl").mkdir(parents=True)

    assert WEATHER in ask(root, "list_sessions").text
    read = ask(root, "read_session", session=WEATHER)
    assert not read.failed
    assert read.text.startswith(f"! The store at {root} cannot be used: ")
    assert f"\nSESSION {WEATHER} failed" in read.text


def test_a_store_that_is_no_folder_is_read_but_for_what_was_learnt(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfclient.mcp.opened.on_disk", lambda _: None)

    assert ask(root, "read_session", session=WEATHER).text.startswith(f"SESSION {WEATHER} failed")
    learnt = ask(root, "learnings")
    assert (learnt.failed, "what sessions taught is kept in one" in learnt.text) == (True, True)


def test_notes_of_people_are_there(root: Path) -> None:
    from tfclient.opening import existing_store

    existing_store(root).note(WEATHER, "the wrong city", step="1.6", score=0, tags=["bug"])

    calls: list[tuple[str, dict[str, Any]]] = [
        ("read_session", {"session": WEATHER}),
        ("why", {"session": WEATHER}),
        ("why", {"session": WEATHER, "part": "1.6"}),
    ]
    for tool, arguments in calls:
        assert '"the wrong city"' in ask(root, tool, **arguments).text
    assert "bug" in ask(root, "list_sessions").text
    note = existing_store(root).notes(WEATHER)[0].note_id
    found = ask(root, "search", text="WRONG city", kind="note").text
    assert f'  [1.6] note {note} "the wrong city"' in found
    assert '"text":"the wrong city"' in ask(root, "expand", session=WEATHER, what=note).text


def test_what_was_learnt_is_given_by_signature(tmp_path: Path) -> None:
    from tests.reflect.lessons.making import a_store, paying
    from tfclient.reflect.lessons.book import Book

    store = a_store(tmp_path / "store", paying(1), paying(2), paying(3, error="Error: card was refused"))
    book = Book(store)
    book.note(store.ids())
    root = store.paths.root

    answer = ask(root, "learnings", tools=["pay"])
    assert 'pay answered "total is N, but paid N" (2×)' in answer.text
    assert "only one session saw it" in answer.text
    assert "Open gaps:\n- error_as_text (medium), 3×, last in sess_" in answer.text
    assert ask(root, "learnings").text == answer.text
    assert "No lesson about these tools may be given out." in ask(root, "learnings", tools=["fly"]).text
