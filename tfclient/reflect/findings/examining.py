"""Looking for findings: which kinds, in which order, and what becomes of a kind that goes wrong."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

from attrs import field, frozen

from tfclient.errors import SettingError
from tfclient.reflect.findings.citing import (
    CERTAINTIES,
    SEVERITIES,
    Cited,
    Finding,
    id_of,
    step_id,
)
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind
from tfclient.reflect.findings.registry import kinds
from tfclient.reflect.quoting import escaped
from tfstore.document.documents import Session
from tfstore.reading.evidence.evidence import Evidence, evidence_of

Limit: TypeAlias = Callable[[str, Callable[[], list[Cited]]], list[Cited]]
"""Calls a function for the kind of this name; one that takes too long it may give up, by raising ``TimeoutError``."""


class NotLookedFor(UserWarning):
    """Something was not looked for, or not to the end; the message says what and why."""


@frozen
class Examined:
    """What was found in a session; ``troubles`` are sentences on what could not be looked for, and why."""

    findings: list[Finding] = field(factory=list[Finding])
    troubles: list[str] = field(factory=list[str])

    @property
    def worst(self) -> str:
        """The severity of the worst finding, nothing where there is none."""
        return self.findings[0].severity if self.findings else ""


def findings(
    session: Session,
    only: Collection[str] | None = None,
    without: Collection[str] | None = None,
    writes: Iterable[str] = (),
    reads: Iterable[str] = (),
) -> list[Finding]:
    """Return what is wrong with a session, the most severe first, of those what was observed first.

    What could not be looked for is told as a ``NotLookedFor`` warning. Nothing here bounds how long a kind of your own
    takes: ``tfclient findings`` does.

    Args:
        session: its document.
        only: these kinds, also such as are off otherwise.
        without: not these kinds.
        writes: names of tools that change something.
        reads: names of tools that do not; of others the first word of the name is taken for it.

    Raises:
        SettingError: there is no kind of a name that was given.

    Example:
        >>> from tfstore.document.documents import ErrorInfo, Run, Session, Step
        >>> call = Step("step_1_1", 1, "assistant_call", "responses.request", status="failed")
        >>> call.error = ErrorInfo("provider", "The server is busy.", http_status=503)
        >>> run = Run("run_1", "user_message", status="failed", steps=[call])
        >>> [(each.kind, each.severity, each.steps) for each in findings(Session("sess_1", runs=[run]))]
        [('run_failed', 'high', ['step_1_1'])]
    """
    examined = examine(session, only, without, writes, reads)
    for trouble in examined.troubles:
        warnings.warn(trouble, NotLookedFor, stacklevel=2)
    return examined.findings


def examine(
    session: Session | Evidence,
    only: Collection[str] | None = None,
    without: Collection[str] | None = None,
    writes: Iterable[str] = (),
    reads: Iterable[str] = (),
    limit: Limit | None = None,
) -> Examined:
    """Return what is wrong with a session and what could not be looked for.

    Args:
        session: its document, or its evidence where that was gathered already.
        only: these kinds, also such as are off otherwise.
        without: not these kinds.
        writes: names of tools that change something.
        reads: names of tools that do not.
        limit: calls each kind that is not built in, and may give it up.

    Raises:
        SettingError: there is no kind of a name that was given.
    """
    evidence = session if isinstance(session, Evidence) else evidence_of(session)
    effects = Effects.said(writes, reads)
    found: dict[str, Finding] = {}
    troubles: list[str] = []
    for each in chosen(only, without):
        if each.needs and importlib.util.find_spec(each.needs) is None:
            if only or evidence.has_schemas:
                troubles.append(
                    f"{each.name} was not looked for: it needs {each.needs}, "
                    'which is not installed: pip install "tfclient[reflect]"'
                )
        else:
            _look(each, evidence, effects, limit if each.own else None, found, troubles)
    return Examined(sorted(found.values(), key=lambda one: _rank(one, evidence)), troubles)


def chosen(only: Collection[str] | None, without: Collection[str] | None) -> list[Kind]:
    """Return the kinds that are meant, in their order.

    Raises:
        SettingError: there is no kind of a name that was given.
    """
    known = kinds()
    for name, given in (("only", only), ("without", without)):
        for each in given or ():
            if each not in known:
                raise SettingError(name, each, f"names of kinds: {', '.join(known)}")
    wanted = [each for each in known.values() if (each.name in only if only else not each.off)]
    return [each for each in wanted if each.name not in (without or ())]


def _look(
    kind: Kind,
    evidence: Evidence,
    effects: Effects,
    limit: Limit | None,
    found: dict[str, Finding],
    troubles: list[str],
) -> None:
    """Look for a kind: whatever it does, and whatever a document from other hands holds, the others' findings stand."""

    def look() -> list[Cited]:
        return list(kind.look(evidence, effects))

    try:
        hits: list[Any] = limit(kind.name, look) if limit is not None else look()
    except TimeoutError as error:
        troubles.append(f"The finding {kind.name!r} was given up: {error or 'it took too long'}.")
        return
    except Exception as error:  # noqa: BLE001 - somebody else's code, or document
        troubles.append(
            f"The finding {kind.name!r} raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        )
        return
    for cited in hits:
        wrong = _wrong_with(cited, evidence)
        if wrong:
            troubles.append(f"The finding {kind.name!r} {wrong}; it is left out.")
            continue
        made = _finding(kind, cited, evidence)
        found.setdefault(made.id, made)


def _wrong_with(cited: Any, evidence: Evidence) -> str:
    if not isinstance(cited, Cited):
        return f"gave a {type(cited).__name__} where a Cited is needed"
    try:
        ids = [step_id(each) for each in cited.steps]
    except (AttributeError, TypeError):
        return "cites something that is no step"
    if not ids:
        return "cites no step"
    unknown = [each for each in ids if each not in evidence.facts.steps]
    if unknown:
        return f"cites {escaped(str(unknown[0])[:40])}, which is not in session {evidence.session.session_id}"
    if cited.severity not in {*SEVERITIES, None} or cited.certainty not in {*CERTAINTIES, None}:
        return f"is of severity {cited.severity!r} and certainty {cited.certainty!r}, which are no such words"
    return "" if isinstance(cited.says, str) else "says nothing"


def _finding(kind: Kind, cited: Cited, evidence: Evidence) -> Finding:
    ids = list(dict.fromkeys(step_id(each) for each in cited.steps))
    return Finding(
        id_of(kind.name, ids),
        kind.name,
        "info" if kind.on_trial else cited.severity or kind.severity,
        cited.certainty or kind.certainty,
        evidence.facts.steps[ids[0]].run.run.run_id,
        ids,
        escaped(cited.says),
        cited.data,
    )


def _rank(finding: Finding, evidence: Evidence) -> tuple[int, int, int]:
    first = evidence.facts.steps[finding.steps[0]].step.seq
    return SEVERITIES.index(finding.severity), CERTAINTIES.index(finding.certainty), first
