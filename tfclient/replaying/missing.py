"""What is said of a request that a recording has no answer to, and of recorded ones that were never made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.errors import NotAllPlayed, ReplayMiss
from tfclient.replaying.differences import MOST
from tfclient.replaying.request import OPEN, SEND
from tfstore.reading.plain_text import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfclient.replaying.matching import Nearest
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.request import Request
    from tfclient.replaying.tape import Tape

_WIDE: Final = 200
_LISTED: Final = 5


@frozen
class Advice:
    """What whoever replays can do, in words: for a program, by the command; of a test, see ``of_test``."""

    live: str = "`tfclient replay … --on-miss live` goes on from here with the real API"
    anew: str = "a WebSocket cannot go live in its middle: what is changed is to be recorded again"
    repeats: str = "repeats=True (--repeats) gives it again"
    unplayed: str = "unplayed='ignore' (--unplayed ignore) allows it"
    marker: str = ""

    def ignoring(self, places: Sequence[str]) -> str:
        """Return what overlooks these places."""
        named = list(dict.fromkeys(brief(each, _WIDE) for each in places))
        what = "it" if len(places) == 1 else "them"
        if self.marker:
            return f"`{self.marker}(ignore={named})` overlooks {what}"
        return f"{' '.join(f'--ignore {each}' for each in named)} overlooks {what}"

    @classmethod
    def of_test(cls, command: str) -> Advice:
        """Return it as who runs a test can follow it.

        Args:
            command: runs that test.

        Example:
            >>> Advice.of_test("pytest test_agent.py::test_weather").ignoring(["input[0].content"])
            "`@pytest.mark.thoughtflow(ignore=['input[0].content'])` overlooks it"
        """
        marker = "@pytest.mark.thoughtflow"
        return cls(
            live=f"`{command} --tf-record=new_episodes` asks the real API for it, --tf-record=rewrite for all",
            anew=f"`{command} --tf-record=rewrite` records it anew: a WebSocket cannot go live in its middle",
            repeats=f"`{marker}(repeats=True)` gives it again",
            unplayed=f"`{marker}(allow_unplayed=True)` allows it",
            marker=marker,
        )


def miss(
    tape: Tape, asked: Request, nearest: Nearest | None, given: Recorded | None, advice: Advice
) -> ReplayMiss:
    """Return the error of a request that has no answer.

    Args:
        tape: what was recorded.
        asked: the request.
        nearest: the least different of those that are left.
        given: the recorded attempt that answered it before, if one did.
        advice: what can be done.
    """
    what = f"No recorded answer to {_endpoint(asked)}."
    if given is not None:
        again = f"The one that was recorded, {tape.shown(given.exchange_id)}, was given already"
        return ReplayMiss(f"{what} {again}: {advice.repeats}.", nearest=given.exchange_id)
    if nearest is None:
        gone = f"Nothing that is left of {brief(tape.name, _WIDE)} went there"
        return ReplayMiss(f"{what} {gone}: {advice.live}.")
    found = nearest.differences
    places = "1 place" if len(found) == 1 else f"{len(found)} places"
    lines = [
        f"{what} The nearest that is left, {tape.shown(nearest.recorded.exchange_id)}, differs in {places}:"
    ]
    for each in found[:MOST]:
        lines += [f"  {line}" for line in each.lines()]
    if len(found) > MOST:
        lines.append(f"  … and in {len(found) - MOST} more")
    ignoring = "" if len(found) > MOST else f"; {advice.ignoring([each.where for each in found])}"
    lines.append(f"{advice.live}{ignoring}.")
    return ReplayMiss("\n".join(lines), nearest=nearest.recorded.exchange_id, differences=found)


def no_answer(tape: Tape, recorded: Recorded, reason: str) -> ReplayMiss:
    """Return the error of a request that was recorded, but not what came of it."""
    what = f"{recorded.method} {brief(recorded.url, _WIDE)}"
    return ReplayMiss(
        f"No recorded answer to {what}: {tape.shown(recorded.exchange_id)} is the same request, but {reason}.",
        nearest=recorded.exchange_id,
    )


def not_all_played(
    tape: Tape, left: Sequence[Recorded], count: int, advice: Advice = Advice()
) -> NotAllPlayed:
    """Return the error of a replay that ended with recorded requests left over."""
    shown = ", ".join(tape.shown(each.exchange_id) for each in left[:_LISTED])
    more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    reason = (
        "No request came to it: clients are played that are TracedOpenAI or its like, that tfclient.install() records, "
        "or that have playback.http_client()."
        if len(left) == count
        else f"{advice.unplayed}."
    )
    return NotAllPlayed(
        f"{len(left)} of {count} recorded requests were never made: {shown}{more}. {reason}",
        tuple(each.exchange_id for each in left),
    )


def not_all_read(unread: Sequence[str], advice: Advice = Advice()) -> NotAllPlayed:
    """Return the error of a replay that ended with messages left that the recorded program was given.

    Args:
        unread: their types, in order.
        advice: what can be done.
    """
    shown = brief(", ".join(unread[:_LISTED]), _WIDE)
    more = f" and {len(unread) - _LISTED} more" if len(unread) > _LISTED else ""
    what = (
        "1 message that came over a WebSocket was"
        if len(unread) == 1
        else (f"{len(unread)} messages that came over WebSockets were")
    )
    return NotAllPlayed(f"{what} never read: {shown}{more}. {advice.unplayed}.", ())


def _endpoint(asked: Request) -> str:
    where = f"a WebSocket at {asked.path}"
    words = {OPEN: where, SEND: f"a message over {where}"}
    return brief(words.get(asked.method, asked.endpoint), _WIDE)
