"""A session's entries with more replaced in them than when they were recorded.

All of an exchange is there by now, so that a stream is looked at as a whole: the deltas of one text are joined first,
and what is found in them is replaced in the first and taken out of the others. Pieces of a stream stay as many as they
were, and keep their times.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfclient.projection.wire.bodies import body_bytes
from tfclient.projection.wire.sse import begins_events
from tfclient.redaction import Redactor
from tfclient.redaction.asked import WithoutAsked
from tfclient.redaction.deltas import JoinedDeltas, Line
from tfclient.redaction.stream import StreamRedactor, event_of, lines_of, rewritten
from tfclient.redaction.walk import dump
from tfstore.journal.request_texts import RequestTexts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfclient.redaction.asked import Asked
    from tfclient.redaction.marks import Mark
    from tfclient.redaction.policies import Policy
    from tfstore.journal.entries import Entry

_OWN_VALUES: Final = {
    "session.started": ("title", "metadata"),
    "session.ended": ("failure",),
    "redaction.changed": (),
    "call.started": ("agent",),
    "call.ended": ("error",),
    "attempt.ended": ("error",),
    "tool.started": ("arguments",),
    "tool.ended": ("result", "error"),
    "annotation": ("data",),
    "socket.opened": ("error",),
    "socket.unsent": ("error",),
    "socket.closed": ("reason", "error"),
}
"""What of an entry is the program's own, by its type; bodies, headers and URLs are looked at besides."""

_EVERY_LINE: Final = frozenset({"seq", "session_id", "at", "mono", "type", "prev", "redactions", "writer"})
_KNOWN: Final = frozenset(
    {
        *_OWN_VALUES,
        "attempt.sent",
        "attempt.answered",
        "stream.chunk",
        "socket.frame",
        "socket.audio",
        "socket.sound",
    }
)


