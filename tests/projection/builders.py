"""Journal entries of made-up calls, told as a story, and the documents that come of them.

    story = Story()
    first = story.ask([user("Weather in Oslo?")], [call("call_1", "weather", {"city": "Oslo"})])
    story.ask([output("call_1", "7 °C")], [said("Seven degrees.")], previous_response_id=first)
    session = story.session()

Items are written as the Responses API has them; for Chat (``Story(api="chat")``) they become messages.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tests.projection.events import chat_chunks, response_events, sse
from tests.projection.wire import as_completion, as_messages, response_usage
from tfclient.projection.projector import Projector
from tfstore.document.documents import Run, Session, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

START = 1_788_379_895_000_000
PATHS = {"responses": "/v1/responses", "chat": "/v1/chat/completions"}


def user(text: Any, **more: Any) -> Json:
    return {"role": "user", "content": text, **more}


def system(text: str, role: str = "system") -> Json:
    return {"role": role, "content": text}


def said(text: str, **more: Any) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part], **more}


def call(call_id: str, name: str, arguments: Any = None, **more: Any) -> Json:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": text, **more}


def output(call_id: str, value: Any, **more: Any) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": value, **more}


@define
class Story:
    """Calls as a program makes them; each method adds the entries that a recorder would write."""

    api: str = "responses"
    writer: str = "w1"
    stream: bool = False
    entries: list[Json] = field(factory=list)
    now: int = START
    calls: int = 0

    def tell(self, **entry: Any) -> None:
        """Add one entry, a millisecond after the one before."""
        self.now += 1000
        self.entries.append({"at": self.now, **entry})

    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds * 1000

    def begin(self, **entry: Any) -> None:
        self.tell(type="session.started", journal_version=1, channel="text", **entry)

    def end(self, reason: str = "closed") -> None:
        self.tell(type="session.ended", end_reason=reason)

    def send(
        self, body: Any = None, *, path: str | None = None, method: str = "POST", **started: Any
    ) -> Sent:
        """A call whose request has left; what comes of it is told on the result."""
        self.calls += 1
        name = f"{self.writer}-{self.calls}"
        path = path or PATHS[self.api]
        self.tell(type="call.started", call=name, method=method, path=path.removeprefix("/v1"), **started)
        sent = Sent(self, name, path, method, body)
        sent.attempt()
        return sent

    def body(self, items: Sequence[Any] | str | None, **fields: Any) -> Json:
        given = {"model": "gpt-5", **fields}
        if items is None:
            return given
        if self.api == "chat":
            return {**given, "messages": as_messages(items)}
        return {**given, "input": items if isinstance(items, str) else list(items)}

    def ask(
        self,
        items: Sequence[Any] | str | None,
        answer: Sequence[Json] = (),
        *,
        started: Json | None = None,
        response: Json | None = None,
        **fields: Any,
    ) -> str:
        """A whole call, answered; returns the response's id."""
        sent = self.send(self.body(items, **fields), **(started or {}))
        return sent.answer_items(answer, **(response or {}))

    def session(self) -> Session:
        """The document of all that was told."""
        return project(self.entries)


