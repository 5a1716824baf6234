"""One test, both kinds of client: ``Driver`` hides whether something has to be awaited."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import openai

import tfclient
from tfclient import Recorder
from tfclient.replaying.transport import library_of_openai

HTTP: ModuleType = sys.modules[library_of_openai()]
"""The HTTP library that the installed openai runs on; the other one may be there too, for another package."""

MODEL = "gpt-5.4-mini"


class Driver:
    """Runs what a test says, synchronously."""

    is_async = False
    plain_class: type[Any] = openai.OpenAI
    traced_class: type[Any] = tfclient.TracedOpenAI

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._clients: list[Any] = []

    def plain(self, **options: Any) -> Any:
        """Make the SDK's own client."""
        return self.made(self.plain_class, **options)

    def traced(self, recorder: Recorder | None, **options: Any) -> Any:
        """Make ours."""
        return self.made(self.traced_class, recorder=recorder, **options)

    def made(self, cls: type[Any], **options: Any) -> Any:
        """Make a client of any class, closed after the test."""
        client = cls(**{"base_url": self._base_url, "api_key": "sk-test-key", **options})
        self._clients.append(client)
        return client

    def do(self, result: Any) -> Any:
        """Give what a call gives."""
        return result

    def events(self, stream: Any, count: int | None = None) -> list[Any]:
        """Read a stream, to its end or so many events."""
        events = []
        for event in stream:
            events.append(event)
            if len(events) == count:
                break
        return events

    @contextlib.contextmanager
    def entered(self, manager: Any) -> Iterator[Any]:
        """Enter a context manager of the SDK."""
        with manager as value:
            yield value

    def mock_client(self, handler: Any) -> Any:
        """Make an HTTP client that asks a function."""
        return HTTP.Client(transport=HTTP.MockTransport(handler))

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            self.do(client.close())


class AsyncDriver(Driver):
    """The same, on an event loop."""

    is_async = True
    plain_class = openai.AsyncOpenAI
    traced_class = tfclient.AsyncTracedOpenAI

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.loop = asyncio.new_event_loop()

    def do(self, result: Any) -> Any:
        if inspect.isawaitable(result):

            async def wait() -> Any:
                return await result

            return self.loop.run_until_complete(wait())
        return result

    def events(self, stream: Any, count: int | None = None) -> list[Any]:
        async def read() -> list[Any]:
            events = []
            async for event in stream:
                events.append(event)
                if len(events) == count:
                    break
            return events

        return list(self.do(read()))

    @contextlib.contextmanager
    def entered(self, manager: Any) -> Iterator[Any]:
        value = self.do(manager.__aenter__())
        try:
            yield value
        finally:
            self.do(manager.__aexit__(None, None, None))

    def mock_client(self, handler: Any) -> Any:
        return HTTP.AsyncClient(transport=HTTP.MockTransport(handler))

    def close(self) -> None:
        super().close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
