"""What a bundle is: a zip whose files lie as in a store, with ``bundle.json`` that lists each of them.

A name that a bundle does not have is no name of a file in it: readers go by that, not by what a zip may hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfstore.disk.paths import is_session_id
from tfstore.document.json_text import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.document.documents import Json

FORMAT: Final = 1
MANIFEST: Final = "bundle.json"
REPORT: Final = "report.json"
PAGE: Final = "page.html"
README: Final = "README.txt"
BESIDE: Final = frozenset({MANIFEST, REPORT, PAGE, README})
"""What stands in a bundle beside the store's files: for people, and never unpacked."""

_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_OF_THE_STORE: Final = re.compile(
    rf"sessions/(?P<id>{_ID})\.(?:json|d2)|archive/(?P<archived>{_ID})\.tfz"
    rf"|journal/(?P<recorded>{_ID})/{_ID}\.jsonl|blobs/(?P<folder>[0-9a-f]{{2}})/(?P<digest>[0-9a-f]{{64}})\.[a-z0-9]{{1,10}}",
    re.ASCII,
)


class NotABundle(ValueError):
    """Something that is not as a bundle is; the message says what, without a full stop."""


@frozen
class Listed:
    """A file of a bundle, as ``bundle.json`` lists it."""

    name: str
    bytes: int
    sha256: str


def belongs(name: str, session_id: str) -> bool:
    """Return whether a bundle of this session has a file of this name among those of the store.

    Example:
        >>> belongs("sessions/sess_1.json", "sess_1"), belongs("sessions/sess_2.json", "sess_1")
        (True, False)
        >>> belongs("../sessions/sess_1.json", "sess_1"), belongs("index.db", "sess_1")
        (False, False)
    """
    found = _OF_THE_STORE.fullmatch(name)
    if found is None:
        return False
    if digest := found["digest"]:
        return bool(digest[:2] == found["folder"])
    return session_id in {found["id"], found["archived"], found["recorded"]}


def digest_in(name: str) -> str | None:
    """Return the digest that the name of a blob says its content has; None where it is no blob."""
    found = _OF_THE_STORE.fullmatch(name)
    return None if found is None else found["digest"]


def text_of(session_id: str, told: Json, files: Sequence[Listed]) -> bytes:
    """Return ``bundle.json``.

    Args:
        session_id: the session.
        told: what else is to be known of it: versions, redaction, whether it can be replayed.
        files: all others of the bundle.
    """
    listed = [{"name": each.name, "bytes": each.bytes, "sha256": each.sha256} for each in files]
    return readable({"bundle": FORMAT, "session_id": session_id, **told, "files": listed})


def listed_in(content: Any) -> tuple[str, list[Listed]]:
    """Return the session of a ``bundle.json`` and the files that it lists, if each may be in it.

    Raises:
        NotABundle: it says something else.
    """
    if not isinstance(content, dict) or "bundle" not in content:
        raise NotABundle(f"its {MANIFEST} is not that of a bundle")
    if content["bundle"] != FORMAT:
        raise NotABundle(
            f"it has format {content['bundle']!r}, and this version reads {FORMAT}: upgrade tfclient"
        )
    session_id, rows = content.get("session_id"), content.get("files")
    if not isinstance(session_id, str) or not is_session_id(session_id) or not isinstance(rows, list):
        raise NotABundle(f"its {MANIFEST} names no session and its files")
    files = [_listed(row) for row in rows]
    for each in files:
        if each.name == MANIFEST or not (each.name in BESIDE or belongs(each.name, session_id)):
            raise NotABundle(f"its {MANIFEST} lists {each.name!r}, which no bundle of {session_id} has")
    return session_id, files


def _listed(row: Any) -> Listed:
    try:
        listed = Listed(row["name"], row["bytes"], row["sha256"])
    except (TypeError, KeyError, IndexError):
        raise NotABundle(f"its {MANIFEST} lists a file without name, length and digest") from None
    good = isinstance(listed.name, str) and isinstance(listed.sha256, str)
    if not good or type(listed.bytes) is not int or listed.bytes < 0:
        raise NotABundle(f"its {MANIFEST} lists a file without name, length and digest")
    return listed
