"""Who may see the page: this machine, by this machine's name, with the token in the address.

All that may be written is notes, by the page itself: a request for that must come from its own origin, which other
programs' pages cannot pretend, and say that it sends JSON, which their forms cannot.

A recorded session holds prompts and outputs that belong to one person. Other programs' pages in the same
browser can send requests to 127.0.0.1 too: the token keeps them out, the ``Host`` check keeps out names that
were made to point here (DNS rebinding), and the policy header keeps anything in the page from running or from
calling elsewhere.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
METHODS: Final = frozenset({"GET", "HEAD"})
WRITES: Final = {
    "POST": re.compile(r"/[^/]+/api/sessions/[^/]+/notes"),
    "DELETE": re.compile(r"/[^/]+/api/sessions/[^/]+/notes/[^/]+"),
}
"""What may be written, and how it is asked for."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def new_token() -> str:
    """Return a token that cannot be guessed, fit for an address."""
    return secrets.token_urlsafe(24)


class Guard:
    """Lets through what may be seen and answers the rest itself; sets the security headers on everything.

    The token is the first part of the path, so that every address in the page can be relative to it.
    """

    def __init__(self, app: ASGIApp, token: str, port: int | None = None, *, writes: bool = False) -> None:
        """A ``port`` makes the ``Host`` header's port count as well; ``writes`` lets notes be written."""
        self._app = app
        self._writes = writes
        self._token = token.encode()
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(send, *refusal, body=scope["method"] != "HEAD")
            return
        _, token, rest = scope["path"].split("/", 2)
        inner = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": f"/{token}"}
        # Starlette's router takes root_path off the path again.
        inner["path"] = inner["root_path"] + inner["path"]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_RAW_HEADERS]
            await send(message)

        await self._app(inner, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_here(hosts[0]):
            return (
                421,
                "This page is only served as http://127.0.0.1. Open the address that `tfclient view` printed.",
            )
        is_write = self._writes and _is_write(scope)
        if not is_write and scope["method"] not in METHODS:
            return 405, "This page is read-only: it answers GET."
        first, _, given = scope["path"].partition("/")
        token, slash, _ = given.partition("/")
        if first or not slash or not secrets.compare_digest(token.encode(), self._token):
            return 403, "This address lacks the right token. Open the address that `tfclient view` printed."
        return _refused_write(scope, hosts[0]) if is_write else None

    def _is_here(self, host: str) -> bool:
        name, _, port = host.partition(":")
        return name.lower() in HOSTS and (self._port is None or port == str(self._port))


def _is_write(scope: Scope) -> bool:
    pattern = WRITES.get(scope["method"])
    return pattern is not None and pattern.fullmatch(scope["path"]) is not None


def _refused_write(scope: Scope, host: str) -> tuple[int, str] | None:
    """Return why a note may not be written, if it may not."""

    def sent(wanted: bytes) -> list[str]:
        return [value.decode("latin-1").strip().lower() for name, value in scope["headers"] if name == wanted]

    if sent(b"origin") != [f"http://{host.lower()}"] or sent(b"sec-fetch-site") not in ([], ["same-origin"]):
        return 403, "Only the page itself may write notes, and this request came from elsewhere."
    if scope["method"] == "POST" and sent(b"content-type") != ["application/json"]:
        return 415, "A note is sent as application/json."
    return None


_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


async def _refuse(send: Send, status: int, sentence: str, *, body: bool) -> None:
    content = sentence.encode() + b"\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *_RAW_HEADERS,
    ]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content if body else b""})
