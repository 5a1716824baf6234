"""Where a program opens a socket that is played: the manager that it gets, and the connections of that."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tfclient.replaying.sockets.opening import at_once, shadow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.replaying.sockets.desk import Desk


class Stage:
    """What makes the managers of one ``connect``.

    Args:
        desk: what is played.
        connect: the resource's own method.
        client: the client that it is of.
        pace: share of the recorded time that messages take.
    """

    def __init__(self, desk: Desk, connect: Callable[..., Any], client: Any, pace: float) -> None:
        self.kind = str(getattr(connect, "__module__", "")).rpartition(".")[2]
        self._desk, self._connect, self._client, self._pace = desk, connect, client, pace

    def manager(self, args: tuple[Any, ...], kwargs: dict[str, Any], made: Callable[..., Any] | None) -> Any:
        """Make a manager of the SDK's that opens no socket.

        Args:
            args: what ``connect`` was called with.
            kwargs: the same, by name.
            made: makes a connection of a class, so that it is recorded; None where it is not.
        """
        kwargs = at_once(self._connect, kwargs)
        manager = self._connect(*args, **kwargs)
        opened = functools.partial(self._opened, made)
        shadow(manager, self._client, self._connect, (args, kwargs), opened)
        return manager

    def _opened(self, made: Callable[..., Any] | None, url: str) -> Any:
        from tfclient.replaying.sockets.connections import Played, async_class, sync_class

        found = self._desk.opens(url)
        if found is None:
            raise self._desk.not_opened(url)
        line, mark = found
        base = async_class() if hasattr(self._client, "__aenter__") else sync_class()
        played = Played(line, url, mark, self._pace, self._desk.missed)
        return base(played) if made is None else made(base, played)
