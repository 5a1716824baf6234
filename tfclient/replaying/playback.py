"""One run over a tape: what answers the clients and sockets of a program, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import evolve

from tfclient import playing
from tfclient.errors import ReplayMiss, ReplayRefused, SettingError
from tfclient.health import Health
from tfclient.replaying.account import Account, Played
from tfclient.replaying.calls import calling, calling_async, go_on
from tfclient.replaying.finding import tape_of
from tfclient.replaying.matching import Found, How, Match, Matching
from tfclient.replaying.missing import Advice, miss, no_answer, not_all_played, not_all_read
from tfclient.replaying.places import place_in
from tfclient.replaying.recorded import Recorded
from tfclient.replaying.request import Request, made_request
from tfclient.replaying.sockets.desk import MAY_STAY, Desk
from tfclient.replaying.sockets.stage import Stage
from tfclient.replaying.tape import Tape
from tfclient.replaying.transport import Answer, GoLive, client_of, library_of, library_of_openai
from tfclient.replaying.up_to import up_to

if TYPE_CHECKING:
    import os
    from types import TracebackType
    from typing import Self

    OnMiss = Literal["error", "live"]
    OnUnplayed = Literal["error", "ignore"]

__all__ = ["Playback", "Played", "replay"]

_PLAN: Final = "tfclient.plan"


class Playback(Account):
    """One run over a tape.

    Made by ``tfclient.replay``; inside its ``with`` block it answers every traced or installed client of the process
    that has no playback of its own.
    """

    def __init__(
        self,
        tape: Tape,
        *,
        match: Match = "alike",
        ignore: Iterable[str] = (),
        on_miss: OnMiss = "error",
        until: str | None = None,
        repeats: bool = False,
        unplayed: OnUnplayed = "error",
        pace: float = 0,
    ) -> None:
        if not callable(match):
            _one_of("match", match, ("exact", "alike", "nearest"))
        _one_of("on_miss", on_miss, ("error", "live"))
        _one_of("unplayed", unplayed, ("error", "ignore"))
        if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0 <= pace < float("inf"):
            raise SettingError("pace", pace, "a share of the recorded time, 0 for none of it")
        self.goes_live: Final = on_miss == "live" or until is not None
        if until is not None and tape.sockets:
            raise ReplayRefused(
                tape.name,
                "until=…: part of it went over a WebSocket, which cannot go live in its middle; "
                "without until it is played to its end",
            )
        self._until = until
        self._unplayed: Final = unplayed
        self._pace: Final = pace
        self._ignored: Final = tuple(
            place_in(each) for each in ([ignore] if isinstance(ignore, str) else ignore)
        )
        self._matching: Final = Matching(
            tape,
            match,
            self._ignored,
            repeats,
            _over_http(tape, None if until is None else up_to(tape, until)),
        )
        self._sockets: Final = Desk(
            tape,
            match,
            self._ignored,
            repeats=repeats,
            take=self._found,
            missing=self._not_found,
            noted=self._noted,
        )
        super().__init__(tape, self.count)
        self._clients: dict[tuple[str, bool], Any] = {}
        self._health = Health()
        self.advice: Advice = Advice()
        """What messages tell to do."""
        playing.turn_on()

    @property
    def unplayed(self) -> list[Recorded]:
        """The recorded requests that were not made yet, in the order recorded; of sockets, messages not sent, too."""
        return sorted([*self._matching.left, *self._sockets.left], key=lambda each: each.sent_at)

    @property
    def unread(self) -> list[str]:
        """The types of messages at the end of sockets that were not read yet, but for those that may stay."""
        return self._sockets.unread()

    @property
    def count(self) -> int:
        """How many recorded attempts there are to be played; connections and sent messages of sockets count, too."""
        return self._matching.count + self._sockets.count

    def http_client(self, *, asynchronous: bool = False) -> Any:
        """Make an HTTP client that this playback answers, for what wants an ``http_client``.

        It is of the library that the installed openai runs on: httpx2, or httpx for openai 2.

        Args:
            asynchronous: for an asynchronous client.
        """
        return client_of(library_of_openai(), self._answer, asynchronous=asynchronous, live=self.goes_live)

    def check(self) -> None:
        """Raise what a program may have swallowed.

        Raises:
            ReplayMiss: a request had no answer.
            NotAllPlayed: a recorded request was never made, though nothing went live in its place, or what came over a
                socket was never read.
        """
        if self._misses:
            raise self._misses[0]
        if self._unplayed == "error" and not self.live:
            self.assert_consumed()

    def assert_consumed(self, *, may_stay: Collection[str] = MAY_STAY) -> None:
        """Assert that all that was recorded was asked for, and read where it came over a socket.

        Leaving ``with`` does, unless ``unplayed="ignore"``.

        Args:
            may_stay: types of messages that need not have been read at the end, as patterns; in place of
                ``rate_limits.updated`` and ``*.delta``. Of Responses, and over HTTP, nothing has to be read.

        Raises:
            NotAllPlayed: something was not.
        """
        left = self.unplayed
        if left:
            raise not_all_played(self.tape, left, self.count, self.advice)
        unread = self._sockets.unread(may_stay)
        if unread:
            raise not_all_read(unread, self.advice)

    def __enter__(self) -> Self:
        playing.begin(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        playing.end(self)
        if exc is None:
            self.check()
        elif self._misses and exc not in self._misses:
            exc.add_note(f"In the replay before that: {self._misses[0]}")

    def __repr__(self) -> str:
        return f"<playback of {self.tape.name}: {self.told()}>"

    # What clients and recorders ask: see `tfclient.playing.Player`.

    def about(self) -> dict[str, Any]:
        """Return what a session that records this run says at its beginning."""
        kind = "branch" if self.goes_live else "replay"
        about = {
            "kind": kind,
            "session_id": self.tape.session_id,
            "head": self.tape.head,
            "until": self._until,
        }
        return {name: value for name, value in about.items() if value is not None}

    def left(self) -> dict[str, Any]:
        """Return what it says at its end."""
        return {**self.about(), "unplayed": len(self.unplayed)}

    def connecting(self, connect: Callable[..., Any], client: Any) -> Stage | None:
        """Return what makes a connection manager in place of a resource's ``connect``; None where it goes live.

        It does with ``on_miss="live"`` where the recording has no socket of that kind.
        """
        stage = Stage(self._sockets, connect, client, self._pace)
        if self.goes_live and not self._sockets.has(stage.kind):
            self._went_live()
            return None
        return stage

    def asking(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return what makes a call in place of a client's ``request``."""
        return calling(parent)

    def asking_async(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same for asynchronous clients."""
        return calling_async(parent)

    def sending(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return what answers in place of a client's ``_send_request``."""

        def send(*args: Any, **kwargs: Any) -> Any:
            request = self._planned(args, kwargs)
            if request is None:
                return parent(*args, **kwargs)
            return self._client(request, asynchronous=False).send(
                request, **_OURS, stream=bool(kwargs.get("stream"))
            )

        return send

    def sending_async(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same for asynchronous clients."""

        async def send(*args: Any, **kwargs: Any) -> Any:
            request = self._planned(args, kwargs)
            if request is None:
                return await parent(*args, **kwargs)
            client = self._client(request, asynchronous=True)
            return await client.send(request, **_OURS, stream=bool(kwargs.get("stream")))

        return send

    def _planned(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the request with its answer beside it; None where it goes live."""
        request = args[0] if args else kwargs["request"]
        go_on()
        try:
            request.extensions[_PLAN] = self._plan(request)
        except GoLive:
            playing.just_played.set(False)
            return None
        playing.just_played.set(True)
        return request

    def _client(self, request: Any, *, asynchronous: bool) -> Any:
        wanted = library_of(request), asynchronous
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = client_of(wanted[0], self._answer, asynchronous=asynchronous)
            return self._clients[wanted]

    def _answer(self, request: Any) -> Answer:
        return request.extensions.pop(_PLAN, None) or self._plan(request)

    def _plan(self, request: Any) -> Answer:
        """Return the answer to a request.

        Raises:
            GoLive: there is none, and the real API is to be asked.
            ReplayMiss: there is none; inside a call, wrapped for the way out of it.
        """
        asked = made_request(request, self.tape.redactor, self._health, self._ignored)
        with self._lock:
            found = self._matching.take(asked)
            if found is None or found.recorded.unknown is not None or found.recorded.ending == "cancelled":
                if self.goes_live:
                    self._went_live()
                    raise GoLive
                raise self._noted(self._missing(asked, None if found is None else found.recorded))
            self._take(Played(found.recorded, found.how, found.differences))
        recorded = found.recorded
        mark = self._mark(recorded, found.how)
        return Answer(recorded, mark, self._pace, self._stopped(recorded) if recorded.read_in_part else None)

    def _found(self, found: Found) -> dict[str, Any]:
        """Note what a socket was found for; return the mark of it."""
        recorded = found.recorded
        self._take(Played(recorded, found.how, found.differences))
        return self._mark(recorded, found.how)

    def _mark(self, recorded: Recorded, how: How) -> dict[str, Any]:
        mark = {"session_id": self.tape.session_id, "exchange_id": recorded.exchange_id, "how": how}
        return {name: value for name, value in mark.items() if value is not None}

    def _not_found(self, asked: Request, among: Matching) -> BaseException:
        advice = evolve(self.advice, live=self.advice.anew)
        return self._noted(miss(self.tape, asked, among.nearest(asked), among.given(asked), advice))

    def _missing(self, asked: Request, recorded: Recorded | None) -> ReplayMiss:
        if recorded is not None:
            return no_answer(
                self.tape, recorded, recorded.unknown or "the recorded program was stopped meanwhile"
            )
        nearest, given = self._matching.nearest(asked), self._matching.given(asked)
        return miss(self.tape, asked, nearest, given, self.advice)

    def _stopped(self, recorded: Recorded) -> Callable[[], BaseException]:
        def stopped() -> BaseException:
            error = no_answer(self.tape, recorded, "the recorded program stopped reading its answer here")
            return self._noted(error)

        return stopped


def _over_http(tape: Tape, allowed: frozenset[str] | None) -> list[Recorded]:
    return [
        each
        for each in tape.attempts
        if each.socket is None and (allowed is None or each.exchange_id in allowed)
    ]


_OURS: Final[dict[str, Any]] = {"auth": None, "follow_redirects": False}
"""Nobody is to be convinced who we are, and what is played is where redirects led."""


def _one_of(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise SettingError(name, value, " or ".join(map(repr, words)))


def checked(given: object) -> Playback | None:
    """Return what was given as a playback.

    Raises:
        TypeError: it is something else.
    """
    if given is not None and not isinstance(given, Playback):
        raise TypeError(f"replay must be what tfclient.replay() gives, not {given!r}")
    return given


def replay(
    recording: str | os.PathLike[str] | Tape = "last",
    *,
    match: Match = "alike",
    ignore: Iterable[str] = (),
    on_miss: OnMiss = "error",
    until: str | None = None,
    repeats: bool = False,
    unplayed: OnUnplayed = "error",
    pace: float = 0,
    store: str | os.PathLike[str] | None = None,
) -> Playback:
    """Give a program again what a recorded one was given, offline.

    Use it as a context manager, for all clients of the process that are traced or installed, or give it to one client:
    ``TracedOpenAI(replay=playback)``.

    Args:
        recording: a session (its id, the start of one, or ``"last"``), the path of a vcrpy cassette or of a bundle, or
            a ``Tape``.
        match: how far a request may differ from the recorded one: ``"exact"`` not at all, ``"alike"`` in clocks and ids
            where programs write, ``"nearest"`` in anything; or a function of both that decides.
        ignore: places that do not count, as messages print them: ``"metadata.run_id"``, ``"input[*].output.at"``.
        on_miss: ``"error"``, or ``"live"``: what has no answer goes to the real API.
        until: a step of the session; what was asked after it goes to the real API, all of it.
        repeats: give the last answer again where a request is made more often than it was recorded.
        unplayed: ``"error"``, or ``"ignore"``: recorded requests need not be made.
        pace: share of the recorded time that answers take.
        store: the session's store; else ``THOUGHTFLOW_DIR``, else ``.thoughtflow`` here or in a folder above.

    Raises:
        ReplayRefused: it cannot be played; the error says why.
        UnknownSession, StoreNotFound, NotACassette, BundleRefused: it is not there, or no recording.
        SettingError: an argument has a value that it cannot have.

    Example:
        >>> import tempfile, tfclient
        >>> store = tempfile.mkdtemp()
        >>> tfclient.replay("last", store=store)
        Traceback (most recent call last):
        ...
        tfstore.errors.StoreNotFound: ...
    """
    tape = recording if isinstance(recording, Tape) else tape_of(recording, store)
    return Playback(
        tape,
        match=match,
        ignore=ignore,
        on_miss=on_miss,
        until=until,
        repeats=repeats,
        unplayed=unplayed,
        pace=pace,
    )