@define
class Redacting:
    """Replaces what a policy does not keep in the entries of a session.

    ``counts`` says how often each rule replaced something, ``not_looked_at`` how many bodies were no text, so that no
    rule could look into them.
    """

    policy: Policy
    counts: Counter[str] = field(factory=Counter[str])
    not_looked_at: int = 0
    _redactor: Redactor = field(init=False)
    _whole: RequestTexts = field(factory=RequestTexts)
    _sent: dict[str, str] = field(factory=dict[str, str])
    _types: dict[str, str | None] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._redactor = Redactor(self.policy)

    def entries(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries anew, in their order; those given are not touched."""
        made = [self._entry(each) for each in entries]
        streams: dict[str, list[int]] = {}
        for place, each in enumerate(made):
            if each["type"] == "stream.chunk":
                streams.setdefault(str(each.get("exchange_id")), []).append(place)
        for exchange_id, places in streams.items():
            self._stream(exchange_id, [made[place] for place in places])
        frames: dict[tuple[str, str], list[Entry]] = {}
        for each in made:
            if _is_event(each):
                frames.setdefault((str(each.get("socket")), str(each.get("n"))), []).append(each)
        for together in frames.values():
            self._frames(together)
        return made

    def _entry(self, entry: Entry) -> Entry:
        made = dict(entry)
        marks: list[Mark] = []
        kind = entry["type"]
        if kind not in _KNOWN:
            # Of a later version: which of its words are the program's own, nobody knows here.
            own: tuple[str, ...] = tuple(entry.keys() - _EVERY_LINE)
        else:
            own = _OWN_VALUES.get(kind, ())
        for name in own:
            if made.get(name) is not None:
                made[name] = self.policy.own(made[name], f"{kind.partition('.')[0]}.{name}", marks)
        if kind == "call.started" and isinstance(made.get("path"), str):
            made["path"] = self._url(made["path"], "call.path", marks)
        if kind == "attempt.sent":
            self._attempt_sent(made, marks)
        if kind == "attempt.answered":
            self._attempt_answered(made, marks)
        if kind == "socket.opened":
            self._opened(made, marks)
        if kind == "socket.sound":
            self._sound(made, marks)
        if kind == "socket.frame" and not _is_event(made):
            data, where = made.get("data"), f"socket.{made.get('dir')}"
            made["data"] = (
                self._text(data, "application/json", where, marks)
                if isinstance(data, str)
                else self._body(data, None, where, marks)
            )
        self._marked(made, marks)
        return made

    def _sound(self, entry: Entry, marks: list[Mark]) -> None:
        """No rule looks into what was spoken; where no word may stay, neither may it."""
        sound = entry.get("sound")
        if not isinstance(sound, dict) or "blob" not in sound:
            return
        if self.policy.mode == "content":
            entry["sound"] = {"bytes": sound.get("bytes")}
            marks.append({"path": "socket.sound", "rule": "content", "action": "dropped"})
        else:
            self.not_looked_at += 1

    def _opened(self, entry: Entry, marks: list[Mark]) -> None:
        if isinstance(entry.get("url"), str):
            entry["url"] = self._url(entry["url"], "socket.url", marks)
        for name in ("headers", "response_headers"):
            if name in entry:
                entry[name] = self._headers(entry[name], f"socket.{name}", marks)

    def _frames(self, frames: list[Entry]) -> None:
        """Replace in what came over one connection, as in the events of one stream."""
        marks: list[Mark] = []
        kept = self._events("".join(f"data: {each['data']}\n\n" for each in frames), "socket.in", marks)
        if not marks:
            return
        for each, line in zip(frames, kept[::2], strict=True):
            each["data"] = line.removeprefix("data: ").rstrip("\n")
        self._marked(frames[-1], marks)

    def _marked(self, entry: Entry, marks: Sequence[Mark]) -> None:
        if marks:
            self.counts.update(each["rule"] for each in marks if not each.get("again"))
            entry["redactions"] = [*(entry.get("redactions") or ()), *marks]

    def _attempt_sent(self, entry: Entry, marks: list[Mark]) -> None:
        where = "request.body"
        entry["url"] = self._url(str(entry.get("url")), "request.url", marks)
        entry["headers"] = self._headers(entry.get("headers"), "request.headers", marks)
        exchange_id, body = str(entry.get("exchange_id")), entry.get("body")
        text = self._whole.whole(exchange_id, body)
        if text is None:
            entry["body"] = self._body(body, _type_of(entry), where, marks)
            return
        kept = self._text(text, _type_of(entry), where, marks)
        self._sent[exchange_id] = kept
        made = {**body, "text": kept} if isinstance(body, dict) else {"text": kept}
        same = made.pop("same", None)
        earlier = str(same[0]) if isinstance(same, list) else ""
        before = self._sent.get(earlier)
        if before is not None:
            n = _in_common(before, kept)
            made |= {"same": [earlier, n], "text": kept[n:]}
        entry["body"] = made

    def _attempt_answered(self, entry: Entry, marks: list[Mark]) -> None:
        entry["headers"] = self._headers(entry.get("headers"), "response.headers", marks)
        if entry.get("history"):
            entry["history"] = [
                {**each, "url": self._url(str(each.get("url")), "response.history.url", marks)}
                for each in entry["history"]
            ]
        self._types[str(entry.get("exchange_id"))] = _type_of(entry)
        entry["body"] = self._body(entry.get("body"), _type_of(entry), "response.body", marks)

    def _url(self, url: str, where: str, marks: list[Mark]) -> str:
        # Its path is that of the API, and no file's.
        if isinstance(self.policy, WithoutAsked):
            asked: list[Asked] = [each for each in self.policy.asked if each != "paths"]
            return WithoutAsked(asked).text(url, where, marks)
        return url

    def _headers(self, headers: Any, where: str, marks: list[Mark]) -> Any:
        if not isinstance(headers, dict):
            return headers
        return {
            name: self.policy.header(str(name), str(value), f"{where}.{name}", marks)
            for name, value in headers.items()
        }

    def _body(self, body: Any, content_type: str | None, where: str, marks: list[Mark]) -> Any:
        if not isinstance(body, dict):
            return body
        made = dict(body)
        if isinstance(body.get("parts"), list):
            made["parts"] = [self._part(each, where, marks) for each in body["parts"]]
        if isinstance(body.get("text"), str):
            made["text"] = self._text(body["text"], content_type, where, marks)
        elif isinstance(body.get("base64"), str):
            made = self._binary(made, where, marks)
        return made

    def _part(self, part: Any, where: str, marks: list[Mark]) -> Any:
        if not isinstance(part, dict):
            return part
        at = f"{where}.{part.get('name')}"
        made = {
            name: self.policy.own(value, f"{at}.{name}" if name == "filename" else at, marks)
            if name in {"value", "filename"} and value is not None
            else value
            for name, value in part.items()
        }
        if "data" in made:
            made["data"] = self._body(made["data"], part.get("content_type"), at, marks)
        return made

    def _binary(self, body: dict[str, Any], where: str, marks: list[Mark]) -> dict[str, Any]:
        """Give what is kept of bytes that are no text: a rule that looks for words finds none there."""
        if isinstance(self.policy, WithoutAsked):
            self.not_looked_at += 1
            return body
        kept, found = self._redactor.binary(body_bytes(body), where)
        marks += found
        if isinstance(kept, str):
            return {name: value for name, value in body.items() if name != "base64"} | {"text": kept}
        return {**body, **kept}

    def _text(self, text: str, content_type: str | None, where: str, marks: list[Mark]) -> str:
        """Give what is kept of a whole body that is text."""
        if begins_events(text.encode("utf-8", "surrogatepass")[:4096]):
            return "".join(self._events(text, where, marks))
        kept, found = self._redactor.body(text.encode("utf-8", "replace"), content_type, where)
        marks += found
        return text if kept is None or not found else kept

    def _events(self, text: str, where: str, marks: list[Mark]) -> list[str]:
        """Give what is kept of the lines of an event stream, as many as there are."""
        lines = [Line(each, n) for n, each in enumerate(lines_of(text))]
        if isinstance(self.policy, WithoutAsked):
            joined = JoinedDeltas(where, self.policy.find)
            for line in lines:
                line.event = event_of(line.text)
                joined.hold(line)
            joined.release(marks)
        kept: list[str] = []
        stream = StreamRedactor(self.policy, "text/event-stream", where)
        for line in lines:
            whole = rewritten(line.text, dump(line.event)) if line.edited else line.text
            pieces = (stream.feed(whole.encode("utf-8", "replace")), stream.flush())
            for _, found in pieces:
                marks += found
            kept.append("".join(piece for piece, _ in pieces if isinstance(piece, str)))
        return kept

    def _stream(self, exchange_id: str, chunks: list[Entry]) -> None:
        """Replace in the pieces of one body; each line stands in the piece in which it ended."""
        texts = [_text_of(each.get("data")) for each in chunks]
        marks: list[Mark] = []
        if any(each is None for each in texts):
            self._in_bytes(chunks, marks)
            self._marked(chunks[-1], marks)
            return
        whole = "".join(each or "" for each in texts)
        if begins_events(whole.encode("utf-8", "replace")[:4096]):
            kept = self._events(whole, "response.body", marks)
            lengths = [len(each) for each in lines_of(whole)]
        else:
            kept = [self._text(whole, self._types.get(exchange_id), "response.body", marks)]
            lengths = [len(whole)]
        if not marks:
            return
        self._put(chunks, [len(each or "") for each in texts], kept, lengths)
        self._marked(chunks[-1], marks)

    def _in_bytes(self, chunks: list[Entry], marks: list[Mark]) -> None:
        if isinstance(self.policy, WithoutAsked):
            self.not_looked_at += 1
            return
        data = b"".join(body_bytes(each.get("data")) for each in chunks)
        kept, found = self._redactor.binary(data, "response.body")
        marks += found
        for each in chunks:
            each["data"] = ""
        chunks[-1]["data"] = kept

    @staticmethod
    def _put(chunks: list[Entry], were: list[int], kept: list[str], lengths: list[int]) -> None:
        place, end = 0, were[0]
        texts = [""] * len(chunks)
        at = 0
        for text, length in zip(kept, lengths, strict=True):
            at += length
            while at > end and place < len(chunks) - 1:
                place += 1
                end += were[place]
            texts[place] += text
        for each, text in zip(chunks, texts, strict=True):
            each["data"] = text


def _is_event(entry: Entry) -> bool:
    """Whether an entry is a message that came, as JSON in one line."""
    data = entry.get("data")
    is_in = entry["type"] == "socket.frame" and entry.get("dir") == "in"
    return is_in and isinstance(data, str) and data.startswith("{") and not {"\n", "\r"} & set(data)


def _in_common(one: str, other: str) -> int:
    """Say with how many characters two texts begin alike."""
    most = min(len(one), len(other))
    return bisect_left(range(1, most + 1), True, key=lambda n: one[:n] != other[:n])


def _text_of(data: Any) -> str | None:
    if isinstance(data, str):
        return data
    text = data.get("text") if isinstance(data, dict) else None
    return text if isinstance(text, str) else None


def _type_of(entry: Entry) -> str | None:
    headers = entry.get("headers")
    kind = headers.get("content-type") if isinstance(headers, dict) else None
    return kind if isinstance(kind, str) else None
