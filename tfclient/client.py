"""The drop-in clients: the SDK's own classes with the two seams in front of them. Wiring only.

What type checkers see is in ``client.pyi``: here signatures are taken from the parent at run time, whichever
version that is.
"""

# ruff: noqa: SLF001 - the parent's seams and this module's own classes

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI

from tfclient import playing
from tfclient.capture import shells
from tfclient.capture.explicit_parent import following
from tfclient.capture.measured import measured
from tfclient.capture.sockets.seam import WatchedResource, resources_of
from tfclient.capture.tools import ToolCall, call_of, diagnosed
from tfclient.recorder import Recorder, checked
from tfclient.sessions.handle import SessionHandle
from tfclient.sessions.state import SessionState
from tfstore.disk import fork

if TYPE_CHECKING:
    from tfclient.playing import Player
    from tfclient.replaying.playback import Playback

__all__ = ["AsyncTracedAzureOpenAI", "AsyncTracedOpenAI", "TracedAzureOpenAI", "TracedOpenAI"]

_C = TypeVar("_C", bound="type[_Traced]")
_making = fork.lock()


class _Slot:
    """Where a client and its copies have their recorder, which is made when it is first needed."""

    __slots__ = ("__weakref__", "recorder")

    def __init__(self, recorder: Recorder | None) -> None:
        fork.import_hooks()
        self.recorder = recorder
        if recorder is not None:
            recorder.clients.add(self)

    def made(self) -> Recorder:
        with _making:
            if self.recorder is None:
                self.recorder = Recorder()
                self.recorder.clients.add(self)
            return self.recorder

    def failed(self, error: BaseException) -> None:
        """Note the exception that leaves the block of the last client which records into a session."""
        recorder = self.recorder
        # Counted, not gone through: another thread may make a client meanwhile.
        if recorder is not None and len(recorder.clients) == (self in recorder.clients):
            recorder.sessions.client_failed(error)

    def closed(self) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        recorder.clients.discard(self)
        # The others that share it may be in the middle of something.
        if not recorder.clients:
            recorder.sessions.client_closed()


