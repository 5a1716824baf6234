"""What the command says of a step, the page says too: every type of item, and every recording."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, get_args

from attrs import frozen

from tests.projection.builders import Story, call, merged, output, said, user
from tests.projection.recorded import needs_recordings, recordings
from tests.projection.test_item_types import OUTPUTS
from tests.view.making import failing, timed
from tests.view.test_browser import a_png
from tfclient.cli.lines.details import details
from tfclient.cli.lines.tree import Look, run_head, tree
from tfclient.projection.projector import Projector
from tfclient.view import bundle
from tfstore.document.converter import to_json
from tfstore.document.labels import Label
from tfstore.reading.facts import Node, gather, nest, walked
from tfstore.reading.plain_text import clean
from tfstore.reading.shown.session import shown
from tfstore.reading.step_facts import value_at
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import name_of, said_in_line, says, word_of
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page, Route
    from rich.text import Text

    from tfstore.document.documents import Session
    from tfstore.reading.facts import SessionFacts, StepFacts

WIDTH = 3_000
SESSION = "sess_20260902T091400Z_0000a11e"
PICTURE = base64.b64encode(a_png() + bytes(2_000)).decode()
SOUND = base64.b64encode(b"RIFF" + bytes(range(256)) * 20).decode()
SHOWN = [{"type": "input_text", "text": "This is what I see:"}]
IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}"}


def every_item_type() -> tuple[Session, dict[str, bytes]]:
    """A session with every type of item, errors, retries, branches and media; and its blobs."""
    story = Story()
    first = story.ask(
        [user([{"type": "input_text", "text": "Draw a cat like this"}, IMAGE])],
        [
            {"type": "image_generation_call", "id": "ig", "revised_prompt": "a cat", "result": PICTURE},
            said("Done"),
        ],
        instructions="Draw.",
        tools=[{"type": "image_generation"}],
    )
    sent = story.send(story.body([user("Run it")], previous_response_id=first, instructions="Draw."))
    story.wait(119_599)
    program = {"type": "program", "id": "p1", "call_id": "p", "code": "print(1)", "fingerprint": "f"}
    printed = {"type": "program_output", "id": "p2", "call_id": "p", "result": "1", "status": "completed"}
    second = sent.answer_items(
        [program, printed, call("c1", "shoot", {"x": 1}), call("c2", "shoot", "no JSON")]
    )
    story.ask(
        [output("c1", [*SHOWN, IMAGE]), output("c2", SHOWN)], [said("I see.")], previous_response_id=second
    )
    story.ask([user("Again?")], [said("No.")], previous_response_id=first)
    for item, *_ in OUTPUTS:
        story.ask([user(f"Try\n{item['type']}")], [{"id": "item_x", **item}])
    story.send(story.body([user("Fail")])).fails(429, "rate_limit_exceeded", "Slow down.")
    tried = story.send(story.body([user("Try twice")]))
    tried.answer({"error": {"message": "Overloaded."}}, 503)
    tried.attempt().answer_items([said("At last.")])
    story.send({"input": "Hello", "model": "m"}, path="/v1/embeddings").answer({"data": [{"embedding": [1]}]})
    chat = Story("chat", writer="w2", now=story.now + 10**6)
    message = {
        "role": "assistant",
        "content": None,
        "audio": {"id": "a", "data": SOUND, "expires_at": 1, "transcript": "Hello there."},
    }
    chat.send({"model": "gpt-audio", "messages": [{"role": "user", "content": "Say hello"}]}).answer(
        {
            "id": "chatcmpl_1",
            "object": "chat.completion",
            "model": "gpt-audio",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
    )
    projector = Projector(SESSION)
    for entry in merged(story, chat):
        projector.feed(entry)
    session = projector.session()
    return session, {blob.media_type: blob.data for blob in projector.take_blobs()}


@frozen
class Line:
    """What the command prints of a step: its own line, and what stands below it."""

    own: StepFacts
    depth: int
    above: StepFacts | None
    lines: list[Text]

    @property
    def words(self) -> str:
        """All of it, in one line, without the guides and the bar before the figures."""
        text = " ".join(re.sub(r"^[│├└─ ]+", "", line.plain) for line in self.lines)
        return re.sub(r" ━+ ", " ", flat(text))

    def is_red(self, text: str) -> bool:
        """Whether a text that begins so is printed as that of a failure."""
        red = [
            flat(line.plain[span.start : span.end])
            for line in self.lines
            for span in line.spans
            if span.style == "red"
        ]
        return any(piece[:8] == text[:8] for piece in red)


def flat(text: str) -> str:
    return " ".join(clean(text).split())


def printed(facts: SessionFacts) -> Iterator[Line]:
    """Yield what the command prints of each step, in its order; loops and calls in a row one by one."""
    lines = [line for line in tree(facts, facts.runs, Look(WIDTH, folded=False)) if line.plain]
    place = 0
    for run in facts.runs:
        single = run.run.trigger == "api" and len(run.steps) == 1
        if not single:
            head = [line.plain for line in run_head(run, WIDTH)]
            assert [line.plain for line in lines[place : place + len(head)]] == head
            place += len(head)
        nodes = list(_in_order(nest(facts, run), 0, None))
        for number, (own, depth, above) in enumerate(nodes):
            after = nodes[number + 1][0] if number + 1 < len(nodes) else None
            end = place + 1
            while end < len(lines) and after is not None and not _begins(lines[end], after):
                end += 1
            if after is None:
                while end < len(lines) and not lines[end].plain.startswith(("Run ", "Runs ")):
                    end += 1
            yield Line(own, depth, above, lines[place:end])
            place = end
    assert place == len(lines)


def _in_order(
    nodes: list[Node], depth: int, above: StepFacts | None
) -> Iterator[tuple[StepFacts, int, StepFacts | None]]:
    for node in nodes:
        yield node.own, depth, above
        yield from _in_order(node.children, depth + 1, node.own)


def _begins(line: Text, own: StepFacts) -> bool:
    return re.match(rf"[│├└─ ]*[├└]─ {re.escape(own.name)} [A-Z]", line.plain) is not None


def check_line(line: Line, told: dict[str, Any], text: str) -> None:
    """What the page tells of a step is what the command prints of it, and the command prints no more."""
    own = line.own
    above = line.above.tool if line.above is not None and line.above.step.label == "tool_call" else None
    name = "" if told.get("name") and told["name"] == above and above == own.tool else told.get("name", "")
    joint = "" if own.step.label in {"tool_call", "approval_request"} else " "
    number = f"Run {own.run.number}" if line.lines[0].plain.startswith("Run ") else own.name
    assert told["number"] == own.name
    head = f"{number} {told['word']}{f' {name}' if name else ''}"
    text = flat(text)
    begin = text.removesuffix("…")[:200]
    right = f"{told.get('took', '')} {told.get('tokens', '')}"
    remarks = f" · {told['remarks']}" if told.get("remarks") else ""
    short = flat(f"{head}{joint if text else ''}{text}{remarks} {right}")
    if len(text) < 200 and "…" not in text + line.words and len(line.lines) == 1:
        assert line.words == short
    else:
        assert line.words.startswith(flat(head))
        assert is_begun(begin, line.words)
        assert flat(remarks) in line.words
        assert all(figure in line.words for figure in right.split())
    assert line.depth == told.get("depth", 0)
    if begin:
        assert line.is_red(begin) == bool(told.get("failed"))


def is_begun(text: str, words: str) -> bool:
    """Whether a text's beginning is printed, up to where the command says that there is more."""
    length = next((n for n in range(len(text), 0, -1) if text[:n] in words), 0)
    return length == len(text) or words[words.index(text[:length]) + length :].startswith((" …", "…"))


