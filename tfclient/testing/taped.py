"""One test on tape: its cassette is played, or what it does is recorded and becomes its cassette."""

from __future__ import annotations

import difflib
import os
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from attrs import define, field, frozen

from tfclient import playing
from tfclient.export.cassettes import cassette_of
from tfclient.opening import existing_store
from tfclient.recorder import Recorder
from tfclient.replaying.finding import tape_of
from tfclient.replaying.missing import Advice
from tfclient.replaying.playback import Playback
from tfclient.testing.told_session import ToldSession
from tfstore.disk.files import replace_file
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tfclient.replaying.matching import Match
    from tfclient.sessions.handle import SessionHandle

Mode = Literal["none", "once", "new_episodes", "all", "rewrite"]
MODES: Final[tuple[str, ...]] = get_args(Mode)
SCORES: Final = {"passed": 1.0, "failed": 0.0}
"""Of outcomes; one that was skipped, or failed as it was expected to, has none."""

_PATIENCE: Final = 60.0


class NotTaped(Exception):
    """A test cannot be played or recorded; the message says why, and what to do."""


@frozen
class Wanted:
    """What a test wants of its tape, and how it is called: ``test`` by its session, ``typed`` where pytest was run."""

    test: str
    typed: str
    cassette: Path
    mode: Mode = "none"
    match: Match = "alike"
    ignore: Iterable[str] = ()
    repeats: bool = False
    allow_unplayed: bool = False
    update_flows: bool = False
    max_age: timedelta | None = None

    @property
    def again(self) -> str:
        """The command that runs this test alone, with what follows."""
        return f"pytest {shlex.quote(self.typed)}"


