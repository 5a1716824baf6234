"""The life of calls: started, sent, answered, streamed, tried again, ended. One handler per kind of entry."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, cast

from attrs import define, evolve, field

from tfclient.projection.api import chat, completions, responses
from tfclient.projection.api.call_errors import error_from_exception
from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.lineage.book import ANSWERED, Book
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.replays import counted, played_in
from tfclient.projection.steps.call_state import Call
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.other_calls import OtherCalls
from tfclient.projection.steps.request_steps import Opening
from tfclient.projection.steps.steering import Steering
from tfclient.projection.wire.attempt import AttemptState
from tfclient.projection.wire.bodies import parse_json
from tfclient.projection.wire.endpoints import endpoint_of
from tfstore.document.documents import Lineage, Step
from tfstore.document.labels import Ending
from tfstore.document.times import iso, milliseconds
from tfstore.journal.entries import (
    AttemptAnswered,
    AttemptEnded,
    AttemptSent,
    CallEnded,
    CallStarted,
    Error,
    StreamChunk,
)
from tfstore.journal.request_texts import RequestTexts

_READERS = {
    "responses": responses.read_request,
    "chat": chat.read_request,
    "completions": completions.read_request,
}

REMEMBERED = 1024
"""Closed calls that are remembered: a retry, an exception or the end of a stream may still come."""


@define
class Calls:
    """All calls under way, and the last ones that were closed; handlers return whether they knew the call."""

    book: Book
    index: LineageIndex
    opening: Opening
    closing: Closing
    other: OtherCalls
    steering: Steering
    deltas: bool = False
    session_ended: bool = False
    open: dict[str, Call] = field(factory=dict[str, Call])
    _closed: OrderedDict[str, Call] = field(factory=OrderedDict[str, Call])
    _exchanges: dict[str, tuple[Call, AttemptState]] = field(factory=dict)
    _texts: RequestTexts = field(factory=RequestTexts)

    def started(self, entry: CallStarted, _at: int) -> bool:
        """A program called a method of the client."""
        call = Call(str(entry["call"]), entry)
        self.open[call.id] = call
        return True

    def find(self, call_id: Any) -> Call | None:
        """Return a call that is under way, or was closed lately."""
        return self.open.get(str(call_id)) or self._closed.get(str(call_id))

    def sent(self, entry: AttemptSent, at: int) -> bool:
        """An HTTP request left; the first one tells what the call is, later ones are retries."""
        call = self.find(entry["call"])
        if call is None:
            call = Call(str(entry["call"]), _unseen(entry, at))
        self._closed.pop(call.id, None)
        self.open[call.id] = call
        method, url = str(entry["method"] or "POST"), str(entry["url"] or "")
        path = url.split("://", 1)[-1].partition("/")[2]
        endpoint = endpoint_of(method, "/" + path)
        attempt = AttemptState(len(call.attempts) + 1, entry, endpoint, at)
        attempt.keeps_deltas = self.deltas or bool(call.started.get("deltas"))
        call.attempts.append(attempt)
        self._exchanges[str(entry["exchange_id"])] = (call, attempt)
        text = self._texts.whole(str(entry["exchange_id"]), entry["body"])
        if call.step is not None:
            self._again(call)
            return True
        call.endpoint = endpoint
        if endpoint.is_model_call:
            request = self._read(call, entry, text)
            if request.model is None and endpoint.deployment is not None:
                request.model, call.model_from_url = endpoint.deployment, True
            self.opening.open(call, request, at, pending=self._asked_in_a_stream())
            if entry.get("automatic") and call.step is not None:
                call.step.notes.append("automatic")
        elif not self._open_known(call):
            self.other.open(call, at, text)
        return True

    def _read(self, call: Call, entry: AttemptSent, text: str | None) -> ModelRequest:
        read = _READERS[call.endpoint.family]
        name = f"openai.{call.endpoint.name}"
        body = self.steering.joined(entry.get("socket"), parse_json(text) if text is not None else None)
        sent = self.opening.provenance.sent
        if isinstance(body, dict):
            return read(body, sent, name)
        request = read({}, sent, name)
        request.unread = {**entry["body"]} if isinstance(entry["body"], dict) else {"text": text}
        return request

    def _open_known(self, call: Call) -> bool:
        """A retrieved or cancelled response that is known updates the step of the call that made it."""
        if call.endpoint.family != "responses" or call.endpoint.resource_id is None:
            return False
        node = self.index.by_response.get(call.endpoint.resource_id)
        if node is None or node.step.label != "assistant_call":
            return False
        call.node, call.run = node, node.run
        return True

    def _again(self, call: Call) -> None:
        step = call.step
        if step is None:
            return
        call.closed = False
        step.status, step.error, step.ending = "in_progress", None, None
        step.ended_at = step.duration_ms = None
        step.payload_completed = {}
        self._show_attempts(call)

    def _show_attempts(self, call: Call) -> None:
        if call.step is not None:
            call.show_attempts(call.step)
            self.book.touch(call.step)

    def answered(self, entry: AttemptAnswered, at: int) -> bool:
        """A response began; ``complete`` says that its whole body is here."""
        found = self._exchanges.get(str(entry["exchange_id"]))
        if found is None:
            return False
        call, attempt = found
        attempt.played = played_in(entry)
        counted(self.book.session, attempt.played)
        if attempt.settled:
            return True
        attempt.answered(entry, at)
        if entry["complete"]:
            self._close(call, at, "completed")
        else:
            self._show_attempts(call)
        return True

    def chunk(self, entry: StreamChunk, at: int) -> bool:
        """A piece of a response's body came."""
        found = self._exchanges.get(str(entry["exchange_id"]))
        if found is None:
            return False
        call, attempt = found
        if attempt.settled:
            return True
        attempt.chunk(entry, at)
        if attempt.stream is not None:
            if call.node is not None:
                self.opening.announce(call.node, attempt.stream.response_id)
            if attempt.stream.ended and not call.closed:
                self._close(call, at, "completed")
        return True

    def attempt_ended(self, entry: AttemptEnded, at: int) -> bool:
        """A streamed body ended, or the transport failed."""
        found = self._exchanges.get(str(entry["exchange_id"]))
        if found is None:
            return False
        call, attempt = found
        attempt.ended_at = at
        if attempt.status is None and not attempt.received:
            # Over a socket an answer has no status, and was counted when it began.
            attempt.played = played_in(entry)
            counted(self.book.session, attempt.played, entry.get("error"))
        error = entry.get("error")
        if isinstance(error, dict) and not attempt.settled:
            attempt.error = error
        if attempt.settled:
            # The stream had said its last word, or the answer was here as a whole.
            self._show_attempts(call)
            return True
        self._close(call, at, _ending(entry) or "completed")
        return True

    def ended(self, entry: CallEnded, at: int) -> bool:
        """The call ended in an exception."""
        call = self.find(entry["call"])
        if call is None:
            return False
        error = entry["error"]
        if not call.attempts:
            self._never_sent(call, error, at)
            return True
        if not call.closed:
            self._close(call, at, _ending(entry) or "unknown")
        step = call.step
        if isinstance(error, dict) and step is not None:
            ending = _ending(entry)
            told = error_from_exception(error)
            if ending == "completed" and step.status in ANSWERED:
                # The response stays what it is: whole. The SDK, or the program's own type, would not have it.
                told = step.error = evolve(told, class_="validation")
            if step.status in {"completed", "in_progress"} and ending != "completed":
                cancelled = ending == "cancelled" or told.class_ == "cancelled"
                step.status = "cancelled" if cancelled else "failed"
                step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
                step.ending = ending or step.ending
                if call.run is not None:
                    self.book.activity(call.run, at)
            if step.error is None and step.status not in ANSWERED:
                step.error = told
            step.payload_completed["exception"] = error
            self.book.touch(step)
            self.closing.settle_run(call, session_ended=self.session_ended)
        return True

    def _never_sent(self, call: Call, error: Error | None, at: int) -> None:
        """The program's own mistake or a failing callback: the call ended before anything left."""
        began = call.started_at or at
        run = self.book.open_run(began, "api", Lineage(), None)
        path, method = str(call.started["path"] or ""), str(call.started["method"] or "POST")
        name = endpoint_of(method, path).name
        payload = {"name": f"openai.{name}", "method": method, "path": path}
        step = self.book.add(run, "generic", f"api.{name}", began, payload_started=payload)
        told = error_from_exception(error if isinstance(error, dict) else {"type": "Exception"})
        step.status = "cancelled" if told.class_ == "cancelled" else "failed"
        step.error, step.ending = told, "no_response"
        step.payload_completed = {"exception": error, "sent": False}
        step.ended_at, step.duration_ms = iso(at), milliseconds(began, at)
        run.run.input_text, run.run.status = name, step.status
        self._forget(call)

    def _close(self, call: Call, at: int, ending: Ending) -> None:
        call.closed = True
        self.closing.close(call, at, ending, session_ended=self.session_ended)
        if call.step is not None:
            self.book.touch(call.step)
        self.open.pop(call.id, None)
        self._closed[call.id] = call
        self._closed.move_to_end(call.id)
        while len(self._closed) > REMEMBERED:
            self._forget(next(iter(self._closed.values())))

    def _forget(self, call: Call) -> None:
        call.closed = True
        self.open.pop(call.id, None)
        self._closed.pop(call.id, None)
        for attempt in call.attempts:
            self._exchanges.pop(attempt.exchange_id, None)

    def give_up(self, at: int) -> None:
        """The session ended: what is still under way has no known end."""
        for call in list(self.open.values()):
            if call.attempts:
                self._close(call, at, "unknown")
            else:
                error: Error = {"type": "Unknown", "message": "the process ended before sending"}
                self._never_sent(call, error, at)

    def _asked_in_a_stream(self) -> bool:
        """Return whether a stream still running has asked for a tool: what is called now may be inside it."""
        return any(
            call.attempts and call.attempt.stream is not None and call.attempt.stream.asks
            for call in self.open.values()
        )

    def ask_streams(self, name: str | None, call_id: str | None, at: int) -> bool:
        """Take the calls of a tool that streams still running have told of: the program serves them already.

        Returns:
            Whether any stream is running.
        """
        running = False
        for call in self.open.values():
            if call.node is not None and call.attempts and call.attempt.stream is not None:
                running = True
                so_far = call.attempt.stream.response()
                self.closing.outcome.asked_so_far(call.node, so_far, name, call_id, at)
        return running

    def streaming(self) -> list[tuple[Step, AttemptState]]:
        """Return the steps whose streams are still running."""
        return [
            (call.step, call.attempt)
            for call in self.open.values()
            if call.step is not None and call.attempts and call.attempt.stream is not None
        ]


def _ending(entry: AttemptEnded | CallEnded) -> Ending | None:
    """Return the ending that an entry tells; a later writer may have a word that is not known here."""
    return cast("Ending", str(entry["ending"])) if entry["ending"] else None


def _unseen(entry: AttemptSent, at: int) -> CallStarted:
    """Return what began a call of which only the attempt is in the journal."""
    return {
        "at": at,
        "mono": 0,
        "type": "call.started",
        "call": entry["call"],
        "method": entry["method"],
        "path": "",
    }
