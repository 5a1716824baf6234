"""What is given to a model of adaptations: those that people confirmed, for its tools and its instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from tfclient.errors import SettingError
from tfclient.reflect.adaptations.adaptation import ANY, Adaptation, base_version
from tfclient.reflect.lessons.given import ADAPTED, ADAPTS
from tfclient.reflect.lessons.giving import tool_named
from tfclient.reflect.lessons.wording import unmarked
from tfclient.reflect.text.counting import estimate

BUDGET: Final = 800
"""Tokens that adaptations may take."""

HEAD: Final = "What was learnt from earlier sessions, and confirmed by a person."

_FIRST: Final = {"kept": 0, "used": 1, "confirmed": 2}


@frozen
class LeftOut:
    """An adaptation that is not given out, and why."""

    adaptation_id: str
    why: str


@frozen
class Adapted:
    """What is given: ``text`` to be put behind the instructions, the adaptations in it, and those left out.

    Example:
        >>> Adapted().text
        ''
    """

    text: str = ""
    adaptation_ids: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def adaptations_among(
    adaptations: Iterable[Adaptation],
    tools: Iterable[str | Mapping[str, Any]] = (),
    instructions: str | None = None,
    budget: int = BUDGET,
    tokens: Callable[[str], int] = estimate,
) -> Adapted:
    """Return what is given of adaptations to a model that has these tools and instructions.

    Args:
        adaptations: all that there are.
        tools: names, or tools as a request has them.
        instructions: what it will stand behind.
        budget: tokens that the text may take.
        tokens: counts them.

    Raises:
        SettingError: the budget is no number of tokens.
        TypeError: one of the tools is neither a name nor a tool.
    """
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 0:
        raise SettingError("budget", budget, "a number of tokens, 0 or more")
    names = frozenset(tool_named(each)[0] for each in tools)
    version = None if instructions is None else base_version(instructions)
    given: list[Adaptation] = []
    left: list[LeftOut] = []
    for each in sorted(adaptations, key=_place):
        why = _why_not(each, names, version, instructions or "")
        if not why:
            if tokens(_text([*given, each])) <= budget:
                given.append(each)
                continue
            why = f"there is no room for it within {budget:,} tokens"
        left.append(LeftOut(each.adaptation_id, why))
    return Adapted(_text(given), tuple(each.adaptation_id for each in given), tuple(left))


def _place(adaptation: Adaptation) -> tuple[int, str, str]:
    """Return by what they are ordered: those first that proved themselves, of equals those confirmed first."""
    return _FIRST.get(adaptation.status, 3), adaptation.confirmed_at, adaptation.adaptation_id


def _why_not(adaptation: Adaptation, tools: frozenset[str], version: str | None, instructions: str) -> str:
    if not adaptation.is_given:
        ask = f": `tfclient adapt confirm {adaptation.adaptation_id}`"
        return f"it is {adaptation.status}{ask if adaptation.status == 'proposed' else ''}"
    if f"[{adaptation.adaptation_id}]" in instructions:
        return "it stands in the instructions"
    if adaptation.tools and not tools & frozenset(adaptation.tools):
        return "none of its tools is among these"
    if adaptation.instructions != ANY and not (version or "").startswith(adaptation.instructions):
        return "it is for other instructions"
    return ""


def _text(given: Iterable[Adaptation]) -> str:
    lines = [f"- {unmarked(each.text)} [{each.adaptation_id}]" for each in given]
    return "\n".join([f"{ADAPTS}>", HEAD, *lines, ADAPTED]) if lines else ""
