"""The SDK's connection managers, shadowed where they open a socket: what they get is played.

That place is a method of theirs (``_connect_ws``). openai 2.31 has none: there the managers of a replay are of a
subclass, which enters as theirs do but for the socket.
"""

from __future__ import annotations

import functools
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OPENING: Final = "_connect_ws"

_NAMED: Final = ("model", "call_id")
"""Arguments of ``connect`` that stand in the address."""

_DELAYS: Final = ("initial_delay", "max_delay")


def at_once(connect: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``connect`` is to be given: what is lost is opened again without waiting."""
    known = inspect.signature(connect).parameters
    return {**given, **{name: 0.0 for name in _DELAYS if name in known}}


def shadow(
    manager: Any,
    client: Any,
    connect: Callable[..., Any],
    given: tuple[tuple[Any, ...], dict[str, Any]],
    opened: Callable[[str], Any],
) -> None:
    """Have a manager get what is played in place of a connection.

    Args:
        manager: of the SDK.
        client: the client that it is of.
        connect: the method that has made it.
        given: what that was called with.
        opened: gives a connection to an address, or raises.
    """
    arguments = inspect.signature(connect).bind(*given[0], **given[1]).arguments
    extra = arguments.get("extra_query") or {}
    is_async = hasattr(client, "__aenter__")
    if not hasattr(manager, _OPENING):
        manager._tf_opens = functools.partial(_made, manager, client, arguments, opened, extra)  # noqa: SLF001 - ours
        manager.__class__ = _entering(type(manager))  # type: ignore[arg-type] # a class has a hash
        return

    def played(extra_query: Any = extra, *_: Any, **__: Any) -> Any:
        return _made(manager, client, arguments, opened, extra_query)

    async def played_async(extra_query: Any = extra, *_: Any, **__: Any) -> Any:
        made = _made(manager, client, arguments, opened, extra_query)
        await made.handshake()
        return made

    def shaken(*args: Any, **kwargs: Any) -> Any:
        made = played(*args, **kwargs)
        made.handshake()
        return made

    setattr(manager, _OPENING, played_async if is_async else shaken)


def _made(
    manager: Any,
    client: Any,
    arguments: Mapping[str, Any],
    opened: Callable[[str], Any],
    extra: Mapping[str, Any],
) -> Any:
    return opened(address(manager, client, arguments, extra))


def address(manager: Any, client: Any, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    """Return where a manager connects to.

    Args:
        manager: of the SDK.
        client: the client that it is of.
        arguments: what its ``connect`` was called with.
        extra: what it adds to the query.
    """
    named = {name: arguments[name] for name in _NAMED if isinstance(arguments.get(name), str)}
    url = manager._prepare_url()  # noqa: SLF001 - the SDK's own, as there is no other
    if hasattr(client, "_configure_realtime") and "Realtime" in type(manager).__name__:
        # Azure's: the model is its deployment.
        named["deployment"] = client._azure_deployment or named.pop("model", "")  # noqa: SLF001 - as above
        named["api-version"] = client._api_version  # noqa: SLF001 - as above
        named.pop("model", None)
        if client.websocket_base_url is None:
            url = client._prepare_url("/realtime")  # noqa: SLF001 - as above
    parts = urlsplit(str(url))
    # openai 2 adds those to requests alone.
    adds = any(hasattr(client, f"_websocket_query_params{name}") for name in ("", "_fallback"))
    defaults = client.default_query if adds else {}
    query = {**defaults, **dict(parse_qsl(parts.query, keep_blank_values=True)), **named, **extra}
    query = {
        name: value for name, value in query.items() if isinstance(value, str | int | float | list | dict)
    }
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit(parts._replace(scheme=scheme, query=client.qs.stringify(query)))


@cache
def _entering(theirs: type[Any]) -> type[Any]:
    """Return a subclass of managers that are entered without a socket."""
    connection = getattr(sys.modules[theirs.__module__], theirs.__name__.removesuffix("Manager"))
    kept = f"_{theirs.__name__.lstrip('_')}__connection"

    def enter(self: Any) -> Any:
        made = self._tf_opens()
        made.handshake()
        setattr(self, kept, connection(made))
        return getattr(self, kept)

    async def enter_async(self: Any) -> Any:
        made = self._tf_opens()
        await made.handshake()
        setattr(self, kept, connection(made))
        return getattr(self, kept)

    members: dict[str, Any] = {"__module__": theirs.__module__, "__qualname__": theirs.__qualname__}
    if hasattr(theirs, "__aenter__"):
        members |= {"__aenter__": enter_async, "enter": enter_async}
    else:
        members |= {"__enter__": enter, "enter": enter}
    return type(theirs.__name__, (theirs,), members)
