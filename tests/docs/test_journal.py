"""The page about the journal names what is written, and what is written is as the types say."""

from __future__ import annotations

import contextlib
import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired, Required, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from tests.capture.driver import MODEL
from tests.docs.every_entry import SESSION, record_every_entry, record_sockets
from tests.projection.recorded import FOLDER, needs_recordings
from tests.server.replies import Call, Raw, Silence, answer, calls, cut, rate_limited
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, TracedOpenAI, open_store
from tfclient.finishing.last_steps import claim_and_write
from tfclient.finishing.live import LiveSession
from tfclient.importing.cassette import find_cassettes
from tfclient.importing.cassettes import import_cassettes
from tfclient.projection.projector import Projector
from tfstore.journal import entries
from tfstore.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "journal.md"
CASSETTES = Path(__file__).parents[2] / "cassettes"
WRITER = "1_00000000"
OF_EVERY_LINE = {"seq", "session_id", "prev"}
"""What the segment adds to what its writers give it."""

SECTIONS = {
    **entries.TYPES,
    "Every line": entries.Line,
    "Body": entries.Body,
    "Part": entries.Part,
    "Mark": entries.Mark,
    "Error": entries.Error,
    "Program failure": entries.ProgramFailure,
    "Redirect": entries.Redirect,
    "Replay": entries.Replay,
    "Played": entries.Played,
    "Derived from": entries.DerivedFrom,
    "Imported": entries.Imported,
    "Passed over": entries.PassedOver,
}


