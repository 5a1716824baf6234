"""A session as the rows that are sent: pure, and lenient. Its document goes in as it is, whatever else does not."""

from __future__ import annotations

import hashlib
import io
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from tfstore.document.converter import step_to_json
from tfstore.document.json_text import canonical_bytes
from tfstore.document.played import is_played
from tfstore.index.rows import Record, conversations_of
from tfstore.journal.zstd import Frame, ZstdError, compressor
from tfstore.postgres.fitting import Fitting, fit, fits, month_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Run, Session, Step
    from tfstore.index.rows import Telling

LARGEST_TEXT: Final = 1_000_000
"""Characters of what one step says that are searched in the database; of a session with a longer one, its document."""

_LARGEST_SAID: Final = 8_000_000
_LARGEST: Final = 4 * 1024 * 1024 * 1024
_WINDOW_LOG: Final = 27
_ALL_ROWS: Final = "rows"

Values = tuple[Any, ...]

SESSION: Final = (
    *("session_id", "month", "document_sha256", "document_bytes", "listed", "unfit", "rows_partial", "title"),
    *(
        "status",
        "result",
        "end_reason",
        "began",
        "started_at",
        "ended_at",
        "duration_ms",
        "took",
        "runs",
        "steps",
    ),
    *("model_calls", "tool_calls", "tool_errors", "unresolved_tool_calls", "errors", "retries", "forks"),
    *(
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "total_tokens",
        "tokens",
        "wrong",
    ),
    *(
        "models",
        "tools",
        "error_classes",
        "conversations",
        "pairs",
        "metadata",
        "entries",
        "head",
        "words",
        "line",
    ),
    *("said", "told"),
)
"""Columns of ``sessions`` behind ``source_id``, in their order."""

EVENT: Final = (
    *(
        "session_id",
        "sequence_no",
        "step_id",
        "run_id",
        "thread_id",
        "label",
        "type",
        "status",
        "conversation_id",
    ),
    *("response_id", "previous_response_id", "item_id", "output_index", "tool_call_id", "tool_name", "model"),
    *("error_class", "error_code", "started_at", "ended_at", "duration_ms", "input_tokens", "output_tokens"),
    *(
        "total_tokens",
        "prompt_step_id",
        "root_prompt_step_id",
        "prompt_sha256",
        "depends_on",
        "played",
        "text",
    ),
    *("sha256",),
)
"""Columns of ``agent_run_events`` behind ``month`` and ``source_id``; the payload comes behind them."""


@frozen
class Outgoing:
    """What is sent of one session: the values of its row, and those of each row below it.

    ``events`` have the step's JSON behind them; ``partial`` names what has no place in rows.
    """

    session_id: str
    month: date
    sha256: str
    document: bytes = field(repr=False)
    row: dict[str, Any] = field(repr=False)
    events: list[Values] = field(factory=list[Values], repr=False)
    calls: list[Values] = field(factory=list[Values], repr=False)
    links: list[Values] = field(factory=list[Values], repr=False)
    redactions: list[Values] = field(factory=list[Values], repr=False)

    @property
    def packed(self) -> bytes:
        """The document, zstd."""
        made = compressor(len(self.document), level=3, window_log=_WINDOW_LOG)
        return bytes(made.compress(self.document) + made.flush())

    def without_payloads(self) -> Outgoing:
        """Return the same without the JSON of steps."""
        events = [(*values[:-1], None) for values in self.events]
        return evolve(self, events=events, row=self._partial("payload"))

    def without_rows(self) -> Outgoing:
        """Return the same without anything of its steps: row and document only."""
        kept = {"metadata": None, "said": None, "told": 0}
        return evolve(self, events=[], calls=[], links=[], row=self._partial(_ALL_ROWS) | kept)

    def _partial(self, name: str) -> dict[str, Any]:
        return self.row | {"rows_partial": sorted({*self.row["rows_partial"], name})}


def digest(document: bytes) -> str:
    """Return what tells a document from another one."""
    return hashlib.sha256(document).hexdigest()


def unpacked(packed: bytes) -> bytes:
    """Return a document as it was sent.

    Raises:
        ValueError: it is damaged.

    Example:
        >>> unpacked(unreadable("sess_1", b"{}", "no session", datetime(2026, 9, 2)).packed)
        b'{}'
    """
    frame = Frame(io.BytesIO(packed), window_log=_WINDOW_LOG)
    pieces = bytearray()
    try:
        while piece := frame.read(_LARGEST):
            pieces += piece
            if len(pieces) > _LARGEST:
                raise ValueError(f"it is longer than {_LARGEST:,} bytes")
    except ZstdError as error:
        raise ValueError(str(error)) from error
    if not frame.is_whole:
        raise ValueError("it is not whole")
    return bytes(pieces)


def unreadable(session_id: str, document: bytes, reason: str, now: datetime) -> Outgoing:
    """Return what is sent of a document that holds no session."""
    sha256, month = digest(document), month_of(None, now)
    nothing: dict[str, Any] = dict.fromkeys(SESSION)
    numbers = dict.fromkeys(("took", "tokens", "told"), 0)
    lists: dict[str, Any] = {
        name: [] for name in ("models", "tools", "error_classes", "conversations", "pairs")
    }
    row = nothing | numbers | lists | {
        "session_id": session_id,
        "month": month,
        "document_sha256": sha256,
        "document_bytes": len(document),
        "listed": False,
        "unfit": fit(reason),
        "rows_partial": [_ALL_ROWS],
        "began": "",
        "wrong": False,
        "words": "",
    }  # fmt: skip
    return Outgoing(session_id, month, sha256, document, row)


