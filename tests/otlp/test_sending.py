"""Sending: what is told, and what is in the ledger, whatever the receiver answers."""

from __future__ import annotations

import contextlib
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from tests.otlp.making import Conversation
from tests.otlp.receiver import HTML, TAKEN, Answer, Got, Receiver, partial
from tfclient.errors import BadEndpoint, EndpointDown
from tfclient.otlp import sending
from tfclient.otlp.endpoint import endpoint_of, headers_of
from tfclient.otlp.exporting import Exporter, Outcome, Sent
from tfclient.otlp.options import Options
from tfstore.disk.export_ledger import Line
from tfstore.keeping.waiting import waiting
from tfstore.store import Store

SECRET = "Bearer s3cr3t-of-the-house"


class Pauses(list[float]):
    """Counts the seconds that nobody waits."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def exporter(
    store: Store, url: str, pauses: Pauses | None = None, *, timeout: float = 30, **options: Any
) -> Exporter:
    made = Exporter.to(store, endpoint_of(url, {"authorization": SECRET}), Options(**options))
    made.sender._pause = pauses if pauses is not None else Pauses()
    made.sender._client.timeout = timeout
    return made


def sent(made: Exporter, *ids: str) -> Sent:
    result = Sent()
    try:
        for outcome in made.send(ids or ("sess_1", "sess_2", "sess_3")):
            result.add(outcome)
    finally:
        made.close()
    return result


def test_what_is_taken_is_confirmed_with_the_head_of_its_journal(store: Store, receiver: Receiver) -> None:
    made = exporter(store, receiver.url)

    result = sent(made)

    assert (result.sessions, result.spans, result.refused) == (3, 6, {})
    assert made.ledger.read() == {f"sess_{n}": Line(f"head of sess_{n}") for n in (1, 2, 3)}
    assert [got.path for got in receiver.got] == ["/v1/traces"] * 3
    assert {got.headers["content-type"] for got in receiver.got} == {"application/x-protobuf"}
    resource = receiver.got[0].request.resource_spans[0]
    told = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (told["service.name"], told["thoughtflow.store.id"]) == ("tfclient", store.store_id)
    assert resource.schema_url.endswith("/1.41.0")
    assert [span.name for span in receiver.got[0].spans] == ["invoke_agent", "chat gpt-4.1"]


def test_a_rejection_of_some_is_a_refusal_in_its_words(store: Store, receiver: Receiver) -> None:
    receiver.script(partial(1, "no such project"), partial(0, "be gentler"), TAKEN)
    made = exporter(store, receiver.url)

    result = sent(made)

    assert (result.sessions, result.spans) == (2, 5)
    assert result.refused == {"sess_1": "1 of 2 spans were rejected: no such project"}
    assert result.told == [f"{receiver.url}/v1/traces took them, and said: be gentler"]
    assert made.ledger.read()["sess_1"] == Line("head of sess_1", result.refused["sess_1"])


def test_json_is_read_as_well(store: Store, receiver: Receiver) -> None:
    body = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "full"}}'
    receiver.script(Answer(body=body, kind="application/json"), Answer(body=b"{}", kind="application/json"))

    result = sent(exporter(store, receiver.url), "sess_1", "sess_2")

    assert (result.sessions, result.refused) == (1, {"sess_1": "2 of 2 spans were rejected: full"})


@pytest.mark.parametrize(
    ("status", "header", "waited"),
    [
        (429, "3", 3.0),
        (503, None, 0.5),
        (502, "0", 0.0),
        (504, "x", 0.5),
        (503, "nan", 0.5),
        (503, "-inf", 0.5),
    ],
)
def test_what_asks_for_patience_gets_it(
    store: Store, receiver: Receiver, status: int, header: str | None, waited: float
) -> None:
    receiver.script(Answer(status, headers={} if header is None else {"retry-after": header}))
    pauses = Pauses()

    assert sent(exporter(store, receiver.url, pauses), "sess_1").sessions == 1
    assert pauses == [waited]
    assert receiver.got[0].raw == receiver.got[1].raw


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"[" * 100_000, "something that is no answer to OTLP"),
        (b'{"partialSuccess":{"rejectedSpans":"' + b"9" * 5_000 + b'"}}', "spans were rejected"),
    ],
)
def test_an_answer_in_json_that_goes_too_far_is_one_all_the_same(
    store: Store, receiver: Receiver, body: bytes, refused: str
) -> None:
    receiver.decide = lambda _: Answer(body=body, kind="application/json")
    try:
        told = sent(exporter(store, receiver.url), "sess_1").refused["sess_1"]
    except EndpointDown as down:
        told = str(down)

    assert refused in told


def test_an_error_in_json_that_goes_too_far_is_told_as_text(store: Store, receiver: Receiver) -> None:
    receiver.decide = lambda _: Answer(400, b"[" * 100_000, "application/json")

    assert sent(exporter(store, receiver.url), "sess_1").refused["sess_1"].startswith("400: [[[")


def test_who_asks_for_too_much_patience_is_left(store: Store, receiver: Receiver) -> None:
    receiver.script(TAKEN, Answer(429, b"slow down", "text/plain", {"retry-after": "60"}))
    made = exporter(store, receiver.url)

    with pytest.raises(EndpointDown, match=r"takes nothing now \(429: slow down, and asks to wait 60 s\)"):
        sent(made)
    assert list(made.ledger.read()) == ["sess_1"]


def test_a_server_that_stays_down_is_left_with_nothing_lost(store: Store, receiver: Receiver) -> None:
    receiver.decide = lambda _: Answer(503)
    made = exporter(store, receiver.url, pauses := Pauses())

    with pytest.raises(EndpointDown, match="503"):
        sent(made)
    assert pauses[:4] == [0.5, 1.0, 2.0, 2.0]
    assert made.ledger.read() == {}
    assert waiting(store, made.ledger, store.list()).session_ids == ["sess_1", "sess_2", "sess_3"]


def test_nobody_there(store: Store) -> None:
    made = exporter(store, "http://127.0.0.1:9")

    with pytest.raises(EndpointDown, match="cannot be reached: ConnectError"):
        sent(made)


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(body=b"abc", cut=True)])
def test_an_answer_that_does_not_come_whole_confirms_nothing(
    store: Store, receiver: Receiver, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.decide = lambda _: answer
    monkeypatch.setattr(sending, "PATIENCE", 0.2)
    made = exporter(store, receiver.url, timeout=0.1)

    with pytest.raises(EndpointDown, match="cannot be reached"):
        sent(made)
    assert made.ledger.read() == {}


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        Answer(body=b"<html>", kind=""),
        Answer(body=b'{"detail": 1}', kind="application/x-protobuf"),
        Answer(body=b"OK", kind="application/json"),
        Answer(302, headers={"location": "https://elsewhere.example/"}),
        Answer(401, b'{"message": "who are you?"}', "application/json"),
        Answer(404, b"no such page", "text/plain"),
    ],
)
def test_who_is_no_receiver_confirms_nothing_and_refuses_nothing(
    store: Store, receiver: Receiver, answer: Answer
) -> None:
    receiver.decide = lambda _: answer
    made = exporter(store, receiver.url)

    with pytest.raises(EndpointDown, match="othing counts as sent"):
        sent(made)
    assert made.ledger.read() == {}
    assert len(receiver.got) == 1


def test_other_refusals_are_noted_and_the_next_is_sent(store: Store, receiver: Receiver) -> None:
    receiver.script(TAKEN, Answer(400, b'{"message": "bad span"}', "application/json"), TAKEN)
    made = exporter(store, receiver.url)

    assert sent(made).refused == {"sess_2": "400: bad span"}
    left = waiting(store, made.ledger, store.list())
    assert (left.session_ids, left.refused) == ([], {"sess_2": "400: bad span"})
    assert len(waiting(store, made.ledger, store.list(), again=True).session_ids) == 3


def test_what_is_too_large_is_halved(store: Store, receiver: Receiver) -> None:
    receiver.decide = lambda got: Answer(413) if len(got.spans) > 1 else TAKEN

    result = sent(exporter(store, receiver.url), "sess_1")

    assert (result.sessions, result.spans, result.told) == (1, 2, [])
    assert [len(got.spans) for got in receiver.got] == [2, 1, 1]


def test_a_span_that_is_too_large_goes_with_less(tmp_path: Path, receiver: Receiver) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(Conversation(3, "words " * 100).session())

    def decide(got: Got) -> Answer:
        return Answer(413) if len(got.request.SerializeToString()) > 2_300 else TAKEN

    receiver.decide = decide
    result = sent(exporter(store, receiver.url), "sess_long")

    assert (result.sessions, result.spans) == (1, 6)
    assert all("was too large, and was sent with" in each for each in result.told)
    assert result.told


def test_a_span_that_is_too_large_without_texts_is_refused(store: Store, receiver: Receiver) -> None:
    receiver.decide = lambda _: Answer(413)

    assert "too large for it" in sent(exporter(store, receiver.url), "sess_1").refused["sess_1"]


def test_requests_are_cut_by_bytes_and_hold_whole_traces(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_BYTES", 6_000)
    store = Store(tmp_path / "store", create=True)
    store.put(Conversation(12).session())

    assert sent(exporter(store, receiver.url, content="new"), "sess_long").spans == 24
    assert len(receiver.got) > 2
    where: dict[bytes, set[int]] = {}
    for number, got in enumerate(receiver.got):
        assert len(got.request.SerializeToString()) < 7_000
        for span in got.spans:
            where.setdefault(span.trace_id, set()).add(number)
    assert all(len(each) == 1 for each in where.values())


def test_a_session_that_goes_on_is_sent_anew_and_one_that_is_open_is_not(
    store: Store, receiver: Receiver
) -> None:
    made = exporter(store, receiver.url)
    sent(made)
    more = store.get("sess_2")
    more.integrity.head = "another"
    store.put(more)
    still = store.get("sess_3")
    still.status, still.integrity.head = "active", "yet another"
    store.put(still)

    assert waiting(store, made.ledger, store.list()).session_ids == ["sess_2"]
    assert list(sent(exporter(store, receiver.url), "sess_3").passed_over) == ["sess_3"]


def test_what_cannot_be_read_is_passed_over(store: Store, receiver: Receiver) -> None:
    store.paths.document("sess_2").write_text("{", encoding="utf-8")

    result = sent(exporter(store, receiver.url))

    assert (result.sessions, list(result.passed_over)) == (2, ["sess_2"])


def test_sending_again_sends_the_same_bytes(store: Store, receiver: Receiver) -> None:
    sent(exporter(store, receiver.url), "sess_1")
    sent(exporter(store, receiver.url), "sess_1")

    first, second = (got.request for got in receiver.got)
    assert first == second


# What is nobody else's


def test_no_value_of_a_header_is_anywhere(
    store: Store, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.script(
        TAKEN,
        Answer(400, f"what is {SECRET}?".encode(), "text/plain"),
        Answer(401, SECRET.partition(" ")[2].encode(), "text/plain"),
    )
    url = receiver.url.replace("http://", "http://ada:pa55word@") + "/v1/traces?key=topsecret"
    made = Exporter.to(store, endpoint_of(url, {"x-api-key": SECRET}), Options())
    told: list[Outcome] = []
    with pytest.raises(EndpointDown) as raised, contextlib.closing(made):
        told += made.send(["sess_1", "sess_2", "sess_3"])
    shown = "".join(traceback.format_exception(raised.value))

    files = "".join(
        path.read_text("utf-8", "replace") for path in store.paths.root.rglob("*") if path.is_file()
    )
    everything = "\n".join([shown, caplog.text, files, repr(told), repr(made), repr(made.sender.endpoint)])
    for secret in ("s3cr3t", "pa55word", "topsecret", "cGE1NXdvcmQ"):
        assert secret not in everything
    assert receiver.got[0].headers["x-api-key"] == SECRET
    assert receiver.got[0].headers["authorization"].startswith("Basic ")
    assert receiver.got[0].path.endswith("?key=topsecret")


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    unfit = f"{SECRET}\r\nx: y"
    with pytest.raises(BadEndpoint) as raised:
        endpoint_of("http://127.0.0.1:4318", {"x-api-key": unfit}, {})

    assert "x-api-key" in str(raised.value)
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(BadEndpoint) as raised:
        headers_of(["fine=1", "s3cr3t"])
    assert "number 2" in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nowhere",
        "127.0.0.1:4318",
        "ftp://h/",
        "http://",
        "http://h:port",
        "http://h:99999",
        "http://a b/",
        "http://h/x",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadEndpoint) as raised:
        endpoint_of(address, environ={})

    assert str(raised.value).count("\n") == 0


def test_where_to_is_asked_of_the_environment_last() -> None:
    base = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://base:4318/api/",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-a=1,x-b=a%20b",
    }
    traces = base | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces/as/it/is"}

    assert endpoint_of(environ=base).url == "http://base:4318/api/v1/traces"
    assert endpoint_of(environ=traces).url == "http://traces/as/it/is"
    assert endpoint_of("http://given", environ=traces).url == "http://given/v1/traces"
    assert endpoint_of("http://given", {"X-A": "2"}, environ=base).headers == {"x-a": "2", "x-b": "a b"}
    with pytest.raises(BadEndpoint, match="not said where"):
        endpoint_of(environ={})


def test_projects_at_one_address_have_ledgers_of_their_own() -> None:
    targets = {
        endpoint_of("http://h", {"x-project-name": name}, {}).target for name in ("shop", "bank", "bank")
    }
    keys = {endpoint_of("http://h", {"x-api-key": name}, {}).target for name in ("one", "two")}

    assert (len(targets), len(keys)) == (2, 1)


def test_a_certificate_that_nobody_trusts_is_told_and_not_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = exporter(store, "https://127.0.0.1:9", pauses := Pauses())

    def refused(*_: Any, **__: Any) -> None:
        raise made.sender._http.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    monkeypatch.setattr(made.sender._client, "stream", refused)
    with pytest.raises(BadEndpoint, match=r"certificate of https://127.0.0.1:9/v1/traces cannot be trusted"):
        sent(made)
    assert pauses == []