@define(repr=False)
class Taped:
    """What the fixture ``thoughtflow`` gives.

    ``playback`` is what plays the cassette, None where the test is live; ``session`` ends the recording and gives it.
    """

    wanted: Wanted
    store: Path
    playback: Playback | None = None
    recorder: Recorder = field(init=False)
    _handle: SessionHandle = field(init=False)
    _told: ToldSession | None = None
    _key: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the real API is asked, at least for what the cassette does not have."""
        return self.playback is None or self.playback.goes_live

    def begin(self) -> None:
        """Play the cassette from now on, or record.

        Raises:
            NotTaped: there is none and none is to be made, or it is too old.
            NotACassette, ReplayRefused: it cannot be played.
        """
        wanted, there = self.wanted, self.wanted.cassette.exists()
        if wanted.mode == "none" and not there:
            raise NotTaped(
                f"There is no cassette at {wanted.cassette}. Record it with the real API: "
                f"`{wanted.again} --tf-record=once`."
            )
        if there and wanted.mode in {"none", "once", "new_episodes"}:
            if wanted.max_age is not None:
                self._look_at_age(wanted.max_age)
            self.playback = Playback(
                tape_of(wanted.cassette),
                match=wanted.match,
                ignore=wanted.ignore,
                on_miss="live" if wanted.mode == "new_episodes" else "error",
                repeats=wanted.repeats,
                unplayed="ignore" if wanted.allow_unplayed else "error",
            )
            self.playback.advice = Advice.of_test(wanted.again)
        if self.playback is not None and not self.is_live and not os.environ.get("OPENAI_API_KEY"):
            # Without one no client can be made, and nobody is asked for it.
            self._key = os.environ["OPENAI_API_KEY"] = "replay"
        self.recorder = Recorder(self.store, redact="secrets", idle_minutes=0, enabled=True)
        self._handle = self.recorder.session(title=wanted.test, metadata={"test": wanted.test})
        self._handle.__enter__()
        playing.record_in(playing.Studio(self.recorder, self._handle._state))  # noqa: SLF001 - ours
        if self.playback is not None:
            self._handle._played_by(self.playback)  # noqa: SLF001 - ours
            playing.begin(self.playback)

    @property
    def session(self) -> ToldSession:
        """The test's session, which ends here: its document, with questions to ask."""
        if self._told is None:
            self._handle.end()
            if not self._handle.wait(_PATIENCE):
                raise NotTaped(
                    f"The session of {self.wanted.test} could not be written: {self._handle.error}."
                )
            store = Store(self.store)
            self._told = ToldSession(store.get(self._handle.id), self._handle.path)
        return self._told

    def over(self, outcome: str) -> None:
        """Stop playing and recording, note on the session how the test went, and write a cassette if it passed live.

        Args:
            outcome: of the test: ``passed``, ``failed``, ``skipped``, ``xfailed``.

        Raises:
            ReplayMiss: a request had no answer, and the test went on all the same.
            NotAllPlayed: a recorded request was never made.
            NotTaped: nothing was recorded.
            OSError: the cassette cannot be written.
        """
        playing.record_in(None)
        if self.playback is not None:
            playing.end(self.playback)
        if self._key is not None and os.environ.get("OPENAI_API_KEY") == self._key:
            del os.environ["OPENAI_API_KEY"]
        told = self.session
        existing_store(self.store).note(
            told.document.session_id,
            f"The test {outcome if outcome in SCORES else f'was {outcome}'}.",
            score=SCORES.get(outcome),
            tags=[outcome],
            author="pytest",
        )
        self._handle.__exit__(None, None, None)
        if outcome != "passed":
            return
        if self.playback is not None and not self.is_live:
            self.playback.check()
        elif self.playback is None or self.playback.live:
            self._write(told.document.session_id)

    def _write(self, session_id: str) -> None:
        played = [] if self.playback is None else self.playback.answers
        first_sent = {each.recorded.exchange_id: each.recorded.sent_at for each in played}
        made = cassette_of(Store(self.store).journal(session_id)[0], first_sent)
        if made.is_empty:
            raise NotTaped(
                f"Nothing was recorded of {self.wanted.test}: no request was seen that got an answer. "
                "Clients are seen that are TracedOpenAI or its like, or that tfclient.install() records. A test that "
                "calls no model needs no fixture."
            )
        place = self.wanted.cassette
        place.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: several processes may run the test.
        replace_file(place, made.text().encode())
        place.chmod(0o644)

    def check_flow(self) -> None:
        """Assert that what happened is what was reviewed: the text in ``<test>.flow.txt`` beside the cassette.

        Raises:
            AssertionError: it is not, or there is none yet.
        """
        __tracebackhide__ = True
        place = self.wanted.cassette.with_suffix(".flow.txt")
        flow = self.session.flow
        if self.wanted.update_flows:
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(place, flow.encode())
            place.chmod(0o644)
            return
        update = f"`{self.wanted.again} --tf-update-flows` writes it; then review it"
        if not place.exists():
            raise AssertionError(f"There is no reviewed flow at {place}. {update}.")
        before = place.read_text(encoding="utf-8")
        if before != flow:
            lines = difflib.unified_diff(
                before.splitlines(), flow.splitlines(), place.name, "this run", lineterm=""
            )
            raise AssertionError("\n".join([f"The flow is not the one in {place}. {update}.", *lines]))

    def failure(self) -> str:
        """Return what is worth knowing where the test failed: the flow, the files, what to type."""
        session_id, root = self.session.document.session_id, shlex.quote(str(self.store))
        told = [
            self.session.flow or "No call was seen.\n",
            f"document  {self.session.path}",
            f"diagram   {self._handle.d2_path}",
            f"tfclient show {session_id} --store {root}",
            f"tfclient why {session_id} --store {root}",
        ]
        if self.playback is not None:
            told.append(f"cassette  {self.wanted.cassette}: {self.playback.told()}")
        if self.is_live and not cassette_of(Store(self.store).journal(session_id)[0]).is_empty:
            place = shlex.quote(str(self.wanted.cassette))
            told.append(f"to keep it: tfclient export vcr {session_id} --store {root} -o {place} --force")
        return "\n".join(told)

    def __repr__(self) -> str:
        how = "recorded" if self.playback is None else repr(self.playback)
        return f"<thoughtflow of {self.wanted.test}: {how}>"

    def _look_at_age(self, most: timedelta) -> None:
        from tfclient.importing.as_entries import UNDATED, date_of
        from tfclient.importing.cassette import whole_cassette

        whole = whole_cassette(self.wanted.cassette)
        dated = [at for each in whole.interactions if (at := date_of(each)) != UNDATED]
        dated += [int(each["at"]) for each in whole.sockets]
        if not dated:
            raise NotTaped(
                f"{self.wanted.cassette} does not say when it was recorded, and --tf-max-age is given."
            )
        age = datetime.now(UTC) - datetime.fromtimestamp(min(dated) / 1e6, UTC)
        if age > most:
            raise NotTaped(
                f"{self.wanted.cassette} was recorded {age.days} days ago, and --tf-max-age allows {most.days}: "
                f"`{self.wanted.again} --tf-record=rewrite` makes it anew."
            )


def age_of(typed: str) -> timedelta:
    """Return the age that ``180d``, ``12h`` or ``4w`` means.

    Raises:
        NotTaped: it means none.

    Example:
        >>> age_of("180d").days
        180
    """
    unit = {"h": "hours", "d": "days", "w": "weeks"}.get(typed[-1:])
    if unit is None or not typed[:-1].isdigit() or len(typed) > 7:
        raise NotTaped(f"--tf-max-age={typed} is no age: give 180d, 12h or 4w.")
    return timedelta(**{unit: int(typed[:-1])})


def settings_of(mode: Any) -> Mode:
    """Return a record mode as it was given.

    Raises:
        NotTaped: there is no such mode.
    """
    if mode not in MODES:
        raise NotTaped(f"{mode!r} is no way to record: give one of {', '.join(MODES)}.")
    chosen: Mode = mode
    return chosen
