"""A conversation as a log tells it, item by item, made into the journal entries of the calls that there must have been.

A log has no requests. What is given to the model (prompts, outputs of tools) is gathered until the model says
something: then a call was made with it. The call ends where something is given again and the model answers that. Its
response gets an id that is made, so that the next call can name what it continues.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from hashlib import sha256
from typing import Any, Final

from attrs import define, field, frozen

from tfclient.redaction import Redactor
from tfstore.document.json_text import canonical, compact, parse
from tfstore.journal.entries import Entry

Json = dict[str, Any]

_SAME: Final = 256
"""Characters that two requests must begin with alike for the second to refer to the first."""


@define
class Teller:
    """What all conversations of a log have in common: who wrote it, how calls are numbered, what is redacted."""

    agent: str
    thread: str
    redactor: Redactor
    calls: int = 0
    last_at: int = 0
    _last: tuple[str, str] = ("", "")

    def entry(self, kind: str, at: int, **fields: Any) -> Entry:
        """Return an entry; the clock of a log that goes back stands still here."""
        self.last_at = at = max(at, self.last_at)
        return {"type": kind, "at": at, "mono": 0, **fields}

    def sent(self, call: str, at: int, path: str, body: Json) -> Iterator[Entry]:
        """Yield the beginning of a call, and its request."""
        text, marks = self.redactor.body(compact(body), "application/json", "request.body")
        told = _after(self._last, text or "")
        self._last = (f"{call}.1", text or "")
        more = {"method": "POST", "url": f"log://{self.agent}{path}", "headers": {}}
        yield self.entry("call.started", at, call=call, method="POST", path=path, imported=self.agent)
        yield self.entry(
            "attempt.sent", at, call=call, exchange_id=f"{call}.1", n=1, **more, body=told, redactions=marks
        )

    def answered(self, call: str, at: int, body: Json) -> Entry:
        """Return what came back."""
        text, marks = self.redactor.body(compact(body), "application/json", "response.body")
        told = {"status": 200, "headers": {}, "body": {"text": text}, "complete": True, "redactions": marks}
        return self.entry("attempt.answered", at, exchange_id=f"{call}.1", **told)

    def ended(self, call: str, at: int, error: Json) -> Entry:
        """Return that a call was stopped."""
        kept, marks = self.redactor.value(error, "error")
        return self.entry("call.ended", at, call=call, ending="cancelled", error=kept, redactions=marks)


def _after(before: tuple[str, str], text: str) -> Json:
    """Return a body that refers to the one before as far as it begins alike: instructions come with each request."""
    exchange_id, earlier = before
    low, high = 0, min(len(earlier), len(text))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if earlier[low:middle] == text[low:middle] else (low, middle - 1)
    return {"text": text[low:], "same": [exchange_id, low]} if low >= _SAME else {"text": text}


@define
class _Call:
    """A call that the model has answered, as far as it has: more of its answer may come."""

    name: str
    response_id: str
    key: str | None = None
    path: str = "/responses"
    at: int = 0
    said: list[Json] = field(factory=list[Json])
    model: str | None = None
    usage: Json | None = None
    incomplete: str | None = None
    error: Json | None = None
    cancelled: Json | None = None


@define
class Ran:
    """A tool's run as the log tells it; ``evidence`` shows that it failed. Without a beginning it was not measured."""

    call_id: str
    ended: int
    began: int | None = None
    evidence: str | None = None


@frozen
class Known:
    """An item that another session holds; ``response_id`` is the response that it is of, if the model said it."""

    digest: bytes
    response_id: str | None = None


def digest_of(item: Json, redactor: Redactor | None = None) -> bytes:
    """Return what tells items apart, as they stand in a journal; without a redactor it is one that does."""
    data = compact(item)
    if redactor is not None:
        data = (redactor.body(data, "application/json", "")[0] or "").encode()
        item = parse(data)
    return sha256(
        canonical({k: v for k, v in item.items() if k != "id"}).encode("utf-8", "surrogatepass")
    ).digest()


