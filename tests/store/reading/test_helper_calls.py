"""Calls beside the conversation: many in a row are told as one, unless one of them matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_chat, a_run, a_session, a_step
from tfstore.reading.facts import gather
from tfstore.reading.helper_calls import names, rows, span

if TYPE_CHECKING:
    from tfstore.document.documents import Run


def an_api_call(name: str = "embeddings.create", **fields: Any) -> Run:
    return a_run(a_step("generic", type=f"api.{name}", after=()), trigger="api", **fields)


def told(*runs: Run) -> list[list[int]]:
    facts = gather(a_session(*runs))
    return [[run.number for run in row] for row in rows(facts, facts.runs)]


def test_many_in_a_row_are_one() -> None:
    four = [an_api_call() for _ in range(4)]
    assert told(a_chat(), *four, a_chat()) == [[1], [2, 3, 4, 5], [6]]
    three = [an_api_call() for _ in range(3)]
    assert told(*three, a_chat(), *[an_api_call() for _ in range(3)]) == [[1], [2], [3], [4], [5], [6], [7]]


@pytest.mark.parametrize(
    "other",
    [
        lambda: an_api_call(status="failed"),
        lambda: an_api_call(status="in_progress"),
        lambda: a_run(a_step("generic", type="api.x", status="failed"), trigger="api"),
        lambda: a_run(a_step("generic", type="api.x"), a_step("generic", type="api.y"), trigger="api"),
        lambda: a_run(a_step("generic", type="api.x", after=("step_1_1",)), trigger="api"),
        lambda: an_api_call(after=1),
        a_chat,
    ],
)
def test_what_matters_stands_for_itself(other: Any) -> None:
    before, after = [an_api_call() for _ in range(5)], [an_api_call() for _ in range(4)]
    found = told(*before, other(), *after)
    assert [6] in found
    assert [7, 8, 9, 10] in found


def test_one_that_another_step_depends_on_stands_for_itself() -> None:
    chat = a_run(a_step("user_message", "Hi", after=("step_2_1",)))
    assert told(*[an_api_call() for _ in range(6)], chat) == [[1], [2], [3, 4, 5, 6], [7]]


def test_their_names_and_numbers() -> None:
    kinds = ["files.list", "embeddings.create", "vector_stores.search", "embeddings.create"]
    facts = gather(a_session(a_chat(), *map(an_api_call, kinds)))
    _, row = rows(facts, facts.runs)
    assert span(row) == "Runs 2 to 5"
    assert names(row) == "embeddings.create ×2 · files.list · vector_stores.search"
