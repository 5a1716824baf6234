"""Adaptations of a store, and sessions that were given them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.reflect.lessons.making import TOOLS, named
from tests.reflect.talking import Talk
from tfclient.opening import existing_store
from tfclient.reflect.adaptations.book import Adaptations

if TYPE_CHECKING:
    from tfclient.reflect.adaptations.adaptation import Adaptation
    from tfstore.document.documents import Session
    from tfstore.store import Store

AT = "2026-11-28T10:00:00.000Z"
LATER = "2026-11-29T10:00:00.000Z"
TITLE = "Add up before paying"
TEXT = "Call calculate before you call pay."
BECAUSE = ["00000001#1.5"]
BASE = "You pay bills."


def book_of(store: Store) -> Adaptations:
    """The adaptations of a store, opened as programs open it."""
    return Adaptations(existing_store(store.paths.root))


def proposed(store: Store, text: str = TEXT, **more: Any) -> Adaptation:
    given: dict[str, Any] = {"title": TITLE, "because": BECAUSE, "at": AT, **more}
    return book_of(store).propose(text=text, **given)


def confirmed(store: Store, text: str = TEXT, **more: Any) -> Adaptation:
    made = proposed(store, text, **more)
    return book_of(store).say(made.adaptation_id, "confirmed", AT)


def paying_session(
    number: int,
    *,
    instructions: str = BASE,
    error: bool = True,
    model: str = "gpt-5",
    tools: Any = TOOLS,
    **metadata: Any,
) -> Session:
    """A session in which ``pay`` is called, and fails first or does not."""
    talk = Talk("responses", instructions, {"tools": tools})
    talk.asks("Pay the bill.")
    if error:
        talk.calls(("pay", {"amount": 3}, "Error: total is 12, but paid 3"))
    talk.calls(("pay", {"amount": 12}, "paid"))
    talk.says()
    made = named(talk.session(), number)
    made.status = "closed"
    made.summary.models = dict.fromkeys([model], made.summary.model_calls)
    made.metadata |= metadata
    return made