@define(eq=False)
class Chain:
    """One conversation; a log has several where it forks, or where agents work for others."""

    teller: Teller
    parent: str | None = None
    """The response that the next call continues."""
    settings: Json = field(factory=dict[str, Any])
    """Fields of the requests that follow: model, instructions, and whatever the log says of them."""
    agent: str | None = None
    given: list[Json] = field(factory=list[Json])
    given_at: int = 0
    _instructions: list[str] = field(factory=list[str])
    typed: bool = False
    """Whether what is given holds something that a person typed."""
    known: deque[Known] = field(factory=deque[Known])
    """What another session holds already of what this one begins with, where it is a fork."""
    repeated: int = 0
    opened: int = 0
    """Calls that were made in it."""
    _call: _Call | None = None
    _ran: list[Ran] = field(factory=list[Ran])
    _asked_there: list[tuple[Json, int, bool]] = field(factory=list)
    """What was given there, and is not known to be answered there."""

    @property
    def responding(self) -> str | None:
        """The response that is being said, or was said last."""
        return self._call.response_id if self._call is not None else self.parent

    @property
    def asks(self) -> bool:
        """Whether that asks for tools."""
        return self._call is not None and any("call_id" in item for item in self._call.said)

    def forked(self, response_id: str | None) -> Chain:
        """Return a conversation that goes another way from a response of this one."""
        other = Chain(self.teller, response_id, dict(self.settings), self.agent)
        other._instructions = list(self._instructions)
        return other

    def give(self, item: Json, at: int, *, typed: bool = False) -> None:
        """Take something that the model is given: a prompt, the output of a tool, instructions."""
        if self._is_repeated(item):
            self._asked_there.append((item, at, typed))
            return
        self.given.append(item)
        self.given_at = max(self.given_at, at)
        self.typed = self.typed or typed

    def _is_repeated(self, item: Json) -> bool:
        """Return whether the fork goes on to say what the session says that it was forked from."""
        if not self.known:
            return False
        known = self.known[0]
        if known.digest != digest_of(item, self.teller.redactor):
            # Here it goes its own way, with what was not answered there.
            self.known.clear()
            asked, self._asked_there = self._asked_there, []
            for each in asked:
                self.give(each[0], each[1], typed=each[2])
            return False
        self.known.popleft()
        self.repeated += 1
        if known.response_id is not None:
            self.parent = known.response_id
            self._asked_there.clear()
        return True

    def instruct(self, text: str) -> None:
        """Take instructions: they stand in this and every later request, until the context is made smaller."""
        if text and text not in self._instructions:
            self._instructions.append(text)

    def say(self, item: Json, at: int, *, key: str | None = None) -> Iterator[Entry]:
        """Take an item that the model said; ``key`` is the same for all items of one answer, where the log tells."""
        if self._is_repeated(item):
            return
        call = self._call
        if call is None or (call.key != key if key is not None else bool(self.given)):
            yield from self.settle()
            call = yield from self._open(at)
            call.key = key
        call.said.append(item)
        call.at = max(call.at, at)

    def use(self, usage: Json) -> None:
        """Take what the last call used; of several reports the last one holds."""
        if self._call is not None:
            self._call.usage = usage

    def is_incomplete(self, reason: str) -> None:
        """Note that the last answer was cut short."""
        if self._call is not None:
            self._call.incomplete = reason

    def ran(self, run: Ran) -> None:
        """Take a run of a tool that was measured."""
        if not self.known:
            self._ran.append(run)

    def interrupted(self, at: int, reason: str) -> Iterator[Entry]:
        """Somebody stopped the turn: what was given is a call that got no answer, else the last call ends so."""
        if self.known:
            return
        if self.given:
            yield from self.settle()
            yield from self._open(at)
        if self._call is not None:
            self._call.cancelled = {"type": "Cancelled", "message": reason}
            self._call.at = max(self._call.at, at)
            yield from self.settle()

    def failed(self, at: int, code: str, message: str) -> Iterator[Entry]:
        """The call failed."""
        if self.known:
            return
        if self.given or self._call is None:
            yield from self.settle()
            yield from self._open(at)
        if self._call is not None:
            self._call.error = {"code": code, "message": message}
            self._call.at = max(self._call.at, at)
            yield from self.settle()

    def compacted(self, item: Json, at: int) -> Iterator[Entry]:
        """The context was made smaller: what follows continues from this item, and from nothing before it."""
        if self._is_repeated(item):
            # The request that followed there began with it.
            self._is_repeated(item)
            return
        yield from self.settle()
        waiting, self.given = self.given, []
        call = yield from self._open(at, "/responses/compact")
        call.said.append(item)
        yield from self.settle()
        self.parent, self.given, self._instructions = None, [item, *waiting], []

    def settle(self) -> Iterator[Entry]:
        """Yield what became of the last call: nothing more is said in it."""
        call, self._call = self._call, None
        if call is not None:
            # A tool may run before the last of the answer is there.
            at = min([call.at, *(run.began for run in self._ran if run.began is not None)])
            yield self.teller.answered(call.name, at, self._response(call))
            self.parent = call.response_id
            if call.cancelled is not None:
                yield self.teller.ended(call.name, call.at, call.cancelled)
        yield from self._measured()

    def end(self) -> Iterator[Entry]:
        """The log ends, for now: what was given is not lost, though nobody answered it."""
        self.known.clear()
        for item, at, typed in self._asked_there:
            self.give(item, at, typed=typed)
        self._asked_there.clear()
        yield from self.settle()
        if any(item.get("type") != "compaction" for item in self.given):
            at = self.given_at
            call = yield from self._open(at)
            self._call = None
            told = {"exchange_id": f"{call.name}.1", "ending": "cancelled", "bytes": 0, "chunks": 0}
            yield self.teller.entry("attempt.ended", at, **told)

    def _measured(self) -> Iterator[Entry]:
        """Yield what was measured of tools, in the order in which it happened."""
        runs, self._ran = self._ran, []
        moments = [(run.began, 0, run) for run in runs if run.began is not None]
        moments += [(run.ended, 1, run) for run in runs if run.began is not None or run.evidence is not None]
        for at, ended, run in sorted(moments, key=lambda each: each[:2]):
            fields: Json = {
                "tool": f"{self.teller.agent}-{run.call_id}",
                "call_id": run.call_id,
                "name": None,
            }
            if ended and run.evidence is not None:
                fields["evidence"] = run.evidence
            yield self.teller.entry("tool.ended" if ended else "tool.started", at, **fields)

    def _open(self, at: int, path: str = "/responses") -> Generator[Entry, None, _Call]:
        teller = self.teller
        teller.calls += 1
        self.opened += 1
        response_id = f"{teller.agent}_{teller.thread}_{teller.calls}"
        call = _Call(f"{teller.agent}-{teller.calls}", response_id, path=path, at=at)
        body: Json = dict(self.settings)
        told = [body.pop("instructions", ""), *self._instructions]
        if any(told):
            # First, since each request begins with them.
            body = {"instructions": "\n\n".join(each for each in told if each), **body}
        if self.parent is not None:
            body["previous_response_id"] = self.parent
        if path == "/responses":
            body["input"] = self.given
        call.model = body.get("model")
        sent = teller.sent(call.name, self.given_at or at, path, body)
        for entry in sent:
            yield {**entry, "agent": self.agent} if self.agent and entry["type"] == "call.started" else entry
        self.given, self.given_at, self.typed = [], 0, False
        self._call = call
        return call

    @staticmethod
    def _response(call: _Call) -> Json:
        is_compaction = call.path != "/responses"
        body: Json = {
            "id": call.response_id,
            "object": "response.compaction" if is_compaction else "response",
            "status": "failed" if call.error else "incomplete" if call.incomplete else "completed",
            "output": call.said,
        }
        body |= {"model": call.model} if call.model else {}
        body |= {"usage": call.usage} if call.usage else {}
        body |= {"error": call.error} if call.error else {}
        return body | ({"incomplete_details": {"reason": call.incomplete}} if call.incomplete else {})