class _Traced:
    """What all four clients have in common: a recorder, its sessions, and a parent that does not notice."""

    _tf_slot: _Slot | None = None
    _tf_plain_name: str | None = None
    _tf_session: SessionState | None = None
    """The session that all of its calls belong to, wherever they are made."""
    _tf_replay: Player | None = None
    """What plays for this client and its copies, whatever plays for the process."""

    def __init__(
        self, *args: Any, recorder: Recorder | None = None, replay: Playback | None = None, **kwargs: Any
    ) -> None:
        self._tf_slot = _Slot(checked(recorder))
        self._tf_replay = _checked_playback(replay)
        super().__init__(*args, **kwargs)

    def copy(
        self, *args: Any, recorder: Recorder | None = None, replay: Playback | None = None, **kwargs: Any
    ) -> Any:
        given, playback = checked(recorder), _checked_playback(replay)
        copied = super().copy(*args, **kwargs)  # type: ignore[misc]
        copied._tf_replay = self._tf_replay if playback is None else playback
        # Set on the finished copy, not passed through: a subclass may have another __init__.
        copied._tf_slot = self._slot() if given is None else _Slot(given)
        copied._tf_session = self._tf_session if given is None else None
        return copied

    with_options = copy

    @property
    def user_agent(self) -> str:
        agent: str = super().user_agent  # type: ignore[misc]
        own = type(self)
        plain = own.__dict__.get("_tf_plain_name")
        # A user's own subclass keeps its name; ours must not show on the wire.
        return agent if plain is None else agent.replace(own.__name__, plain, 1)

    @property
    def recorder(self) -> Recorder:
        """The recorder of this client and its copies, made at first use unless one was given."""
        if playing.on and playing.studio is not None:
            return playing.studio.recorder
        slot = self._tf_slot or self._slot()
        return slot.recorder or slot.made()

    def _slot(self) -> _Slot:
        slot = self._tf_slot
        if slot is None:
            slot = self._tf_slot = _Slot(None)
        return slot

    def session(
        self,
        *,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002
    ) -> SessionHandle:
        """Make a session of one's own for what runs inside its ``with`` (or ``async with``) block.

        Tasks and ``contextvars.copy_context`` threads started inside belong to it, and so does whatever is called on
        ``session.client``, wherever that is.

        Args:
            title: what people find it by; else its first prompt.
            metadata: the program's own tags.
            id: its id, 1 to 128 letters, digits, ``_``, ``-`` and ``.``; one that exists already is continued.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        session = self.recorder.session(title=title, metadata=metadata, id=id)
        session._made_by(self)
        if playing.on:
            session._played_by(playing.player_for(self))
        return session

    def end_session(self) -> SessionHandle | None:
        """End the current session, or the client's own, and return it, or None if there is none.

        Its document and diagram are written in the background; ``wait()`` waits for them. Where recording is off there
        always is one, without files.
        """
        own = self._tf_session
        if own is None:
            return self.recorder.end_session()
        handle = self.recorder._handle(own)
        handle.end()
        return handle

    def tool(self, function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
        """Decorate a function that serves the model's tool calls, so that its runs are measured.

        Works on functions and coroutine functions, as ``@client.tool`` or ``@client.tool(name="…")``. The
        function's signature stays, and so does whatever it returns or raises.

        Args:
            function: the function.
            name: the tool's name for the model, if it is not the function's.
        """
        if function is None:
            return lambda given: self._measured(given, name)
        return self._measured(function, name)

    def tool_call(self, item: object) -> ToolCall:
        """Measure what runs inside a ``with`` block as the run of one tool call of the model.

        Assign the tool's output to ``.result`` to have it recorded.

        Args:
            item: a ``function_call`` item of a response, a tool call of a chat message, either as a dict, or
                the ``call_id``.

        Raises:
            TypeError: it is none of these.
        """
        return call_of(self.recorder, item, self._tf_session)

    def tool_diagnostics(self, diagnostic: Mapping[str, object]) -> None:
        """Measure the tools that one of the SDK's tool runners runs: give it to that as ``on_diagnostic=``.

        The runner says the time of functions and of browser calls; but nothing of their results, which the
        traffic shows, nor which model calls were made inside, for which there is ``tool``.

        Args:
            diagnostic: what the runner says.
        """
        diagnosed(self.recorder, diagnostic, self._tf_session)

    def following(self, response: object) -> AbstractContextManager[None]:
        """Say that the calls made inside a ``with`` block continue from a response.

        For histories that the program rewrites itself, where no traffic could tell; it changes nothing that
        is sent.

        Args:
            response: a response or a chat completion, or the id of one.

        Raises:
            TypeError: it is neither.
        """
        return following(response)

    def _calculate_retry_timeout(self, *args: Any, **kwargs: Any) -> float:
        if playing.on and playing.just_played.get():
            return 0.0
        seconds: float = super()._calculate_retry_timeout(*args, **kwargs)  # type: ignore[misc]
        return seconds

    def _measured(self, function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
        return measured(lambda: self.recorder, function, name, self._tf_session)


class _TracedSync(_Traced):
    @functools.wraps(OpenAI.request)
    def request(self, *args: Any, **kwargs: Any) -> Any:
        parent = super().request  # type: ignore[misc]
        if playing.on and (player := playing.player_for(self)) is not None:
            parent = player.asking(parent)
        return shells.request(self, parent, args, kwargs)

    @functools.wraps(getattr(OpenAI, "_send_request", OpenAI.request))
    def _send_request(self, *args: Any, **kwargs: Any) -> Any:
        parent = super()._send_request  # type: ignore[misc]
        if playing.on and (player := playing.player_for(self)) is not None:
            parent = player.sending(parent)
        return shells.send(parent, args, kwargs)

    @functools.wraps(OpenAI.__exit__)
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        _fail_session(self, exc)
        super().__exit__(exc_type, exc, exc_tb)  # type: ignore[misc]

    @functools.wraps(OpenAI.close)
    def close(self) -> None:
        try:
            super().close()  # type: ignore[misc]
        finally:
            _close_session(self)


class _TracedAsync(_Traced):
    @functools.wraps(AsyncOpenAI.request)
    async def request(self, *args: Any, **kwargs: Any) -> Any:
        parent = super().request  # type: ignore[misc]
        if playing.on and (player := playing.player_for(self)) is not None:
            parent = player.asking_async(parent)
        return await shells.request_async(self, parent, args, kwargs)

    @functools.wraps(getattr(AsyncOpenAI, "_send_request", AsyncOpenAI.request))
    async def _send_request(self, *args: Any, **kwargs: Any) -> Any:
        parent = super()._send_request  # type: ignore[misc]
        if playing.on and (player := playing.player_for(self)) is not None:
            parent = player.sending_async(parent)
        return await shells.send_async(parent, args, kwargs)

    @functools.wraps(AsyncOpenAI.__aexit__)
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        _fail_session(self, exc)
        await super().__aexit__(exc_type, exc, exc_tb)  # type: ignore[misc]

    @functools.wraps(AsyncOpenAI.close)
    async def close(self) -> None:
        try:
            await super().close()  # type: ignore[misc]
        finally:
            _close_session(self)


def _checked_playback(given: object) -> Playback | None:
    if given is None:
        return None
    from tfclient.replaying.playback import checked as checked_playback

    return checked_playback(given)


def _playback_of_environment() -> Player:
    from tfclient.replaying.of_environment import playback

    return playback()


if playing.VARIABLE in os.environ:
    playing.turn_on(_playback_of_environment)


def _fail_session(client: _Traced, error: BaseException | None) -> None:
    slot = client._tf_slot
    if error is not None and slot is not None and client._tf_session is None:
        slot.failed(error)


def _close_session(client: _Traced) -> None:
    slot = client._tf_slot
    # Not `client.recorder`, which would make one.
    if slot is not None and client._tf_session is None:
        slot.closed()


def _recorder_of(client: Any) -> Recorder:
    recorder: Recorder = client.recorder
    return recorder


def _drop_in(client: _C) -> _C:
    """Give a class its parent's name on the wire, and its parent's signatures with our keyword in them."""
    parent = client.__mro__[client.__mro__.index(_Traced) + 1]
    client._tf_plain_name = parent.__name__
    for name in ("__init__", "copy"):
        theirs, generic = getattr(parent, name), getattr(_Traced, name)

        def ours(self: Any, *args: Any, _generic: Any = generic, **kwargs: Any) -> Any:
            return _generic(self, *args, **kwargs)

        functools.update_wrapper(ours, theirs)
        signature = inspect.signature(theirs)
        parameters = list(signature.parameters.values())
        keywords = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in (("recorder", "Recorder | None"), ("replay", "Playback | None"))
        ]
        ours.__signature__ = signature.replace(parameters=[*parameters, *keywords])  # type: ignore[attr-defined]
        setattr(client, name, ours)
    client.with_options = client.copy
    for name, resource in resources_of(parent):
        setattr(client, name, WatchedResource(resource, _recorder_of))
    return client


@_drop_in
class TracedOpenAI(_TracedSync, OpenAI):
    """``openai.OpenAI`` that records what it does; everything else is as it was."""


@_drop_in
class AsyncTracedOpenAI(_TracedAsync, AsyncOpenAI):
    """``openai.AsyncOpenAI`` that records what it does; everything else is as it was."""


@_drop_in
class TracedAzureOpenAI(_TracedSync, AzureOpenAI):
    """``openai.AzureOpenAI`` that records what it does; everything else is as it was."""


@_drop_in
class AsyncTracedAzureOpenAI(_TracedAsync, AsyncAzureOpenAI):
    """``openai.AsyncAzureOpenAI`` that records what it does; everything else is as it was."""


if hasattr(openai, "BedrockOpenAI"):  # not in the first of openai 3, nor in openai 2

    @_drop_in
    class TracedBedrockOpenAI(_TracedSync, openai.BedrockOpenAI):
        """``openai.BedrockOpenAI`` that records what it does; everything else is as it was."""

    @_drop_in
    class AsyncTracedBedrockOpenAI(_TracedAsync, openai.AsyncBedrockOpenAI):
        """``openai.AsyncBedrockOpenAI`` that records what it does; everything else is as it was."""

    __all__ += ["AsyncTracedBedrockOpenAI", "TracedBedrockOpenAI"]
