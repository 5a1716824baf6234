"""The page itself: served, its parts are files of their own; as one file, everything is in it.

What the page starts from stands in it as JSON in an inert ``<script type="application/json">``, with every
character escaped that could end it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tfclient.view import bundle
from tfclient.view.diagram import Diagram
from tfclient.view.error_pages import ExtraMissing
from tfclient.view.markdown import all_trees
from tfclient.view.noting import Noting
from tfclient.view.requests import all_details, all_requests, reading_of
from tfclient.view.svg import UnreadablePicture
from tfd2 import DiagramError
from tfstore.document.converter import to_json
from tfstore.document.json_text import compact
from tfstore.errors import BlobUnreadable
from tfstore.protocols import Reading
from tfstore.reading.facts import gather
from tfstore.reading.step_facts import references_in
from tfstore.reading.step_words import bytes_of

if TYPE_CHECKING:
    from jinja2 import Template

LARGEST_BLOB: Final = 1024 * 1024
"""Bytes of one long text or picture that a file takes in; a longer one stays in the store and is named."""

ALL_BLOBS: Final = 8 * 1024 * 1024
"""Bytes of them all."""

_ESCAPES: Final = str.maketrans({
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"
})  # fmt: skip


def embedded(value: Any) -> str:
    r"""Return JSON that can stand inside any HTML element: no character of it can end that element.

    Example:
        >>> embedded({"text": "</script>"})
        '{"text":"\\u003c/script\\u003e"}'
    """
    return compact(value).decode().translate(_ESCAPES)


def served_page(start: str = "", *, priced: bool = False) -> str:
    """Return the page that a server gives; ``start`` is the session that it opens with, ``priced`` asks for costs."""
    return _template().render(
        boot=embedded({"mode": "served", "start": start, **({"priced": True} if priced else {})}),
        styles=bundle.STYLES,
        entry=bundle.ENTRY,
        inline=None,
    )


def html_file(store: Reading, session_id: str) -> str:
    """Return a session's page as one HTML file that needs no server and no network.

    Without a ``d2`` program the file says so where the diagram would be; everything else is in it.

    Args:
        store: where the session is.
        session_id: which one.

    Raises:
        UnknownSession, CorruptDocument, NewerDocument: as from ``store.get``.
        ExtraMissing: jinja2 is not installed.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Session
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", title="Hello"))
        >>> html_file(store, "sess_1").startswith("<!doctype html>")
        True
    """
    session = store.get(session_id)
    document, facts = to_json(session), gather(session)
    diagram = Diagram(session)
    boot: dict[str, Any] = {
        "mode": "file",
        "start": session_id,
        "document": document,
        "reading": reading_of(facts),
        "details": all_details(facts),
        "notes": Noting(store, writes=False).told(session_id),
        "d2": diagram.text,
        "boards": diagram.listing(),
        "requests": all_requests(facts),
        "markdown": all_trees(facts),
        "blobs": dict(_blobs(store, document)),
    }
    try:
        boot["pictures"] = diagram.pictures()
    except (DiagramError, UnreadablePicture) as error:
        boot["no_pictures"] = str(error)
    script, styles = bundle.script(), bundle.styles()
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(styles)}; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    return _template().render(
        boot=embedded(boot),
        title=session.title,
        inline={"script": script, "styles": styles, "policy": policy},
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _blobs(store: Reading, document: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the content of the document's blobs as far as there is room, smaller ones first."""
    room = ALL_BLOBS
    found = {reference["blob"]: reference for _, reference in references_in(document, ())}
    for name, reference in sorted(found.items(), key=lambda each: bytes_of(each[1])):
        try:
            data = b"" if bytes_of(reference) > min(room, LARGEST_BLOB) else store.blobs.get(reference)
        except BlobUnreadable:
            continue
        if 0 < len(data) <= min(room, LARGEST_BLOB):
            room -= len(data)
            yield name, {"base64": base64.b64encode(data).decode()}


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise ExtraMissing("jinja2") from None
    environment = Environment(
        loader=PackageLoader("tfclient.view"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html")
