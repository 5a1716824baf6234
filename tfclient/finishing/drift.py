"""Drift: model responses that are in a session's journal and not in its document. There must be none.

Counted on their own, not by the projection: the id of each response to a model call is looked for in the bytes
of its body, and in the document's steps.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfclient.projection.wire.endpoints import endpoint_of
from tfstore.document.documents import Session

if TYPE_CHECKING:
    from tfstore.journal.reading import Entry

_HEAD: Final = 64 * 1024
_DATA: Final = re.compile(rb"^data: ?(\{.*\})\s*$", re.MULTILINE)


@define
class _Seen:
    """What is known of one exchange so far."""

    zipped: bool = False
    pieces: list[bytes] = field(factory=list[bytes])
    size: int = 0


@define
class Responses:
    """The ids of the responses that a journal shows, in the order of their arrival.

    Example:
        >>> seen = Responses()
        >>> seen.feed({"type": "attempt.sent", "exchange_id": "c.1", "method": "POST", "url": "/v1/responses"})
        >>> seen.feed({"type": "attempt.answered", "exchange_id": "c.1", "body": {"text": '{"id": "resp_1"}'}})
        >>> list(seen.found)
        ['resp_1']
    """

    found: dict[str, None] = field(factory=dict[str, None])
    _open: dict[str, _Seen] = field(factory=dict[str, _Seen])

    def missing_in(self, session: Session) -> list[str]:
        """Return those that no step of the session has."""
        shown = {step.response_id for run in session.runs for step in run.steps}
        return [each for each in self.found if each not in shown]

    def feed(self, entry: Entry) -> None:
        """Take the next entry of the journal."""
        exchange = str(entry.get("exchange_id"))
        kind = entry.get("type")
        if kind == "attempt.sent":
            url = re.sub(r"^\w+://[^/]*", "", str(entry.get("url") or ""))
            if endpoint_of(str(entry.get("method") or "POST"), url).is_model_call:
                self._open[exchange] = _Seen()
        elif exchange not in self._open:
            return
        elif kind == "attempt.answered" and isinstance(entry.get("status"), int) and entry["status"] >= 400:
            # What an error names is not a response.
            del self._open[exchange]
        elif kind == "attempt.answered":
            headers: Any = entry.get("headers")
            encoding = headers.get("content-encoding") if isinstance(headers, dict) else None
            self._open[exchange].zipped = encoding in {"gzip", "x-gzip", "deflate"}
            if entry.get("body") is not None:
                self._whole(exchange, body_bytes(entry["body"]))
        elif kind == "stream.chunk":
            self._chunk(exchange, entry.get("data"))
        elif kind == "attempt.ended":
            self._whole(exchange, b"".join(self._open[exchange].pieces))

    def _whole(self, exchange: str, body: bytes) -> None:
        self._open.pop(exchange, None)
        if not self._note(parse_json(body)):
            self._named(body[:_HEAD])

    def _chunk(self, exchange: str, data: Any) -> None:
        seen = self._open[exchange]
        seen.pieces.append(body_bytes(data))
        if seen.size <= _HEAD:
            head = b"".join(seen.pieces)
            plain = _unzipped(head) if seen.zipped and not isinstance(data, str) else head
            if self._named(plain) or (len(head) > _HEAD and b"data:" in plain):
                # It has a name, or is a stream that gives none.
                del self._open[exchange]
        seen.size += len(seen.pieces[-1])

    def _named(self, events: bytes) -> bool:
        for line in _DATA.finditer(events):
            event = parse_json(line[1])
            if isinstance(event, dict) and self._note(event.get("response", event)):
                return True
        return False

    def _note(self, answer: Any) -> bool:
        response_id = answer.get("id") if isinstance(answer, dict) else None
        # Azure's first event is about the prompt, and names no response.
        if not isinstance(response_id, str) or not response_id:
            return False
        self.found.setdefault(response_id)
        return True


def _unzipped(data: bytes) -> bytes:
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(47).decompress(data, _HEAD)
    return b""
