"""Recorded exchanges as journal entries, so that they go the same way as those that were watched.

Cassettes hold no times. An exchange begins when the one before it ended or, where the server's ``date`` says so,
later; it lasts as long as the server said it worked (``openai-processing-ms``), else no time at all. Those that
`tfclient export vcr` wrote do: of them times, pieces and endings are as they were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tfclient.redaction import Redactor
from tfstore.journal.entries import Entry, dropped

if TYPE_CHECKING:
    from tfclient.importing.cassette import Interaction
    from tfclient.importing.encodings import Undone
    from tfclient.importing.kept import Chunk, Kept

UNDATED = 1_577_836_800_000_000
"""2020-01-01, in microseconds: when exchanges happened whose recording does not say."""


def entries_of(
    interactions: Sequence[Interaction],
    redactor: Redactor,
    *,
    title: str | None,
    metadata: Entry,
    max_payload: int | None = None,
) -> Iterator[Entry]:
    """Yield the entries that a recorder would have written for these exchanges."""
    if any(each.kept for each in interactions):
        # What went on at the same time is told so, in the order in which it happened.
        told = list(_told(interactions, redactor, title, metadata, max_payload))
        yield from sorted(told, key=_at)
    else:
        yield from _told(interactions, redactor, title, metadata, max_payload)


def _told(
    interactions: Sequence[Interaction],
    redactor: Redactor,
    title: str | None,
    metadata: Entry,
    max_payload: int | None,
) -> Iterator[Entry]:
    now = date_of(interactions[0]) if interactions else UNDATED
    if any(each.kept for each in interactions):
        # A session begins before its first exchange, here as where nobody knows by how much.
        now = min(map(date_of, interactions)) - 1000
    yield {
        "type": "session.started",
        "at": now,
        "journal_version": 1,
        "title": title,
        "metadata": metadata,
        "channel": "text",
        "redaction": {"mode": redactor.mode},
        **({"max_payload": max_payload} if max_payload is not None else {}),
    }
    left_out = [i for i in interactions if not i.is_openai]
    begun: set[str] = set()
    last = now
    call: str | None = None
    n = 0
    for place, interaction in enumerate(interactions):
        if not interaction.is_openai:
            continue
        kept = interaction.kept
        if kept is not None:
            if kept.call not in begun:
                begun.add(kept.call)
                yield _called(interaction, kept.call, kept.at)
            yield from _exchange(interaction, redactor, kept.call, kept.n, kept.at)
            now, call = kept.ended_at, None
            last = max(last, now)
            continue
        now = max(now + 1000, date_of(interaction))
        retry = interaction.request_headers.get("x-stainless-retry-count", "0")
        if call is None or not retry.isdigit() or int(retry) == 0:
            call, n = f"import-{place + 1}", 0
            yield _called(interaction, call, now)
        n += 1
        yield from _exchange(interaction, redactor, call, n, now)
        now += _processing(interaction)
        last = max(last, now)
    if left_out:
        data = {"count": len(left_out), "urls": [redactor.url(i.url)[0] for i in left_out]}
        yield {"type": "annotation", "at": last, "kind": "not_openai", "data": data}
    yield {"type": "session.ended", "at": last, "end_reason": "closed"}


def _at(entry: Entry) -> int:
    at: int = entry["at"]
    return at


def _called(interaction: Interaction, call: str, at: int) -> Entry:
    return {
        "type": "call.started",
        "at": at,
        "call": call,
        "method": interaction.method,
        "path": interaction.path,
    }


def _exchange(interaction: Interaction, redactor: Redactor, call: str, n: int, at: int) -> Iterator[Entry]:
    kept = interaction.kept
    exchange_id = f"{call}.{n}" if kept is None else kept.exchange_id
    url, url_marks = redactor.url(interaction.url)
    headers, header_marks = redactor.headers(interaction.request_headers.items())
    body, body_marks = _body(interaction.sent, interaction.request_headers, redactor, "request.body")
    sent = {"type": "attempt.sent", "at": at, "call": call, "exchange_id": exchange_id, "n": n}
    sent |= {"method": interaction.method, "url": url, "headers": headers, "body": body}
    yield sent | {"redactions": url_marks + header_marks + body_marks}
    headers, header_marks = redactor.headers(interaction.headers.items())
    answered = {"type": "attempt.answered", "at": at + _processing(interaction), "exchange_id": exchange_id}
    answered |= {"status": interaction.status, "headers": headers}
    if kept is not None:
        answered |= {"at": kept.answered_at, **({"history": kept.history} if kept.history else {})}
    if kept is not None and kept.chunks is not None:
        yield answered | {"body": None, "complete": False, "redactions": header_marks}
        yield from _pieces(interaction, redactor, exchange_id, kept, kept.chunks)
        return
    body, body_marks = _body(interaction.received, interaction.headers, redactor, "response.body")
    yield answered | {"body": body, "complete": True, "redactions": header_marks + body_marks}


def _pieces(
    interaction: Interaction, redactor: Redactor, exchange_id: str, kept: Kept, chunks: Sequence[Chunk]
) -> Iterator[Entry]:
    """Yield a body as it came: its pieces, and how it ended."""
    stream = redactor.stream(interaction.headers.get("content-type"))
    data, start, at = interaction.body, 0, kept.answered_at
    for chunk in chunks:
        at, end = chunk.at, start + chunk.bytes
        yield from _piece(*stream.feed(data[start:end]), exchange_id, at)
        start = end
    yield from _piece(*stream.flush(), exchange_id, at)
    if kept.ending is not None:
        ended: Entry = {"type": "attempt.ended", "at": kept.ended_at, "exchange_id": exchange_id}
        ended |= {"ending": kept.ending, "bytes": len(data), "chunks": len(chunks)}
        yield ended | ({} if kept.error is None else {"error": redactor.value(kept.error)[0]})


def _piece(piece: Any, marks: list[Any], exchange_id: str, at: int) -> Iterator[Entry]:
    if piece is not None:
        entry: Entry = {"type": "stream.chunk", "at": at, "exchange_id": exchange_id, "data": piece}
        yield entry | ({"redactions": marks} if marks else {})


def _body(body: Undone, headers: dict[str, str], redactor: Redactor, where: str) -> tuple[Any, list[Any]]:
    data = body.data
    if not data:
        return None, []
    if body.problem is not None and not body.is_cut:
        # Nobody can look for secrets in it.
        return {"unread": "not_decoded", "bytes": len(data)}, [dropped(where, "not_decoded", len(data))]
    cut = [{"path": where, "rule": "not_decoded", "action": "truncated"}] if body.is_cut else []
    text, marks = redactor.body(data, headers.get("content-type"), where)
    if text is not None:
        return {"text": text}, [*marks, *cut]
    kept, marks = redactor.binary(data, where)
    shown = {"text": kept} if isinstance(kept, str) else {"base64": kept["base64"], "bytes": len(data)}
    return shown, [*marks, *cut]


def date_of(interaction: Interaction) -> int:
    """Return when it was recorded or, where nothing says so, when the server says it answered.

    In microseconds since the epoch; ``UNDATED`` where that does not say either.
    """
    if interaction.kept is not None:
        return interaction.kept.at
    try:
        return int(parsedate_to_datetime(interaction.headers["date"]).timestamp()) * 1_000_000
    except (KeyError, ValueError, TypeError):
        return UNDATED


def _processing(interaction: Interaction) -> int:
    try:
        return max(0, int(float(interaction.headers.get("openai-processing-ms", "0")) * 1000))
    except ValueError:
        return 0
