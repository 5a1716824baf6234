"""Requests put together again for the page's curl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_run, a_session, a_step
from tests.projection.builders import Story
from tests.view.conftest import FAILING
from tests.view.making import a_model_call, failing
from tfclient.view import requests
from tfclient.view.requests import NoRequest, all_details, all_requests, request_of
from tfstore.document.documents import Session
from tfstore.reading.facts import gather
from tfstore.reading.prompts import prompt_of
from tfstore.reading.shown.details import details_of
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient


def test_a_request_is_what_was_sent(client: TestClient) -> None:
    assert client.get(f"api/sessions/{FAILING}/requests/step_2_2").json() == {
        "method": "POST",
        "url": "https://api.openai.com/v1/responses",
        "body": {
            "model": "gpt-4.1",
            "temperature": 0.2,
            "previous_response_id": "resp_a2",
            "input": [{"role": "user", "content": "Email this forecast to team@example.com"}],
        },
        "missing": [],
    }


def test_a_request_of_another_api_is_what_was_sent(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    story = Story()
    story.send({"input": "Hello", "model": "m"}, path="/v1/embeddings").answer({"data": []})
    request = request_of(store, gather(story.session()), "step_1_1")
    assert (request["method"], request["url"]) == ("POST", "https://api.openai.com/v1/embeddings")
    assert request["body"] == {"input": "Hello", "model": "m"}


@pytest.mark.parametrize("step", ["step_1_1", "step_9_9", "..%2f..", ""])
def test_what_is_no_request_is_a_sentence(client: TestClient, step: str) -> None:
    answer = client.get(f"api/sessions/{FAILING}/requests/{step}")
    assert answer.status_code == 404
    assert answer.json()["error"].endswith(".")


def test_a_request_with_a_part_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    session = failing()
    del session.runs[0].steps[0]
    with pytest.raises(NoRequest, match="step_1_1"):
        request_of(store, gather(session), "step_1_4")


def test_long_texts_are_in_their_places(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    reference = store.blobs.put(b"a long prompt", "text/plain")
    session = with_prompt(reference)
    assert request_of(store, gather(session), "step_1_2")["body"]["input"] == [
        {"role": "user", "content": "a long prompt"}
    ]
    store.blobs.path(reference).unlink()
    assert request_of(store, gather(session), "step_1_2")["body"]["input"] == [
        {"role": "user", "content": reference}
    ]


def with_prompt(text: Any) -> Session:
    parts = {"prompt_provenance": {"parts": [{"type": "user_message", "step_id": "step_1_1"}]}}
    return a_session(a_run(a_step(started={"text": text}), a_model_call(1, started=parts), prompt="long"))


def test_a_file_takes_every_value_in_once() -> None:
    runs = 40
    steps = []
    for n in range(1, runs + 1):
        # Everything is sent again with every request.
        before = [{"type": "resent", "step_id": f"step_1_{2 * n - 2}", "items": n - 1}] if n > 1 else []
        parts = [*before, {"type": "user_message", "step_id": f"step_1_{2 * n - 1}"}]
        steps += [
            a_step("user_message", f"prompt {n}"),
            a_model_call(n, started={"prompt_provenance": {"parts": parts}}),
        ]
    session = a_session(a_run(*steps))
    packed = all_requests(gather(session))
    assert len(packed["values"]) == runs + 2
    last = packed["steps"][f"step_1_{2 * runs}"]["body"]
    unpacked = {
        name: [packed["values"][n] for n in place] if isinstance(place, list) else packed["values"][place]
        for name, place in last.items()
    }
    assert unpacked == prompt_of(session, f"step_1_{2 * runs}").request
    assert len(unpacked["input"]) == runs


def test_values_that_python_takes_for_the_same_are_kept_apart() -> None:
    session = with_prompt("hello")
    session.runs[0].steps[1].payload_started["arguments"] = {"a": 1, "b": True, "c": 1.0, "d": [], "e": None}
    packed = all_requests(gather(session))
    call = packed["steps"]["step_1_2"]["body"]
    assert [repr(packed["values"][call[name]]) for name in "abce"] == ["1", "True", "1.0", "None"]
    assert call["d"] == []


def test_a_file_takes_so_many_prompts_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST", 4)
    facts = gather(failing())
    packed = all_details(facts)
    first, last = (packed["steps"][step]["prompt"] for step in ("step_1_4", "step_2_2"))
    assert [packed["values"][n] for n in first["new"]] == [{"step": "step_1_1"}]
    assert last["unknown"] == ["what it held: it is not in this file, `tfclient view` has it"]
    assert len(packed["steps"]) == 15
    assert packed["steps"]["step_1_5"] == details_of(facts, facts.steps["step_1_5"])
