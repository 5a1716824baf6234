"""What holds for every journal: how it is fed, how streams were cut up, and what is wrong with it does not matter."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.projection.builders import Story, call, output, project, said, steps, system, user
from tests.projection.events import sse
from tests.projection.recorded import needs_recordings, recordings
from tfclient.projection.projector import Projector
from tfclient.projection.weight import lightener as payloads
from tfstore.document.converter import to_json
from tfstore.reading.prompts import prompt_of

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])

UNSHRUNK = [phase for phase in Phase if phase is not Phase.shrink]
"""A journal takes long to make smaller, and says enough as it is."""

calmly = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    phases=UNSHRUNK,
)
often = settings(calmly, max_examples=100)


def a_long_story(api: str) -> Story:
    """A journal with a bit of everything in it."""
    story = Story(api)
    story.begin(title=None, metadata={})
    history: list[Any] = [system("Be brief."), user("Weather?")]
    calls = [call("call_1", "weather", {"city": "Oslo"}), call("call_2", "news")]
    tools = [{"type": "function", "name": "weather"}]
    first = story.ask(history, calls, tools=tools)
    story.tell(type="tool.started", tool="t1", call_id="call_1", name="weather")
    story.ask([user("Inner")], [said("Inside.")], started={"tool": "t1"})
    story.tell(type="tool.ended", tool="t1", call_id="call_1", name="weather", result="7")
    history += [*calls, output("call_1", "7"), output("call_2", '{"error": "x"}')]
    story.stream = True
    story.ask(history, [said("Seven degrees, no news.")], tools=tools)
    sent = story.send(story.body([*history, said("Seven degrees, no news."), user("More")], stream=True))
    events = sent.events(sent.response([said("Much more.")]))
    sent.stream(events[:5], "cut", type="ReadError", message="gone")
    sent.raised("APIConnectionError", "gone", "cut")
    again = story.send(story.body([user("Other")]))
    again.answer({"error": {"message": "Wait.", "code": "rate_limit_exceeded"}}, 429).attempt()
    again.answer_items([said("Yes.")])
    if api == "responses":
        story.send(path=f"/v1/responses/{first}", method="GET").answer(
            sent.response([], id=first, status="queued")
        )
        story.ask([output("call_x", "?")], previous_response_id="resp_x")
    story.send({"model": "e", "input": ["x"]}, path="/v1/embeddings").answer({"data": [], "usage": {}})
    story.tell(type="annotation", kind="note", data={"a": 1})
    story.end()
    return story


def as_text(projector: Projector) -> str:
    return json.dumps(to_json(projector.session()), sort_keys=True)


def fed_slowly(entries: list[Any]) -> str:
    """The document when somebody looks at it after every entry."""
    projector = Projector("sess")
    for entry in entries:
        projector.feed(copy.deepcopy(entry))
        to_json(projector.session())
    return as_text(projector)


def fed_at_once(entries: list[Any]) -> str:
    projector = Projector("sess")
    for entry in entries:
        projector.feed(copy.deepcopy(entry))
    return as_text(projector)


@BOTH
def test_looking_at_it_changes_nothing(api: str) -> None:
    """Fed one entry at a time with `session()` in between, or at once: the same document."""
    entries = a_long_story(api).entries
    assert fed_slowly(entries) == fed_at_once(entries)


@BOTH
def test_looking_at_long_values_changes_nothing(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that was put aside meanwhile is still recognised where it comes again."""
    monkeypatch.setattr(payloads, "LONG_STRING", 200)
    long = "a long text " * 40
    arguments = json.dumps({"text": long}, separators=(",", ":"))
    tool = {"type": "function", "name": "save", "description": long}
    story = Story(api)
    fields: Any = {"instructions": long, "tools": [tool]} if api == "responses" else {"tools": [tool]}
    echoed = {"instructions": long, "tools": [{**tool, "strict": True}]} if api == "responses" else {}
    story.ask([user("Save it")], [call("call_1", "save", arguments)], response=echoed, **fields)
    story.tell(type="tool.started", tool="t1", name="save", arguments={"text": long})
    story.tell(type="tool.ended", tool="t1", name="save", result=long)
    items = [user("Save it"), call("call_1", "save", arguments), output("call_1", long)]
    story.ask(items, [said("Done.")], response=echoed, **fields)
    session = story.session()
    assert fed_slowly(story.entries) == fed_at_once(story.entries)
    assert [step.timing for step in steps(session, "tool_call")] == ["measured"]
    if api == "responses":
        told = [step.payload_completed["response"] for step in steps(session, "assistant_call")]
        assert [(each["as_sent"], set(each["tools"])) for each in told] == [
            (["instructions"], {"step_id", "with"})
        ] * 2


@needs_recordings
def test_looking_at_recordings_changes_nothing() -> None:
    for recording in recordings()[::5]:
        projector = Projector(recording.name)
        for entry in recording.entries:
            projector.feed(entry)
            projector.session()
        assert to_json(projector.session()) == to_json(recording.session), recording.name


@BOTH
def test_entries_are_not_changed(api: str) -> None:
    """The projector changes nothing in what it is given."""
    entries = a_long_story(api).entries
    before = copy.deepcopy(entries)
    project(entries)
    assert entries == before


