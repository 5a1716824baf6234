"""``tfclient export --otlp``, as it is typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.making import WEATHER, a_store, going_on, hostile, run, weather
from tests.otlp.receiver import Answer, Receiver, partial
from tfclient.export import otlp
from tfclient.otlp.exporting import Exporter, Outcome
from tfstore.store import Store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", weather(), hostile(), going_on())


def test_one_session_now(store: Store, receiver: Receiver) -> None:
    outcome = run(
        "export",
        "7f3a",
        "--otlp",
        receiver.url,
        "--header",
        "x-project-name=shop",
        "--store",
        store.paths.root,
    )

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"1 session, {len(receiver.spans)} spans to {receiver.url}/v1/traces\n"
    assert receiver.got[0].headers["x-project-name"] == "shop"


def test_all_that_is_pending_and_then_nothing(store: Store, receiver: Receiver) -> None:
    arguments = ["--pending", "--otlp", receiver.url, "--store", store.paths.root]

    assert run("export", *arguments, "--dry-run", "--json").json["waiting"] == [WEATHER, hostile().session_id]
    assert run("export", *arguments).out.startswith("2 sessions, ")
    assert run("export", *arguments).out == f"Nothing is waiting for {receiver.url}/v1/traces.\n"
    assert run("export", *arguments, "--again", "--json").json["sessions"] == 2


def test_what_was_refused_is_told_and_left_until_again(store: Store, receiver: Receiver) -> None:
    receiver.script(partial(3, "no room"))
    arguments = ["--all", "--failed", "--otlp", receiver.url, "--store", store.paths.root]

    first = run("export", *arguments)
    assert (first.code, "rejected: no room" in first.err) == (1, True)
    assert "1 session refused earlier" in run("export", *arguments).err
    waiting = run("export", *arguments, "--dry-run")
    assert waiting.out.startswith("0 sessions would be sent")
    assert "no room" in waiting.err
    assert run("export", *arguments, "--again").code == 0


def test_a_receiver_that_goes_down_in_the_middle(store: Store, receiver: Receiver) -> None:
    receiver.script(Answer(), Answer(404))
    arguments = ["--pending", "--otlp", receiver.url, "--store", store.paths.root]

    outcome = run("export", *arguments)
    assert (outcome.code, outcome.out.partition(",")[0]) == (1, "1 session")
    assert outcome.err.endswith("nothing counts as sent. 1 session still to be sent.\n")
    assert run("export", *arguments).out.startswith("1 session, ")


def test_a_session_that_goes_on_is_passed_over(store: Store, receiver: Receiver) -> None:
    outcome = run("export", going_on().session_id, "--otlp", receiver.url, "--store", store.paths.root)

    assert (outcome.code, receiver.got) == (1, [])
    assert "has not ended" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody", "--otlp", "http://h"], "No session 'nobody'"),
        (["--otlp", "nowhere"], "is no address to send to"),
        (["--otlp", "http://h/other"], "does not end in /v1/traces"),
        (["--pending"], "not said where to send"),
        (["--otlp", "http://h", "--header", "s3cr3t"], "--header number 1"),
        (["vcr", "last", "--otlp", "http://h"], "not both"),
        (["last", "--pending", "--otlp", "http://h"], "not both"),
        (["last"], "Say as what, or where to"),
        ([], "Say as what, or where to"),
    ],
)
def test_what_is_wrong(
    store: Store, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    outcome = run("export", *arguments, "--store", store.paths.root)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
    assert "s3cr3t" not in outcome.err


def test_without_the_package_it_says_which(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)

    outcome = run("export", "last", "--otlp", "http://h", "--store", store.paths.root)

    assert (outcome.code, outcome.err.strip().endswith('pip install "tfclient[otel]".')) == (2, True)


def test_as_a_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes no package.
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    outcome = run(
        "export", "otlp-json", "--all", "--failed", "--store", store.paths.root, "-o", tmp_path / "s.json"
    )

    assert outcome.code == 0
    [line] = (tmp_path / "s.json").read_text().splitlines()
    spans = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {len(each["traceId"]) for each in spans} == {32}
    assert [each["name"] for each in spans if "parentSpanId" not in each] == ["invoke_agent"] * 4
    assert all(isinstance(each["startTimeUnixNano"], str) for each in spans)


def test_from_python(store: Store, receiver: Receiver) -> None:
    sent = otlp(store, [WEATHER], endpoint=receiver.url, headers={"x-a": "1"}, content="none")

    assert (sent.sessions, sent.spans, sent.refused) == (1, len(receiver.spans), {})
    assert receiver.got[0].headers["x-a"] == "1"
    assert otlp(store, [going_on().session_id], endpoint=receiver.url).passed_over.keys() == {
        going_on().session_id
    }


def test_ctrl_c_keeps_what_is_confirmed(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Exporter._send

    def interrupted(self: Exporter, session_id: str) -> Outcome:
        if receiver.got:
            raise KeyboardInterrupt
        return send(self, session_id)

    arguments = ["--pending", "--otlp", receiver.url, "--store", store.paths.root]
    with monkeypatch.context() as until_then:
        until_then.setattr(Exporter, "_send", interrupted)
        outcome = run("export", *arguments)

    assert (outcome.code, outcome.out.partition(",")[0]) == (130, "1 session")
    assert "1 session still to be sent" in outcome.err
    assert run("export", *arguments).out.startswith("1 session, ")
