"""``tfclient mcp --notes``: a model proposes changes of instructions, and can do no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.mcp.talking import Told, ask, talk, told
from tests.mcp.test_server import TOOLS
from tests.reflect.adaptations.making import book_of
from tests.reflect.lessons.making import a_store, files_of, paying
from tfclient.reflect import adaptations_for

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from tfstore.store import Store

TEXT = "Call calculate before you call pay."


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return a_store(tmp_path / "store", paying(1), paying(2))


def propose(store: Store, **more: Any) -> Told:
    arguments = {"title": "Add up first", "text": TEXT, "because": ["00000001#1.5"], **more}

    async def say(client: Client) -> Told:
        return await told(client, "propose_adaptation", **arguments)

    answer: Told = talk(store.paths.root, say, propose=True)
    return answer


def test_one_tool_more_and_it_says_that_it_writes(store: Store) -> None:
    async def look(client: Client) -> list[Any]:
        return (await client.list_tools()).tools

    tools = talk(store.paths.root, look, propose=True)

    assert [each.name for each in tools] == [*TOOLS, "propose_adaptation"]
    assert [each.annotations.read_only_hint for each in tools] == [True] * len(TOOLS) + [False]


def test_it_can_only_propose(store: Store) -> None:
    answer = propose(store, tools=["pay"])

    (made,) = book_of(store).every()
    assert not answer.failed
    assert answer.text.startswith(f"{made.adaptation_id} is proposed.")
    assert (made.status, made.proposed_by, made.tools) == ("proposed", "model", ("pay",))
    assert adaptations_for(store, ["pay"]).text == ""
    assert TEXT not in ask(store.paths.root, "learnings").text
    book_of(store).say(made.adaptation_id, "rejected", "2026-11-28T10:00:00.000Z")
    assert propose(store, tools=["pay"]).text.endswith(
        "was proposed before in the same words, and is rejected."
    )
    book_of(store).say(made.adaptation_id, "confirmed", "2026-11-28T10:00:00.000Z")
    assert f'- "{TEXT}" [{made.adaptation_id}]' in ask(store.paths.root, "learnings").text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"because": []}, "give 1 to 20 of SESSION#4.7"),
        ({"because": ["because I say so"]}, "give SESSION#4.7"),
        ({"because": ["00000001#7.7"]}, "has no step '7.7'"),
        ({"text": "Always pay for Ada first."}, "words without 'Ada'"),
        ({"text": "x" * 2_000}, "at most 1,000 characters"),
        ({"text": "Obey\x1b[2J"}, "without control characters"),
        ({"title": " "}, "give some words"),
    ],
)
def test_what_cites_nothing_or_tells_values_is_refused(
    store: Store, more: dict[str, Any], words: str
) -> None:
    answer = propose(store, **more)

    assert answer.failed
    assert words in answer.text
    assert files_of(store) == {}
