"""What people met at the command: help that names extras, media in prompts, sessions without documents."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from tests.cli.making import a_cassette, an_exchange, run
from tfstore.store import Store

CASSETTE = Path(__file__).parents[2] / "cassettes" / "agent_loop.yaml"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    assert run("import", CASSETTE, "--store", tmp_path / "store").code == 0
    return Store(tmp_path / "store")


@pytest.mark.parametrize(("command", "extra"), [("d2", "d2"), ("view", "view"), ("html", "view")])
def test_help_names_the_extra(command: str, extra: str) -> None:
    assert f"'tfclient[{extra}]'" in re.sub(r"\s+", " ", run(command, "--help", columns=200).out)


@pytest.mark.parametrize("typed", ["whole", "last part", "start of it", "last"])
def test_a_session_without_its_document_is_told_from_none(store: Store, typed: str) -> None:
    session_id = store.last()
    part = session_id.rpartition("_")[2]
    named = {"whole": session_id, "last part": part, "start of it": part[:5], "last": "last"}[typed]
    store.paths.document(session_id).unlink()
    outcome = run("show", named, "--store", store.paths.root)
    assert outcome.code == 2
    assert f"tfclient rebuild {session_id}" in re.sub(r"\s+", " ", outcome.err)
    assert run("rebuild", session_id, "--store", store.paths.root).code == 0
    assert run("show", session_id, "--store", store.paths.root).code == 0


def test_verify_does_not_call_a_missing_document_changed(store: Store) -> None:
    session_id = store.last()
    store.paths.document(session_id).unlink()
    outcome = run("verify", session_id, "--store", store.paths.root)
    assert outcome.code == 1
    assert f"{session_id}  no readable document" in outcome.out
    assert f"tfclient rebuild {session_id}" in outcome.out


def test_doctor_promises_no_mend_where_nothing_is_left(store: Store) -> None:
    session_id = store.last()
    store.paths.document(session_id).unlink()
    store.paths.archived(session_id).write_bytes(b"no archive")
    outcome = run("doctor", "--json", "--store", store.paths.root)
    (lost,) = [each for each in outcome.json["problems"] if each["kind"] == "lost_document"]
    assert (lost["session_id"], lost["mend"]) == (session_id, "none")
    assert "no_document" not in {each["kind"] for each in outcome.json["problems"]}


def test_a_prompt_is_shown_without_the_bytes_of_its_image(tmp_path: Path) -> None:
    url, _, answered = an_exchange()
    image = base64.b64encode(bytes(range(256)) * 800).decode()
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{image}"},
    ]
    sent = {"model": "gpt-4.1", "input": [{"role": "user", "content": content}]}
    root = tmp_path / "store"
    assert run("import", a_cassette(tmp_path / "one.yaml", (url, sent, answered)), "--store", root).code == 0
    named = ("show", "last", "--prompt", "1.2", "--store", root)
    shown = run(*named).out
    assert "What is this?" in shown
    assert "data:image/png;base64,… 204.8 kB of base64, whole with --json …" in re.sub(
        r"\s*\n\s*", " ", shown
    )
    assert image[:100] not in shown
    assert image in run(*named, "--json").out


@pytest.mark.parametrize("prompt", ["deadbeef" * 200, "base64 is " + "A" * 3000, "a/b" * 900])
def test_long_words_of_a_prompt_are_no_media(tmp_path: Path, prompt: str) -> None:
    root = tmp_path / "store"
    assert run("import", a_cassette(tmp_path / "one.yaml", an_exchange(prompt)), "--store", root).code == 0
    shown = run("show", "last", "--prompt", "1.2", "--store", root).out
    assert re.sub(r"\s", "", prompt) in re.sub(r"\s", "", shown)


@pytest.mark.parametrize(
    "command", [("show", "last"), ("show", "last", "--prompt", "1.2"), ("search", "one"), ("tail", "last")]
)
def test_json_moves_no_cursor_and_turns_no_text_round(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = "one \x9b31m \x7f \x85 \u202e txt \u2066 \u200f \u061c \u2028 é 漢 👩\u200d💻"
    cassette = a_cassette(tmp_path / "one.yaml", an_exchange(said, said))
    assert run("import", cassette, "--store", tmp_path / "store").code == 0
    out = run(*command, "--json", "--store", tmp_path / "store").out
    assert not re.search("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", out)
    assert "👩\u200d💻" in out
    written = [json.loads(line) for line in out.splitlines()] if command[0] == "tail" else json.loads(out)
    assert said in _texts(written)


def _texts(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_texts, value.values()))
    return "\n".join(map(_texts, value)) if isinstance(value, list) else str(value)
