"""What the index keeps of a session: a row for the list, one for each step, and what its calls come to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from attrs import asdict, define, field, fields_dict, frozen

from tfstore.disk.files import Stamp
from tfstore.document.cut_off import cut_off_in
from tfstore.document.documents import Session, Step, Usage
from tfstore.document.json_text import compact, parse
from tfstore.document.played import is_all_played, is_played

_LARGE: Final = 2**53

_METADATA_KEPT: Final = 2_000
"""Characters of a session's metadata that stand in its row."""

_PAIR_KEPT: Final = 200
"""Characters up to which a key and its value stand in the index as they are; of longer ones their hash does."""

Values: TypeAlias = tuple[Any, ...]
"""The values of a row of one of the tables."""


@define
class SessionRow:
    """What the list shows of a session; all of it is in the session's document too.

    ``cut_off`` counts the answers that stopped before their end, by the reason: ``length``, ``content_filter`` …;
    ``failure`` is the class of the exception that ended it; ``waits_for`` names the tools whose approval is
    still asked for, by their steps.
    ``answer`` is what the assistant said last, on one line. ``metadata`` are 2,000 characters at most, values that are
    no text as JSON; ``metadata_cut`` says that there is more. ``replay`` is there where it plays another one again:
    ``replay``, ``branch`` or ``again``; ``played_calls`` and ``played_usage`` are what of its model calls came from
    there, and ``all_played`` says that all of it did. ``head`` is that of its journal, empty in rows
    from before it was kept. ``retries`` and ``run_steps`` (how many runs have so many steps) are None in rows from
    before they were kept, which databases hold; ``drift`` also where the document does not say it. ``raw`` says that
    bodies were kept as they are, too.
    """

    session_id: str
    title: str = ""
    status: str = "active"
    result: str | None = None
    end_reason: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: int | None = None
    runs: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    errors: int = 0
    models: dict[str, int] = field(factory=dict[str, int])
    tools: dict[str, int] = field(factory=dict[str, int])
    usage: Usage = field(factory=Usage)
    cut_off: dict[str, int] = field(factory=dict[str, int])
    failure: str | None = None
    waits_for: dict[str, str] = field(factory=dict[str, str])
    answer: str = ""
    metadata: dict[str, str] = field(factory=dict[str, str])
    metadata_cut: bool = False
    replay: str | None = None
    all_played: bool = False
    played_calls: int = 0
    played_usage: Usage = field(factory=Usage)
    head: str = ""
    retries: int | None = None
    run_steps: dict[str, int] | None = None
    drift: int | None = None
    raw: bool = False


_FIELDS: Final = frozenset(fields_dict(SessionRow))


@frozen
class Telling:
    """What of a row is to be read out of a session, and not only counted: see ``SessionRow``."""

    answer: str = ""
    waits_for: dict[str, str] = field(factory=dict[str, str])


NOTHING_TOLD: Final = Telling()


def row_of(session: Session, telling: Telling = NOTHING_TOLD) -> SessionRow:
    """Return the session's row.

    Example:
        >>> from tfstore.document.documents import Session
        >>> row_of(Session("sess_1", title="Hello")).title
        'Hello'
    """
    summary = session.summary
    metadata, metadata_cut = _metadata(session)
    played = [step for step in _steps(session) if step.label == "assistant_call" and is_played(step)]
    return SessionRow(
        session_id=session.session_id,
        title=session.title,
        status=session.status,
        result=session.result,
        end_reason=session.end_reason,
        started_at=session.started_at,
        ended_at=session.ended_at,
        duration_ms=session.duration_ms,
        runs=summary.runs,
        model_calls=summary.model_calls,
        tool_calls=summary.tool_calls,
        tool_errors=summary.tool_errors,
        errors=summary.errors,
        models=dict(summary.models),
        tools={name: tool.calls for name, tool in summary.tools.items()},
        usage=summary.usage,
        cut_off=cut_off_in(session),
        failure=None if session.failure is None else session.failure.type,
        waits_for=telling.waits_for,
        answer=telling.answer,
        metadata=metadata,
        metadata_cut=metadata_cut,
        replay=None if session.replay is None else session.replay.kind,
        all_played=is_all_played(session),
        played_calls=len(played),
        played_usage=_sum(played),
        head=session.integrity.head,
        retries=summary.retries,
        run_steps=dict(Counter(str(len(run.steps)) for run in session.runs)),
        drift=session.integrity.drift,
        raw=session.raw,
    )


