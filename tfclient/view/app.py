"""What the page asks its server: the list, documents, boards, long texts. All of it is read, none of it written."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tfclient.reflect.findings import Finding, examine
from tfclient.view import bundle
from tfclient.view.diagram import Diagram
from tfclient.view.explained import explained_of
from tfclient.view.guard import Guard
from tfclient.view.listing import FILTERS, BadFilter, Listing, Wanted
from tfclient.view.markdown import tree_of
from tfclient.view.noting import LARGEST, BadNote, Noting
from tfclient.view.page import served_page
from tfclient.view.requests import NoRequest, reading_of, request_of
from tfclient.view.svg import UnreadablePicture
from tfd2 import CompilerMissing, DiagramError
from tfstore.document.converter import to_json
from tfstore.document.documents import Session
from tfstore.document.json_text import compact, line
from tfstore.errors import (
    BlobUnreadable,
    CorruptDocument,
    NewerDocument,
    StoreError,
    UnknownNote,
    UnknownSession,
    UnknownStep,
)
from tfstore.protocols import Reading
from tfstore.reading.calls.costs import Cost, Price, cost_of_session
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.facts import SessionFacts, gather
from tfstore.reading.shown.details import details_of
from tfstore.reading.step_words import says
from tfstore.store import Store

KEPT: Final = 4
"""Sessions kept as they were last read, with their pictures."""

PICTURES_KEPT: Final = 60

PICTURES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""What a browser may take for a picture; everything else is plain bytes to it."""


def create_app(
    store: Reading,
    *,
    token: str,
    start: str = "",
    port: int | None = None,
    read_only: bool = False,
    price: Price | None = None,
) -> Guard:
    """Return the page's server application.

    Args:
        store: what it shows.
        token: must be the first part of every path.
        start: the session that the page opens with.
        port: what the ``Host`` header must name, if given.
        read_only: let no notes be written; of a database, none ever are.
        price: tells what calls cost, if that is to be shown.
    """
    writes = not read_only and isinstance(store, Store)
    pages = _Pages(store, start, price, writes=writes)
    routes = [
        Route("/", pages.shell),
        Route("/static/{name}", pages.asset),
        Route("/api/sessions", pages.sessions),
        Route("/api/costs", pages.costs),
        Route("/api/names", pages.names),
        Route("/api/sessions/{session_id}", pages.document),
        Route("/api/sessions/{session_id}/d2", pages.d2),
        Route("/api/sessions/{session_id}/steps/{step_id}", pages.step),
        Route("/api/sessions/{session_id}/why/{step_id}", pages.why),
        Route("/api/sessions/{session_id}/markdown/{step_id}", pages.markdown),
        Route("/api/sessions/{session_id}/requests/{step_id}", pages.request),
        Route("/api/sessions/{session_id}/notes", pages.notes, methods=["GET"]),
        Route("/api/sessions/{session_id}/notes", pages.add_note, methods=["POST"]),
        Route("/api/sessions/{session_id}/notes/{note_id}", pages.take_back, methods=["DELETE"]),
        Route("/api/sessions/{session_id}/boards", pages.boards),
        Route("/api/sessions/{session_id}/boards/{board}", pages.board),
        Route("/api/blobs/{name}", pages.blob),
        Route("/{rest:path}", pages.nothing),
    ]
    return Guard(Starlette(routes=routes), token, port, writes=writes)


@define(eq=False)
class _Read:
    """A session as it stood in its document, and what was made of it."""

    stamp: str
    session: Session
    price: Price | None = None
    pictures: OrderedDict[str, str] = field(factory=OrderedDict[str, str])
    lock: threading.Lock = field(factory=threading.Lock)

    @functools.cached_property
    def facts(self) -> SessionFacts:
        return gather(self.session)

    @functools.cached_property
    def cost(self) -> Cost | None:
        return None if self.price is None else cost_of_session(self.session, self.price)

    @functools.cached_property
    def evidence(self) -> Evidence:
        return Evidence(self.facts)

    @functools.cached_property
    def findings(self) -> list[Finding]:
        return examine(self.evidence).findings

    @functools.cached_property
    def body(self) -> bytes:
        return b'{"document":%b,"reading":%b}' % (
            compact(to_json(self.session)),
            line(reading_of(self.facts, self.cost)),
        )

    @functools.cached_property
    def diagram(self) -> Diagram:
        return Diagram(self.session)


def _told(answer: Callable[[Any, Request], Response]) -> Callable[[Any, Request], Response]:
    """Whatever goes wrong is a sentence in the answer, never a traceback."""

    @functools.wraps(answer)
    def told(self: Any, request: Request) -> Response:
        try:
            return answer(self, request)
        except (UnknownSession, UnknownStep, UnknownNote, BlobUnreadable, NoRequest) as error:
            return _sentence(404, error)
        except CompilerMissing as error:
            return _sentence(503, error, kind="no_compiler")
        except (CorruptDocument, NewerDocument) as error:
            return _sentence(409, error, kind=type(error).__name__)
        except (BadFilter, BadNote) as error:
            return _sentence(400, error)
        except (StoreError, DiagramError, UnreadablePicture) as error:
            return _sentence(500, error)
        except Exception as error:  # noqa: BLE001 - told to whoever looks at the page
            return _sentence(500, f"This could not be read ({type(error).__name__}: {error}).")

    return told


