"""*Explain* on the page: why a step is what it is, with links to the steps that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reflect.talking import Talk
from tests.view.conftest import HOSTILE
from tfclient.view import html_file
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page
    from starlette.testclient import TestClient

    from tests.browser import Watched
    from tfstore.document.documents import Session

MARKUP = '<img src=x onerror="alert(1)"> \u202eback \x1b[31m</script>'


def shop(word: str = "", tool: str = "get_order") -> Session:
    """Another customer's order, told to the user."""
    talk = Talk("responses")
    talk.asks(f"What is in my order A-1002? {word}")
    talk.calls(
        (tool, {"order_id": "A-1002"}, {"order_id": "A-1001", "items": ["lamp"], "total": 1290, "x": word})
    )
    talk.says(f"Your order holds a lamp, for 1,290.00, from Zanzibar77 {word}.")
    return talk.session()


def test_what_the_page_is_told(tmp_path: Path, client_of: Callable[[Store], TestClient]) -> None:
    store = Store(tmp_path / "store", create=True)
    session = shop()
    store.put(session)
    client = client_of(store)

    answer = session.runs[0].steps[-1].step_id
    told = client.get(f"api/sessions/{session.session_id}/why/{answer}").json()
    assert told["about"].startswith("run 1 · given by ")
    assert [each["kind"] for each in told["findings"]] == ["id_not_in_answer"]
    rows = {section["title"]: section["rows"] for section in told["sections"]}
    assert rows["From none of what the model was sent"] == [{"text": "Zanzibar77", "warns": True}]
    output = session.runs[0].steps[-3].step_id
    assert {"text": "1,290.00", "about": "in another form", "sources": [[output, "1.4 get_order"]]} in rows[
        "Where its words come from"
    ]
    missing = client.get(f"api/sessions/{session.session_id}/why/step_9_9")
    assert missing.status_code == 404
    assert "step_9_9" in missing.json()["error"]


def test_every_step_of_a_hostile_session_can_be_explained(client: TestClient, full_store: Store) -> None:
    for run in full_store.get(HOSTILE).runs:
        for step in run.steps:
            assert client.get(f"api/sessions/{HOSTILE}/why/{step.step_id}").status_code == 200


@pytest.mark.parametrize("width", [1280, 390])
def test_a_person_asks_why_and_follows_a_source(
    page: Page, serve_store: Callable[[Store], str], tmp_path: Path, width: int
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    expect = playwright.expect
    store = Store(tmp_path / "store", create=True)
    session = shop(MARKUP, tool=f"get_order {MARKUP}")
    store.put(session)
    answer, output = session.runs[0].steps[-1].step_id, session.runs[0].steps[-3].step_id
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{serve_store(store)}#/s/{session.session_id}/transcript/{answer}")

    page.get_by_role("button", name="Explain").click()
    why = page.get_by_role("group", name="Explanation")
    expect(why).to_contain_text("given by")
    expect(why).to_contain_text("From none of what the model was sent")
    expect(why).to_contain_text("Zanzibar77")
    expect(why.locator("li", has_text="1,290.00")).to_contain_text("in another form")
    expect(why.locator(".finding")).to_contain_text("id_not_in_answer")
    expect(page.locator("img")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    why.locator("li", has_text="1,290.00").locator(f'[data-step="{output}"]').click()
    expect(page.get_by_role("group", name="Explanation")).to_have_count(0)
    assert page.url.endswith(output)
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("group", name="Explanation")).to_contain_text("Who used it")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("group", name="Explanation")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_hostile_runs_in_an_explanation(watched: Watched, address: str, width: int) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    watched.page.set_viewport_size({"width": width, "height": 900})
    for step in ("step_1_4", "step_1_6", "step_1_7", "step_1_9"):
        watched.page.goto(f"{address}#/s/{HOSTILE}/json/{step}")
        watched.page.get_by_role("button", name="Explain").click()
        playwright.expect(watched.page.get_by_role("group", name="Explanation")).to_be_visible()
        assert watched.page.evaluate("window.pwned") is None
        watched.page.get_by_role("button", name="Explain").click()


def test_in_a_file_there_is_nobody_to_ask(page: Page, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    store = Store(tmp_path / "store", create=True)
    session = shop()
    store.put(session)
    file = tmp_path / "session.html"
    file.write_text(html_file(store, session.session_id), encoding="utf-8")
    page.goto(f"{file.as_uri()}#/s/{session.session_id}/transcript/step_1_1")

    playwright.expect(page.get_by_role("button", name="Copy JSON")).to_be_visible()
    playwright.expect(page.get_by_role("button", name="Explain")).to_have_count(0)
