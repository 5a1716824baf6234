"""How a recorder is: every fault counted, the first of each kind told in the log.

Faults are told through ``logging`` (the logger ``tfclient``) and not through ``warnings``: a program run with
``-W error`` would turn a warning into an exception inside its own model call.
"""

from __future__ import annotations

import contextlib
import logging
from sys import is_finalizing
from typing import TYPE_CHECKING

from tfclient.signals import let_pass
from tfstore.disk import fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger("tfclient")

_SAID = {
    "export": "Everything is recorded, and not all of it is exported: `tfclient export --pending` sends the rest",
    "sync": "Everything is recorded, and not all of it is in the database: `tfclient sync` sends the rest",
}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the program goes on
        let_pass(error)


class Health:
    """What went wrong while recording, and what could not be seen.

    ``faults`` counts everything that went wrong, ``by_kind`` splits it by where (``journal``, ``redaction``,
    ``capture``, ``session``, ``finish``, ``drift``, ``tool``, ``event``, ``backlog``, ``export``, ``sync``, ``raw``),
    ``last_error`` is the latest in words, and ``unseen`` names what passed by without being recorded, ``strays`` the
    sessions that were left in another context than they were entered in, without a call: what was meant for them is
    elsewhere.

    Example:
        >>> health = Health()
        >>> health.ok, health.degraded, health.faults
        (True, False, 0)
    """

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._reasons: dict[str, str] = {}
        self._said: set[str] = set()
        self.faults = 0
        self.by_kind: dict[str, int] = {}
        self.last_error: str | None = None
        self._unseen: list[str] = []
        self.looks: Callable[[Health], None] | None = None
        """What is asked to look for more that passes by."""
        self.strays: list[str] = []

    @property
    def unseen(self) -> list[str]:
        """What passed by without being recorded, as far as one can see now."""
        self.look()
        return self._unseen

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong, and everything is recorded as it should be."""
        return not self.faults and not self._reasons

    @property
    def degraded(self) -> bool:
        """Whether recording does not work as it should at this moment."""
        return bool(self._reasons)

    @property
    def reasons(self) -> list[str]:
        """Why recording is degraded, in words."""
        return list(self._reasons.values())

    def fault(self, kind: str, error: BaseException | str, doing: str) -> None:
        """Count a fault, and say it if it is the first of its kind.

        Args:
            kind: where it happened.
            error: the cause.
            doing: what was being done, as in "writing the journal".

        Raises:
            Exception: the error itself, if it is none of ours: a signal handler of the program raised it in here.
        """
        if not isinstance(error, str):
            let_pass(error)
        with _quietly():
            cause = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
            text = f"{doing}: {cause}"
            with self._lock:
                self.faults += 1
                count = self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
                self.last_error = text
            # While the interpreter goes down, a line on the program's terminal helps nobody.
            if count == 1 and not is_finalizing():
                _log.warning(
                    "%s. It happened while %s. Model calls are not affected. "
                    "Further faults of this kind (%s) are only counted: see client.recorder.health.",
                    _SAID.get(kind, "Not everything is being recorded"),
                    text,
                    kind,
                )

    @contextlib.contextmanager
    def guard(self, kind: str, doing: str) -> Iterator[None]:
        """Count what goes wrong inside, and go on behind it: for what happens seldom, since it takes a microsecond.

        Args:
            kind: where it happened.
            doing: what is being done.

        Example:
            >>> health = Health()
            >>> with health.guard("session", "looking for other writers"):
            ...     raise OSError("no such folder")
            >>> health.faults
            1
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the program goes on
            self.fault(kind, error, doing)

    def not_seen(self, what: str, why: str) -> None:
        """Note, and say once, that something passes by without being recorded."""
        with _quietly():
            with self._lock:
                if what in self._unseen:
                    return
                self._unseen.append(what)
            _log.warning("%s is not recorded: %s.", what, why)

    def look(self) -> None:
        """Have it noted what is seen of late to pass by."""
        if self.looks is not None:
            with contextlib.suppress(Exception):
                self.looks(self)

    def untold(self, session_id: str) -> None:
        """Note, and say once, that what happens in a session is not told to ``on_event`` any more."""
        with contextlib.suppress(Exception):
            what = f"on_event: what happens in session {session_id}"
            with self._lock:
                if what in self._unseen:
                    return
                self._unseen.append(what)
            self.say(
                "untold",
                f"{what} is not told any more: it is so long that another process makes its document.",
            )

    def say(self, kind: str, text: str) -> None:
        """Say something that is worth knowing and no fault, the first time that there is something of its kind."""
        with contextlib.suppress(Exception):
            with self._lock:
                if kind in self._said:
                    return
                self._said.add(kind)
            _log.warning("%s", text)

    def stray(self, session_id: str) -> None:
        """Note, and say once, that what was meant for a session is in another."""
        with contextlib.suppress(Exception):
            with self._lock:
                self.strays.append(session_id)
            self.say(
                "stray",
                f"Session {session_id} was entered in one context and left in another, and no call was made in it: "
                "where a framework runs its block step by step, calls go to whatever session is current there. Make "
                "them with session.client. See docs/quickstart.md, and client.recorder.health.strays for others.",
            )

    def degrade(self, kind: str, reason: str) -> None:
        """Say that recording does not work as it should, until ``recover`` is called for this kind."""
        self._reasons[kind] = reason

    def recover(self, kind: str) -> None:
        """Say that this kind of trouble is over."""
        self._reasons.pop(kind, None)

    def __repr__(self) -> str:
        return f"Health(ok={self.ok}, faults={self.faults}, by_kind={self.by_kind}, reasons={self.reasons})"
