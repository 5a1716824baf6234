"""Drift: model responses that are in a session's journal and not in its document. There must be none.

Counted on their own, not by the projection: the id of each response to a model call is looked for in the bytes
of its body, and in the document's steps.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfclient.projection.wire.endpoints import endpoint_of
from tfstore.errors import StoreError
from tfstore.journal.reading import JournalReport, iter_entries, live_writers
from tfstore.journal.segment_reader import segment_files
from tfstore.keeping.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session
    from tfstore.journal.reading import Entry
    from tfstore.store import Store

_HEAD: Final = 64 * 1024
_DATA: Final = re.compile(rb"^data: ?(\{.*\})\s*$", re.MULTILINE)


@define
class _Seen:
    """What is known of one exchange so far."""

    zipped: bool = False
    head: bytes = b""


@define
class Responses:
    """The ids of the responses that a journal shows, in the order of their arrival.

    Example:
        >>> seen = Responses()
        >>> seen.feed({"type": "attempt.sent", "exchange_id": "c.1", "method": "POST", "url": "/v1/responses"})
        >>> seen.feed({"type": "attempt.answered", "exchange_id": "c.1", "body": {"text": '{"id": "resp_1"}'}})
        >>> seen.ids
        ['resp_1']
    """

    found: dict[str, None] = field(factory=dict[str, None])
    _open: dict[str, _Seen] = field(factory=dict[str, _Seen])

    @property
    def ids(self) -> list[str]:
        """The ids, each once."""
        return list(self.found)

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
        elif kind == "attempt.answered":
            headers: Any = entry.get("headers")
            encoding = headers.get("content-encoding") if isinstance(headers, dict) else None
            self._open[exchange].zipped = encoding in {"gzip", "x-gzip", "deflate"}
            if entry.get("body") is not None:
                self._whole(exchange, body_bytes(entry["body"]))
        elif kind == "stream.chunk":
            self._chunk(exchange, entry.get("data"))
        elif kind == "attempt.ended":
            seen = self._open.pop(exchange)
            self._whole(exchange, seen.head)

    def _whole(self, exchange: str, body: bytes) -> None:
        self._open.pop(exchange, None)
        answer = parse_json(body)
        if isinstance(answer, dict):
            self._note(answer)

    def _chunk(self, exchange: str, data: Any) -> None:
        seen = self._open[exchange]
        seen.head += body_bytes(data)
        plain = _unzipped(seen.head) if seen.zipped and not isinstance(data, str) else seen.head
        for line in _DATA.finditer(plain):
            event = parse_json(line[1])
            if isinstance(event, dict) and self._note(event.get("response", event)):
                self._open.pop(exchange, None)
                return
        if len(seen.head) > _HEAD and b"data:" in plain:
            self._open.pop(exchange, None)

    def _note(self, answer: Any) -> bool:
        response_id = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(response_id, str) or ("error" in answer and len(answer) == 1):
            return False
        self.found.setdefault(response_id)
        return True


def _unzipped(data: bytes) -> bytes:
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(47).decompress(data, _HEAD)
    return b""


@frozen
class Drift:
    """Responses that were seen and are not in the document, and how many entries the document does not tell."""

    missing: list[str]
    untold: int


def drift_of(store: Store, session: Session) -> Drift:
    """Compare a session's document with its journal.

    Raises:
        InvalidSessionId: its id cannot be a file name.
    """
    seen = Responses()
    report = JournalReport()
    for entry in iter_entries(store.paths, session.session_id, report):
        seen.feed(entry)
    told = {step.response_id for run in session.runs for step in run.steps if step.response_id}
    return Drift([each for each in seen.ids if each not in told], report.entries - session.integrity.entries)


def examine_documents(store: Store) -> Iterator[Finding]:
    """Yield where a closed session's document does not tell what its journal says, or that is not archived."""
    for session_id in store.recorded():
        if live_writers(store.paths, session_id):
            continue
        try:
            session = store.get(session_id)
        except StoreError:
            continue
        if session.status != "closed":
            continue
        if segment_files(store.paths, session_id):
            folder = store.paths.journal_of(session_id)
            detail = f"Session {session_id} is closed and its journal is not archived yet"
            yield Finding("unpacked_journal", detail, session_id, folder)
        path = store.paths.document(session_id)
        drift = drift_of(store, session)
        if drift.missing:
            shown = ", ".join(drift.missing[:3]) + (" …" if len(drift.missing) > 3 else "")
            detail = f"{len(drift.missing)} responses of {session_id} are in its journal and not in {path}: {shown}"
            yield Finding("drift", detail, session_id, path)
        elif drift.untold > 0:
            detail = f"{path} lacks the last {drift.untold} entries of its journal"
            yield Finding("stale_document", detail, session_id, path)
