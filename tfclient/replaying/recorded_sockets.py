"""What a journal tells of one connection, in the order in which the program sent and was given it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field, frozen

if TYPE_CHECKING:
    from tfclient.replaying.kept_sounds import KeptSounds
    from tfclient.replaying.recorded import Recorded

By = Literal["program", "server", "network"]


@frozen(eq=False)
class Audio:
    """Messages of audio, which were counted: how many, and of how many bytes together."""

    event: str
    item_id: str | None
    response_id: str | None
    frames: int
    bytes: int


@frozen(eq=False)
class Sent:
    """What the program sent; ``asked`` is that as a request which can be compared, ``unsent`` why it did not leave.

    Without ``asked`` it was given in pieces, and nobody knows what it said.
    """

    at: int
    name: str
    kind: str
    asked: Recorded | None
    unsent: dict[str, Any] | None = None


@frozen(eq=False)
class Came:
    """What the program was given; ``data`` is None where that was not kept, ``lost`` says why.

    ``exchange_id`` is that of the request of which it comes, of Responses.
    """

    at: int
    kind: str
    data: str | bytes | None
    lost: str = ""
    exchange_id: str | None = None
    placeholders: bool = False


@frozen(eq=False)
class Heard:
    """Audio that the program was given, or sent."""

    at: int
    is_out: bool
    audio: Audio


Item = Sent | Came | Heard


@frozen(eq=False)
class Close:
    """How a connection ended."""

    code: int | None
    reason: str
    by: str
    at: int = 0


@define(eq=False)
class Connection:
    """One connection as it was recorded.

    ``opening`` is what opened it, as a request that can be compared; ``error`` is the journal's exception where it did
    not open, ``status`` of the handshake. ``items`` are what went over it, in order, but for requests for responses:
    those are ``exchanges``. Of Responses, ``answers`` are what came of each thing that was sent, ``began`` when that
    was, by its name. ``sounds`` is what was kept of the audio that came, None where nothing can be.
    """

    kind: str
    opening: Recorded
    status: int | None = None
    headers: dict[str, str] = field(factory=dict[str, str])
    answer_headers: dict[str, str] = field(factory=dict[str, str])
    error: dict[str, Any] | None = None
    items: list[Item] = field(factory=list[Item])
    exchanges: list[Recorded] = field(factory=list["Recorded"])
    answers: dict[str, list[Came]] = field(factory=dict[str, list[Came]])
    began: dict[str, int] = field(factory=dict[str, int])
    close: Close | None = None
    sounds: KeptSounds | None = None

    @property
    def name(self) -> str:
        """What messages call it: the journal's name of the socket, and which of its connections it is."""
        return self.opening.exchange_id

    @property
    def sent(self) -> list[Sent]:
        """What the program sent, audio and requests for responses aside."""
        return [each for each in self.items if isinstance(each, Sent)]