class _Pages:
    def __init__(self, store: Reading, start: str, price: Price | None, *, writes: bool) -> None:
        self._store = store
        self._price = price
        self._start = start
        self._listing = Listing(store, price=price)
        self._noting = Noting(store, writes=writes)
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._lock = threading.Lock()

    @_told
    def shell(self, request: Request) -> Response:  # noqa: ARG002
        page = served_page(self._start, priced=self._price is not None)
        return _answer(page, "text/html; charset=utf-8")

    @_told
    def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        text = bundle.assets().get(name)
        if text is None:
            return _sentence(404, f"The page has no file {name!r}.")
        return _answer(text, bundle.MEDIA_TYPES[name.rpartition(".")[2]])

    @_told
    def nothing(self, request: Request) -> Response:  # noqa: ARG002
        return _sentence(
            404, "There is nothing at this address. The page begins at the address that was printed."
        )

    @_told
    def sessions(self, request: Request) -> Response:
        return _json(self._listing.page(*_asked(request)))

    @_told
    def costs(self, request: Request) -> Response:
        return _json(self._listing.costs(*_asked(request)))

    @_told
    def names(self, request: Request) -> Response:  # noqa: ARG002
        return _json(self._listing.names())

    @_told
    def document(self, request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if request.headers.get("if-none-match") == self._stamp(session_id):
            return Response(status_code=304, headers={"etag": self._stamp(session_id)})
        read = self._read(session_id)
        return _answer(read.body, "application/json", etag=read.stamp)

    @_told
    def d2(self, request: Request) -> Response:
        return _answer(self._diagram(request).text, "text/plain; charset=utf-8")

    @_told
    def step(self, request: Request) -> Response:
        read = self._read(request.path_params["session_id"])
        own = read.facts.steps.get(request.path_params["step_id"])
        if own is None:
            raise UnknownStep(read.session.session_id, request.path_params["step_id"])
        return _answer(line(details_of(read.facts, own)), "application/json")

    @_told
    def why(self, request: Request) -> Response:
        read = self._read(request.path_params["session_id"])
        told = explained_of(self._store, read.evidence, read.findings, request.path_params["step_id"])
        return _answer(line(told), "application/json")

    @_told
    def markdown(self, request: Request) -> Response:
        read = self._read(request.path_params["session_id"])
        own = read.facts.steps.get(request.path_params["step_id"])
        if own is None:
            raise UnknownStep(read.session.session_id, request.path_params["step_id"])
        return _answer(line(tree_of(says(own.step))), "application/json")

    @_told
    def request(self, request: Request) -> Response:
        facts = self._read(request.path_params["session_id"]).facts
        return _json(request_of(self._store, facts, request.path_params["step_id"]))

    @_told
    def notes(self, request: Request) -> Response:
        session_id = request.path_params["session_id"]
        etag = f'"{self._noting.version(session_id)}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        return _answer(compact(self._noting.told(session_id)), "application/json", etag=etag)

    async def add_note(self, request: Request) -> Response:
        sent = b""
        async for piece in request.stream():
            sent += piece
            if len(sent) > LARGEST:
                return _sentence(413, f"A note has at most {LARGEST:,} bytes.")
        request.state.sent = sent
        return await run_in_threadpool(self._add_note, request)

    @_told
    def _add_note(self, request: Request) -> Response:
        return _json(self._noting.add(request.path_params["session_id"], request.state.sent))

    @_told
    def take_back(self, request: Request) -> Response:
        asked = request.path_params
        return _json(self._noting.take_back(asked["session_id"], asked["note_id"]))

    @_told
    def boards(self, request: Request) -> Response:
        return _json(self._diagram(request).listing())

    @_told
    def board(self, request: Request) -> Response:
        read = self._read(request.path_params["session_id"])
        board = request.path_params["board"]
        # One at a time for each session: the same picture is not made twice, and d2 takes a whole processor.
        with read.lock:
            if board not in read.pictures:
                try:
                    read.pictures[board] = read.diagram.picture(board)
                except KeyError:
                    return _sentence(404, f"The diagram of {read.session.session_id} has no board {board!r}.")
                while len(read.pictures) > PICTURES_KEPT:
                    read.pictures.popitem(last=False)
            return _json({"svg": read.pictures[board]})

    @_told
    def blob(self, request: Request) -> Response:
        data = self._store.blobs.get(request.path_params["name"])
        kind = next((kind for start, kind in PICTURES.items() if data.startswith(start)), None)
        return _answer(data, kind or "application/octet-stream")

    def _diagram(self, request: Request) -> Diagram:
        return self._read(request.path_params["session_id"]).diagram

    def _stamp(self, session_id: str) -> str:
        """Return what changes whenever the document does."""
        changed_at = self._store.changed_at(session_id)
        return f'"{changed_at}"' if changed_at else ""

    def _read(self, session_id: str) -> _Read:
        # Before reading: a document replaced in between then counts as changed, and is read again.
        stamp = self._stamp(session_id)
        with self._lock:
            kept = self._kept.get(session_id)
            if kept is not None and kept.stamp == stamp:
                self._kept.move_to_end(session_id)
                return kept
        session = self._store.get(session_id)
        read = _Read(stamp, session, self._price)
        with self._lock:
            self._kept[session_id] = read
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return read


def _asked(request: Request) -> tuple[Wanted, int, int]:
    """Return which sessions of the list are asked for."""
    asked = request.query_params
    wanted = Wanted(**{name: asked.get(name, "")[:500] for name in FILTERS})
    return wanted, _number(asked.get("offset"), 0), _number(asked.get("limit"), 100)


def _number(given: str | None, default: int) -> int:
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 10 else default


def _json(value: Any) -> Response:
    return _answer(compact(value), "application/json")


def _sentence(status: int, sentence: object, kind: str = "error") -> Response:
    body = compact({"error": str(sentence), "kind": kind})
    return _answer(body, "application/json", status=status)


def _answer(content: str | bytes, media_type: str, *, status: int = 200, etag: str = "") -> Response:
    headers = {"cache-control": "no-store", **({"etag": etag} if etag else {})}
    return Response(content, status, headers, media_type)
