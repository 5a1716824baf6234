"""Sessions as rows of data: whole prompts as messages, answers, calls; valid where they are to be read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessageParam
from openai.types.evals.create_eval_jsonl_run_data_source_param import CreateEvalJSONLRunDataSourceParam
from pydantic import TypeAdapter

from tests.projection.recorded import FOLDER, needs_recordings
from tfclient.export.chat_messages import messages_of
from tfclient.export.rows import Row, rows_of
from tfclient.importing.cassettes import import_cassettes
from tfstore.store import Store

EVERY = 1 if os.environ.get("TFCLIENT_LONG_TESTS") else 30
SOURCE: TypeAdapter[Any] = TypeAdapter(CreateEvalJSONLRunDataSourceParam)
MESSAGE: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)


def whats_wrong_for_inspect(row: dict[str, Any]) -> str | None:
    """Say what inspect_ai's `json_dataset` would not take of a row, by what its documentation says of samples."""
    if not row["input"] or not isinstance(row["target"], str):
        return "no input, or no target"
    for each in row["input"]:
        if each["role"] not in {"system", "user", "assistant", "tool"}:
            return f"a role {each['role']}"
        parts = (
            each["content"]
            if isinstance(each["content"], list)
            else [{"type": "text", "text": each["content"]}]
        )
        for part in parts:
            if not isinstance(part.get(part["type"]), str):
                return f"a part {part}"
        for call in each.get("tool_calls", ()):
            if not isinstance(call["arguments"], dict) or not isinstance(call["function"], str):
                return f"a call {call}"
    return None


def valid(row: Row) -> None:
    evals = json.loads(json.dumps(row.as_json("evals")))
    SOURCE.validate_python({"type": "jsonl", "source": {"type": "file_content", "content": [evals]}})
    for each in evals["item"]["input"]:
        MESSAGE.validate_python(each)
    assert whats_wrong_for_inspect(json.loads(json.dumps(row.as_json("inspect")))) is None, row


def rows(store: Store, session_id: str) -> list[Row]:
    return [each for each in rows_of(store, store.get(session_id)) if isinstance(each, Row)]


def test_a_row_a_run_from_the_journal(session: tuple[Store, str]) -> None:
    made = rows(*session)

    assert [each.id.rpartition(":")[2] for each in made] == ["run_1", "run_2", "run_3"]
    first, second, third = made
    assert first.messages.listed[0]["content"].startswith("Ada, ada@example.com")
    assert first.target == "Write to ada@example.com about /home/ada/notes.txt, she knows."
    assert (second.target, second.calls) == (
        "Done, ada@example.com.",
        [{"name": "read", "arguments": {"path": "/home/ada/notes.txt"}}],
    )
    assert second.messages.listed[0]["content"].endswith(" and so on" * 200)
    assert all(each.messages.whole_history for each in made)
    assert third.messages.listed == [{"role": "user", "content": "again"}]
    for each in made:
        valid(each)


def test_without_a_journal_the_prompt_is_that_of_the_document(
    session: tuple[Store, str], tmp_path: Path
) -> None:
    bare = Store(tmp_path / "store", create=True)
    bare.put(session[0].get(session[1]))

    assert [each.messages.listed for each in rows(bare, session[1])] == [
        each.messages.listed for each in rows(*session)
    ]


@pytest.mark.parametrize(
    ("request_", "listed", "left_out"),
    [
        ({"input": "Hi"}, [{"role": "user", "content": "Hi"}], {}),
        ({"prompt": "Once"}, [{"role": "user", "content": "Once"}], {}),
        (
            {
                "input": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "Look"},
                            {"type": "input_image", "image_url": "data:x", "detail": "low"},
                        ],
                    },
                    {"type": "reasoning", "summary": []},
                    {"type": "function_call", "call_id": "c1", "name": "a", "arguments": "{}"},
                    {"type": "function_call", "call_id": "c2", "name": "b", "arguments": "no"},
                    {"type": "function_call_output", "call_id": "c1", "output": "1"},
                    {
                        "type": "function_call_output",
                        "call_id": "c2",
                        "output": [{"type": "input_text", "text": "2"}],
                    },
                ]
            },
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look"},
                        {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}},
                        {"id": "c2", "type": "function", "function": {"name": "b", "arguments": "no"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "1"},
                {"role": "tool", "tool_call_id": "c2", "content": "2"},
            ],
            {"reasoning": 1},
        ),
        (
            {
                "messages": [
                    {"role": "developer", "content": "Be brief."},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "x"}]},
                    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
                ]
            },
            [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                {"role": "tool", "content": "x", "tool_call_id": "c"},
                {"role": "assistant", "content": "No."},
            ],
            {},
        ),
    ],
)
def test_the_messages_of_a_request(request_: Any, listed: Any, left_out: Any) -> None:
    made = messages_of(request_)

    assert (made.listed, dict(made.left_out), made.whole_history) == (listed, left_out, True)
    valid(Row("s:1", made, ""))


@pytest.mark.parametrize(
    "more",
    [
        {"previous_response_id": "r"},
        {"conversation": "c"},
        {"input": [{"type": "item_reference", "id": "x"}]},
        {"prompt": {"id": "p"}},
    ],
)
def test_where_the_history_is_the_servers(more: Any) -> None:
    assert not messages_of({"input": "Hi", **more}).whole_history


@pytest.mark.parametrize(
    "request_", [None, [], {"messages": 3}, {"input": [3, {"x": 1}, {"role": "user", "content": 5}]}]
)
def test_what_is_no_request(request_: Any) -> None:
    for each in messages_of(request_).listed:
        assert each["content"] == ""


@needs_recordings
@pytest.mark.timeout(600)
def test_rows_of_recordings_are_valid(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    count = 0
    for each in import_cassettes(store, sorted(FOLDER.rglob("*.yaml"))[::EVERY]):
        assert each.session is not None
        for row in rows(store, each.session.session_id):
            valid(row)
            count += 1
    assert count > 700 // EVERY