def texts(facts: SessionFacts, told: dict[str, Any]) -> str:
    """What the page takes for the beginning of what a step says."""
    if "line" in told:
        return str(told["line"])
    own = facts.steps[told["id"]]
    value = value_at(own.step, tuple(told["at"])) if "at" in told else told.get("text", "")
    assert isinstance(value, str)
    return value


def check_session(session: Session) -> int:
    facts = gather(session)
    reading = shown(facts)
    told = {step["id"]: step for run in reading["runs"] for step in run.get("steps", ())}
    lines = list(printed(facts))
    assert len(lines) == len(told) == facts.step_count
    for line in lines:
        step = told[line.own.step.step_id]
        check_line(line, step, texts(facts, step))
    for run, seen in zip(facts.runs, reading["runs"], strict=True):
        head = flat(" ".join(line.plain for line in run_head(run, WIDTH)))
        parts = [seen["name"], seen.get("status"), seen.get("trouble"), seen.get("about")]
        words = " · ".join(part for part in parts if part)
        assert head == flat(f"{words} {seen.get('cost', '')} {seen.get('details', '')}")
    return len(told)


def test_every_item_type_is_read_as_the_command_prints_it() -> None:
    session, _ = every_item_type()
    assert check_session(session) > 70
    assert {"REASONING", "COMPACTED", "APPROVAL ASKED", "API", "ITEM", "INSTRUCTIONS"} <= {
        step["word"] for run in shown(gather(session))["runs"] for step in run["steps"]
    }


