"""What was found in a session, on the page: a list, and marks at the steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_run, a_session
from tests.reflect.talking import Talk
from tests.view.making import hostile
from tfclient.reflect.findings import examine
from tfclient.view import html_file
from tfclient.view.found import LINKED, found_in
from tfclient.view.requests import reading_of
from tfstore.reading.facts import gather
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tfstore.document.documents import Session

HOSTILE = '<img src=x onerror="alert(1)"> \u202eback \x1b[31m</script>'


def looping(word: str = "in the warehouse", tool: str = "get_order") -> Session:
    """Nothing failed, and it is a loop."""
    talk = Talk("chat")
    talk.asks("Where is order A-7?")
    for _ in range(8):
        talk.calls((tool, {"order_id": "A-7"}, f"A-7 is {word}"))
    talk.calls(("get_shop", {"shop": 1}, f"Error: closed {word}"))
    talk.says()
    return talk.session()


def test_the_list_is_what_was_found_and_each_step_of_a_fault_is_marked() -> None:
    session = looping()
    findings = examine(session).findings

    told = found_in(gather(session))
    assert [each["id"] for each in told["list"]] == [each.id for each in findings]
    assert told["words"] == "2 findings"
    assert told["steps"].keys() == {step for each in findings for step in each.steps}
    first = told["list"][0]
    assert (len(first["steps"]), first["more"]) == (LINKED, "and 4 steps more")
    assert first["steps"][0] == ["step_1_3", "1.3"]
    assert told["steps"]["step_1_3"] == {
        "severity": "high",
        "words": "high loop_without_progress",
        "places": [0],
    }
    assert "not_looked_for" not in told


def test_what_is_no_fault_is_listed_and_marks_nothing() -> None:
    talk = Talk("chat")
    talk.asks("Go")
    talk.calls(("rooms", {"city": "Oslo"}, ""), answered=False)
    told = found_in(gather(talk.session()))

    assert [(each["severity"], each["fault"]) for each in told["list"]] == [("info", False)]
    assert told.keys() == {"list"}
    assert found_in(gather(a_session(a_run(*a_chat().steps)))) == {}


def test_what_could_not_be_looked_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    tool: Any = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}
    talk = Talk("chat", fields={"tools": [tool]})
    talk.asks("Go")
    talk.says()

    assert len(found_in(gather(talk.session()))["not_looked_for"]) == 2


def test_it_is_part_of_what_the_page_reads_and_of_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    session = looping(HOSTILE)
    store.put(session)

    assert json.dumps(reading_of(gather(session))["found"])
    text = html_file(store, session.session_id)
    assert "loop_without_progress" in text
    assert HOSTILE not in text
    assert found_in(gather(hostile())) is not None


@pytest.mark.parametrize("width", [1280, 390])
def test_a_person_sees_it_and_gets_there(
    page: Page, serve_store: Callable[[Store], str], tmp_path: Path, width: int
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    expect = playwright.expect
    store = Store(tmp_path / "store", create=True)
    session = looping(HOSTILE, tool=f"get_order {HOSTILE}")
    store.put(session)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{serve_store(store)}#/s/{session.session_id}")

    expect(page.locator(".troubles")).to_contain_text("2 findings")
    expect(page.locator(".troubles .trouble")).to_have_count(2)
    expect(page.locator(".panel .finding")).to_have_count(2)
    expect(page.locator(".panel .finding").first).to_contain_text("8 times")
    expect(page.locator(".outline .found.is-high").first).to_be_attached()
    page.get_by_role("button", name="Findings", exact=True).click()
    expect(page.locator(".count")).to_have_text("17 found")
    if width == 390:
        page.get_by_role("tab", name="Session").click()
    page.locator('.finding [data-step="step_1_4"]').click()
    expect(page.locator(".panel .finding")).to_have_count(1)
    page.locator(".trouble-head").click()
    expect(page.locator(".panel .finding")).to_have_count(2)
    page.locator(".trouble").nth(1).click()
    expect(page.locator(".panel .finding")).to_contain_text("error_as_text")
    page.get_by_role("tab", name="Transcript").click()
    expect(page.locator(".transcript .found.is-medium")).to_have_count(1)
    expect(page.locator("img")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
