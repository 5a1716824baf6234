"""Requests as they were sent, for the page's curl: one at a time for a server, all of them for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tfstore.disk.json_text import compact
from tfstore.errors import BlobUnreadable, StoreError
from tfstore.reading.prompts import prompt_of

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Session
    from tfstore.store import Store

MOST: Final = 500_000
"""References to items that a file takes in: a conversation that is sent again with every request has many."""


class NoRequest(StoreError):
    """A step's request cannot be put together."""

    def __init__(self, session_id: str, step_id: str, reason: object) -> None:
        super().__init__(
            f"The request of {step_id} in session {session_id} cannot be put together ({reason}). "
            "Its parts, as far as they were recorded, are in the document."
        )


def request_of(store: Store, session: Session, step_id: str) -> Json:
    """Return the body of a model call's request, long texts and pictures in their places if they are there.

    Raises:
        NoRequest: the step is no model call, or names parts that the session does not have.
    """
    try:
        return _request(session, step_id, store)
    except BlobUnreadable:
        return _request(session, step_id, None)


def _request(session: Session, step_id: str, store: Store | None) -> Json:
    try:
        return prompt_of(session, step_id, store.blobs.get if store is not None else None).request
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise NoRequest(session.session_id, step_id, error) from error


def all_requests(session: Session) -> Json:
    """Return the bodies of all requests, every value in them once: ``{values: […], calls: {step_id: {…}}}``.

    A field of a call is the place of its value, or a list of places where the field is a list of items.
    """
    values: list[Any] = []
    places: dict[bytes, int] = {}

    def place(value: Any) -> int:
        text = compact(value)
        if text not in places:
            places[text] = len(values)
            values.append(value)
        return places[text]

    calls: dict[str, dict[str, int | list[int]]] = {}
    count = 0
    for run in session.runs:
        for step in run.steps:
            if step.label != "assistant_call" or count > MOST:
                continue
            try:
                body = _request(session, step.step_id, None)
            except NoRequest:
                continue
            calls[step.step_id] = {
                name: [place(each) for each in value] if isinstance(value, list) else place(value)
                for name, value in body.items()
            }
            count += sum(len(each) if isinstance(each, list) else 1 for each in calls[step.step_id].values())
    return {"values": values, "calls": calls}
