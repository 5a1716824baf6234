"""The page as a person uses it, in headless Chromium."""

from __future__ import annotations

import json
import re
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.browser import Watched
from tests.builders import a_run, a_session, a_step
from tests.store.reading.test_rounds import looping, rounds
from tests.view.conftest import FAILING, GROWING, HOSTILE, LONG
from tests.view.making import CLOSING, RTL, SCRIPT, a_listed, a_model_call, failing, growing
from tests.view.test_markdown import ANSWER
from tfclient.opening import existing_store
from tfclient.view import html_file
from tfstore.document.converter import to_json
from tfstore.document.json_text import compact
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tfstore.document.documents import Run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
# A busy machine is no fault of the page.
expect.set_options(timeout=20_000)


def current(page: Page) -> Locator:
    return page.locator(".outline .is-current")


def title(page: Page) -> Locator:
    return page.locator(".panel-title")


def node(page: Page, step: str) -> Locator:
    return page.locator(f'.board [data-step="{step}"]')


def test_the_list_shows_what_failed_and_opens_it(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".list-row")).to_have_count(4)
    row = page.locator(f'[data-session="{FAILING}"]')
    expect(row).to_contain_text("FAILED")
    expect(row.locator(".bad")).to_have_text("4")
    page.get_by_role("button", name="Failed").click()
    expect(page.locator(".count")).to_have_text("3 of 4 sessions")
    page.get_by_label("Tool").select_option("send_email")
    expect(page.locator(".list-row")).to_have_count(1)
    page.get_by_label("Tool").select_option("")
    page.get_by_label("Search sessions").fill("long NIGHT")
    expect(page.locator(".list-row")).to_have_count(1)
    page.get_by_label("Search sessions").fill("no such thing")
    expect(page.locator(".told")).to_contain_text("No session is like that")
    page.get_by_label("Search sessions").fill("weather")
    page.locator(".list-row", has_text="Weather agent").click()
    expect(page.locator("h1")).to_have_text("Weather agent")
    page.go_back()
    expect(page.get_by_label("Search sessions")).to_have_value("weather")


def test_a_failure_is_the_first_thing_one_sees(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}")
    expect(page.locator(".troubles")).to_contain_text("2 errors")
    expect(page.locator(".troubles")).to_contain_text("mail.send")
    expect(title(page)).to_have_text("send_email")
    expect(page.get_by_role("group", name="Error")).to_contain_text('scope "mail.send" was not granted')


@pytest.mark.usefixtures("d2_program")
def test_a_click_on_a_node_opens_its_step_and_links_lead_on(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}")
    expect(node(page, "step_1_9")).to_be_attached()
    page.get_by_role("button", name="Fit").click()
    node(page, "step_1_9").click()
    expect(page.get_by_role("group", name="Error")).to_contain_text("503 Service Unavailable")
    expect(current(page)).to_contain_text("503 Service Unavailable")
    expect(node(page, "step_1_9")).to_have_class("d-error is-selected")
    page.locator(".relations").get_by_text("1.7").click()
    expect(page.locator(".panel")).to_contain_text("Bergen")
    assert page.url.endswith("/flow/step_1_7")
    page.go_back()
    expect(page.get_by_role("group", name="Error")).to_contain_text("503")


@pytest.mark.usefixtures("d2_program")
def test_boards_lead_to_each_other_and_zoom(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}")
    page.get_by_label("Board").select_option("run_1")
    expect(page.locator(".board")).to_contain_text("continued by run 2")
    page.get_by_role("button", name="All runs").click()
    expect(page.locator(".board")).to_contain_text("Run 2 · FAILED")
    before = page.locator("svg.board").get_attribute("viewBox")
    page.get_by_role("button", name="Zoom in").click()
    zoomed = page.locator("svg.board").get_attribute("viewBox")
    assert float(str(zoomed).split()[2]) < float(str(before).split()[2])
    page.keyboard.press("0")
    page.locator(".board text", has_text="Run 2 · FAILED").click()
    expect(page.get_by_label("Board")).to_have_value("run_2")


