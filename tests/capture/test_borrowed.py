"""Parts of other people's libraries that were renamed: the call is as ever, and what is lost is said to be."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import openai
import pytest

import tfclient.client
from tests.capture import journals
from tests.capture.driver import HTTP, MODEL, Driver
from tests.server.replies import Answer, answer
from tests.server.scripted import ScriptedServer
from tfclient import Recorder
from tfclient.capture import borrowed
from tfclient.capture.sockets.seam import watch

MULTIPART = importlib.import_module(f"{HTTP.__name__}._multipart")
SECRET = "sk-proj-" + "Ab3" * 16


@pytest.fixture(autouse=True)
def tried_anew() -> None:
    borrowed._WAYS.clear()
    borrowed.decoders.cache_clear()


@pytest.fixture(autouse=True)
def says_hello(server: ScriptedServer) -> Answer:
    reply = answer(f"Hello! {SECRET}")
    server.always(reply)
    return reply


def rename(owner: type[Any], name: str, patch: pytest.MonkeyPatch) -> None:
    """Have an attribute that its own library knows by another name than ours does."""
    hidden = f"_renamed{name}"

    def get(self: Any) -> Any:
        if sys._getframe(1).f_globals["__name__"].startswith("tfclient.") or hidden not in self.__dict__:
            raise AttributeError(name)
        return self.__dict__[hidden]

    def put(self: Any, value: Any) -> None:
        self.__dict__[hidden] = value

    patch.setattr(owner, name, property(get, put), raising=False)


def a_day(drive: Driver, client: Any) -> list[Any]:
    """A call, a stream, a file; what the program has of them."""
    one = drive.do(client.responses.create(model=MODEL, input="Hi"))
    stream = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    texts = [event.type for event in drive.events(stream)]
    with pytest.raises(openai.NotFoundError) as refused:  # the server knows no files
        drive.do(client.files.create(file=("notes.txt", b"some notes"), purpose="assistants"))
    return [one.output_text, texts, refused.value.body]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (HTTP.Request, "_content"),
        (HTTP.Response, "_content"),
        (HTTP.Headers, "_list"),
        (HTTP.URL, "_uri_reference"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_only_quicker_is_not_missed(
    owner: type[Any],
    name: str,
    drive: Driver,
    recorder: Recorder,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = a_day(drive, drive.plain())
    rename(owner, name, monkeypatch)
    assert a_day(drive, drive.traced(recorder)) == expected
    assert recorder.health.ok
    assert recorder.health.unseen == []
    asked = server.requests[3:5]
    assert journals.requests(recorder)[:2] == [request.body.decode() for request in asked]
    sent = journals.entries(recorder, "attempt.sent")
    assert [entry["url"] for entry in sent[:2]] == [f"{server.url}/responses"] * 2
    assert sent[0]["headers"]["user-agent"] == asked[0].header("user-agent")
    first, second, _ = journals.entries(recorder, "attempt.answered")
    assert first["complete"]
    assert "Hello!" in first["body"]["text"]
    assert "text/event-stream" in second["headers"]["content-type"]
    assert b"Hello!" in journals.body(recorder, second["exchange_id"])
    assert [entry["ending"] for entry in journals.entries(recorder, "attempt.ended")] == ["completed"]


def test_fields_of_forms(drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = a_day(drive, drive.plain())
    rename(MULTIPART.MultipartStream, "fields", monkeypatch)
    assert a_day(drive, drive.traced(recorder)) == expected
    assert recorder.health.ok
    assert recorder.health.unseen == ["What forms are made of"]
    body = journals.entries(recorder, "attempt.sent")[-1]["body"]
    assert body["unread"] == "multipart"
    assert "parts" not in body


@pytest.mark.parametrize("how", ["module", "table", "flush"])
def test_decoders(
    how: str, drive: Driver, recorder: Recorder, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always(answer(f"Hello! {SECRET}", gzip=True))
    expected = a_day(drive, drive.plain())
    name = f"{HTTP.__name__}._decoders"
    decoders = importlib.import_module(name)
    if how != "flush":
        # The library's own modules have it already.
        monkeypatch.setitem(sys.modules, name, None if how == "module" else types.ModuleType(name))
    else:

        class Other(decoders.GZipDecoder):  # type: ignore[name-defined, misc]
            @property
            def flush(self) -> Callable[[], Any]:
                if sys._getframe(1).f_globals["__name__"].startswith("tfclient."):
                    raise AttributeError("flush")
                found: Callable[[], Any] = super().flush
                return found

        monkeypatch.setitem(decoders.SUPPORTED_DECODERS, "gzip", Other)
    assert a_day(drive, drive.traced(recorder)) == expected
    assert recorder.health.ok
    assert recorder.health.unseen == ["the text of bodies that come as gzip"]
    assert SECRET not in journals.everything(recorder)
    streamed = journals.entries(recorder, "attempt.answered")[1]["exchange_id"]
    assert journals.body(recorder, streamed) == b""
    (ended,) = journals.entries(recorder, "attempt.ended")
    (mark,) = journals.entries(recorder, "stream.chunk")[-1]["redactions"]
    assert (ended["ending"], mark["rule"], mark["bytes"]) == ("completed", "not_decoded", ended["bytes"])
    assert ended["bytes"] > 0


def test_where_requests_leave_by(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = a_day(drive, drive.plain())
    shell = getattr(tfclient.client, "_TracedAsync" if drive.is_async else "_TracedSync")
    monkeypatch.delattr(shell, "_send_request")
    assert a_day(drive, drive.traced(recorder)) == expected
    assert recorder.health.ok
    assert recorder.health.unseen == ["What goes over HTTP"]
    assert caplog.text.count("What goes over HTTP is not recorded") == 1


def test_how_connections_take_options(
    drive: Driver, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    client = drive.traced(recorder)
    resource = type(client.realtime)(client)
    told: list[dict[str, Any]] = []

    def connect(*, model: str) -> Any:
        told.append({"model": model})
        return types.SimpleNamespace()

    resource.connect = connect
    assert watch(resource, lambda made: made.recorder)
    for _ in range(2):
        resource.connect(model="gpt-realtime")
    assert told == [{"model": "gpt-realtime"}] * 2
    assert len(recorder.health.unseen) == 1
    assert recorder.health.unseen[0].startswith("What goes over the WebSocket of")
    assert caplog.text.count("is not recorded") == 1
    assert recorder.health.ok