def section(name: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^##+ {re.escape(name)}\n(.*?)(?=^## |^### |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def lines_of(text: str) -> list[str]:
    return [
        line for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]


def whats_wrong(value: Any, hint: Any, where: str) -> Iterator[str]:
    """Say where a value is not of a type; of an object also what is missing, and what nobody declared."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in {NotRequired, Required}:
        yield from whats_wrong(value, args[0], where)
    elif is_typeddict(hint):
        if not isinstance(value, dict):
            yield f"{where} is {value!r}"
            return
        hints = get_type_hints(hint, include_extras=True)
        yield from (f"{where}.{key} is not declared" for key in value.keys() - hints.keys())
        yield from (f"{where}.{key} is missing" for key in hint.__required_keys__ - value.keys())
        for key in value.keys() & hints.keys():
            yield from whats_wrong(value[key], hints[key], f"{where}.{key}")
    elif origin is Literal:
        yield from () if value in args else [f"{where} is {value!r}"]
    elif origin in {list, dict} and isinstance(value, origin):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from whats_wrong(one, args[-1], f"{where}.{key}")
    elif origin in {list, dict}:
        yield f"{where} is {value!r}"
    elif args:
        found = [list(whats_wrong(value, one, where)) for one in args]
        yield from () if [] in found else max(found, key=len)
    elif hint is not Any:
        yield from () if type(value) is hint else [f"{where} is {value!r}"]


def check(entry: dict[str, Any]) -> None:
    kind = entry["type"]
    whole = {key: value for key, value in entry.items() if key != "writer"}
    assert whole.keys() >= OF_EVERY_LINE
    assert not list(whats_wrong(whole, entries.TYPES[kind], kind))


@pytest.mark.parametrize(("name", "fields"), SECTIONS.items(), ids=list(SECTIONS))
def test_the_tables_name_the_fields(name: str, fields: Any) -> None:
    told: dict[str, str] = {}
    for names, there in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", section(name), re.MULTILINE):
        told |= dict.fromkeys(re.findall(r"`(\w+)`", names), there)
    declared = set(get_type_hints(fields))
    required = set(fields.__required_keys__)
    if name == "Every line":
        declared, required = declared | {"type"}, required | OF_EVERY_LINE | {"type"}
    elif name in entries.TYPES:
        declared, required = (
            keys - set(get_type_hints(entries.Line)) - {"type"} for keys in (declared, required)
        )
    assert set(told) == declared
    assert {key for key, there in told.items() if there == "always"} == required


def test_the_projection_reads_every_type() -> None:
    assert Projector("one")._handlers.keys() == entries.TYPES.keys()


def test_every_type_has_a_line_on_the_page() -> None:
    for name in entries.TYPES:
        # What no single writer writes stands in a block of its own.
        text = section(name).replace("```jsonl\n", "```json\n")
        shown = [json.loads(line) for line in lines_of(text)]
        assert name in {entry["type"] for entry in shown}
        for entry in shown:
            check(entry)


def test_the_lines_of_the_page_are_what_is_written_now(server: ScriptedServer, own_environment: Path) -> None:
    record_every_entry(server, own_environment)
    found, _ = open_store(own_environment).journal(SESSION)
    shown = [json.loads(line) for line in lines_of(PAGE.read_text(encoding="utf-8"))]
    assert [list(entry) for entry in shown] == [[key for key in each if key != "writer"] for each in found]
    for one, other in zip(shown, found, strict=True):
        changing = {
            "at",
            "mono",
            "prev",
            "runtime",
            "clock",
            "call",
            "exchange_id",
            "tool",
            "url",
            "headers",
            "writer",
            "socket",
            "response_headers",
            "first_at",
        }
        assert {k: v for k, v in one.items() if k not in changing} == {
            k: v for k, v in other.items() if k not in changing
        }


def test_the_examples_run(own_environment: Path, tmp_path: Path) -> None:
    store = Store(own_environment, create=True)
    text = "".join(line + "\n" for line in lines_of(PAGE.read_text(encoding="utf-8")))
    segment = tmp_path / f"{WRITER}.jsonl"
    segment.write_text(text, encoding="utf-8")
    folder = store.paths.journal_of(SESSION)
    folder.mkdir(parents=True)
    (folder / segment.name).write_text(text, encoding="utf-8")
    claim_and_write(LiveSession(store, SESSION))

    names = {
        "SEGMENT": segment,
        "STORE": own_environment,
        "DOCUMENT": store.paths.root / "sessions" / f"{SESSION}.json",
        "ARCHIVE": store.paths.archived(SESSION),
    }
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, globs=names)
    assert tried > 10
    assert failed == 0


def program(server: ScriptedServer, client: TracedOpenAI) -> None:
    """Much of what a program can meet: streams, tries, tools, exceptions, files, redirects, a history sent again."""
    history: list[Any] = [{"role": "user", "content": "How is the weather? " * 100}]
    server.script(rate_limited(), calls(Call("look", {"key": "sk-proj-" + "a" * 40}, "call_1")))
    asked = client.responses.create(model=MODEL, input=history)

    @client.tool
    def look(key: str) -> str:
        raise ValueError(key) from OSError("no network")

    with contextlib.suppress(ValueError), client.tool_call(asked.output[0]):
        look("sk-proj-" + "b" * 40)
    history += [{"role": "assistant", "content": "Sun."}, {"role": "user", "content": "And tomorrow?"}]
    server.script(answer("Rain."), answer("Rain."), cut(3, "Rain."), Silence(), Raw(b"\xff\xfe", 500, None))
    with client.following(asked):
        client.responses.create(model=MODEL, input=history)
    list(client.responses.create(model=MODEL, input=history, stream=True))
    with contextlib.suppress(Exception):
        list(client.responses.create(model=MODEL, input=history, stream=True))
    with contextlib.suppress(Exception):
        client.with_options(timeout=0.2, max_retries=0).responses.create(model=MODEL, input="Hello?")
    with contextlib.suppress(Exception):
        client.with_options(max_retries=0).responses.create(model=MODEL, input="Hello?")
    moved = Raw(b"", 307, None, {"location": f"{server.url}/models"})
    server.script(
        moved, Raw(b'{"object":"list","data":[]}'), Raw(b'{"id":"file_1"}'), Raw(b'{"id":"file_2"}')
    )
    client.models.list()
    client.files.create(file=("a.bin", b"\xff\x00"), purpose="user_data")
    client.files.create(file=("a.txt", b"Hello"), purpose="user_data")
    with contextlib.suppress(Exception):
        client.responses.create(model=MODEL, input="Hello", extra_headers={"x-note": "☂"})
    client.recorder.session(id="other").annotate("note", [1, {"a": None}], step="step_1_1")


@pytest.mark.parametrize("redact", ["secrets", "content", None])
def test_journals_are_as_the_types_say(redact: Any, server: ScriptedServer, own_environment: Path) -> None:
    recorder = Recorder(redact=redact, deltas=True, max_payload=1000, audio="keep")
    client = TracedOpenAI(base_url=server.url, api_key="sk-test-key", recorder=recorder)
    with recorder.session(id="one") as session:
        program(server, client)
        record_sockets(recorder)
    session.wait(60)
    client.close()

    found, report = open_store(own_environment).journal("one")
    assert report.intact
    assert {entry["type"] for entry in found} == entries.TYPES.keys() - {
        "annotation",
        "redaction.changed",
        *({"socket.sound"} if redact == "content" else set()),
    }
    bodies = [entry["body"] for entry in found if entry["type"] == "attempt.sent" and entry["body"]]
    assert any("same" in body for body in bodies) is (redact != "content"), (
        "hashed, they are too short for that"
    )
    assert any("parts" in body for body in bodies)
    assert any("history" in entry for entry in found)
    for entry in found:
        check(entry)


@pytest.mark.parametrize(
    "folder", [CASSETTES, pytest.param(FOLDER, marks=needs_recordings)], ids=["own", "recorded"]
)
def test_imported_journals_are_as_the_types_say(folder: Path, own_environment: Path) -> None:
    store = Store(own_environment, create=True)
    made = [each.session for each in import_cassettes(store, [*find_cassettes(folder)][:60]) if each.session]
    assert made
    for session in made:
        for entry in store.journal(session.session_id)[0]:
            check(entry)


def test_what_is_not_declared_is_seen() -> None:
    """The check itself."""
    good = {"at": 1, "mono": 1, "type": "session.ended", "end_reason": "closed", "redactions": []}
    mark = {"path": "a", "rule": "b", "action": "dropped", "bytes": True}
    bad: dict[str, Any]
    for bad in (
        {"end_reason": "bored"},
        {"more": 1},
        {"at": 1.5},
        {"redactions": {}},
        {"redactions": [mark]},
    ):
        assert len(list(whats_wrong({**good, **bad}, entries.SessionEnded, "it"))) == 1
    assert list(whats_wrong(good, entries.SessionEnded, "it")) == []
    del good["mono"]
    assert list(whats_wrong(good, entries.SessionEnded, "it")) == ["it.mono is missing"]