def _sum(steps: list[Step]) -> Usage:
    usage = Usage()
    for step in steps:
        usage.add(step.usage or Usage())
    return usage


def row_from(text: str) -> SessionRow:
    """Return the row that stands so in the index; what a later version put into one of a database is passed over."""
    values: Any = parse(text.encode())
    usages = {name: Usage(**values[name]) for name in ("usage", "played_usage")}
    return SessionRow(**{name: value for name, value in (values | usages).items() if name in _FIELDS})


@define
class Calls:
    """What the calls of one model or one tool come to, in a session or in several.

    ``errors`` are failed calls, ``durations`` milliseconds, where somebody saw how long a call took.
    """

    name: str
    sessions: int = 0
    failed_sessions: int = 0
    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    durations: list[int] = field(factory=list[int])

    def add(self, step: Step) -> None:
        """Count a call."""
        self.calls += 1
        # One that came whole has an error where the program got an exception all the same.
        raised = step.status in {"completed", "incomplete"} and step.error is not None
        self.errors += step.status == "failed" or raised
        if step.usage is not None:
            self.input_tokens += step.usage.input_tokens
            self.output_tokens += step.usage.output_tokens
        # Tools that the provider runs stand in a response at once: nobody saw how long they took.
        if step.duration_ms is not None and (step.duration_ms or step.timing == "measured"):
            self.durations.append(step.duration_ms)


@frozen
class Redacted:
    """What one rule changed in the same way at one place, in a session or in several: values and bytes, none itself."""

    rule: str
    path: str
    action: str
    sessions: int
    count: int
    bytes: int


def redactions_of(session: Session) -> list[Values]:
    """Return what redaction changed in a session: rule, path, action, count and bytes, each place once."""
    found: dict[Values, tuple[int, int]] = {}
    for place in session.redaction.places:
        key = tuple(map(plain, (place.rule, place.path, place.action)))
        count, size = found.get(key, (0, 0))
        found[key] = (_bounded(count + place.count), _bounded(size + place.bytes))
    return [(*key, *counts) for key, counts in found.items()]


def calls_from(name: str, *counts: Any) -> Calls:
    """Return the calls of a name from the sums of their columns, the durations in one text with commas between."""
    *numbers, durations = counts
    calls = Calls(name, *numbers)
    calls.durations = [int(each) for each in durations.split(",") if each]
    return calls


def calls_of(session: Session) -> list[tuple[str, Calls]]:
    """Return what a session's calls come to, model by model (``assistant_call``) and tool by tool (``tool_call``).

    Calls that were played are left out; of a session that is all played, those of its tools, too.
    """
    found: dict[tuple[str, str], Calls] = {}
    for step in () if is_all_played(session) else _steps(session):
        if step.label in {"assistant_call", "tool_call"} and not is_played(step):
            name = (step.model if step.label == "assistant_call" else step.tool_name) or "unknown"
            found.setdefault((step.label, name), Calls(name, 1, session.result == "failed")).add(step)
    return [(label, calls) for (label, _), calls in found.items()]