@pytest.mark.usefixtures("d2_program")
def test_a_drag_moves_the_board_and_opens_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/flow/step_2_4")
    shape = node(page, "step_2_3")
    shape.hover()
    before = str(page.locator("svg.board").get_attribute("viewBox"))
    box = shape.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    assert page.locator("svg.board").get_attribute("viewBox") != before
    assert page.url.endswith("step_2_4")


def test_a_model_request_shows_the_prompt_as_the_model_saw_it(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/transcript/step_1_10")
    panel = page.locator(".panel")
    expect(panel).to_contain_text("Prompt as the model saw it")
    parts = panel.locator("details.prompt-part > summary > .tag")
    expect(parts).to_have_text(["INSTRUCTIONS", "TOOLS", "OUTPUT", "ERROR"])
    panel.get_by_role("button", name="Show 4 items from before").click()
    expect(parts).to_have_text(
        ["INSTRUCTIONS", "TOOLS", "USER", "REASONING", "CALL", "CALL", "OUTPUT", "ERROR"]
    )
    page.goto(f"{address}#/s/{FAILING}/transcript/step_1_4")
    expect(panel.locator(".facts")).to_contain_text("503 · overloaded · 300 ms")
    expect(panel.locator(".facts")).to_contain_text("200 · 800 ms")
    expect(panel.locator(".facts")).to_contain_text("812 in · 96 out")


def test_history_that_is_sent_again_is_spelled_out(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    parts: list[list[dict[str, object]]] = [
        [{"type": "policy.snapshot", "step_id": "step_1_1"}, {"type": "user_message", "step_id": "step_1_2"}],
        [
            {"type": "resent", "step_id": "step_1_3", "items": 2},
            {"type": "assistant_message", "step_id": "step_1_4", "without": ["/id"]},
            {"type": "user_message", "step_id": "step_1_5"},
        ],
        [
            {"type": "policy.snapshot", "step_id": "step_1_1"},
            {"type": "resent", "step_id": "step_1_6", "from": 1, "items": 3},
            {"type": "item", "item": {"type": "unheard_of", "x": 1}},
        ],
    ]
    calls = [a_model_call(n, started={"prompt_provenance": {"parts": each}}) for n, each in enumerate(parts)]
    run = a_run(
        a_step("policy.snapshot", "Be brief."),
        a_step("user_message", "one"),
        calls[0],
        a_step("assistant_message", "two"),
        a_step("user_message", "three"),
        calls[1],
        calls[2],
    )
    store = Store(tmp_path / "store", create=True)
    store.put(a_session(run))
    page.goto(f"{serve_store(store)}#/s/{FAILING}/json/step_1_7")
    parts_shown = page.locator(".panel details.prompt-part > summary")
    expect(parts_shown.locator(".tag")).to_have_text(
        ["INSTRUCTIONS", "USER", "ASSISTANT", "USER", "UNHEARD OF"]
    )
    expect(parts_shown.locator(".link-text").nth(3)).to_have_text("three")
    expect(parts_shown.nth(4)).to_contain_text("new")
    parts_shown.nth(2).click()
    expect(page.locator(".panel")).to_contain_text("sent with differences: /id")


def test_what_is_copied(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/timeline/step_1_4")
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Copy curl").click()
    expect(page.get_by_role("status").filter(has_text="copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert 'Authorization: Bearer $OPENAI_API_KEY"' in command
    body = json.loads(
        command.partition("--data-binary '")[2].rstrip().removesuffix("'").replace("'\\''", "'")
    )
    prompt = "What's the weather in Oslo and Bergen today? Should I take an umbrella?"
    assert body == {
        "model": "gpt-4.1",
        "temperature": 0.2,
        "instructions": "You are a concise weather assistant.",
        "tools": [{"type": "function", "name": "get_weather"}],
        "input": [{"role": "user", "content": prompt}],
    }
    panel.get_by_role("button", name="Copy JSON").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('{'))")
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["step_id"] == "step_1_4"


def test_the_timeline_shows_what_ran_at_once(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/timeline")
    expect(page.locator(".fall .view-tools")).to_contain_text("at most 2 at once")
    first = page.locator('[data-step="step_1_6"] .took').bounding_box()
    second = page.locator('[data-step="step_1_7"] .took').bounding_box()
    assert first is not None
    assert second is not None
    assert max(first["x"], second["x"]) < min(first["x"] + first["width"], second["x"] + second["width"])
    expect(page.locator('[data-step="step_1_4"] .try')).to_have_count(2)
    expect(page.locator('[data-step="step_1_4"] .try.is-bad')).to_have_count(1)
    page.locator('.fall [data-step="step_1_7"]').click()
    expect(page.locator(".panel")).to_contain_text("Bergen")


def test_the_document_can_be_walked(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/json/step_1_6")
    tree = page.locator(".json")
    expect(tree).to_contain_text("thoughtflow/1")
    tree.locator("summary", has_text="run_1").click()
    expect(tree).to_contain_text("thread_id")
    page.get_by_role("button", name="Selected step").click()
    expect(tree).to_contain_text("step_1_6")
    expect(tree).not_to_contain_text("thoughtflow/1")


def test_everything_can_be_done_with_the_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".list-row.is-current")).to_contain_text("A growing one")
    page.keyboard.press("/")
    page.keyboard.type("weather")
    expect(page.locator(".count")).to_have_text("1 of 4 sessions")
    page.keyboard.press("Escape")
    expect(page.locator(".list-row")).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".list-row.is-current")).to_contain_text("Weather agent")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("send_email")
    page.keyboard.press("k")
    expect(current(page)).to_contain_text("CALL")
    page.keyboard.press("k")
    expect(title(page)).to_have_text("gpt-4.1")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(title(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Steps")).to_be_focused()
    page.keyboard.press("g")
    expect(page.get_by_role("dialog", name="Go to")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("g")
    page.keyboard.type("1.5")
    expect(page.get_by_role("dialog", name="Go to")).to_contain_text("REASONING")
    page.keyboard.press("Enter")
    expect(page.locator(".panel")).to_contain_text("one lookup for each")
    page.keyboard.press("e")
    expect(page.get_by_role("group", name="Error")).to_contain_text("503")
    page.keyboard.press("/")
    page.keyboard.type("umbrella")
    expect(page.locator(".outline .o-step")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".panel h3").first).to_have_text("Prompt")
    expect(page.locator(".panel")).to_contain_text("Should I take an umbrella?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(title(page)).to_have_text("This session")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Sessions")).to_be_visible()


def test_a_live_session_updates_by_itself(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    store = Store(tmp_path / "store", create=True)
    store.put(growing(2))
    page.goto(f"{serve_store(store)}#/s/{GROWING}/transcript/step_1_2")
    expect(page.locator(".session-about")).to_contain_text("active")
    expect(page.locator(".transcript")).to_contain_text("Answer number 2")
    seen = page.locator('.transcript [data-step="step_1_2"]').element_handle()
    store.put(growing(3))
    expect(page.locator(".transcript")).to_contain_text("Answer number 3")
    expect(page.locator(".outline")).to_contain_text("Run 3")
    # What was there stays what it was: nothing that is read or selected jumps.
    assert seen is not None
    assert seen.evaluate("(element) => element.isConnected")
    assert page.url.endswith("step_1_2")
    page.get_by_role("tab", name="JSON").click()
    opened = page.locator(".json summary", has_text="run_1")
    opened.click()
    store.put(growing(3, active=False))
    expect(page.locator(".session-about")).to_contain_text("completed")
    # What was opened stays open until one asks for what is new.
    branch = page.locator(".json details[open]").filter(has=page.locator("summary", has_text="run_1"))
    expect(branch.last).to_contain_text("thread_id")
    expect(page.locator(".json")).to_contain_text("active")
    page.get_by_role("button", name="The session went on").click()
    expect(page.locator(".json")).to_contain_text("closed")


def test_the_list_updates_by_itself(page: Page, tmp_path: Path, serve_store: Callable[[Store], str]) -> None:
    store = Store(tmp_path / "store", create=True)
    page.goto(serve_store(store))
    expect(page.locator(".told")).to_contain_text("Nothing has been recorded here yet")
    store.put(failing())
    expect(page.locator(".list-row")).to_have_count(1)
    expect(page.locator(".told")).to_have_count(0)


def test_ten_thousand_sessions_are_a_list(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    store = Store(tmp_path / "store", create=True)
    for n in range(10_000):
        path = store.paths.document((session := a_listed(n)).session_id)
        path.write_bytes(compact(to_json(session)))
    assert len(store.list()) == 10_000
    page.goto(serve_store(store))
    expect(page.locator(".count")).to_have_text("10,000 sessions")
    expect(page.locator(".list-row").first).to_contain_text("Session number 9999")
    assert page.locator(".list-row").count() < 80
    page.keyboard.press("G")
    expect(page.locator(".list-row.is-current")).to_contain_text("Session number 0")
    page.get_by_label("Search sessions").fill("number 4321")
    expect(page.locator(".count")).to_have_text("1 of 10,000 sessions")


@pytest.mark.usefixtures("d2_program")
def test_two_thousand_steps_can_be_read(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{LONG}")
    expect(page.locator(".outline .count")).to_have_text("2,000 steps")
    expect(page.locator(".troubles")).to_contain_text("10 errors")
    assert page.locator(".outline .o-step").count() < 120
    expect(node(page, "step_10_19")).to_be_visible()
    page.keyboard.press("G")
    expect(current(page)).to_contain_text("Answer number 100")
    expect(page.locator(".board")).to_contain_text("Answer number 100")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator(".fall .is-current")).to_be_in_viewport()
    expect(page.locator(".fall .is-current .took")).to_be_in_viewport()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.locator('.transcript [data-step="step_100_20"]')).to_be_in_viewport()
    page.get_by_label("Search this session").fill("file of run 70")
    expect(page.locator(".outline .o-step")).to_have_count(1)
    page.get_by_label("Search this session").press("Enter")
    expect(page.locator('.transcript [data-step="step_70_19"]')).to_be_in_viewport()


@pytest.mark.parametrize("tab", ["flow", "timeline", "transcript", "json"])
def test_nothing_hostile_runs(watched: Watched, address: str, tab: str) -> None:
    page = watched.page
    page.goto(f"{address}#/s/{HOSTILE}/{tab}")
    for step in range(1, 11):
        page.goto(f"{address}#/s/{HOSTILE}/{tab}/step_1_{step}")
        expect(page.locator(".panel")).to_contain_text(f"step_1_{step}")
    look_everywhere(page)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("({}).polluted") is None
    expect(page.locator("h1")).to_contain_text("<script>window.pwned=1")
    assert page.locator("main img, main iframe, main object, main style, main script").count() == 0


def look_everywhere(page: Page) -> None:
    """Open whatever can be opened, twice, for there is more inside."""
    for _ in range(2):
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.wait_for_timeout(50)


def test_five_megabytes_are_folded_and_can_be_read(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{HOSTILE}/transcript/step_1_7")
    panel = page.locator(".panel")
    button = panel.get_by_role("button", name="Show all 5,280,000 characters").first
    expect(button).to_be_visible()
    assert len(panel.inner_text()) < 10_000
    button.click()
    expect(panel.get_by_role("button", name="Show more")).to_be_visible()
    expect(panel.locator(".text-block").nth(20)).to_contain_text("<b>line</b> of output")


def test_what_is_kept_apart_is_fetched_when_asked_for(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    store = Store(tmp_path / "store", create=True)
    session = failing()
    long = "<b>long</b> output " * 200_000
    session.runs[0].steps[7].payload_completed["output"] = store.blobs.put(
        long.encode(), "text/plain", "<b>long"
    )
    picture = {"type": "input_image", "image_url": store.blobs.put(a_png(), "image/png")}
    session.runs[0].steps[0].payload_started["content"] = [picture]
    store.put(session)
    page.goto(f"{serve_store(store)}#/s/{FAILING}/json/step_1_8")
    panel = page.locator(".panel")
    expect(panel).to_contain_text("<b>long…")
    panel.get_by_role("button", name="Load all 3,800,000 bytes").first.click()
    expect(panel.get_by_role("button", name="Show all 3,800,000 characters")).to_be_visible()
    page.locator(".o-step").first.click()
    panel.get_by_role("button", name="Show the picture").first.click()
    expect(panel.locator("img.picture")).to_be_visible()
    assert panel.locator("img.picture").evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [
        2,
        3,
    ]
    page.goto(f"{page.url.partition('#')[0]}#/s/{FAILING}/transcript/step_1_1")
    said = page.locator('.transcript [data-step="step_1_1"]')
    said.get_by_role("button", name="Show the picture").click()
    expect(said.locator("img.picture")).to_be_visible()
    file = tmp_path / "session.html"
    file.write_text(html_file(store, FAILING), encoding="utf-8")
    page.goto(f"{file.as_uri()}#/s/{FAILING}/json/step_1_1")
    panel.get_by_role("button", name="Show the picture").first.click()
    expect(panel.locator("img.picture")).to_be_visible()
    page.goto(f"{file.as_uri()}#/s/{FAILING}/json/step_1_8")
    panel.get_by_role("button", name="Load all").first.click()
    expect(panel.locator(".blob .told")).to_contain_text("too long for the file")


def a_png() -> bytes:
    """Return a picture of two by three points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 3, 8, 0, 0, 0, 0)
    points = zlib.compress(b"\0\x80\x80" * 3)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", points) + chunk(b"IEND", b"")


def test_text_from_right_to_left_stays_in_its_place(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{HOSTILE}/transcript/step_1_9")
    said = page.locator('.transcript [data-step="step_1_9"] .text-block')
    expect(said).to_have_attribute("dir", "auto")
    assert said.evaluate("(element) => getComputedStyle(element).direction") == "rtl"
    # What would turn the line around is named instead of obeyed; so are characters that show nothing.
    expect(said).to_contain_text("⟨U+202E⟩")
    expect(said).to_contain_text("␛[31mred␇")


def test_an_unknown_session_is_a_sentence(watched: Watched, address: str) -> None:
    watched.page.goto(f"{address}#/s/sess_nowhere")
    expect(watched.page.locator(".told")).to_contain_text("No session 'sess_nowhere' in this store.")
    watched.complaints.clear()  # the browser itself tells of the 404


def test_without_d2_it_says_how_to_get_it(
    watched: Watched,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    serve_store: Callable[[Store], str],
) -> None:
    from tfd2 import CompilerMissing

    def missing(*_: object, **__: object) -> None:
        raise CompilerMissing

    del address
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", missing)
    store = Store(tmp_path / "store", create=True)
    store.put(failing())
    page = watched.page
    page.goto(f"{serve_store(store)}#/s/{FAILING}")
    expect(page.locator(".flow .told")).to_contain_text("pip install 'tfclient[d2]'")
    page.get_by_role("button", name="Copy D2").click()
    page.wait_for_function(
        "navigator.clipboard.readText().then((text) => text.startsWith('# A recorded session'))"
    )
    page.get_by_role("tab", name="Transcript").click()
    expect(page.locator(".transcript")).to_contain_text("umbrella")
    watched.complaints.clear()  # the browser itself tells of the 503


def test_dark_and_light(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}#/s/{FAILING}")
    expect(page.locator("h1")).to_be_visible()
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.get_by_role("button", name="Theme").click()
    light = page.evaluate(colour)
    assert light != dark
    page.reload()
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate(colour) == light


def test_the_file_is_the_same_page_without_a_server(
    watched: Watched, full_store: Store, tmp_path: Path, d2_program: Path
) -> None:
    del d2_program
    file = tmp_path / "session.html"
    file.write_text(html_file(full_store, FAILING), encoding="utf-8")
    page = watched.page
    page.goto(file.as_uri())
    expect(title(page)).to_have_text("send_email")
    node(page, "step_2_2").click()
    expect(page.locator(".panel")).to_contain_text("Prompt as the model saw it")
    for tab in ("Timeline", "Transcript", "JSON"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("#view")).to_contain_text("gpt-4.1" if tab != "JSON" else "thoughtflow/1")
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name="Copy curl").click()
    has_curl = "navigator.clipboard.readText().then((text) => text.includes('previous_response_id'))"
    page.wait_for_function(has_curl)
    page.get_by_role("tab", name="Flow").click()
    page.get_by_label("Board").select_option("timeline")
    expect(page.locator(".board")).to_contain_text("Timeline")
    assert [url for url in watched.requests if not url.startswith(("file:", "data:"))] == []


def test_nothing_hostile_runs_in_the_file(watched: Watched, full_store: Store, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(html_file(full_store, HOSTILE), encoding="utf-8")
    page = watched.page
    for tab in ("flow", "timeline", "transcript", "json"):
        page.goto(f"{file.as_uri()}#/s/{HOSTILE}/{tab}/step_1_4")
        expect(page.locator(".panel")).to_contain_text("step_1_4")
        look_everywhere(page)
    assert page.evaluate("window.pwned") is None


def test_readers_of_the_screen_are_told_what_is_what(page: Page, address: str) -> None:
    page.goto(f"{address}#/s/{FAILING}/timeline/step_1_4")
    steps = page.get_by_role("listbox", name="Steps")
    expect(steps).to_have_attribute("aria-activedescendant", "rows1-4")
    expect(page.locator("#rows1-4")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tablist", name="View").get_by_role("tab")).to_have_count(4)
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, input, select, [role=listbox], [role=button], [role=link]')]
           .filter((each) => !(each.ariaLabel || each.textContent.trim() || each.title))
           .map((each) => each.outerHTML)"""
    )
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_told_from_what_they_stand_on(page: Page, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}#/s/{FAILING}/transcript/step_1_9")
    expect(page.locator(".panel")).to_contain_text("503")
    poor = page.evaluate(CONTRAST)
    assert poor == []


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = rgba(getComputedStyle(each).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('#app *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility() || element.closest('svg, :disabled')) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.className} ${element.textContent.slice(0, 40)}`);
  }
  return [...new Set(poor)];
}"""


def test_the_list_tells_metadata_and_is_sorted(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    store = Store(tmp_path / "many", create=True)
    store.put(
        a_listed(1, duration_ms=90_000, metadata={"user": "ada", "bad": "<b>\x1b[2J\u202e" + "y" * 5000})
    )
    store.put(a_listed(2))
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(serve_store(store))

    first = page.locator(".list-row").first
    expect(first).to_contain_text("Session number 2")
    page.get_by_label("Order").select_option("time")
    expect(first).to_contain_text("Session number 1")
    expect(first).to_contain_text("user=ada, bad=<b>␛[2J")
    page.get_by_label("Search sessions").fill("user=ada")
    expect(page.locator(".list-row")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('.list-row').getBoundingClientRect().height") <= 46


def test_a_loop_is_one_entry_that_opens(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    store = Store(tmp_path / "store", create=True)
    quiet = [a_run(a_step("generic", type="api.files.list", after=()), trigger="api") for _ in range(5)]
    store.put(a_session(*looping(*rounds(24)).runs, *quiet))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{serve_store(store)}#/s/{FAILING}/transcript")
        outline, transcript = page.locator(".outline"), page.locator(".transcript")
        if width == 390:
            page.get_by_role("tab", name="Steps").click()
        loop = outline.locator(".o-fold").first
        expect(loop).to_contain_text("×24 get_order, the same answer")
        expect(outline.locator(".o-step")).to_have_count(3)
        expect(outline.locator(".o-fold").nth(1)).to_contain_text("Runs 2 to 6")
        # Its first round can be read without opening it.
        expect(transcript.locator(".c-step")).to_have_count(7)
        page.get_by_role("listbox", name="Steps").focus()
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(loop).to_have_class(re.compile("is-current"))
        page.keyboard.press("ArrowRight")
        expect(outline.locator(".o-fold.is-open")).to_have_count(1)
        expect(transcript.locator(".c-step")).to_have_count(99)
        expect(current(page)).to_contain_text("1.4CALLget_order")
        page.keyboard.press("ArrowLeft")
        expect(outline.locator(".o-step")).to_have_count(3)
        expect(transcript.locator(".c-step")).to_have_count(7)
        page.goto("about:blank")


def test_instructions_are_shown_once_and_later_linked_to(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    def asked(text: str, version: str) -> Run:
        steps = a_step("policy.snapshot", f"Be {version}.", after=(), started={"version": version})
        return a_run(
            a_step("user_message", text), steps, a_model_call(text), a_step("assistant_message", "Yes.")
        )

    store = Store(tmp_path / "store", create=True)
    store.put(a_session(asked("One", "brief"), asked("Two", "brief"), asked("Three", "long")))
    page.goto(f"{serve_store(store)}#/s/{FAILING}/transcript/step_2_4")
    said = page.locator(".transcript")
    expect(said.locator('[data-step="step_1_2"]')).to_contain_text("Be brief.")
    expect(said.locator('[data-step="step_3_2"]')).to_contain_text("Be long.")
    again = said.locator('[data-step="step_2_2"]')
    expect(again).not_to_contain_text("Be brief.")
    expect(page.locator(".o-step", has_text="2.2")).to_contain_text("as in run 1")
    again.get_by_role("button", name="as in run 1").click()
    expect(current(page)).to_contain_text("1.2INSTRUCTIONS")
    again.get_by_role("button", name="2.2").click()
    page.locator(".panel .step-link", has_text="1.2").click()
    expect(page.locator(".panel-head .number")).to_have_text("1.2")


def test_one_pane_at_a_time_where_there_is_no_room_for_more(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(address)
    row = page.locator(f'[data-session="{FAILING}"]')
    expect(row).to_contain_text("FAILED")
    assert page.evaluate(SIDEWAYS) == 0
    row.click()
    steps, panel = page.locator(".outline"), page.locator(".panel")
    expect(steps).to_be_visible()
    expect(panel).to_be_hidden()
    expect(page.locator(".middle")).to_be_hidden()
    page.locator(".o-step", has_text="503 Service").click()
    expect(panel.get_by_role("group", name="Error")).to_contain_text("503")
    expect(title(page)).to_be_focused()
    expect(steps).to_be_hidden()
    for name in ("Flow", "Timeline", "Transcript", "JSON"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", selected=True)).to_have_text(name)
        expect(page.locator(".middle")).to_be_visible()
        expect(panel).to_be_hidden()
        assert page.evaluate(SIDEWAYS) == 0
    page.get_by_role("tab", name="JSON").press("ArrowRight")
    expect(panel).to_be_visible()
    page.get_by_role("button", name="Close the step").click()
    expect(steps).to_be_visible()
    small = page.evaluate(
        """[...document.querySelectorAll('button, input, select, .o-step')].filter((each) => each.checkVisibility())
           .filter((each) => each.getBoundingClientRect().height < 24).map((each) => each.outerHTML)"""
    )
    assert small == []


SIDEWAYS = "Math.max(0, document.documentElement.scrollWidth - innerWidth)"


def test_the_borders_between_panes_can_be_moved_and_stay_where_they_are(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}#/s/{FAILING}/json")
    steps, border = page.locator(".outline"), page.get_by_role("separator", name="Width of the steps")
    expect(steps).to_contain_text("1.1")

    def width() -> float:
        return float(steps.evaluate("(element) => element.getBoundingClientRect().width"))

    before = width()
    box = border.bounding_box()
    assert box is not None
    page.mouse.move(box["x"], 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, 320, steps=3)
    page.mouse.up()
    assert 50 < width() - before < 70
    dragged = width()
    border.press("ArrowRight")
    assert width() - dragged == pytest.approx(16, abs=1)
    page.reload()
    expect(steps).to_contain_text("1.1")
    assert width() - dragged == pytest.approx(16, abs=1)
    border.press("End")
    # Never so wide that nothing is left for the others.
    assert width() <= 0.45 * 1280
    border.press("Enter")
    assert width() == pytest.approx(before, abs=1)
    page.set_viewport_size({"width": 900, "height": 800})
    below = page.get_by_role("separator", name="Size of the step")
    expect(below).to_have_attribute("aria-orientation", "horizontal")
    height = "document.querySelector('.panel').getBoundingClientRect().height"
    had = page.evaluate(height)
    below.press("ArrowUp")
    assert page.evaluate(height) - had == pytest.approx(16, abs=1)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_text_is_shown_as_markdown_where_it_is_asked_for(
    watched: Watched, tmp_path: Path, serve_store: Callable[[Store], str], width: int
) -> None:
    bad = f"{SCRIPT} {CLOSING} [bad](javascript:window.pwned=8) ![seen](https://example.com/seen.png) {RTL}"
    deep, long = "> " * 1_000 + "`deep`", "| a | b |\n|---|---|\n" + "| **x** | y |\n" * 30 + "`wide` " * 900
    answers = [a_step("assistant_message", text) for text in (f"{ANSWER}\n\n{bad}", deep, long, "Plain.")]
    store = Store(tmp_path / "store", create=True)
    store.put(a_session(a_run(a_step("user_message", "Go"), *answers)))
    file = tmp_path / "session.html"
    file.write_text(html_file(store, FAILING), encoding="utf-8")
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    for address in (serve_store(store), file.as_uri()):
        page.goto(f"{address}#/s/{FAILING}/transcript")
        told = page.locator('.transcript [data-step="step_1_2"]')
        expect(told).to_contain_text("It is **pending**")
        told.get_by_role("button", name="as Markdown").click()
        expect(told.locator("strong")).to_have_text("pending")
        expect(told.get_by_role("heading", name="Your order")).to_be_visible()
        expect(told).to_contain_text("[bad](javascript:window.pwned=8)")
        expect(told).to_contain_text("⟨U+202E⟩")
        link = told.get_by_role("link", name="the page")
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow external")
        expect(told).to_contain_text("(https://example.com/seen.png)")
        assert told.locator("img, script, svg, iframe, b").count() == 0
        told.get_by_role("button", name="as text").click()
        expect(told).to_contain_text("It is **pending**")
        nested = page.locator('.transcript [data-step="step_1_3"]')
        nested.get_by_role("button", name="as Markdown").click()
        expect(nested).to_contain_text("nested too deep")
        wide = page.locator('.transcript [data-step="step_1_4"]')
        wide.get_by_role("button", name="as Markdown").click()
        expect(wide.locator("td")).to_have_count(62)
        plain = page.locator('.transcript [data-step="step_1_5"]')
        expect(plain).to_contain_text("Plain.")
        expect(plain.get_by_role("button", name="as Markdown")).to_have_count(0)
        assert page.evaluate(SIDEWAYS) == 0
        assert page.evaluate("window.pwned") is None


def test_a_note_is_written_shown_and_removed(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    Store(tmp_path / "store", create=True).put(failing())
    store = existing_store(tmp_path / "store")
    address = serve_store(store)
    page.goto(f"{address}#/s/{FAILING}/transcript/step_1_4")
    expect(page.locator("textarea[aria-label=Note]")).to_be_visible()
    page.get_by_role("button", name="Note", exact=True).click()
    expect(page.get_by_label("Note", exact=True).last).to_be_focused()
    said = "<img src=x onerror=alert(1)>\nwrong order"
    page.keyboard.type(said)
    page.get_by_label("Score", exact=True).fill("0")
    page.get_by_label("Tags, with commas").fill("bug, slow")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator(".note-text")).to_have_text(said)
    expect(page.locator(".note-about")).to_contain_text("score 0 · bug, slow")
    expect(page.get_by_label("Score", exact=True)).to_have_value("")
    (made,) = store.notes(FAILING)
    assert (made.text, made.score, made.step_id) == (said, 0, "step_1_4")
    # Marked where the step is, in the head, and in the list.
    expect(current(page).locator(".noted")).to_have_attribute("title", "1 note · score 0 · bug, slow")
    expect(page.locator('.c-step[data-step="step_1_4"] .noted')).to_have_count(1)
    page.locator(".noted-head").click()
    expect(title(page)).to_have_text("This session")
    page.locator(".note [data-step=step_1_4]").click()
    # What another program notes comes by itself, and takes nothing away that is being typed.
    page.get_by_label("Note", exact=True).last.fill("half a sen")
    store.note(FAILING, "from elsewhere", step="1.4")
    expect(page.locator(".note-text")).to_have_count(2)
    expect(page.get_by_label("Note", exact=True).last).to_have_value("half a sen")
    expect(page.get_by_label("Note", exact=True).last).to_be_focused()

    first = page.locator(f"[data-note={made.note_id}]")
    first.get_by_role("button", name="Remove").click()
    assert len(store.notes(FAILING)) == 2
    first.get_by_role("button", name="Really remove?").click()
    expect(page.locator(".note-text")).to_have_text(["from elsewhere"])
    assert [each.text for each in store.notes(FAILING)] == ["from elsewhere"]
    page.goto(address)
    expect(page.locator(".noted-words")).to_contain_text("1 note")
