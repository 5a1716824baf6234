"""The list of sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_chat, a_session
from tests.view.making import BEGAN, a_listed, failing, growing
from tfclient.view.listing import BadFilter, Listing, Wanted
from tfstore.document.documents import Summary, Usage
from tfstore.keeping.deleting import delete
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.document.documents import Step


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    store.put(a_listed(1, tools={"get_weather": 2}, duration_ms=9_999))
    store.put(a_listed(2, tools={"send_email": 1}, tool_errors=1, metadata={"user": "ada"}))
    store.put(
        a_listed(3, result="failed", title="Überraschung", summary=Summary(usage=Usage(total_tokens=9)))
    )
    store.put(a_listed(4, status="active", result=None, summary=Summary(models={"o4-mini": 1})))
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"q": "SEND_Email number"}, [2]),
        ({"q": "ÜBERRASCHUNG"}, [3]),
        ({"q": "00000004"}, [4]),
        ({"q": "weather number"}, [1]),
        ({"q": "nowhere"}, []),
        ({"result": "failed"}, [3]),
        ({"result": "errors"}, [3, 2]),
        ({"result": "active"}, [4]),
        ({"result": "completed"}, [2, 1]),
        ({"tool": "send_email"}, [2]),
        ({"tool": "send"}, []),
        ({"model": "o4-mini"}, [4]),
        ({"model": "gpt-4.1", "result": "completed", "q": "get_w"}, [1]),
        ({"since": "2026-09-02T09:17:00"}, [4, 3]),
        ({"since": "2026-09-02T11:17:00+02:00"}, [4, 3]),
        ({"since": "2m"}, [4, 3]),
        ({"since": "1w"}, [4, 3, 2, 1]),
        ({"q": "User=ADA"}, [2]),
        ({"sort": "time"}, [1, 4, 3, 2]),
        ({"sort": "tokens"}, [3, 4, 2, 1]),
    ],
)
def test_filters(store: Store, wanted: dict[str, str], found: list[int]) -> None:
    listing = Listing(store, now=lambda: BEGAN + timedelta(minutes=5))
    page = listing.page(Wanted(**wanted))
    assert [int(row["session_id"][-8:], 16) for row in page["rows"]] == found
    assert page["total"] == len(found)
    assert page["all"] == 4


def test_costs_come_for_a_page_and_are_kept_while_documents_stay(tmp_path: Path) -> None:
    store, asked = Store(tmp_path / "store", create=True), list[str]()
    for number, model in ((1, "gpt-4.1"), (2, "nobody-s")):
        session = a_session(a_chat(), a_chat(response_id="resp_2"), session_id=f"sess_{number}")
        session.started_at = f"2026-09-02T09:1{number}:00.000Z"
        session.runs[0].steps[1].model = model
        session.runs[1].steps[1].model = "free"
        store.put(session)

    def price(step: Step) -> float | None:
        asked.append(str(step.model))
        return {"gpt-4.1": 0.5, "free": 0.0}.get(str(step.model))

    listing = Listing(store, price=price)
    first = listing.costs(Wanted(), 0, 1)
    both = listing.costs(Wanted())

    assert first == {"sess_2": {"words": "$0.00 (1?)", "told": "$0.00 (of 2 calls, 1 without a price)"}}
    assert both == {**first, "sess_1": {"words": "$0.5", "told": "$0.5"}}
    assert len(asked) == 4
    store.put(store.get("sess_1"))
    assert listing.costs(Wanted(q="sess_1")) == {"sess_1": both["sess_1"]}
    assert len(asked) == 6
    assert Listing(store).costs(Wanted()) == {}


@pytest.mark.parametrize("since", ["soon", "2y", "-2h", "999999w", "2026-13-01", "٣h"])
def test_what_is_no_time_is_refused(store: Store, since: str) -> None:
    with pytest.raises(BadFilter, match="is no time"):
        Listing(store).page(Wanted(since=since))


def test_what_is_no_order_is_refused(store: Store) -> None:
    with pytest.raises(BadFilter, match="sorted by tokens or time"):
        Listing(store).page(Wanted(sort="cost"))


def test_pages_make_up_the_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    for n in range(120):
        store.put(a_listed(n))
    listing = Listing(store)
    pages = [listing.page(Wanted(), offset, 50) for offset in (0, 50, 100, 150)]
    assert [len(page["rows"]) for page in pages] == [50, 50, 20, 0]
    titles = [row["title"] for page in pages for row in page["rows"]]
    assert titles == [f"Session number {n}" for n in range(119, -1, -1)]


def test_it_says_when_there_is_something_else(store: Store) -> None:
    listing = Listing(store)
    first = listing.page(Wanted())
    assert listing.page(Wanted())["version"] == first["version"]
    store.put(a_listed(5))
    grown = listing.page(Wanted())
    assert grown["version"] != first["version"]
    assert grown["rows"][0]["title"] == "Session number 5"
    store.put(a_listed(5, title="Renamed"))
    assert listing.page(Wanted())["version"] != grown["version"]
    delete(store, [a_listed(5).session_id])
    assert listing.page(Wanted())["all"] == first["all"]


def test_the_store_keeps_the_list_true(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    listing = Listing(store)
    assert listing.page(Wanted())["total"] == 0
    store.put(failing())
    store.put(growing(1))
    assert [row["status"] for row in listing.page(Wanted())["rows"]] == ["active", "closed"]
    names = listing.names()
    assert dict(names["tools"]) == {"get_weather": 1, "send_email": 1, "read_file": 1}
    assert names["models"] == [("gpt-4.1", 2)]


def test_a_document_that_cannot_be_read_is_told(store: Store) -> None:
    path = store.paths.document(a_listed(1).session_id)
    path.write_text("{")
    page = Listing(store).page(Wanted())
    assert page["total"] == 3
    assert path.name in page["trouble"][0]


def test_since_counts_from_now(store: Store) -> None:
    later = Listing(store, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert later.page(Wanted(since="1h"))["total"] == 0
