"""A server on a real socket that speaks the Responses API and Chat Completions, and does as it is told.

>>> with ScriptedServer() as server:
...     server.script(rate_limited(), answer("Hello!"))
...     client = openai.OpenAI(base_url=server.url, api_key="sk-test")
...     client.responses.create(model="gpt-5.4-mini", input="Hi").output_text
'Hello!'

Replies are given in the order in which requests arrive; a request that finds no reply left gets a 500 that says
so, and :meth:`ScriptedServer.stop` reports replies nobody asked for. Requests that need no reply (retrieving a
stored response, listing models) take none.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

import attrs

from tests.server import chat_api
from tests.server.ids import Clock, Ids
from tests.server.replies import Answer, Events, HangUp, Raw, Refused, Reply, Silence
from tests.server.responses_api import ApiError, ResponsesApi

JSON: TypeAlias = Any
Decide: TypeAlias = Callable[["Seen"], Reply]


@attrs.frozen
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> JSON:
        """The body, if it is JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Give a header by its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class ScriptedServer:
    """The server; a context manager.

    Args:
        seed: What ids are made from: the same seed and script give the same bytes.

    Attributes:
        requests: Every request, in order of arrival.
    """

    def __init__(self, seed: str = "scripted") -> None:
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self.ids = Ids(seed)
        self.clock = Clock()
        self.responses = ResponsesApi(self.ids, self.clock)
        self._replies: deque[Reply | Decide] = deque()
        self._always: Decide | None = None
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.scripted = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """What goes into ``base_url``."""
        return f"{self.origin}/v1"

    def script(self, *replies: Reply | Decide) -> Self:
        """Add replies; a function is asked with the request."""
        with self._lock:
            self._replies.extend(replies)
        return self

    def always(self, decide: Reply | Decide) -> Self:
        """Give this reply whenever no scripted one is left."""
        self._always = decide if callable(decide) else lambda _seen: decide
        return self

    @property
    def knows_all(self) -> bool:
        """Whether there is an answer to whatever is asked, by any method."""
        return self._always is not None

    @property
    def unused(self) -> int:
        """How many scripted replies nobody has asked for."""
        return len(self._replies)

    def start(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, and let go of everything that waits."""
        self.closing.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def see(self, seen: Seen) -> None:
        """Keep a request."""
        with self._lock:
            self.requests.append(seen)

    def next_reply(self, seen: Seen) -> Reply:
        """Take the reply to a request from the script."""
        with self._lock:
            reply = self._replies.popleft() if self._replies else self._always
        if reply is None:
            return Refused(
                500, "script_exhausted", f"The script has no reply left for {seen.method} {seen.path}."
            )
        return reply(seen) if callable(reply) else reply


class _Handler(BaseHTTPRequestHandler):
    """Takes one connection's requests; errors of the connection are the scenario, not faults."""

    protocol_version = "HTTP/1.1"

    @property
    def scripted(self) -> ScriptedServer:
        server: ScriptedServer = self.server.scripted  # type: ignore[attr-defined]
        return server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            seen = Seen(self.command, self.path, tuple(self.headers.items()), self._body())
            self.scripted.see(seen)
            try:
                self._route(seen)
            except ApiError as error:
                self._send_json(error.body, error.status)

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("transfer-encoding") or ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    # Routes

    def _route(self, seen: Seen) -> None:
        url = urlsplit(seen.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        stored = re.search(
            r"/responses/(?!compact$|input_tokens$)(?P<id>[^/]+)(?P<rest>/cancel|/input_items)?$", url.path
        )
        if stored:
            self._route_stored(seen.method, stored["id"], stored["rest"], query)
        elif seen.method == "GET" and url.path.endswith("/models"):
            model = {"id": "gpt-5.4-mini", "object": "model", "created": 1773705600, "owned_by": "system"}
            self._send_json({"object": "list", "data": [model]})
        elif seen.method == "POST" or self.scripted.knows_all:
            self._reply(seen, url.path)
        else:
            raise ApiError(404, f"Invalid URL ({seen.method} {url.path})")

    def _route_stored(self, method: str, response_id: str, rest: str | None, query: dict[str, str]) -> None:
        api = self.scripted.responses
        if method == "DELETE":
            self._send_json(api.delete(response_id))
        elif rest == "/cancel":
            self._send_json(api.cancel(response_id))
        elif rest == "/input_items":
            self._send_json(api.input_items(response_id))
        elif query.get("stream") == "true":
            while (response := api.retrieve(response_id))["status"] in ("queued", "in_progress"):
                pass
            after = int(query.get("starting_after", -1))
            self._send_events(api.events(response, starting_after=after), Answer(()), named=True)
        else:
            self._send_json(api.retrieve(response_id))

    def _reply(self, seen: Seen, path: str) -> None:
        reply = self.scripted.next_reply(seen)
        if isinstance(reply, Silence):
            self.scripted.closing.wait()
            self.close_connection = True
        elif isinstance(reply, HangUp):
            self._hang_up(reset=False)
        elif isinstance(reply, Events):
            self._send_events(iter(reply.events), Answer(()), named=True)
        elif isinstance(reply, Raw):
            self._send(reply.body, reply.status, reply.content_type, more=dict(reply.headers))
        elif isinstance(reply, Refused):
            self._refuse(reply)
        elif path.endswith("/chat/completions"):
            self._chat(seen.json, reply)
        elif path.endswith("/responses"):
            self._responses(seen.json, reply)
        else:
            raise ApiError(404, f"Invalid URL (POST {path})")

    def _responses(self, request: JSON, reply: Answer) -> None:
        api = self.scripted.responses
        if request.get("stream"):
            self._send_events(api.events(api.create(request, reply)), reply, named=True)
        else:
            make = api.begin if request.get("background") else api.create
            self._send_json(make(request, reply), reply=reply)

    def _chat(self, request: JSON, reply: Answer) -> None:
        whole = chat_api.completion(request, reply, self.scripted.ids, self.scripted.clock)
        if request.get("stream"):
            with_usage = bool((request.get("stream_options") or {}).get("include_usage"))
            self._send_events(chat_api.chunks(whole, with_usage=with_usage), reply, named=False)
        else:
            self._send_json(whole, reply=reply)

    # Sending

    def _refuse(self, reply: Refused) -> None:
        body = {"error": {"message": reply.message, "type": reply.type, "param": None, "code": reply.code}}
        more: dict[str, str] = {}
        if reply.retry_after is not None:
            more = {
                "retry-after-ms": str(int(reply.retry_after * 1000)),
                "retry-after": str(max(1, round(reply.retry_after))),
            }
        self._send(json.dumps(body, indent=2).encode(), reply.status, "application/json", more=more)

    def _send_json(self, value: JSON, status: int = 200, reply: Answer | None = None) -> None:
        data = json.dumps(value, indent=2, ensure_ascii=False).encode()
        self._send(data, status, "application/json", reply=reply)

    def _send(
        self,
        data: bytes,
        status: int,
        content_type: str | None,
        *,
        more: dict[str, str] | None = None,
        reply: Answer | None = None,
    ) -> None:
        headers = {**(more or {}), **(reply.headers if reply else {})}
        if reply and reply.gzip:
            data = gzip.compress(data, mtime=0)
            headers["content-encoding"] = "gzip"
        if content_type is not None:
            headers["content-type"] = content_type
        self._start(status, {**headers, "content-length": str(len(data))})
        if reply and reply.cut_after is not None:
            self.wfile.write(data[: reply.cut_after])
            self._hang_up(reset=reply.reset)
            return
        self.wfile.write(data)

    def _send_events(self, events: Iterator[JSON], reply: Answer, *, named: bool) -> None:
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "transfer-encoding": "chunked",
            **reply.headers,
        }
        packer = zlib.compressobj(wbits=31) if reply.gzip else None
        if packer:
            headers["content-encoding"] = "gzip"
        self._start(200, headers)

        def write(data: bytes) -> None:
            data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else data
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        hold_after = reply.hold_after
        if hold_after is not None and hold_after < 0:
            events = iter(known := list(events))
            hold_after += len(known)
        for n, event in enumerate(events):
            if n == hold_after:
                self._wait(reply.gate)
            # The Assistants API names its events beside the data, all others in it.
            name, told = (event["event"], event["data"]) if "event" in event else (event.get("type"), event)
            text = f"data: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n\n"
            data = (f"event: {name}\n{text}" if named else text).encode()
            if n == reply.cut_after:
                if reply.mid_event:
                    write(data[: len(data) // 2])
                self._hang_up(reset=reply.reset)
                return
            write(data)
        if not named:
            write(b"data: [DONE]\n\n")
        if packer:
            rest = packer.flush()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(rest), rest))
        self.wfile.write(b"0\r\n\r\n")

    def _wait(self, gate: threading.Event) -> None:
        while not (gate.wait(0.01) or self.scripted.closing.is_set()):
            pass

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        number = len(self.scripted.requests)
        standard = {
            "date": self.scripted.clock.http_date(),
            "openai-organization": "example-org",
            "openai-processing-ms": str(180 + number * 97 % 900),
            "openai-version": "2020-10-01",
            "server": "cloudflare",
            "x-ratelimit-limit-requests": "30000",
            "x-ratelimit-limit-tokens": "150000000",
            "x-ratelimit-remaining-requests": "29999",
            "x-ratelimit-remaining-tokens": "149999710",
            "x-ratelimit-reset-requests": "2ms",
            "x-ratelimit-reset-tokens": "0s",
            "x-request-id": self.scripted.ids.request(),
        }
        for name, value in (standard | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _hang_up(self, *, reset: bool) -> None:
        self.wfile.flush()
        self.close_connection = True
        if reset:
            # Lingering for zero seconds turns the close into a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
