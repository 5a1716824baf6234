"""Whether anything is played again in this process, and to whom: all that a call without a playback looks at.

What plays is in ``tfclient.replaying``, which nobody imports who does not replay.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, Protocol

on = False
"""Whether there has been a playback in this process; all else here is looked at only then."""

VARIABLE: Final = "THOUGHTFLOW_REPLAY"
"""Names what the whole process is to be given again."""

MARK: Final = "tfclient.played"
"""Where a response that was played has its mark, among its extensions."""

just_played: Final[ContextVar[bool]] = ContextVar("tfclient_just_played", default=False)
"""Whether the latest attempt made here was played: nobody waits then before the next."""


class Stage(Protocol):
    """What makes the connection managers of sockets that are played."""

    def manager(self, args: tuple[Any, ...], kwargs: dict[str, Any], made: Callable[..., Any] | None) -> Any:
        """Make one.

        Args:
            args: what ``connect`` was called with.
            kwargs: the same, by name.
            made: makes a connection of a class, so that it is recorded; None where it is not.
        """
        ...


class Player(Protocol):
    """A playback, as far as clients and recorders know it."""

    def connecting(self, connect: Callable[..., Any], client: Any) -> Stage | None:
        """Return what makes a connection manager in place of a resource's ``connect``; None where that may.

        Raises:
            ReplayRefused, WouldGoLive: nothing may.
        """
        ...

    def asking(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return what makes a call in place of a client's ``request``."""
        ...

    def asking_async(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same for asynchronous clients."""
        ...

    def sending(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return what answers in place of a client's ``_send_request``."""
        ...

    def sending_async(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same for asynchronous clients."""
        ...

    def about(self) -> dict[str, Any]:
        """Return what a session that records it says at its beginning."""
        ...

    def left(self) -> dict[str, Any]:
        """Return what it says at its end."""
        ...

    def recorded_in(self, session_id: str) -> None:
        """Hear which session records it."""
        ...


class Studio(NamedTuple):
    """Where every call of the process is recorded for a while, whatever recorder its client has: that, its session."""

    recorder: Any
    session: Any


studio: Studio | None = None
"""A test's, while it runs."""

_in_force: list[Player] = []
"""What plays for the whole process, the latest last."""

_of_environment: list[Callable[[], Player]] = []


def player_for(client: object = None) -> Player | None:
    """Return what plays for a client: its own, else the one in force; None if it goes live."""
    own: Player | None = getattr(client, "_tf_replay", None)
    if own is not None:
        return own
    if _in_force:
        return _in_force[-1]
    return _of_environment[0]() if _of_environment else None


def turn_on(of_environment: Callable[[], Player] | None = None) -> None:
    """Have every call ask from now on whether it is played; by what the environment names, if nothing else."""
    global on  # noqa: PLW0603 - one for the process
    on = True
    if of_environment is not None:
        _of_environment[:] = [of_environment]


def record_in(where: Studio | None) -> None:
    """Have every call of the process recorded there from now on; None: where its client says."""
    global studio  # noqa: PLW0603 - one for the process
    turn_on()
    studio = where


def begin(player: Player) -> None:
    """Have a playback answer for the whole process, until ``end``."""
    turn_on()
    _in_force.append(player)


def end(player: Player) -> None:
    """Have it answer no longer; harmless when repeated."""
    if player in _in_force:
        _in_force.remove(player)


def mark_of(response: Any) -> dict[str, Any] | None:
    """Return what a played response, or the exception in its place, says of itself; None of one that came live."""
    extensions = getattr(response, "extensions", None)
    found = extensions.get(MARK) if isinstance(extensions, dict) else getattr(response, "tf_played", None)
    return found if isinstance(found, dict) else None
