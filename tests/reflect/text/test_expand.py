"""What a text cut comes back whole, in pages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_run, a_session, a_step
from tests.reflect.text.test_render import CITATION, an_agent
from tfclient.errors import SettingError
from tfclient.reflect.text import expand, render
from tfstore.errors import BlobUnreadable, UnknownRun, UnknownStep


def all_pages(session: object, what: str, limit: int) -> str:
    text, offset = "", 0
    while True:
        page = expand(session, what, offset, limit)  # type: ignore[arg-type]
        assert len(page.text) <= limit
        text += page.text
        assert page.total >= len(text)
        if page.next_offset is None:
            return text
        assert page.next_offset == len(text)
        offset = page.next_offset


@given(st.text(max_size=300), st.integers(1, 90))
def test_the_pages_of_a_step_give_it_back_to_the_byte(text: str, limit: int) -> None:
    session = a_session(a_run(a_step(text=text)))
    whole = all_pages(session, "1.1", limit)
    assert json.loads(whole)["payload_started"]["text"] == text
    assert len(whole.splitlines()) == 1


def test_all_that_is_cut_or_folded_can_be_had() -> None:
    session = an_agent()
    prompt = session.runs[0].steps[0]
    prompt.payload_started["text"] = "long " * 2_000
    text = render(session, 250)
    refs = [each.partition("⟩")[0] for each in text.split("expand ")[1:] if "gives" not in each[:8]]
    assert refs
    for ref in refs:
        assert expand(session, ref).total > 0


def test_a_run_and_a_range_are_text() -> None:
    session = an_agent()
    assert {each.partition(".")[0] for each in CITATION.findall(expand(session, "run_2").text)} == {"2"}
    assert CITATION.findall(expand(session, "1.2..1.4").text) == ["1.2", "1.3", "1.4"]
    assert CITATION.findall(expand(session, "1.4..1.2").text) == ["1.2", "1.3", "1.4"]
    steps = [each for each in CITATION.findall(render(session)) if each.startswith("2.")]
    assert CITATION.findall(expand(session, "run_2..2.2").text) == steps
    assert expand(session, "[1.4]").text == expand(session, "step_1_4").text


def test_texts_stored_apart_stand_in_it_and_pictures_do_not() -> None:
    text = {"blob": "sha256:aa", "bytes": 6, "media_type": "text/plain", "preview": "wh"}
    image = {"blob": "sha256:bb", "bytes": 3, "media_type": "image/png", "encoding": "base64"}
    gone = {"blob": "sha256:cc", "bytes": 9, "media_type": "text/plain", "preview": "go"}

    def read(name: str) -> bytes:
        if name == "sha256:aa":
            return "whölé\n".encode()
        raise BlobUnreadable(name, "gone")

    step = a_step("tool_output", completed={"output": {"all": text, "seen": image, "gone": gone}})
    session = a_session(a_run(step))
    output = json.loads(expand(session, "1.1", read_blob=read).text)["payload_completed"]["output"]
    assert output["all"] == "whölé\n"
    assert output["seen"] == image
    assert output["gone"]["preview"] == "go"
    assert "sha256:cc" in output["gone"]["not_read"]


@pytest.mark.parametrize("what", ["9.9", "", "run", "1.2..9.9", "step_1_99", '"', "..", "⟨"])
def test_what_is_not_there_is_said(what: str) -> None:
    with pytest.raises(UnknownStep):
        expand(an_agent(), what)


def test_runs_and_places_that_are_not_there() -> None:
    session = an_agent()
    with pytest.raises(UnknownRun):
        expand(session, "run_9")
    with pytest.raises(UnknownRun):
        expand(session, "1.1..run_9")
    for offset, limit in ((-1, 10), (10**9, 10), (0, 0)):
        with pytest.raises(SettingError):
            expand(session, "1.1", offset, limit)