@define
class Sent:
    """A call that has been sent: answer it, cut it, try it again."""

    story: Story
    name: str
    path: str
    method: str
    request: Any
    attempts: int = 0

    @property
    def exchange(self) -> str:
        return f"{self.name}.{self.attempts}"

    @property
    def response_id(self) -> str:
        prefix = "resp" if self.story.api == "responses" else "chatcmpl"
        return f"{prefix}_{self.name}"

    def attempt(self) -> Sent:
        """Send the request (again)."""
        self.attempts += 1
        body = None if self.request is None else {"text": json.dumps(self.request)}
        self.story.tell(
            type="attempt.sent", call=self.name, exchange_id=self.exchange, n=self.attempts, method=self.method,
            url=f"https://api.openai.com{self.path}", headers={"content-type": "application/json"}, body=body,
            redactions=[],
        )  # fmt: skip
        return self

    def answer(self, body: Any, status: int = 200, **headers: str) -> Sent:
        """A whole response: JSON, or text as it is."""
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        told = {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.story.tell(
            type="attempt.answered", exchange_id=self.exchange, status=status, headers=told, body={"text": text},
            complete=True, redactions=[],
        )  # fmt: skip
        return self

    def response(self, answer: Sequence[Json], **fields: Any) -> Json:
        """The response body for these output items."""
        if self.story.api == "chat":
            return as_completion(self.response_id, answer, **fields)
        output = [{"id": f"item_{self.name}_{n}", **item} for n, item in enumerate(answer)]
        made = {"id": self.response_id, "object": "response", "status": "completed", "model": "gpt-5-2025"}
        return {**made, "output": output, "usage": response_usage(), **fields}

    def answer_items(self, answer: Sequence[Json], **fields: Any) -> str:
        made = self.response(answer, **fields)
        if self.story.stream:
            self.stream(self.events(made))
        else:
            self.answer(made)
        return str(made["id"])

    def events(self, response: Json) -> list[Json]:
        return chat_chunks(response) if self.story.api == "chat" else response_events(response)

    def stream(self, events: Sequence[Json], ending: str | None = "completed", **error: Any) -> Sent:
        """A streamed response, one chunk an event; ``ending=None`` leaves it running."""
        self.head()
        for event in events:
            self.chunk(sse(event))
        if self.story.api == "chat" and ending == "completed":
            self.chunk("data: [DONE]\n\n")
        if ending is not None:
            self.over(ending, **error)
        return self

    def head(self) -> None:
        headers = {"content-type": "text/event-stream", "x-request-id": f"req_{self.name}"}
        self.story.tell(
            type="attempt.answered", exchange_id=self.exchange, status=200, headers=headers, complete=False
        )

    def chunk(self, text: str) -> None:
        self.story.tell(type="stream.chunk", exchange_id=self.exchange, data=text)

    def over(self, ending: str, **error: Any) -> Sent:
        """The attempt ended: a body that was streamed, or a transport failure."""
        told = {"error": error} if error else {}
        self.story.tell(type="attempt.ended", exchange_id=self.exchange, ending=ending, bytes=0, **told)
        return self

    def raised(self, kind: str, message: str = "it failed", ending: str = "no_response") -> Sent:
        """The call ended in an exception."""
        error = {"type": kind, "message": message}
        self.story.tell(type="call.ended", call=self.name, ending=ending, error=error)
        return self

    def fails(self, status: int = 500, code: str = "server_error", message: str = "It failed.") -> Sent:
        """An error answer, and the exception that the SDK makes of it."""
        self.answer({"error": {"message": message, "type": code, "code": code}}, status)
        return self.raised("APIStatusError", message, "http_error")


def project(entries: Sequence[Json]) -> Session:
    """The document of these entries, fed at once."""
    projector = Projector("sess_20260101T000000Z_00000000")
    for entry in entries:
        projector.feed(entry)
    return projector.session()


def merged(*stories: Story) -> list[Json]:
    """The entries of several writers in the order in which a journal is read."""
    told = [
        (entry["at"], story.writer, n, entry) for story in stories for n, entry in enumerate(story.entries)
    ]
    return [entry for *_, entry in sorted(told, key=lambda row: row[:3])]


def labels(run: Run) -> list[str]:
    return [step.label for step in run.steps]


def steps(session: Session, label: str | None = None) -> list[Step]:
    """All steps of a session, or those with this label, in order of arrival."""
    found = [step for run in session.runs for step in run.steps if label in (None, step.label)]
    return sorted(found, key=lambda step: step.seq)


def the(session: Session, label: str) -> Step:
    """The only step with this label."""
    (step,) = steps(session, label)
    return step
