"""``tfclient import``: cassettes as they come, and files that are none."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import types
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.making import a_cassette, an_exchange, run
from tfstore.document.documents import Session
from tfstore.journal import zstd
from tfstore.store import Store


def test_one_cassette_is_one_session(tmp_path: Path) -> None:
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange(), an_exchange("And now?", "Still hi", "resp_2"))

    outcome = run("import", cassette, "--store", tmp_path / "store", "--json")

    assert outcome.code == 0
    (imported,) = outcome.json["imported"]
    session = Store(tmp_path / "store").get(imported["session_id"])
    assert outcome.json == {
        "store": str(tmp_path / "store"),
        "imported": [
            {
                "cassette": str(cassette),
                "session_id": session.session_id,
                "path": str(tmp_path / "store" / "sessions" / f"{session.session_id}.json"),
                "title": "Hello",
                "result": "completed",
                "left_out": 0,
                "not_decoded": [],
            }
        ],
        "problems": [],
    }
    assert [run.input_text for run in session.runs] == ["Hello", "And now?"]
    assert session.summary.usage.total_tokens == 50


def test_the_summary(tmp_path: Path) -> None:
    a_cassette(tmp_path / "in" / "one.yaml", an_exchange())
    a_cassette(
        tmp_path / "in" / "deep" / "two.yml", an_exchange("Bye"), ("https://weather.example/v1/now", {}, {})
    )

    outcome = run("import", tmp_path / "in", "--store", tmp_path / "store")

    assert (outcome.code, outcome.err) == (0, "")
    assert f"2 sessions from 2 cassettes in {tmp_path / 'store'}" in outcome.out
    assert "2 completed · 2 model calls · 0 tool calls · 50 tokens" in outcome.out
    assert "Left out: 1 exchange with other servers." in outcome.out


def test_long_values_are_cut_at_a_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange("Hello", "Hi. " * 1000))
    store = tmp_path / "store"

    def imported(*options: str) -> Session:
        outcome = run("import", cassette, "--store", store, "--json", *options)
        (told,) = outcome.json["imported"]
        return Store(store).get(told["session_id"])

    def answer(session: Session) -> Any:
        return session.runs[0].steps[-1].payload_completed["text"]

    cut = imported("--max-payload", "2KB")
    assert (answer(cut)["bytes"], answer(cut)["truncated"]["bytes"]) == (2000, 4000)
    assert cut.redaction.max_payload == 2000
    assert cut.redaction.marks == sum(len(step.redactions) for step in cut.runs[0].steps) > 0
    rebuilt = run("rebuild", cut.session_id, "--store", store)
    assert (rebuilt.code, Store(store).get(cut.session_id)) == (0, cut)
    assert answer(imported()) == "Hi. " * 1000
    monkeypatch.setenv("THOUGHTFLOW_MAX_PAYLOAD", "1KB")
    assert answer(imported())["bytes"] == 1000


@pytest.mark.parametrize("given", ["plenty", "12", "-5"])
def test_a_cap_that_is_none(given: str, tmp_path: Path) -> None:
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange())
    outcome = run("import", cassette, "--store", tmp_path / "store", f"--max-payload={given}")
    assert outcome.code == 2
    assert f"--max-payload '{given}' cannot be used: give a number of bytes or a size" in outcome.err
    assert not (tmp_path / "store").exists()


def test_again_replaces(tmp_path: Path) -> None:
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange())

    first = run("import", cassette, "--store", tmp_path / "store", "--json").json
    second = run("import", cassette, "--store", tmp_path / "store", "--json").json

    assert first == second
    assert len(Store(tmp_path / "store").ids()) == 1


def test_what_is_imported_can_be_listed_shown_and_drawn(tmp_path: Path) -> None:
    root = tmp_path / "store"
    run("import", a_cassette(tmp_path / "one.yaml", an_exchange("A prompt", "An answer")), "--store", root)

    assert "A prompt" in run("list", "--store", root).out
    assert "ASSISTANT An answer" in run("show", "last", "--store", root).out
    assert "An answer" in (root / run("d2", "last", "--store", root).out.strip()).read_text(encoding="utf-8")
    assert run("doctor", "--store", root).code == 0


@pytest.mark.parametrize(
    ("redact", "kept", "gone"),
    [("secrets", "a prompt", "sk-"), ("none", "sk-", "redacted"), ("content", "sha256", "a prompt")],
)
def test_redaction(tmp_path: Path, redact: str, kept: str, gone: str) -> None:
    secret = "sk-proj-" + "a1B2" * 12
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange(f"a prompt with {secret}"))

    outcome = run("import", cassette, "--redact", redact, "--store", tmp_path / "store", "--json")

    document = Path(outcome.json["imported"][0]["path"]).read_text(encoding="utf-8").partition('"runs"')[2]
    assert kept in document
    assert gone not in document


def test_a_folder_with_junk(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    a_cassette(folder / "good.yaml", an_exchange())
    (folder / "settings.yaml").write_text("a: 1\n", encoding="utf-8")
    (folder / "broken.yaml").write_text("a: [\n", encoding="utf-8")
    (folder / "binary.yml").write_bytes(b"\xff\x00\xfe")
    (folder / "unsafe.yaml").write_text("!!python/object/apply:os.system ['true']\n", encoding="utf-8")
    (folder / "README.md").write_text("not even YAML", encoding="utf-8")

    outcome = run("import", folder, "--store", tmp_path / "store")
    problems = run("import", folder, "--store", tmp_path / "store", "--json").json["problems"]

    assert outcome.code == 0
    assert "1 session from 1 cassette" in outcome.out
    names = ["binary.yml", "broken.yaml", "settings.yaml", "unsafe.yaml"]
    assert [each["cassette"] for each in problems] == [str(folder / name) for name in names]
    assert [line.split(" is not a cassette")[0] for line in outcome.err.splitlines()] == [
        str(folder / n) for n in names
    ]


def test_a_file_named_that_is_no_cassette(tmp_path: Path) -> None:
    good = a_cassette(tmp_path / "good.yaml", an_exchange())
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\n", encoding="utf-8")

    outcome = run("import", good, bad, "--store", tmp_path / "store")

    assert outcome.code == 1
    assert f"{bad} is not a cassette: it has no list of interactions." in outcome.err
    assert "1 session from 1 cassette" in outcome.out


def test_a_cassette_without_openai(tmp_path: Path) -> None:
    cassette = a_cassette(tmp_path / "other.yaml", ("https://weather.example/v1/now", {}, {}))

    outcome = run("import", cassette, "--store", tmp_path / "store")

    assert outcome.code == 1
    assert f"{cassette} holds no exchange with an OpenAI API." in outcome.err


def test_a_folder_of_which_nothing_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "settings.yaml").write_text("a: 1\n", encoding="utf-8")

    outcome = run("import", tmp_path / "in", "--store", tmp_path / "store")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("Nothing was imported.\n")


def test_a_folder_without_cassettes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    outcome = run("import", tmp_path / "in", "--store", tmp_path / "store")

    assert (outcome.code, outcome.out) == (1, "")
    assert (
        outcome.err == f"There are no cassettes (.yaml, .yml) and no logs of agents in {tmp_path / 'in'}.\n"
    )


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    outcome = run("import", tmp_path / "none", "--store", tmp_path / "store")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{tmp_path / 'none'} does not exist. ")
    assert not (tmp_path / "store").exists()


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    outcome = run("import", a_cassette(tmp_path / "one.yaml", an_exchange()), "--store", tmp_path / "file")

    assert (outcome.code, outcome.out) == (1, "")
    assert "cannot be used" in outcome.err


def test_an_unknown_redaction(tmp_path: Path) -> None:
    assert run("import", tmp_path, "--redact", "some").code == 2


SENT = '{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}'
RECEIVED = (
    '{"id": "c", "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}'
)
URL = "https://api.openai.com/v1/chat/completions"


def _bare_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


def _zstd(data: bytes) -> bytes:
    made = zstd.compressor(len(data), level=3, window_log=20)
    packed: bytes = made.compress(data) + made.flush()
    return packed


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(RECEIVED.encode())),
        ("deflate", zlib.compress(RECEIVED.encode())),
        ("deflate", _bare_deflate(RECEIVED.encode())),
        ("gzip", gzip.compress(RECEIVED[:20].encode()) + gzip.compress(RECEIVED[20:].encode())),
        ("zstd", _zstd(RECEIVED.encode())),
        ("zstd", _zstd(RECEIVED[:20].encode()) + _zstd(RECEIVED[20:].encode())),
        ("gzip, zstd", _zstd(gzip.compress(RECEIVED.encode()))),
        ("deflate, gzip", gzip.compress(zlib.compress(RECEIVED.encode()))),
        # Unpacked by whoever recorded it; the header stayed.
        ("gzip", RECEIVED.encode()),
        ("deflate", RECEIVED.encode()),
        ("zstd", RECEIVED.encode()),
        ("br", RECEIVED.encode()),
        ("aws-chunked", RECEIVED.encode()),
    ],
)
@pytest.mark.parametrize("form", ["string", "base64_string"])
def test_compressed_bodies(encoding: str, packed: bytes, form: str, tmp_path: Path) -> None:
    body = {form: packed if form == "string" else base64.b64encode(packed).decode()}
    assert _imported({"body": SENT}, {"body": body}, tmp_path, encoding) == ["Hi"]


def test_bodies_that_were_laid_out(tmp_path: Path) -> None:
    """`parsed_body`, as the serializer of pydantic-ai writes it; and a compressed request."""
    sent, received = json.loads(SENT), json.loads(RECEIVED)
    assert _imported({"parsed_body": sent}, {"parsed_body": received}, tmp_path) == ["Hi"]
    packed = {"body": gzip.compress(SENT.encode()), "headers": {"content-encoding": ["gzip"]}}
    assert _imported(packed, {"body": {"string": RECEIVED}}, tmp_path / "other") == ["Hi"]


def test_texts_of_python_2(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    sent, received = f"!!python/unicode {json.dumps(SENT)}", f"!!python/str {json.dumps(RECEIVED)}"
    path.write_text(
        f"interactions:\n- request: {{method: POST, uri: '{URL}', body: {sent}}}\n"
        f"  response: {{status: 200, body: {{string: {received}}}}}\nversion: 1\n",
        encoding="utf-8",
    )
    assert _answers(path, tmp_path) == ["Hi"]


@pytest.mark.usefixtures("a_brotli")
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b" " * 20_000)),
        ("zstd", _zstd(b" " * 20_000)),
        ("br", zlib.compress(b" " * 20_000)),
    ],
    ids=["gzip", "zstd", "br"],
)
def test_what_unpacks_to_too_much(
    encoding: str,
    packed: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tfclient.importing.encodings.LARGEST", 10_000)
    exchange: dict[str, Any] = {"request": {"method": "POST", "uri": URL, "body": SENT}}
    exchange["response"] = {
        "status": 200,
        "headers": {"content-encoding": encoding},
        "body": {"string": packed},
    }
    path = tmp_path / "bomb.yaml"
    path.write_text(yaml.safe_dump({"interactions": [exchange]}), encoding="utf-8")
    outcome = run("import", path, "--store", tmp_path / "store")
    assert outcome.code == 1
    assert "10000 bytes" in " ".join(str(outcome).split())


@pytest.mark.usefixtures("a_brotli")
def test_brotli_where_there_is_a_binding(tmp_path: Path) -> None:
    assert _imported(
        {"body": SENT}, {"body": {"string": zlib.compress(RECEIVED.encode())}}, tmp_path, "br"
    ) == ["Hi"]
    # Undone by whoever recorded it; the header stayed.
    plain = tmp_path / "plain"
    assert _imported({"body": SENT}, {"body": {"string": RECEIVED}}, plain, "br") == ["Hi"]


CUT = gzip.compress(RECEIVED.encode())[:-20]


@pytest.mark.parametrize(
    ("encoding", "packed", "why"),
    [
        ("br", b"\x8b\x01\x80hardly text\x03", "nothing here undoes br; where `brotli` or `brotlicffi` is"),
        ("compress", b"\x1f\x9d\x90ab", "nothing here undoes compress"),
        ("zstd", _zstd(RECEIVED.encode())[:-1] + b"!", "its zstd is damaged"),
        ("gzip", gzip.compress(RECEIVED.encode())[:12] + b"\xff" * 40, "its gzip is damaged"),
        ("zstd", _zstd(RECEIVED.encode())[:6], "its zstd ends early"),
    ],
    ids=["br", "compress", "zstd", "gzip", "zstd-begun"],
)
def test_what_cannot_be_undone_is_marked_and_told(
    encoding: str, packed: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failed call, nor one that nobody hears of."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    assert _imported({"body": SENT}, {"body": {"string": packed}}, tmp_path, encoding) == [None]
    told = run("import", tmp_path / "one.yaml", "--store", tmp_path / "store")
    assert f"{tmp_path / 'one.yaml'}: the response of exchange 1 could not be undone ({why}" in told.err
    outcome = run("import", tmp_path / "one.yaml", "--store", tmp_path / "store", "--json")
    (imported,) = outcome.json["imported"]
    assert [(each["exchange"], each["body"]) for each in imported["not_decoded"]] == [(1, "response")]
    session = Store(tmp_path / "store").get(imported["session_id"])
    (call,) = [step for step in session.runs[0].steps if step.label == "assistant_call"]
    assert (call.status, call.error, session.result) == ("completed", None, "completed")
    assert call.payload_completed["body"] == {"unread": "not_decoded", "bytes": len(packed)}
    assert session.redaction.marks == 1
    shown = run("show", session.session_id, "--full", "--store", tmp_path / "store").out
    assert "[not recorded: its compression could not be undone" in shown
    assert run("verify", session.session_id, "--store", tmp_path / "store").code == 0


def test_a_body_that_ends_early_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    _imported({"body": SENT}, {"body": {"string": CUT}}, tmp_path, "gzip")
    told = run("import", tmp_path / "one.yaml", "--store", tmp_path / "store")
    assert "its gzip ends early" in told.err
    (session_id,) = Store(tmp_path / "store").ids()
    session = Store(tmp_path / "store").get(session_id)
    (call,) = [step for step in session.runs[0].steps if step.label == "assistant_call"]
    assert call.payload_completed["body"] == RECEIVED[: len(call.payload_completed["body"])] != ""
    assert session.redaction.marks == 1


@pytest.fixture
def a_brotli(monkeypatch: pytest.MonkeyPatch) -> None:
    """A binding like brotli's, whose encoding is another: no brotli is installed for its tests' sake."""

    class Decompressor:
        def __init__(self) -> None:
            self._undo = zlib.decompressobj()

        def process(self, data: bytes) -> bytes:
            return self._undo.decompress(data)

        def is_finished(self) -> bool:
            return self._undo.eof

    made = types.ModuleType("brotli")
    made.__dict__.update(Decompressor=Decompressor, error=zlib.error)
    monkeypatch.setitem(sys.modules, "brotli", made)


def _imported(request: Any, response: Any, tmp_path: Path, encoding: str | None = None) -> list[Any]:
    headers = {"content-type": ["application/json"]} | ({"content-encoding": [encoding]} if encoding else {})
    exchange = {
        "request": {"method": "POST", "uri": URL, **request},
        "response": {"status": {"code": 200}, "headers": headers, **response},
    }
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump({"interactions": [exchange]}), encoding="utf-8")
    return _answers(path, tmp_path)


def _answers(path: Path, tmp_path: Path) -> list[Any]:
    outcome = run("import", path, "--store", tmp_path / "store", "--json")
    session = Store(tmp_path / "store").get(outcome.json["imported"][0]["session_id"])
    assert session.title == "Hello"
    steps = [step for made in session.runs for step in made.steps]
    return [step.payload_completed.get("text") for step in steps if step.label == "assistant_call"]


@pytest.mark.parametrize(
    "content",
    [
        {"http_interactions": [], "recorded_with": "betamax/0.9"},
        {"log": {"version": "1.2", "entries": []}},
        {"responses": [{"response": {"body": "{}", "method": "GET", "status": 200, "url": "https://x"}}]},
        [{"request": {"method": "GET"}, "response": {}}],
        {"interactions": [{"request": {"method": "GET"}}]},
        {"interactions": [{"request": "GET /", "response": "200"}]},
    ],
)
def test_a_cassette_of_another_tool(content: Any, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    outcome = run("import", tmp_path / "c.yaml", "--store", tmp_path / "store")

    told, nothing = outcome.err.splitlines()
    assert (outcome.code, outcome.out, nothing) == (1, "", "Nothing was imported.")
    assert told.startswith(f"{tmp_path / 'c.yaml'} is not a cassette: ")


def test_a_cassette_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfclient.importing.cassette.LARGEST", 1000)
    cassette = a_cassette(tmp_path / "c.yaml", an_exchange("long " * 1000))

    outcome = run("import", cassette, "--store", tmp_path / "store")

    assert outcome.code == 1
    assert "it is longer than 1,000 bytes: record it in parts." in outcome.err


def test_a_cassette_of_more_values_than_it_may_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfclient.importing.cassette.MOST_VALUES", 1000)
    monkeypatch.setattr("tfclient.importing.cassette._FEW", 1000)
    fits = a_cassette(tmp_path / "fits.yaml", an_exchange("long " * 1000))
    (tmp_path / "c.yaml").write_text(f"interactions: [{'a,' * 1000}]", encoding="utf-8")

    assert run("import", fits, "--store", tmp_path / "store").code == 0
    outcome = run("import", tmp_path / "c.yaml", "--store", tmp_path / "store")
    assert outcome.code == 1
    assert "it holds more than 1,000 values" in outcome.err


def test_bodies_that_are_no_json(tmp_path: Path) -> None:
    cassette = a_cassette(tmp_path / "c.yaml", an_exchange())
    text = (
        cassette.read_text(encoding="utf-8")
        .replace("body: '{", "body: 'no {")
        .replace("string: '{", "string: '<p>{")
    )
    cassette.write_text(text, encoding="utf-8")

    outcome = run("import", cassette, "--store", tmp_path / "store", "--json")

    (row,) = outcome.json["imported"]
    session = Store(tmp_path / "store").get(row["session_id"])
    assert (outcome.code, session.status, session.summary.model_calls) == (0, "closed", 1)
