"""What a program says while a response is still being made (``response.steer``), until a response takes it up."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.api.content import kept_content, text_of_content
from tfclient.projection.lineage.book import Book
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfstore.document.documents import Lineage, Step
from tfstore.document.labels import Status

STEERED = "responses.steer"


@define
class _Given:
    """One submission."""

    items: list[Any]
    at: int


@define
class Steering:
    """Submissions that no response has taken up yet, by their socket and the response that they speak of."""

    book: Book
    index: LineageIndex
    _given: dict[tuple[str, str], list[_Given]] = field(factory=dict)

    def given(self, socket: str, event: dict[str, Any], at: int) -> None:
        """The program has sent one."""
        said = event.get("input")
        items = said if isinstance(said, list) else [] if said is None else [said]
        key = (socket, str(event.get("previous_response_id")))
        self._given.setdefault(key, []).append(_Given([_as_item(item) for item in items], at))

    def joined(self, socket: Any, body: Any) -> Any:
        """Return a request's body with what it takes up before its own input, as the server has it."""
        if not isinstance(body, dict) or socket is None:
            return body
        taken = self._given.pop((str(socket), str(body.get("previous_response_id"))), None)
        if not taken:
            return body
        own = body.get("input")
        rest = own if isinstance(own, list) else [] if own is None else [_as_item(own)]
        return {**body, "input": [item for each in taken for item in each.items] + rest}

    def failed(self, socket: str, event: dict[str, Any], at: int) -> None:
        """The server has given one back."""
        told = event.get("steer")
        steer: dict[str, Any] = told if isinstance(told, dict) else {}
        key = (socket, str(steer.get("previous_response_id")))
        said = steer.get("input")
        items = said if isinstance(said, list) else [] if said is None else [said]
        waiting = self._given.get(key, [])
        wanted = [_as_item(item) for item in items]
        same = next((each for each in waiting if each.items == wanted), waiting[0] if waiting else None)
        if same is not None:
            waiting.remove(same)
        for item in wanted or (same.items if same is not None else []):
            step = self._step(key[1], item, same.at if same is not None else at, "failed")
            step.error = error_from_body(event, None)
            step.payload_completed = {"returned": True}

    def give_up(self, at: int) -> None:
        """At the end: of what was never taken up nobody knows what became of it."""
        for (_, response_id), waiting in self._given.items():
            for each in waiting:
                for item in each.items:
                    self._step(response_id, item, each.at or at, "incomplete").notes = ["outcome_unknown"]
        self._given.clear()

    def _step(self, response_id: str, item: Any, at: int, status: Status) -> Step:
        node = self.index.by_response.get(response_id)
        run = node.run if node is not None else self.book.open_run(at, "api", Lineage(), None)
        if node is None:
            run.run.input_text = STEERED
        content = item.get("content") if isinstance(item, dict) else item
        payload: dict[str, Any] = {"text": text_of_content(content), **kept_content(content)}
        step = self.book.add(run, "user_message", STEERED, at, status=status, payload_started=payload)
        step.depends_on = [node.step.step_id] if node is not None else []
        return step


def _as_item(said: Any) -> Any:
    return {"role": "user", "content": said} if isinstance(said, str) else said