@frozen
class Record:
    """A session as the rows of the index's tables, each without the number of the session.

    Without any, it is a document that holds no session.
    """

    session_id: str
    stamp: Stamp
    session: Values = ()
    steps: Sequence[Values] = ()
    calls: Sequence[Values] = ()
    names: Sequence[Values] = ()
    continued: Sequence[Values] = ()
    redactions: Sequence[Values] = ()

    @classmethod
    def of(cls, session_id: str, stamp: Stamp, session: Session, telling: Telling = NOTHING_TOLD) -> Record:
        """Return the record of the session that stands in the document of this id."""
        row = row_of(session, telling)
        names = [("tool", each) for each in row.tools] + [("model", each) for each in row.models]
        names += [("meta", meta_name(key, value)) for key, value in _pairs(session)]
        names += [("conversation", each) for each in conversations_of(session)]
        said = (row.title, row.session_id, *row.tools, *row.models, row.answer)
        text = "\n".join((*said, *(f"{key}={value}" for key, value in row.metadata.items()))).casefold()
        values = (
            # A copied or renamed document is found by its steps, but it is no session of its own.
            session.session_id == session_id,
            *map(plain, (row.status, row.result, row.started_at or "")),
            row.result == "failed" or row.errors > 0 or row.tool_errors > 0,
            _bounded(row.usage.total_tokens),
            _bounded(row.duration_ms or 0),
            plain(text),
            compact(asdict(row)).decode(),
        )
        return cls(
            session_id,
            stamp,
            values,
            [("", *[None] * 5), *map(_step, _steps(session))],
            [_call(session, label, each) for label, each in calls_of(session)],
            [(kind, plain(name)) for kind, name in names],
            [(plain(each),) for each in sorted(_continued(session))],
            redactions_of(session),
        )


def meta_name(key: str, value: str) -> str:
    """Return how the index names a key of metadata together with its value."""
    pair = f"{key}={value}"
    if len(pair) <= _PAIR_KEPT:
        return pair
    return "sha256 " + hashlib.sha256(pair.encode("utf-8", "replace")).hexdigest()


def conversations_of(session: Session) -> list[str]:
    """Return the ids of the provider's conversations that a session's runs are in."""
    return list(dict.fromkeys(run.conversation_id for run in session.runs if run.conversation_id))


def _pairs(session: Session) -> Iterator[tuple[str, str]]:
    for key, value in session.metadata.items():
        yield str(key), value if isinstance(value, str) else compact(value).decode()


def _metadata(session: Session) -> tuple[dict[str, str], bool]:
    """Return as much of the metadata as a row holds, and whether there is more."""
    kept: dict[str, str] = {}
    room = _METADATA_KEPT
    for key, value in _pairs(session):
        room -= len(key)
        if room <= 0:
            return kept, True
        kept[key] = value[:room]
        room -= len(value)
        if room < 0:
            return kept, True
    return kept, False


def plain(text: str | None) -> str | None:
    """Return a text as the index holds it: what UTF-8 cannot hold is replaced."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def _steps(session: Session) -> Iterator[Step]:
    for run in session.runs:
        yield from run.steps


def _step(step: Step) -> Values:
    error = None if step.error is None else step.error.class_
    # A response is of the session in which it was made, not of one that was given it again.
    response = None if is_played(step) else step.response_id
    return tuple(map(plain, (step.label, step.tool_name, step.model, step.status, error, response)))


def _call(session: Session, label: str, calls: Calls) -> Values:
    counts = (calls.calls, calls.errors, calls.input_tokens, calls.output_tokens)
    durations = ",".join(str(_bounded(number)) for number in calls.durations)
    return (label, plain(calls.name), session.result == "failed", *map(_bounded, counts), durations)


def _continued(session: Session) -> set[str]:
    """Return the responses of other sessions that this one goes on from."""
    if is_all_played(session):
        return set()
    made = {step.response_id for step in _steps(session) if step.label == "assistant_call"}
    parents = {run.lineage.parent_response_id for run in session.runs}
    parents.update(step.previous_response_id for step in _steps(session))
    return {each for each in parents - made if each}


def _bounded(number: int) -> int:
    """Return a number that can be added up a million times, whatever a document says."""
    return max(-_LARGE, min(number, _LARGE)) if isinstance(number, int) else 0
