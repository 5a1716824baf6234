"""The account of a run: what was played and how it was found, what had no answer, what went live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfclient.replaying.calls import leaving
from tfclient.replaying.differences import Difference
from tfclient.replaying.matching import How
from tfclient.replaying.recorded import Recorded
from tfclient.replaying.reports import Report
from tfstore.disk import fork
from tfstore.reading.plain_text import brief

if TYPE_CHECKING:
    from tfclient.errors import ReplayMiss
    from tfclient.replaying.tape import Tape


@frozen
class Played:
    """One answer that was played: which, how it was found, and where the request differs from the recorded one."""

    recorded: Recorded
    how: How
    differences: tuple[Difference, ...] = ()


class Account:
    """What came of one run over a tape so far; who plays tells it.

    Args:
        tape: what is played.
        count: how many recorded attempts there are to be played.
    """

    def __init__(self, tape: Tape, count: int) -> None:
        self.tape: Final = tape
        self._lock = fork.lock()
        self._answers: list[Played] = []
        self._misses: list[ReplayMiss] = []
        self._report = Report(count)
        self.listener: Callable[[dict[str, Any]], None] | None = None
        """Hears of everything as it happens, as ``Report.take`` does."""

    @property
    def answers(self) -> list[Played]:
        """What was played so far, in the order of the answers."""
        return list(self._answers)

    @property
    def misses(self) -> list[ReplayMiss]:
        """The requests that had no answer, whether the program swallowed that or not."""
        return list(self._misses)

    @property
    def live(self) -> int:
        """How many requests went to the real API."""
        return self._report.live

    @property
    def placeholders(self) -> list[str]:
        """The ``exchange_id``s of answers that were played with something in them replaced before it was kept."""
        return [each.recorded.exchange_id for each in self._answers if each.recorded.placeholders]

    @property
    def session_ids(self) -> list[str]:
        """The sessions that record this run."""
        return list(self._report.sessions)

    @property
    def notes(self) -> list[str]:
        """What is worth knowing of this run, in sentences: what was overlooked, which placeholders were given."""
        notes = [
            f"{self.tape.shown(each.recorded.exchange_id)} was answered though it differs in {_places(each)}."
            for each in self._answers
            if each.differences
        ]
        notes += [
            f"The answer {self.tape.shown(each)} holds placeholders: something in it was redacted when it was recorded."
            for each in self.placeholders
        ]
        return notes

    def told(self) -> str:
        """Return this run in one line: ``played 12 of 12: 10 exact, 2 alike (instructions), 0 live``."""
        return self._report.told()

    def recorded_in(self, session_id: str) -> None:
        """Hear which session records this run."""
        if session_id not in self._report.sessions:
            self._tell({"session": session_id})

    def _take(self, played: Played) -> None:
        self._answers.append(played)
        self._tell(
            {
                "played": played.recorded.exchange_id,
                "how": played.how,
                "places": [each.where for each in played.differences],
                "placeholders": played.recorded.placeholders,
            }
        )

    def _went_live(self) -> None:
        self._tell({"live": 1})

    def _noted(self, error: ReplayMiss) -> BaseException:
        """Note a miss; return it as it is to be raised."""
        self._misses.append(error)
        self._tell({"missed": str(error)})
        return leaving(error)

    def _tell(self, told: dict[str, Any]) -> None:
        with self._lock:
            self._report.take(told)
            if self.listener is not None:
                self.listener(told)


def _places(played: Played) -> str:
    return brief(", ".join(dict.fromkeys(each.where for each in played.differences)), 200)
