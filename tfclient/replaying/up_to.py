"""How far a tape is played where the rest is to be live: the attempts up to a step's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfclient.errors import ReplayRefused

if TYPE_CHECKING:
    from tfclient.replaying.tape import Tape


def up_to(tape: Tape, until: str) -> frozenset[str]:
    """Return the attempts up to a step's, by their names.

    Raises:
        ReplayRefused: the recording has no such step, or none that belongs to a request.
    """
    wanted = _step_number(until)
    steps = {name: _step_number(step) for name, step in tape.steps.items()}
    if wanted is None:
        raise ReplayRefused(tape.name, f"until={until!r} is no step: give one as step_2_3 or 2.3")
    last = max(
        (n for n, each in enumerate(tape.attempts) if _is_up_to(steps.get(each.exchange_id), wanted)),
        default=None,
    )
    if last is None:
        raise ReplayRefused(tape.name, f"until={until!r}: no request was made in that run up to that step")
    return frozenset(each.exchange_id for each in tape.attempts[: last + 1])


def _step_number(step: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(?:step_)?(\d+)[._](\d+)", step)
    return None if found is None else (int(found[1]), int(found[2]))


def _is_up_to(step: tuple[int, int] | None, wanted: tuple[int, int]) -> bool:
    return step is not None and step[0] == wanted[0] and step[1] <= wanted[1]
