"""The two seams: where the program's calls, and the requests that they become, pass by.

``request()`` is the logical call, ``_send_request()`` one HTTP attempt of it; a context variable joins them,
right across threads, tasks and clients that are used inside one another. Sync and async are two shells over the
same observations (``exchange``).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from tfclient import playing
from tfclient.capture.agent_here import agent_here
from tfclient.capture.body_tee import tee
from tfclient.capture.exchange import Call, Exchange
from tfclient.capture.explicit_parent import parent_here
from tfclient.capture.tools import current_tool
from tfclient.health import Health

if TYPE_CHECKING:
    from contextvars import Token
    from typing import Protocol

    from tfclient.recorder import Recorder

    class Recorded(Protocol):
        """A client, as far as it matters here."""

        @property
        def recorder(self) -> Recorder: ...


NOWHERE: Final = Health()
"""Counts what happens where there is no recorder to ask."""

_call: ContextVar[Call | None] = ContextVar("tfclient_call", default=None)


def begin(client: Recorded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Note that the program makes a call: the first seam. None if it is not recorded."""
    studio = playing.studio if playing.on else None
    try:
        recorder = client.recorder if studio is None else studio.recorder
    except Exception as error:  # noqa: BLE001 - the call goes on
        NOWHERE.fault("capture", error, "making a recorder")
        return None
    if not recorder.settings.enabled:
        return None
    sessions = recorder.sessions
    try:
        options = args[1] if len(args) > 1 else kwargs["options"]
        player = playing.player_for(client) if playing.on else None
        bound = (
            getattr(client, "_tf_session", None) if studio is None else sessions.entered() or studio.session
        )
        return Call(
            sessions,
            sessions.for_call(options, bound, player),
            method=options.method,
            path=options.url,
            stream=bool(kwargs.get("stream")),
            cast_to=args[0] if args else kwargs.get("cast_to"),
            tool=current_tool(sessions),
            parent=parent_here(),
            agent=agent_here.get(),
        )
    except Exception as error:  # noqa: BLE001 - the call goes on
        sessions.health.fault("capture", error, "recording a call")
        return None


def enter(call: Call | None) -> Token[Call | None]:
    """Make a call the one that attempts belong to; None keeps them from an enclosing one."""
    return _call.set(call)


def leave(token: Token[Call | None]) -> None:
    """Give the context back the call before."""
    try:  # noqa: SIM105 - `suppress` takes longer than all the rest of this
        _call.reset(token)
    except (ValueError, RuntimeError):
        # A suspended coroutine may be closed from another context than it began in.
        pass


def returned(call: Call | None) -> None:
    """Note that a call gave a result: an attempt of it should have passed the second seam."""
    if call is not None and not call.attempts:
        call.sessions.health.not_seen(
            "What goes over HTTP", "this openai sends its requests past the client's _send_request"
        )


def sent(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exchange | None:
    """Note that a request is about to be sent: the second seam."""
    call = _call.get()
    if call is None:
        return None
    return call.sent(args[0] if args else kwargs.get("request"))


def answered(exchange: Exchange, response: Any) -> None:
    """Note a response; put a tee on its body if that is still to be read."""
    try:
        if exchange.answered(response):
            tee(exchange, response)
    except Exception as error:  # noqa: BLE001 - the call goes on
        exchange.fault(error, "recording a response")
