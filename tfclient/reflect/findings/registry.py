"""The kinds of findings by name: those that are built in, in their order, and those that a program adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from tfclient.errors import SettingError
from tfclient.reflect.findings.citing import CERTAINTIES, SEVERITIES, Certainty, Cited, Severity
from tfclient.reflect.findings.kind import Kind
from tfclient.reflect.findings.kinds import BUILT_IN
from tfstore.reading.evidence.evidence import Evidence

LookInEvidence: TypeAlias = Callable[[Evidence], Iterable[Cited]]

_BUILT_IN: Final[dict[str, Kind]] = {each.name: each for each in BUILT_IN}
_OWN: Final[dict[str, Kind]] = {}


def finding(
    name: str, *, severity: Severity = "medium", certainty: Certainty = "heuristic"
) -> Callable[[LookInEvidence], LookInEvidence]:
    """Add a kind of finding of your own: a generator over a session's evidence that yields what it cites.

    It is looked for after the built-in ones. Defined again under the same name, it takes the place of the one before.

    Args:
        name: what the findings are called; not the name of a built-in kind.
        severity: of its findings, unless they say otherwise: ``high``, ``medium``, ``low`` or ``info``.
        certainty: ``observed`` or ``heuristic``.

    Raises:
        SettingError: the name is a built-in kind's, or a word is none of these.

    Example:
        >>> @finding("slow_search", severity="low", certainty="observed")
        ... def slow_searches(evidence):
        ...     for call in evidence.tool_calls:
        ...         if call.tool == "search" and (call.own.step.duration_ms or 0) > 2_000:
        ...             yield Cited(call.steps, f"search took {call.own.step.duration_ms} ms")
    """
    if name in _BUILT_IN:
        raise SettingError("name", name, "a name that no built-in kind of finding has")
    if severity not in SEVERITIES:
        raise SettingError("severity", severity, f"one of {', '.join(SEVERITIES)}")
    if certainty not in CERTAINTIES:
        raise SettingError("certainty", certainty, f"one of {', '.join(CERTAINTIES)}")

    def add(look: LookInEvidence) -> LookInEvidence:
        _OWN[name] = Kind(name, lambda evidence, _: look(evidence), severity, certainty, own=True)
        return look

    return add


def kinds() -> dict[str, Kind]:
    """Return all kinds by name, the built-in ones first.

    Example:
        >>> kinds()["run_failed"].severity
        'high'
    """
    return {**_BUILT_IN, **_OWN}