def test_a_failing_session_is_read_as_the_command_prints_it() -> None:
    check_session(failing())


@needs_recordings
def test_every_recording_is_read_as_the_command_prints_it() -> None:
    assert sum(check_session(recording.session) for recording in recordings()) > 4_000


def test_what_stands_in_the_document_is_not_sent_again() -> None:
    """Where a text is pointed at, that is the text; nothing long is told twice."""
    session, _ = every_item_type()
    facts = gather(session)
    document = to_json(session)
    by_id = {step["step_id"]: step for run in document["runs"] for step in run["steps"]}
    places = 0
    for run in shown(facts)["runs"]:
        for told in run["steps"]:
            for place in [told["at"]] if "at" in told else []:
                value: Any = by_id[told["id"]]
                for key in place:
                    value = value[key]
                assert value == value_at(facts.steps[told["id"]].step, tuple(place))
                assert as_text(value)
                places += 1
            assert not {"at", "text"} <= told.keys()
    assert places > 50


# The page in a browser.

COLLECT = """() => ({
  outline: [...document.querySelectorAll('.o-step')].map((row) => ({
    number: row.querySelector('.number').textContent, word: row.querySelector('.tag').textContent,
    name: row.querySelector('b')?.textContent ?? '',
    text: row.querySelector('.o-text > span').textContent, remarks: row.querySelector('.state')?.textContent ?? '',
    took: row.querySelector('.o-time').textContent, tokens: row.querySelector('.o-time').title,
    depth: Number(row.style.getPropertyValue('--depth')), failed: row.classList.contains('is-failed'),
  })),
  runs: [...document.querySelectorAll('.o-run')].map((row) => row.innerText),
  transcript: [...document.querySelectorAll('.c-step')].map((entry) => ({
    id: entry.dataset.step, number: entry.querySelector('.number').textContent,
    word: entry.querySelector('.tag').textContent,
    name: entry.querySelector('.c-head b')?.textContent ?? '', failed: entry.classList.contains('is-failed'),
    remarks: entry.querySelector('.c-head .state')?.textContent ?? '',
    quiet: entry.querySelector('.c-head .quiet').textContent,
    text: entry.querySelector('.text-block')?.textContent ?? '', all: entry.innerText, parts: entry.childElementCount,
  })),
})"""

PANEL = """() => ({
  number: document.querySelector('.panel-head .number').textContent,
  word: document.querySelector('.panel-head .tag').textContent,
  title: document.querySelector('.panel-title').textContent,
  facts: [...document.querySelectorAll('.panel .facts dt')].map((name) =>
    [name.textContent, name.nextElementSibling.textContent]),
  links: [...document.querySelectorAll('.relations .part')].map((part) => [part.querySelector('h3').textContent,
    [...part.querySelectorAll('.step-link')].map((link) => link.dataset.step)]),
  text: document.querySelector('.panel').innerText,
})"""

BLIND = (
    "label", "type", "status", "timing", "duration_ms", "model", "tool_name", "usage", "attempts", "latency",
    "depends_on", "origin", "ending", "finish_reason", "notes", "redactions", "retries", "started_at", "ended_at",
)  # fmt: skip
"""What the page must not look at in a step."""


def test_every_item_type_is_drawn_as_the_command_prints_it(
    page: Page, tmp_path: Path, serve_store: Callable[[Store], str]
) -> None:
    session, blobs = every_item_type()
    store = Store(tmp_path / "store", create=True)
    for media_type, data in blobs.items():
        store.blobs.put(data, media_type)
    store.put(session)
    facts = gather(session)
    lines = {line.own.step.step_id: line for line in printed(facts)}
    order = [own.step.step_id for run in facts.runs for own, _ in walked(facts, run)]
    # So high that all rows are there at once.
    page.set_viewport_size({"width": 1600, "height": 5_000})
    place = f"{serve_store(store)}#/s/{SESSION}/transcript"
    drawn = collected(page, place, len(order))

    for step_id, row in zip(order, drawn["outline"], strict=True):
        check_line(lines[step_id], row, row["text"])
    assert [entry["id"] for entry in drawn["transcript"]] == order
    for entry in drawn["transcript"]:
        check_entry(lines[entry["id"]], entry)

    for step_id in order:
        page.evaluate("(hash) => { location.hash = hash; }", f"#/s/{SESSION}/transcript/{step_id}")
        page.locator(".panel .facts").get_by_text(f"{step_id} ·").wait_for()
        check_panel(store, session, facts.steps[step_id], page.evaluate(PANEL))

    # What a step is called, says, and how it went is not in the document that the page has: it looks the same.
    page.route(f"**/api/sessions/{SESSION}", blinded)
    page.goto("about:blank")
    assert collected(page, place, len(order)) == drawn


