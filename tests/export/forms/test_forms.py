"""Sessions in the forms of other tools."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step
from tests.cli.making import HOSTILE, WEATHER, a_store, hostile, run, weather
from tests.otlp.making import Conversation, from_cassette
from tests.projection.recorded import needs_recordings, recordings
from tfclient.errors import PackageMissing
from tfclient.export.forms.conversations import conversations_of
from tfclient.export.forms.markdown import markdown_of
from tfclient.export.forms.step_rows import COLUMNS, csv_of, parquet_of, rows_of
from tfclient.export.forms.traces import trace_of
from tfclient.otlp.parts import Reader
from tfstore.document.documents import Session

FORMS = ["chat-jsonl", "sts", "markdown", "csv", "parquet", "otlp-json"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_store(tmp_path_factory.mktemp("forms") / "store", weather(), hostile()).paths.root


def table(*sessions: Session) -> list[dict[str, str]]:
    text = b"".join(csv_of(row for each in sessions for row in rows_of(each, Reader()))).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


# Chat messages


def test_a_conversation_is_all_that_was_said_with_its_tools() -> None:
    first, second = list(conversations_of(from_cassette("demo")))[:2]

    roles = [each["role"] for each in second.messages]
    assert roles[:2] == ["system", "user"]
    assert roles[-1] == "assistant"
    assert {each["function"]["name"] for each in first.tools} >= {"get_forecast", "book_table"}
    answered = {each["tool_call_id"] for each in first.messages if each["role"] == "tool"}
    assert answered == {call["id"] for each in first.messages for call in each.get("tool_calls", ())}
    assert first.left_out["reasoning"] == 1


def test_each_end_of_a_fork_is_a_conversation_and_no_beginning_is() -> None:
    assert len(list(conversations_of(from_cassette("fork")))) == 2
    [only] = conversations_of(Conversation(5).session())
    assert [each["role"] for each in only.messages] == ["user", "assistant"] * 5


# Traces


def test_a_trace_is_a_header_and_messages_with_the_calls_of_an_answer_together() -> None:
    header, *lines = trace_of(from_cassette("agent_loop"), Reader())
    messages = [each["message"] for each in lines]

    assert header == {"type": "session", "harness": "tfclient", "id": "agent_loop", "name": header["name"]}
    assert {each["type"] for each in lines} == {"message"}
    assert messages[0]["role"] in {"system", "user"}
    asked = [call["id"] for each in messages for call in each.get("toolCalls", ())]
    assert asked
    assert {each["toolCallId"] for each in messages if each["role"] == "tool"} <= set(asked)
    assert all(isinstance(each["content"], str) for each in messages)


# Markdown


def test_markdown_shows_what_was_said_as_text_and_nothing_else() -> None:
    text = "![x](http://evil/?q=1) <img src=x> [a](javascript:b)\n# no heading\n```\nno fence\n~~~~"
    session = a_session(
        a_run(
            a_step("user_message", text),
            a_step("assistant_call", after=(1,)),
            a_step("tool_call", text, tool_name="<b>", after=(2,)),
            a_step("assistant_message", text, after=(2,)),
        ),
        title=text,
    )
    made = markdown_of(session, Reader())
    code = made.split("````")[1]

    assert "no fence" in code
    outside = made.replace(code, "")
    assert "\n# no heading" not in outside
    assert "![" not in outside
    assert "<img" not in outside.replace("\\<img", "")
    assert "\x1b" not in markdown_of(hostile(), Reader())


def test_markdown_of_the_weather() -> None:
    made = markdown_of(weather(), Reader())

    assert made.startswith("# Weather agent\n")
    assert "## Run 4: failed" in made
    assert "> Oslo: 7 °C, partly cloudy." in made
    assert "503 Service Unavailable" in made


# Tables


def test_a_row_a_step() -> None:
    rows = table(weather())
    session = weather()

    assert len(rows) == sum(len(run.steps) for run in session.runs)
    assert list(rows[0]) == list(COLUMNS)
    call = next(row for row in rows if row["label"] == "assistant_call")
    assert (call["model"], call["input_tokens"], call["response_id"]) == ("gpt-4.1", "812", "resp_a1")
    failed = next(row for row in rows if row["label"] == "tool_error")
    assert (failed["error_class"], failed["text"][:3]) == ("tool", "503")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert table(a_session(a_chat(text)))[0]["text"] == f"'{text}"
    assert next(rows_of(a_session(a_chat(text)), Reader()))["text"] == text


def test_a_parquet_file_has_the_same_rows_and_the_payloads(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    path = tmp_path / "steps.parquet"
    path.write_bytes(
        b"".join(parquet_of(row for each in (weather(), hostile()) for row in rows_of(each, Reader())))
    )
    read: list[dict[str, Any]] = parquet.read_table(path).to_pylist()

    assert [row["step_id"] for row in read] == [row["step_id"] for row in table(weather(), hostile())]
    assert json.loads(read[0]["payload_started"])["text"] == read[0]["text"]


def test_parquet_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(PackageMissing, match=r"tfclient\[parquet\]"):
        list(parquet_of([]))


# The command


@pytest.mark.parametrize("form", FORMS)
def test_as_it_is_typed(store: Path, tmp_path: Path, form: str) -> None:
    outcome = run("export", form, "7f3a", "--store", store, "-o", tmp_path, columns=None)

    assert (outcome.code, outcome.out) == (0, f"{next(tmp_path.iterdir())}\n")
    written = next(tmp_path.iterdir())
    assert written.name.startswith(WEATHER)
    assert written.stat().st_mode & 0o077 == 0
    again = run("export", "7f3a", "--format", form, "--store", store, "-o", written)
    assert (again.code, "is there already" in again.err) == (2, True)
    told = run("export", form, "7f3a", "--store", store, "-o", written, "--force", "--json").json
    assert (told["sessions"], told["path"]) == (1, str(written))


def test_several_in_one_file_the_oldest_first(store: Path, tmp_path: Path) -> None:
    assert run("export", "csv", "--all", "--store", store, "-o", tmp_path / "all.csv").code == 0

    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text(encoding="utf-8"))))
    assert list(dict.fromkeys(row["session_id"] for row in rows)) == [WEATHER, HOSTILE]
    for form in ("sts", "markdown", "vcr"):
        outcome = run("export", form, "--all", "--store", store)
        assert (outcome.code, "name one" in outcome.err) == (2, True)


def test_to_stdout_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    store.paths.document(HOSTILE).write_text("{", encoding="utf-8")

    outcome = run("export", "chat-jsonl", WEATHER, HOSTILE, "--store", store.paths.root, "-o", "-")
    assert (outcome.code, HOSTILE in outcome.err) == (1, True)
    assert all(json.loads(line)["messages"] for line in outcome.out.splitlines())


@needs_recordings
def test_every_recording_in_every_form() -> None:
    conversations = 0
    for recording in recordings():
        session, reader = recording.session, Reader(recording.blobs.__getitem__)
        conversations += sum(
            bool(each.messages) for each in conversations_of(session, recording.blobs.__getitem__)
        )
        assert json.dumps(list(trace_of(session, reader)))
        assert markdown_of(session, reader)
        assert len(list(rows_of(session, reader))) == sum(len(run.steps) for run in session.runs)
    assert conversations > 600
