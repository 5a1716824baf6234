"""Recorded exchanges as journal entries, so that they go the same way as those that were watched.

Cassettes hold no times. An exchange begins when the one before it ended or, where the server's ``date`` says so,
later; it lasts as long as the server said it worked (``openai-processing-ms``), else no time at all.
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
    now = date_of(interactions[0]) if interactions else UNDATED
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
    call: str | None = None
    n = 0
    for place, interaction in enumerate(interactions):
        if not interaction.is_openai:
            continue
        now = max(now + 1000, date_of(interaction))
        retry = interaction.request_headers.get("x-stainless-retry-count", "0")
        if call is None or not retry.isdigit() or int(retry) == 0:
            call, n = f"import-{place + 1}", 0
            yield {
                "type": "call.started",
                "at": now,
                "call": call,
                "method": interaction.method,
                "path": interaction.path,
            }
        n += 1
        yield from _exchange(interaction, redactor, call, n, now)
        now += _processing(interaction)
    if left_out:
        data = {"count": len(left_out), "urls": [redactor.url(i.url)[0] for i in left_out]}
        yield {"type": "annotation", "at": now, "kind": "not_openai", "data": data}
    yield {"type": "session.ended", "at": now, "end_reason": "closed"}


def _exchange(interaction: Interaction, redactor: Redactor, call: str, n: int, at: int) -> Iterator[Entry]:
    exchange_id = f"{call}.{n}"
    url, url_marks = redactor.url(interaction.url)
    headers, header_marks = redactor.headers(interaction.request_headers.items())
    body, body_marks = _body(interaction.sent, interaction.request_headers, redactor, "request.body")
    sent = {"type": "attempt.sent", "at": at, "call": call, "exchange_id": exchange_id, "n": n}
    sent |= {"method": interaction.method, "url": url, "headers": headers, "body": body}
    yield sent | {"redactions": url_marks + header_marks + body_marks}
    headers, header_marks = redactor.headers(interaction.headers.items())
    body, body_marks = _body(interaction.received, interaction.headers, redactor, "response.body")
    answered = {"type": "attempt.answered", "at": at + _processing(interaction), "exchange_id": exchange_id}
    answered |= {"status": interaction.status, "headers": headers, "body": body, "complete": True}
    yield answered | {"redactions": header_marks + body_marks}


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
    """Return when the server says it answered, in microseconds since the epoch; ``UNDATED`` where it does not."""
    try:
        return int(parsedate_to_datetime(interaction.headers["date"]).timestamp()) * 1_000_000
    except (KeyError, ValueError, TypeError):
        return UNDATED


def _processing(interaction: Interaction) -> int:
    try:
        return max(0, int(float(interaction.headers.get("openai-processing-ms", "0")) * 1000))
    except ValueError:
        return 0
