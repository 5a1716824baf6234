"""One connection manager of the SDK: what it opens, once and again after reconnects, is one socket of a session."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from tfclient import playing
from tfclient.capture.sockets.connections import ASYNC, SYNC, watching
from tfclient.capture.sockets.place import Place
from tfclient.capture.sockets.socket import Socket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.playing import Player
    from tfclient.recorder import Recorder
    from tfclient.sessions.state import SessionState

OPTIONS: Final = "websocket_connection_options"
READ: Final = frozenset({"responses", "realtime", "live", "forks", "sideband", "translations"})
"""Kinds of sockets that become runs and steps."""

_CREATE: Final = "create_connection"
_OPENING: Final = "_connect_ws"


class Watched:
    """What a manager opens, in the order in which it does.

    Args:
        recorder: what records it.
        client: the client that it is of.
        player: what it is played by, if it is.
    """

    def __init__(self, recorder: Recorder, client: Any, player: Player | None = None) -> None:
        self.sessions = recorder.sessions
        self._player = player
        self._client = client
        self._state: SessionState | None = None
        self.kind = "unknown"
        self.id = ""
        self.n = 0
        self._place: Place | None = None
        self._is_async = hasattr(client, "__aenter__")

    def options(self, connect: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        """Return what ``connect`` is to be given: the program's own, and the class of the connections."""
        self.kind = str(getattr(connect, "__module__", "")).rpartition(".")[2] or self.kind
        if OPTIONS not in inspect.signature(connect).parameters:
            self._not_seen("this openai takes no options for its connections")
            return given
        options = dict(given.get(OPTIONS) or {})
        base = options.get(_CREATE)
        if base is not None and not isinstance(base, type):
            self._not_seen(f"its {_CREATE} is no class that could be watched")
            return given
        options[_CREATE] = functools.partial(self.made, base)
        return {**given, OPTIONS: options}

    def manages(self, manager: Any) -> None:
        """See openings that come to no handshake, too, where the manager has a place for that."""
        with self.sessions.health.guard("capture", "watching the openings of a WebSocket"):
            self.kind = type(manager).__name__.removeprefix("Async").removesuffix("ConnectionManager").lower()
            opening = getattr(manager, _OPENING, None)
            if opening is not None:
                setattr(manager, _OPENING, self._opening(opening))

    def _opening(self, opening: Callable[..., Any]) -> Callable[..., Any]:
        if not self._is_async:

            @functools.wraps(opening)
            def connect(*args: Any, **kwargs: Any) -> Any:
                try:
                    return opening(*args, **kwargs)
                except BaseException as error:
                    self._failed(error)
                    raise

            return connect

        @functools.wraps(opening)
        async def connect_async(*args: Any, **kwargs: Any) -> Any:
            try:
                return await opening(*args, **kwargs)
            except BaseException as error:
                self._failed(error)
                raise

        return connect_async

    def made(self, base: type[Any] | None, *args: Any, **kwargs: Any) -> Any:
        """Make a connection, in place of the library's own class or another."""
        theirs = _own_class(is_async=self._is_async) if base is None else base
        ours = self._watching(theirs)
        if ours is None:
            return theirs(*args, **kwargs)
        connection = ours(*args, **kwargs)
        with self.sessions.health.guard("capture", "recording a WebSocket"):
            connection._tf_socket = Socket(self._next())  # noqa: SLF001 - of a class of our own
        return connection

    def _watching(self, theirs: type[Any]) -> type[Any] | None:
        """Return a class that is seen, in place of one that may be the program's; none, where that one allows none."""
        try:
            return watching(theirs, ASYNC if self._is_async else SYNC)  # type: ignore[arg-type] # a class has a hash
        except Exception as error:  # noqa: BLE001 - the program goes on with its class as it is
            with self.sessions.health.guard("capture", "saying that a WebSocket is not watched"):
                self._not_seen(f"its {_CREATE} is a class that cannot be watched ({error})")
            return None

    def _next(self) -> Place:
        """Begin the next connection: it belongs to the session in which the first was opened."""
        state = self._state
        if state is None:
            bound = getattr(self._client, "_tf_session", None)
            if playing.on and playing.studio is not None:
                bound = self.sessions.entered() or playing.studio.session
            # Where something is played it counts as a call: what is played has a session of its own.
            options = self if playing.on else None
            state = self._state = self.sessions.for_call(options, bound, self._player)
            state.asked = True
            self.id = state.writer.new_id()
            if self.kind not in READ:
                self.sessions.health.not_seen(
                    f"What is said over a WebSocket of {self.kind}, as runs,",
                    "its messages are in the journal, and stand as one step in the document",
                )
        self.n += 1
        self._place = Place(self.sessions, state, self.id, self.n, self.kind)
        return self._place

    def _failed(self, error: BaseException) -> None:
        """Note that nothing was opened, if the handshake has not told."""
        if self._place is not None and error is self._place.error:
            return
        with self.sessions.health.guard("capture", "recording a WebSocket that was not opened"):
            Socket(self._next()).not_opened(error)

    def _not_seen(self, why: str) -> None:
        self.sessions.health.not_seen(f"What goes over the WebSocket of {self.kind}", why)


def _own_class(*, is_async: bool) -> type[Any]:
    """Return the library's own class of connections; it has been imported by whoever asks for one."""
    if is_async:
        from websockets.asyncio.client import ClientConnection as Connection
    else:
        from websockets.sync.client import ClientConnection as Connection  # type: ignore[assignment]
    return Connection
