"""The third seam: the SDK's resources that open a WebSocket have a ``connect``, and what that makes is watched.

The library that the SDK opens sockets with takes the class of its connections as an option: it is given a subclass
(``connections``), which is made when a connection is. Nothing of that library is imported here, nor of what watches
it, until a program asks for a connection.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from tfclient import playing
from tfclient.capture.seams import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfclient.recorder import Recorder

    RecorderOf = Callable[[Any], Recorder | None]

_CONNECT: Final = "connect"

_BELOW: dict[type, tuple[str, ...]] = {}
"""The resources of a resource that lead to one which opens sockets, by its class."""


class WatchedResource(functools.cached_property[Any]):
    """A client's resource, as the SDK's own cached property makes it, the sockets that it opens seen.

    Args:
        theirs: the SDK's property; it keeps what it made in the client, so that this is asked once.
        recorder_of: gives what records the client.
    """

    def __init__(self, theirs: functools.cached_property[Any], recorder_of: RecorderOf) -> None:
        super().__init__(theirs.func)
        self.attrname = theirs.attrname
        self._theirs = theirs
        self._recorder_of = recorder_of

    def __get__(self, client: Any, owner: type[Any] | None = None) -> Any:
        if client is None:
            return self
        made = self._theirs.__get__(client, owner)
        with NOWHERE.guard("capture", "looking for what opens WebSockets"):
            watch(made, self._recorder_of)
        return made


def resources_of(client: type[Any]) -> Iterator[tuple[str, functools.cached_property[Any]]]:
    """Give the resources of a client or of a resource, as the SDK's class has them, by name."""
    members = {name: member for cls in reversed(client.__mro__) for name, member in vars(cls).items()}
    for name, member in members.items():
        if isinstance(member, functools.cached_property) and not name.startswith(("_", "with_")):
            yield name, member


def watch(resource: Any, recorder_of: RecorderOf) -> bool:
    """See what a resource connects, and what those below it do; say whether any of them can."""
    connect = getattr(resource, _CONNECT, None)
    if callable(connect):
        resource.connect = watched_method(connect, resource, recorder_of)
    kind = type(resource)
    names = _BELOW.get(kind)
    if names is None:
        below = (name for name, _ in resources_of(kind))
        _BELOW[kind] = names = tuple(name for name in below if watch(getattr(resource, name), recorder_of))
    else:
        for name in names:
            watch(getattr(resource, name), recorder_of)
    return bool(names) or callable(connect)


def watched_method(connect: Callable[..., Any], resource: Any, recorder_of: RecorderOf) -> Callable[..., Any]:
    """Return a resource's own ``connect``, with what it makes watched; it has its signature and its words."""

    @functools.wraps(connect)
    def connecting(*args: Any, **kwargs: Any) -> Any:
        return connected(connect, resource._client, recorder_of, args, kwargs)  # noqa: SLF001 - the SDK's own

    return connecting


def connected(
    connect: Callable[..., Any],
    client: Any,
    recorder_of: RecorderOf,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Make a connection manager of the SDK's, watched if its client is recorded, and played if that is.

    Raises:
        ReplayRefused: the client is played again, and sockets of this openai cannot be.
        WouldGoLive: a test forbids calls of the real API.
    """
    player = playing.player_for(client) if playing.on else None
    stage = None if player is None else player.connecting(connect, client)
    watched = None
    with NOWHERE.guard("capture", "watching a WebSocket"):
        recorder = recorder_of(client)
        if recorder is not None and recorder.enabled:
            from tfclient.capture.sockets.watched import Watched

            watched = Watched(recorder, client, None if stage is None else player)
            if stage is None:
                kwargs = watched.options(connect, kwargs)
    if stage is not None:
        manager = stage.manager(args, kwargs, None if watched is None else watched.made)
    else:
        manager = connect(*args, **kwargs)
    if watched is not None:
        watched.manages(manager)
    return manager
