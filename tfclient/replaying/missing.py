"""What is said of a request that a recording has no answer to, and of recorded ones that were never made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tfclient.errors import NotAllPlayed, ReplayMiss
from tfclient.replaying.differences import MOST
from tfstore.reading.plain_text import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfclient.replaying.matching import Nearest
    from tfclient.replaying.request import Request
    from tfclient.replaying.tape import Recorded, Tape

_WIDE: Final = 200
_LISTED: Final = 5


def miss(tape: Tape, asked: Request, nearest: Nearest | None, given: Recorded | None) -> ReplayMiss:
    """Return the error of a request that has no answer.

    Args:
        tape: what was recorded.
        asked: the request.
        nearest: the least different of those that are left.
        given: the recorded attempt that answered it before, if one did.
    """
    what = f"No recorded answer to {_endpoint(asked)}."
    if given is not None:
        again = f"The one that was recorded, {tape.shown(given.exchange_id)}, was given already"
        return ReplayMiss(
            f"{what} {again}: repeats=True (--repeats) gives it again.", nearest=given.exchange_id
        )
    if nearest is None:
        return ReplayMiss(f"{what} Nothing that is left of {brief(tape.name, _WIDE)} went there.")
    found = nearest.differences
    places = "1 place" if len(found) == 1 else f"{len(found)} places"
    lines = [
        f"{what} The nearest that is left, {tape.shown(nearest.recorded.exchange_id)}, differs in {places}:"
    ]
    for each in found[:MOST]:
        lines += [f"  {line}" for line in each.lines()]
    if len(found) > MOST:
        lines.append(f"  … and in {len(found) - MOST} more")
    lines.append(_advice([each.where for each in found]))
    return ReplayMiss("\n".join(lines), nearest=nearest.recorded.exchange_id, differences=found)


def _advice(places: Sequence[str]) -> str:
    live = "`tfclient replay … --on-miss live` goes on from here with the real API"
    if len(places) > MOST:
        return f"{live}."
    ignore = " ".join(f"--ignore {brief(each, _WIDE)}" for each in dict.fromkeys(places))
    return f"{live}; {ignore} overlooks {'it' if len(places) == 1 else 'them'}."


def no_answer(tape: Tape, recorded: Recorded, reason: str) -> ReplayMiss:
    """Return the error of a request that was recorded, but not what came of it."""
    what = f"{recorded.method} {brief(recorded.url, _WIDE)}"
    return ReplayMiss(
        f"No recorded answer to {what}: {tape.shown(recorded.exchange_id)} is the same request, but {reason}.",
        nearest=recorded.exchange_id,
    )


def not_all_played(tape: Tape, left: Sequence[Recorded], count: int) -> NotAllPlayed:
    """Return the error of a replay that ended with recorded requests left over."""
    shown = ", ".join(tape.shown(each.exchange_id) for each in left[:_LISTED])
    more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    reason = (
        "No request came to it: clients are played that are TracedOpenAI or its like, that tfclient.install() records, "
        "or that have playback.http_client()."
        if len(left) == count
        else "unplayed='ignore' (--unplayed ignore) allows it."
    )
    return NotAllPlayed(
        f"{len(left)} of {count} recorded requests were never made: {shown}{more}. {reason}",
        tuple(each.exchange_id for each in left),
    )


def _endpoint(asked: Request) -> str:
    return brief(asked.endpoint, _WIDE)