def outgoing(
    session_id: str,
    document: bytes,
    session: Session,
    telling: Telling,
    said: list[str],
    told: int,
    now: datetime,
) -> Outgoing:
    """Return what is sent of a session.

    Args:
        session_id: the name of its document.
        document: as it stands in its file.
        session: what it holds.
        telling: what of its row is read out of it.
        said: what it says itself, and what each of its steps says, as the search has it.
        told: the version of ``said``.
        now: sessions do not begin later than in the month after.
    """
    fitting = Fitting()
    sha256, month = digest(document), month_of(session.started_at, now)
    record = Record.of(session_id, (0, 0), session, telling)
    listed, status, result, began, wrong, tokens, took, words, line = record.session
    summary, usage = session.summary, session.summary.usage
    too_long = sum(map(len, said)) > _LARGEST_SAID or any(len(each) > LARGEST_TEXT for each in said)
    names: dict[str, list[str]] = {"tool": [], "model": [], "meta": []}
    for kind, name in record.names:
        names.setdefault(kind, []).append(name)
    events = list(_events(fitting, session_id, session, [""] * len(said) if too_long else said))
    row: dict[str, Any] = {
        "session_id": session_id,
        "month": month,
        "document_sha256": sha256,
        "document_bytes": len(document),
        "listed": listed,
        "unfit": None,
        "title": fit(session.title),
        "status": fitting.text(status),
        "result": fitting.text(result),
        "end_reason": fitting.text(session.end_reason),
        "began": fit(began),
        "started_at": fitting.moment("started_at", session.started_at),
        "ended_at": fitting.moment("ended_at", session.ended_at),
        "duration_ms": fitting.number("duration_ms", session.duration_ms),
        "took": took,
        **{
            name: fitting.number(name, getattr(summary, name))
            for name in ("runs", "steps", "model_calls", "tool_calls", "tool_errors", "unresolved_tool_calls")
        },
        **{name: fitting.number(name, getattr(summary, name)) for name in ("errors", "retries", "forks")},
        **{
            name: fitting.number(name, getattr(usage, name))
            for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "total_tokens")
        },
        "tokens": tokens,
        "wrong": wrong,
        "models": fits(names["model"]),
        "tools": fits(names["tool"]),
        "error_classes": fits({values[4] for values in record.steps if values[4]}),
        "conversations": fits(conversations_of(session)),
        "pairs": fits(names["meta"]),
        "metadata": fitting.json("metadata", session.metadata),
        "entries": fitting.number("entries", session.integrity.entries),
        "head": fitting.text(session.integrity.head),
        "words": fit(words),
        # Its escapes are text: what JSON reads back is what was there.
        "line": line,
        "said": None if too_long else fit(said[0]),
        "told": 0 if too_long or session.status != "closed" else told,
    }  # fmt: skip
    row["rows_partial"] = sorted(fitting.left_out)
    links = [
        (fit(values[-1]), "made") for values in record.steps if values[0] == "assistant_call" and values[-1]
    ]
    links += [(fit(response), "continued") for (response,) in record.continued]
    calls = {(label, fit(name)): values for label, name, *values in record.calls}
    return Outgoing(
        *(session_id, month, sha256, document, row, events),
        [(session_id, *named, *values) for named, values in calls.items()],
        [(*link, session_id) for link in dict.fromkeys(links)],
        [(session_id, *map(fit, each[:3]), *each[3:]) for each in record.redactions],
    )


def _events(fitting: Fitting, session_id: str, session: Session, said: list[str]) -> Iterator[Values]:
    every = [(run, step) for run in session.runs for step in run.steps]
    seen: set[int] = set()
    for place, ((run, step), text) in enumerate(zip(every, said[1:], strict=True)):
        number = fitting.number("seq", step.seq)
        if number is None or number in seen:
            # Below those that count: nothing else has that number, and the session says so.
            fitting.left_out.add("seq")
            number = -1 - place
        seen.add(number)
        yield _event(fitting, (session_id, number), run, step, text)


def _event(fitting: Fitting, key: Values, run: Run, step: Step, said: str) -> Values:
    payload = step_to_json(step)
    text, usage, error = fitting.text, step.usage, step.error
    return (
        *key,
        *map(text, (step.step_id, run.run_id, run.thread_id, step.label, step.type, step.status)),
        *map(text, (run.conversation_id, step.response_id, step.previous_response_id, step.item_id)),
        fitting.number("output_index", step.output_index),
        *map(text, (step.call_id, step.tool_name, step.model)),
        *(map(text, (error.class_, error.code)) if error is not None else (None, None)),
        fitting.moment("started_at", step.started_at),
        fitting.moment("ended_at", step.ended_at),
        fitting.number("duration_ms", step.duration_ms),
        *(
            fitting.number(name, None if usage is None else getattr(usage, name))
            for name in ("input_tokens", "output_tokens", "total_tokens")
        ),
        *map(text, (step.origin.prompt_step_id, step.origin.root_prompt_step_id)),
        text(run.lineage.prompt_sha256 if step.label == "user_message" else None),
        [fit(each) for each in step.depends_on],
        is_played(step),
        fit(said),
        hashlib.sha256(canonical_bytes([run.run_id, payload, said])).hexdigest(),
        fitting.json("payload", payload),
    )
