"""Journal entries in, session document out: no clock, no disk, no network.

A projector goes on where it stopped: feed it the entries that came since, ask for the session again. Entries of
several writers are fed in one order, by (``at``, writer, ``seq``), whoever reads the journal sees to that.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection import chat, responses
from tfclient.projection.endpoints import endpoint_of
from tfclient.projection.errors import error_from_exception
from tfclient.projection.exchange import AttemptState, Call, Entry, parse_json
from tfclient.projection.items import canonical
from tfclient.projection.lineage import LineageIndex
from tfclient.projection.model_call import ModelRequest, ModelResponse
from tfclient.projection.opening import Opening
from tfclient.projection.other import OtherCalls
from tfclient.projection.outcome import Outcome
from tfclient.projection.payloads import Blob, Lightener, marks_in
from tfclient.projection.run_state import Book, RunState
from tfclient.projection.summary import result_of, run_status, summarise, title_of
from tfclient.projection.times import iso, milliseconds
from tfclient.projection.tool_steps import ToolSteps
from tfstore.documents import ErrorInfo, Lineage, Redaction, Session, Step

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED_BODIES = 64
"""Request bodies kept to resolve references of later ones; a writer refers to its last few only."""

_ENDINGS = {
    "response.completed": "completed",
    "response.failed": "failed_event",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}

_GAVE_UP = {"cut", "left_early", "never_read", "cancelled", "no_response", "unknown"}


@define
class Projector:
    """Projects one session's entries into its document.

    ``lookup`` says in which other session a response was recorded, for links that leave this one.

    Example:
        >>> projector = Projector("sess_20260101T000000Z_00000000")
        >>> projector.feed({"type": "session.started", "at": 0, "title": "A trial"})
        >>> projector.session().title
        'A trial'
    """

    session_id: str
    lookup: Callable[[str], str | None] | None = None
    lightener: Lightener = field(factory=Lightener)
    unknown_entries: int = 0
    _book: Book = field(init=False)
    _index: LineageIndex = field(factory=LineageIndex)
    _tools: ToolSteps = field(init=False)
    _opening: Opening = field(init=False)
    _outcome: Outcome = field(init=False)
    _other: OtherCalls = field(init=False)
    _calls: dict[str, Call] = field(factory=dict[str, Call])
    _exchanges: dict[str, tuple[Call, AttemptState]] = field(factory=dict)
    _bodies: OrderedDict[str, str] = field(factory=OrderedDict[str, str])
    _started_at: int | None = None
    _last_at: int = 0
    _ended: bool = False
    _titled: bool = False
    _marked: bool = False
    _handlers: dict[str, Callable[[Entry, int], None]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Wire the parts to one book and one index."""
        self._book = Book(Session(self.session_id))
        self._tools = ToolSteps(self._book, self._index)
        self._opening = Opening(self._book, self._index, self._tools, self.lookup)
        self._outcome = Outcome(self._book, self._index, self._tools)
        self._other = OtherCalls(self._book, self._index, self._tools, self.lightener)
        self._handlers = {
            "session.started": self._session_started,
            "session.ended": self._session_ended,
            "call.started": self._call_started,
            "call.ended": self._call_ended,
            "attempt.sent": self._attempt_sent,
            "attempt.answered": self._attempt_answered,
            "attempt.ended": self._attempt_ended,
            "stream.chunk": self._stream_chunk,
            "tool.started": self._tool_started,
            "tool.ended": self._tool_ended,
            "annotation": self._annotation,
        }

    def feed(self, entry: Entry) -> None:
        """Take the next entry; one of an unknown type or without its call is counted, never an error."""
        at = entry.get("at")
        if not isinstance(at, int):
            self.unknown_entries += 1
            return
        self._started_at = at if self._started_at is None else min(self._started_at, at)
        self._last_at = max(self._last_at, at)
        marks = entry.get("redactions")
        if marks:
            self._marked = True
            self._book.session.redaction.marks += len(marks)
        handler = self._handlers.get(str(entry.get("type")))
        if handler is None:
            self.unknown_entries += 1
            return
        handler(entry, at)

    # Sessions

    def _session_started(self, entry: Entry, _at: int) -> None:
        session = self._book.session
        if entry.get("title") and not self._titled:
            session.title, self._titled = str(entry["title"]), True
        session.metadata = session.metadata or dict(entry.get("metadata") or {})
        session.runtime = session.runtime or dict(entry.get("runtime") or {})
        session.channel = str(entry.get("channel") or session.channel)
        policy = entry.get("redaction")
        if isinstance(policy, dict):
            session.redaction = Redaction(str(policy.get("mode") or "secrets"), session.redaction.marks)

    def _session_ended(self, entry: Entry, at: int) -> None:
        session = self._book.session
        self._ended = True
        session.status, session.end_reason = "closed", str(entry.get("end_reason") or "closed")
        session.ended_at = iso(at)
        for call in list(self._calls.values()):
            if not call.closed:
                self._finish(call, at, "unknown")
        self._tools.give_up()

    # Calls

    def _call_started(self, entry: Entry, _at: int) -> None:
        if self._ended:
            # One of several writers ended the session before another was done.
            self._ended = False
            session = self._book.session
            session.status, session.end_reason, session.ended_at = "active", None, None
        call_id = str(entry.get("call"))
        self._calls[call_id] = Call(call_id, entry)

    def _attempt_sent(self, entry: Entry, at: int) -> None:
        call = self._calls.get(str(entry.get("call")))
        if call is None:
            call = Call(str(entry.get("call")), {"at": at})
            self._calls[call.id] = call
        method, url = str(entry.get("method") or "POST"), str(entry.get("url") or "")
        path = url.split("://", 1)[-1].partition("/")[2]
        endpoint = endpoint_of(method, "/" + path)
        attempt = AttemptState(len(call.attempts) + 1, entry, endpoint, at)
        call.attempts.append(attempt)
        self._exchanges[str(entry.get("exchange_id"))] = (call, attempt)
        call.marked = call.marked or bool(entry.get("redactions"))
        text = self._text_of_body(entry)
        if call.step is not None:
            self._again(call)
            return
        call.endpoint = endpoint
        if endpoint.is_model_call:
            request = self._read_request(call, entry, text)
            if request.model is None and endpoint.deployment is not None:
                request.model = endpoint.deployment
            call.request = request
            self._opening.open(call, request, at)
        elif not self._open_known(call, at):
            self._other.open(call, at)

    def _open_known(self, call: Call, _at: int) -> bool:
        """A retrieved or cancelled response that is known updates the step of the call that made it."""
        if call.endpoint.family != "responses" or call.endpoint.resource_id is None:
            return False
        node = self._index.by_response.get(call.endpoint.resource_id)
        if node is None or node.step.label != "assistant_call":
            return False
        call.node, call.run = node, node.run
        return True

    def _again(self, call: Call) -> None:
        step, run = call.step, call.run
        if step is None or run is None:
            return
        call.closed = False
        step.status, step.error, step.ending = "in_progress", None, None
        step.ended_at = step.duration_ms = None
        step.payload_completed = {}
        self._attempts_to(step, call)

    def _attempts_to(self, step: Step, call: Call) -> None:
        step.attempts = call.rows()
        step.retries = len(step.attempts) - 1 or None
        self._book.touch(step)

    def _text_of_body(self, entry: Entry) -> str | None:
        body = entry.get("body")
        if not isinstance(body, dict) or not isinstance(body.get("text"), str):
            return None
        text = str(body["text"])
        same = body.get("same")
        if isinstance(same, list) and len(same) == 2:
            text = self._bodies.get(str(same[0]), "")[: int(same[1])] + text
            entry["body"] = {"text": text}
        self._bodies[str(entry.get("exchange_id"))] = text
        while len(self._bodies) > REMEMBERED_BODIES:
            self._bodies.popitem(last=False)
        return text

    def _read_request(self, call: Call, entry: Entry, text: str | None) -> ModelRequest:
        read = responses.read_request if call.endpoint.family == "responses" else chat.read_request
        body = parse_json(text) if text is not None else None
        if isinstance(body, dict):
            return read(body)
        request = read({})
        request.unread = entry.get("body") if isinstance(entry.get("body"), dict) else {"text": text}
        return request

    def _attempt_answered(self, entry: Entry, at: int) -> None:
        found = self._exchanges.get(str(entry.get("exchange_id")))
        if found is None:
            self.unknown_entries += 1
            return
        call, attempt = found
        call.marked = call.marked or bool(entry.get("redactions"))
        attempt.answered(entry)
        if entry.get("complete"):
            self._finish(call, at, "completed")
        elif call.step is not None:
            self._attempts_to(call.step, call)

    def _stream_chunk(self, entry: Entry, at: int) -> None:
        found = self._exchanges.get(str(entry.get("exchange_id")))
        if found is None:
            self.unknown_entries += 1
            return
        call, attempt = found
        call.marked = call.marked or bool(entry.get("redactions"))
        attempt.chunk(entry)
        if attempt.stream is not None:
            self._outcome.announce(call, attempt.stream.response_id)
            if attempt.stream.ended and not call.closed:
                self._finish(call, at, "completed")

    def _attempt_ended(self, entry: Entry, at: int) -> None:
        found = self._exchanges.get(str(entry.get("exchange_id")))
        if found is None:
            self.unknown_entries += 1
            return
        call, attempt = found
        attempt.ended_at = at
        attempt.ending = str(entry.get("ending") or "completed")
        if isinstance(entry.get("error"), dict):
            attempt.error = entry["error"]
        if call.closed and attempt.stream is not None and attempt.stream.ended:
            if call.step is not None:
                self._attempts_to(call.step, call)
            return
        self._finish(call, at, attempt.ending)

    def _call_ended(self, entry: Entry, at: int) -> None:
        call = self._calls.get(str(entry.get("call")))
        if call is None:
            self.unknown_entries += 1
            return
        error = entry.get("error")
        if not call.attempts:
            self._never_sent(call, entry, at)
            return
        step = call.step
        if isinstance(error, dict) and step is not None:
            told = error_from_exception(error)
            ending = str(entry.get("ending") or "")
            if step.status in {"completed", "in_progress"} and ending != "completed":
                cancelled = ending == "cancelled" or told.class_ == "cancelled"
                step.status = "cancelled" if cancelled else "failed"
                step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
                step.ending = ending or step.ending
            if step.error is None and step.status != "completed":
                step.error = told
            step.payload_completed["exception"] = error
            self._book.touch(step)
            self._settle(call)

    def _never_sent(self, call: Call, entry: Entry, at: int) -> None:
        """The program's own mistake or a failing callback: the call ended before anything left."""
        run = self._book.open_run(call.started_at or at, "api", Lineage(), None)
        path = str(call.started.get("path") or "")
        name = endpoint_of(str(call.started.get("method") or "POST"), path).name
        payload = {"name": f"openai.{name}", "method": call.started.get("method"), "path": path}
        step = self._book.add(run, "generic", f"api.{name}", call.started_at or at, payload_started=payload)
        error = entry.get("error")
        told = error_from_exception(error if isinstance(error, dict) else {"type": "Exception"})
        step.status = "cancelled" if told.class_ == "cancelled" else "failed"
        step.error, step.ending = told, "no_response"
        step.payload_completed = {"exception": error, "sent": False}
        step.ended_at, step.duration_ms = iso(at), milliseconds(call.started_at, at)
        run.run.input_text, run.run.status = name, step.status
        call.closed = True

    # Outcomes

    def _finish(self, call: Call, at: int, ending: str) -> None:
        """Bring the call's step to what is known now; more may still come (a retry, an exception)."""
        call.closed = True
        if not call.attempts:
            if ending == "unknown" and call.step is None:
                self._never_sent(
                    call, {"error": {"type": "Unknown", "message": "the process ended before sending"}}, at
                )
            return
        attempt = call.attempt
        if call.step is None and call.node is not None:
            self._seen_again(call, at)
            return
        if call.endpoint.is_model_call and call.step is not None:
            response, ending = self._response_of(call, attempt, ending)
            self._outcome.close(call, response, at, ending)
            if attempt.stream is not None and attempt.stream.unread:
                call.step.payload_completed["unread_events"] = attempt.stream.unread
            self._attempts_to(call.step, call)
        elif call.step is not None:
            self._other.close(call, at, "http_error" if (attempt.status or 0) >= 400 else ending)
            if ending in _GAVE_UP:
                call.step.status = (
                    "cancelled" if ending in {"left_early", "never_read", "cancelled"} else "failed"
                )
                call.step.error = call.step.error or _error_of(attempt, ending)
                call.step.ending = ending
        self._settle(call)

    def _response_of(self, call: Call, attempt: AttemptState, ending: str) -> tuple[ModelResponse, str]:
        read = responses.read_response if call.endpoint.family == "responses" else chat.read_response
        stream = attempt.stream
        if attempt.status is not None and attempt.status >= 400:
            response = read(_json_or_text(attempt), attempt.status)
            response.status, response.error = "failed", response.error or _error_of(attempt, "http_error")
            return response, ending if ending in _GAVE_UP else "http_error"
        if stream is not None:
            return self._streamed(stream, attempt, ending)
        if attempt.status is None:
            response = ModelResponse(status="cancelled" if ending == "cancelled" else "failed")
            response.error = _error_of(attempt, ending)
            return response, ending
        body = _json_or_text(attempt)
        if ending in _GAVE_UP and not isinstance(body, dict):
            left = ending in {"left_early", "never_read", "cancelled"}
            response = ModelResponse(status="cancelled" if left else "failed", body=body)
            response.error = None if left else _error_of(attempt, ending)
            return response, ending
        response = read(body, attempt.status)
        if response.status == "failed" and response.error is None:
            response.error = ErrorInfo("provider", "the response says that it failed, without an error")
        return response, "incomplete" if response.status == "incomplete" else "completed"

    def _streamed(
        self, stream: responses.ResponseStream | chat.ChatStream, attempt: AttemptState, ending: str
    ) -> tuple[ModelResponse, str]:
        response = stream.response()
        terminal = getattr(stream, "terminal", None)
        if terminal is not None:
            return response, _ENDINGS.get(terminal, "completed")
        if stream.error is not None:
            response.status = "failed"
            return response, "error_event"
        if (
            isinstance(stream, chat.ChatStream)
            and (stream.done or stream.finished)
            and ending not in {"cut", "unknown"}
        ):
            return response, "incomplete" if response.status == "incomplete" else "completed"
        if ending == "completed" and response.status != "queued":
            # The bytes ended in good order, but the stream never said that it was done.
            ending = "cut"
        left = ending in {"left_early", "never_read", "cancelled"}
        response.status = "cancelled" if left else "failed"
        if not left:
            response.error = _error_of(attempt, ending)
        if attempt.cut_event:
            response.rest["cut_event"] = attempt.cut_event
        return response, ending

    def _seen_again(self, call: Call, at: int) -> None:
        """A retrieved, polled, cancelled or resumed response: the same step, brought up to date."""
        node, attempt = call.node, call.attempt
        if node is None:
            return
        maker = next((c for c in self._calls.values() if c.step is node.step), None)
        stream = attempt.stream
        body = _json_or_text(attempt)
        whole = isinstance(body, dict) and body.get("object") == "response"
        if (attempt.status or 0) >= 400 or maker is None or not (whole or stream is not None):
            call.node = call.run = None
            self._other.open(call, int(call.attempts[0].sent["at"]))
            self._other.close(call, at, "http_error" if (attempt.status or 0) >= 400 else "completed")
            return
        response = stream.response() if stream is not None else responses.read_response(body, attempt.status)
        if response.status in {"in_progress", "queued"} and node.step.status not in {"in_progress", "queued"}:
            return
        ending = "incomplete" if response.status == "incomplete" else "completed"
        if response.status == "cancelled":
            ending = "cancelled"
        self._outcome.close(maker, response, at, ending)
        self._settle(maker)

    def _settle(self, call: Call) -> None:
        if call.run is not None:
            call.run.run.status = run_status(call.run, ended=self._ended)

    # Tools and annotations

    def _home(self, at: int) -> RunState:
        return self._book.states[-1] if self._book.states else self._book.open_run(at, "api", Lineage(), None)

    def _tool_started(self, entry: Entry, at: int) -> None:
        self._tools.hook_started(entry, at)

    def _tool_ended(self, entry: Entry, at: int) -> None:
        self._tools.hook_ended(entry, at, self._home(at))

    def _annotation(self, entry: Entry, at: int) -> None:
        kind = str(entry.get("kind") or "note")
        step, run = self._subject(entry)
        home = run or self._home(at)
        made = self._book.add(home, "generic", f"annotation.{kind}", at)
        data = entry.get("data")
        made.payload_completed = data if isinstance(data, dict) else {"value": data}
        made.depends_on = [step.step_id] if step is not None else []

    def _subject(self, entry: Entry) -> tuple[Step | None, RunState | None]:
        """Return the step that an annotation names, and its run."""
        step = self._book.steps.get(str(entry.get("step")))
        node = self._index.by_response.get(str(entry.get("response_id")))
        record = self._index.find_call(str(entry.get("call_id")), None) if entry.get("call_id") else None
        step = step or (node.step if node else None) or (record.step if record else None)
        return step, self._book.by_run.get(str(step.run_id)) if step is not None else None

    # The document

    def session(self) -> Session:
        """Return the session as it stands; the same object each time, brought up to date."""
        session = self._book.session
        for call in self._calls.values():
            if (
                not call.closed
                and call.step is not None
                and call.attempts
                and call.attempt.stream is not None
            ):
                self._in_flight(call.step, call.attempt)
        for step in self._book.changed.values():
            step.payload_started = self.lightener.lighten(step.payload_started)
            step.payload_completed = self.lightener.lighten(step.payload_completed)
            if self._marked:
                step.redactions = marks_in(step.payload_started, "payload_started")
                step.redactions += marks_in(step.payload_completed, "payload_completed")
            step.sha256 = _digest_of(step)
        self._book.changed.clear()
        for state in self._book.states:
            state.run.status = run_status(state, ended=self._ended)
        start = self._started_at or 0
        session.started_at = iso(start)
        session.duration_ms = milliseconds(start, self._last_at)
        session.result = result_of(session) if self._ended else None
        session.summary = summarise(session)
        if not self._titled:
            session.title = title_of(session)
        return session

    def _in_flight(self, step: Step, attempt: AttemptState) -> None:
        """A stream that is still running shows what has come so far."""
        if attempt.stream is None:
            return
        so_far = attempt.stream.response()
        texts = [item.text for item in so_far.outputs if item.kind == "message"]
        step.payload_completed = {"text": "\n\n".join(texts)} if any(texts) else {}
        step.attempts = [attempt.row()]
        self._book.touch(step)

    def take_blobs(self) -> list[Blob]:
        """Return the blobs put aside since the last time, for whoever stores them."""
        blobs = list(self.lightener.blobs.values())
        self.lightener.blobs.clear()
        return blobs


def _digest_of(step: Step) -> str:
    payload = canonical([step.payload_started, step.payload_completed])
    return hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()


def _json_or_text(attempt: AttemptState) -> Any:
    data = attempt.body()
    parsed = parse_json(data)
    return data.decode("utf-8", "replace") if parsed is None else parsed


def _error_of(attempt: AttemptState, ending: str) -> ErrorInfo:
    if attempt.error is not None:
        return error_from_exception(attempt.error)
    words = {
        "cut": "the stream ended before the response was complete",
        "unknown": "the process ended before the response was complete",
        "no_response": "no response came",
        "http_error": f"HTTP {attempt.status}",
    }
    return ErrorInfo("transport", words.get(ending, ending), None, attempt.status)
