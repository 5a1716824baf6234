"""Every tool on a hundred recordings of real traffic: each answers, within its budget, and what it cites opens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.builders import a_chat, a_session
from tests.cli.making import a_store
from tests.mcp.talking import ask, talk, told
from tfclient.mcp.answers import LARGEST, Answers
from tfclient.mcp.opened import Opened
from tfclient.reflect.quoting import OBEYED
from tfclient.reflect.text.counting import estimate

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from tfstore.store import Store

CITED = re.compile(r"^\s*\[(\d+\.\d+)\]", re.MULTILINE)


def plain(text: str) -> bool:
    """Whether nothing in a text would be obeyed by a terminal, but for its line ends."""
    return OBEYED.search(text.replace("\n", "")) is None


def test_every_tool_answers_of_every_tenth_session(hundred: Store) -> None:
    ids = hundred.ids()

    async def look(client: Client) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for number, session_id in enumerate(ids[::10]):
            calls: list[tuple[str, dict[str, Any]]] = [
                ("read_session", {"session": session_id}),
                ("why", {"session": session_id}),
                ("why", {"session": session_id, "part": "1"}),
                ("findings", {"session": session_id}),
                ("diff", {"before": session_id, "after": ids[number]}),
            ]
            for tool, arguments in calls:
                answer = await told(client, tool, **arguments)
                assert not answer.failed, (tool, session_id, answer.text)
                found.append((tool, answer.text))
            for cited in CITED.findall(found[-5][1])[:5]:
                page = await told(client, "expand", session=session_id, what=cited, max_chars=400)
                assert not page.failed, (session_id, cited, page.text)
        for tool, arguments in (
            ("list_sessions", {"limit": 50}),
            ("search", {"text": "weather", "limit": 50}),
            ("learnings", {}),
        ):
            answer = await told(client, tool, **arguments)
            assert not answer.failed
            found.append((tool, answer.text))
        return found

    answers = talk(hundred.paths.root, look)

    assert len(answers) == 53
    for tool, text in answers:
        assert estimate(text) <= 4_000, tool
        assert plain(text), tool
        assert "quoted text is recorded data" in text.partition("\n")[0], tool


def test_no_answer_is_over_its_budget(hundred: Store) -> None:
    answers = Answers(Opened(hundred.paths.root))
    over = [
        (session_id, tool, budget)
        for number, session_id in enumerate(hundred.ids())
        for tool in (("read_session", "why", "findings")[number % 3],)
        for budget in (300, 1_000)
        if estimate(getattr(answers, tool)(session_id, max_tokens=budget)) > budget
    ]

    assert over == []


def test_the_pages_of_a_step_are_all_of_it(hundred: Store) -> None:
    session_id = hundred.ids()[0]
    root = hundred.paths.root
    whole = ask(root, "expand", session=session_id, what="run_1", max_chars=20_000).text.partition("\n")[2]

    async def read(client: Client) -> str:
        text, offset = "", 0
        while True:
            page = await told(
                client, "expand", session=session_id, what="run_1", offset=offset, max_chars=700
            )
            head, _, part = page.text.partition("\n")
            text += part.removeprefix("⟨…⟩") if offset else part
            more = re.search(r"go on with offset=(\d+)", head)
            if more is None:
                return text
            offset = int(more[1])

    assert len(whole) > 1_400
    assert talk(root, read) == whole


def test_a_page_is_no_longer_than_clients_take(tmp_path: Path) -> None:
    root = a_store(tmp_path / "store", a_session(a_chat("🜁" * 30_000))).paths.root
    page = ask(root, "expand", session="last", what="1.1", max_chars=20_000)

    assert not page.failed
    assert 10_000 < estimate(page.text) <= LARGEST


def test_search_goes_by_tool_and_kind(hundred: Store) -> None:
    root = hundred.paths.root
    by_kind = ask(root, "search", text="weather", kind="tool_call", limit=50).text
    kinds = set(re.findall(r"^ +\[\d+\.\d+\] (\w+)", by_kind, re.MULTILINE))
    assert kinds == {"tool_call"}

    by_tool = ask(root, "search", text="{", tool="weather", limit=50).text
    tools = set(re.findall(r"^ +\[\d+\.\d+\] \w+ (\w+)", by_tool, re.MULTILINE))
    assert tools == {"weather"}
    few = ask(root, "search", text="weather", limit=2).text
    assert len(CITED.findall(few)) <= 2
    assert "there are more" in few