@BOTH
@calmly
@given(data=st.data())
def test_any_chunking_of_a_stream(api: str, data: st.DataObject) -> None:
    """However the bytes of a stream were cut up, the document is the same but for the times."""
    story = Story(api)
    sent = story.send(story.body([user("Hello")], stream=True))
    items = [said("Zwölf Grad — 12 °C. ☂️\nUmbrella!"), call("call_1", "weather", {"city": "Ålesund ☂"})]
    text = "".join(sse(event) for event in sent.events(sent.response(items)))
    text = data.draw(st.sampled_from([text, text.replace("\n", "\r\n"), ": hello\n\n" + text]))
    raw = (text + ("data: [DONE]\n\n" if api == "chat" else "")).encode()
    cuts = sorted(set(data.draw(st.lists(st.integers(1, len(raw) - 1), max_size=12))))
    pieces = [raw[low:high] for low, high in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    sent.head()
    for piece in pieces:
        try:
            story.tell(type="stream.chunk", exchange_id=sent.exchange, data=piece.decode())
        except UnicodeDecodeError:
            import base64

            encoded = {"base64": base64.b64encode(piece).decode()}
            story.tell(type="stream.chunk", exchange_id=sent.exchange, data=encoded)
    sent.over("completed")
    told = [
        (step.step_id, step.label, step.status, step.payload_started, step.call_id, step.output_index)
        for step in steps(story.session())
    ]
    texts = [step.payload_completed.get("text") for step in steps(story.session(), "assistant_message")]
    whole = Story(api)
    whole.ask([user("Hello")], items, stream=True)
    assert told == [
        (step.step_id, step.label, step.status, step.payload_started, step.call_id, step.output_index)
        for step in steps(whole.session())
    ]
    assert texts == ["Zwölf Grad — 12 °C. ☂️\nUmbrella!"]


@BOTH
@calmly
@given(data=st.data())
def test_a_stream_cut_anywhere_keeps_what_had_come(api: str, data: st.DataObject) -> None:
    """Cut after any event, the text so far is a beginning of the whole, and the ending says that it was cut."""
    story = Story(api)
    sent = story.send(story.body([user("Hello")], stream=True))
    events = sent.events(sent.response([said("Good morning to all of you.")]))
    count = data.draw(st.integers(0, len(events) - (1 if api == "responses" else 3)))
    sent.stream(events[:count], "cut", type="ReadError", message="gone")
    session = story.session()
    (made,) = steps(session, "assistant_call")
    assert (made.ending, made.status) == ("cut", "failed")
    assert "Good morning to all of you.".startswith(made.payload_completed.get("text", ""))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        found += [place for key, each in value.items() for place in places_in(each, (*path, key))]
    elif isinstance(value, list):
        found += [place for n, each in enumerate(value) for place in places_in(each, (*path, n))]
    return found


def changed_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with another one somewhere inside."""
    made = copy.deepcopy(value)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return made


@BOTH
@often
@given(data=st.data())
def test_strange_entries_never_raise(api: str, data: st.DataObject) -> None:
    """Entries with anything anywhere, doubled, dropped or out of order: a document comes out, and can be written."""
    entries = copy.deepcopy(a_long_story(api).entries)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(entries) - 1))
        kind = data.draw(st.sampled_from(["change", "drop", "double", "swap"]))
        if kind == "drop" and len(entries) > 1:
            del entries[place]
        elif kind == "double":
            entries.insert(place, entries[place])
        elif kind == "swap":
            other = data.draw(st.integers(0, len(entries) - 1))
            entries[place], entries[other] = entries[other], entries[place]
        else:
            where = data.draw(st.sampled_from(places_in(entries[place])))
            entries[place] = changed_at(entries[place], where, data.draw(JSON))
    check_document(entries)


def text_places(entries: list[Any]) -> list[tuple[int, tuple[str, ...]]]:
    """Where entries hold the JSON of requests, responses and events."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for n, entry in enumerate(entries):
        body = entry.get("body")
        if isinstance(body, dict) and isinstance(body.get("text"), str):
            found.append((n, ("body", "text")))
        elif isinstance(entry.get("data"), str) and "data: {" in entry["data"]:
            found.append((n, ("data",)))
    return found


@BOTH
@often
@given(data=st.data())
def test_strange_bodies_never_raise(api: str, data: st.DataObject) -> None:
    """Requests, responses and events with anything anywhere: a document comes out, and prompts as they were sent."""
    entries = copy.deepcopy(a_long_story(api).entries)
    for _ in range(data.draw(st.integers(1, 3))):
        n, path = data.draw(st.sampled_from(text_places(entries)))
        text = entries[n]["body"]["text"] if len(path) == 2 else entries[n]["data"]
        head, _, rest = text.rpartition("data: ") if len(path) == 1 else ("", "", text)
        body = json.loads(rest)
        changed = data.draw(JSON)
        if isinstance(body, dict | list) and body:
            changed = changed_at(body, data.draw(st.sampled_from(places_in(body))), changed)
        again = json.dumps(changed)
        if len(path) == 1:
            entries[n]["data"] = f"{head}data: {again}\n\n"
        else:
            entries[n]["body"]["text"] = again
    check_document(entries)


def check_document(entries: list[Any]) -> None:
    projector = Projector("sess")
    for entry in entries:
        projector.feed(entry)
    session = projector.session()
    text = json.dumps(to_json(session))
    assert fed_slowly(entries) == json.dumps(json.loads(text), sort_keys=True)
    ids = {step.step_id for step in steps(session)}
    assert all(needed in ids for step in steps(session) for needed in step.depends_on)
    for step in steps(session, "assistant_call"):
        prompt_of(session, step.step_id)


@settings(deadline=None, max_examples=100)
@given(entry=st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_garbage_is_counted(entry: dict[str, Any]) -> None:
    projector = Projector("sess")
    projector.feed(entry)
    projector.session()
    assert projector.unknown_entries == 1
