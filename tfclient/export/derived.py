"""A session made anew from its redacted entries: a journal with a chain of its own that names the one it comes of."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from tfclient.export.redacting import Redacting
from tfclient.finishing.last_steps import claim_and_write
from tfclient.finishing.live import LiveSession
from tfclient.redaction.asked import WithoutAsked
from tfclient.redaction.policies import Policy, WithoutContent
from tfstore.disk.files import replace_file
from tfstore.document.json_text import line
from tfstore.errors import BlobUnreadable, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfstore.journal.entries import DerivedFrom, Entry
    from tfstore.store import Store

Asked = Literal["paths", "emails", "content"]
ASKED: tuple[Asked, ...] = ("paths", "emails", "content")
"""What can be asked to be replaced when a session is passed on."""


class NotDerivable(StoreError):
    """A session whose entries cannot be redacted any more; the message says why."""


@frozen
class Derived:
    """What became of redacting a session: how often each rule replaced something, and what it comes of."""

    derived_from: DerivedFrom
    counts: Counter[str] = field(factory=Counter[str])
    not_looked_at: int = 0


def derive(source: Store, session_id: str, into: Store, redact: Sequence[Asked]) -> Derived:
    """Make a session in another store from its redacted entries: journal, document, diagram, blobs.

    Writers, numbers and times of the entries stay; their chain is made anew.

    Args:
        source: where it is; nothing is changed there.
        session_id: which one; nobody may be writing to it.
        into: an empty store.
        redact: what is to be replaced.

    Raises:
        NotDerivable: it has no journal, or was recorded without content already.
        StoreError, DrawingFailed: something cannot be read or written.
    """
    session = source.get(session_id)
    entries, report = source.journal(session_id)
    if not entries:
        raise NotDerivable(
            f"Session {session_id} has no journal that can be read, so nothing can be replaced in it: "
            "bundle it without --redact, or not at all."
        )
    if "content" in redact and session.redaction.mode == "content":
        raise NotDerivable(
            f"Session {session_id} was recorded with redact='content': there is no content left to be replaced."
        )
    redacting = Redacting(_policy(redact))
    origin: DerivedFrom = {
        "head": report.head,
        "entries": report.entries,
        "sound": report.intact,
        "redact": [*redact],
    }
    made = redacting.entries(entries)
    for each in made:
        if each["type"] == "session.started":
            mode = (
                {"mode": "content"} if "content" in redact else each.get("redaction") or {"mode": "secrets"}
            )
            each |= {"redaction": mode, "derived_from": origin}
    folder = into.paths.make_journal_of(session_id)
    for writer in sorted({str(each["writer"]) for each in made}):
        replace_file(folder / f"{writer}.jsonl", _lines(made, writer))

    _copy_sounds(source, made, into)

    def elsewhere(response_id: str) -> str | None:
        found = source.find_response(response_id)
        return found[0] if found is not None and found[0] != session_id else None

    claim_and_write(LiveSession(into, session_id, elsewhere))
    return Derived(origin, redacting.counts, redacting.not_looked_at)


def _copy_sounds(source: Store, entries: Sequence[Entry], into: Store) -> None:
    """Copy what was said aloud and stays: in a journal it is a reference, which nothing is made of anew."""
    for each in entries:
        sound = each.get("sound") if each["type"] == "socket.sound" else None
        if isinstance(sound, dict) and "blob" in sound:
            # What is not there any more, is said of the copy as of the source.
            with suppress(BlobUnreadable):
                into.blobs.put(source.blobs.get(sound), "audio/wav")


def _policy(redact: Sequence[Asked]) -> Policy:
    if "content" in redact:
        return WithoutContent()
    return WithoutAsked([each for each in ("emails", "paths") if each in redact])


def _lines(entries: Sequence[Entry], writer: str) -> Iterator[bytes]:
    prev = ""
    for entry in entries:
        if entry["writer"] != writer:
            continue
        own = {name: value for name, value in entry.items() if name not in {"writer", "prev"}}
        text = line({**own, "prev": prev})
        prev = sha256(text).hexdigest()
        yield text + b"\n"