def collected(page: Page, place: str, steps: int) -> Any:
    page.goto(place)
    page.locator(".o-step").nth(steps - 1).wait_for()
    page.locator(".c-step").last.wait_for()
    page.wait_for_timeout(200)
    return page.evaluate(COLLECT)


def blinded(route: Route) -> None:
    answer = route.fetch()
    if answer.status != 200:
        route.fulfill(response=answer)
        return
    body = answer.json()
    for run in body["document"]["runs"]:
        for step in run["steps"]:
            for name in BLIND:
                step.pop(name, None)
    route.fulfill(response=answer, body=json.dumps(body))


def check_entry(line: Line, entry: dict[str, Any]) -> None:
    step, words = line.own.step, line.words
    assert (entry["number"], entry["word"], entry["name"]) == (
        line.own.name,
        word_of(step),
        name_of(line.own),
    )
    assert flat(entry["remarks"]) in words
    assert all(figure in words for figure in entry["quiet"].split(" · ") if figure)
    assert is_begun(flat(entry["text"])[:60], words)
    # Whatever says something in the terminal says something here, and as a failure here if it does there.
    assert (entry["parts"] > 1) == bool(says(step))
    assert line.is_red(flat(said_in_line(step))) == entry["failed"] or not says(step)


def check_panel(store: Store, session: Session, own: StepFacts, panel: dict[str, Any]) -> None:
    lines = [line.plain for line in details(store, session, own.step, WIDTH)]
    told = {line[:13].strip(): line[13:] for line in lines[1 : lines.index("") if "" in lines else None]}
    assert (panel["number"], panel["word"]) == (own.name, word_of(own.step))
    assert panel["title"]
    for name, value in panel["facts"]:
        assert flat(told[name]) == flat(value)
    assert set(told) - {name for name, _ in panel["facts"]} <= {
        "error",
        "depends on",
        "leads to",
        "stored apart",
        "",
    }
    links = dict(panel["links"])
    for name in ("Depends on", "Leads to"):
        ids = [
            line[13:].split(" · ")[0]
            for place, line in enumerate(lines)
            if line.startswith(name.lower())
            or (line.startswith(" " * 13) and _under(lines, place) == name.lower())
        ]
        assert links.get(name, []) == ids[:12]
    if own.step.error is not None:
        assert flat(own.step.error.message) in flat(panel["text"])


def _under(lines: list[str], place: int) -> str:
    while lines[place].startswith(" " * 13):
        place -= 1
    return lines[place][:13].strip()


# What the page's JavaScript may read.

WORDS = {
    *get_args(Label),
    "payload_started",
    "payload_completed",
    "depends_on",
    "tool_name",
    "duration_ms",
    "input_tokens",
    "status_code",
    "prompt_provenance",
    "unresolved",
    "in_progress",
    "incomplete",
    "inferred",
} - {"generic", "reasoning"}
ALLOWED = {"model.js": {"depends_on"}, "waterfall.js": {"inferred"}}
"""What is left out of a search; whether a bar is drawn as inferred, which is told."""


def test_no_script_of_the_page_knows_a_label_or_a_payload() -> None:
    scripts = {name: text for name, text in bundle.assets().items() if name.endswith(".js")}
    assert len(scripts) > 15
    known = {
        (name, word)
        for name, text in scripts.items()
        for word in WORDS - ALLOWED.get(name, set())
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w])", text)
    }
    assert known == set()
    read = {
        (name, match[0])
        for name, text in scripts.items()
        for match in re.finditer(
            r"(?:step|own|each|call)\.(?:label|type|status|model|usage|attempts|error)\b", text
        )
    }
    assert read == set()


def test_sessions_of_a_list_are_told_as_the_command_tells_them() -> None:
    from tests.view.making import BEGAN, a_listed
    from tfstore.index.rows import row_of
    from tfstore.reading.session_words import numbers, row_words

    session = timed(failing())
    words = row_words(row_of(session), BEGAN)
    assert (words["result"], words["title"], words["model"]) == ("FAILED", "Weather agent", "gpt-4.1")
    assert f"{words['calls']} model calls · {words['tools']} tool calls" in numbers(session)
    several = row_words(row_of(a_listed(1, tool_errors=2)), BEGAN)
    assert (several["errors"], several["tokens"], several["took"]) == ("2", "", "1.0 s")
