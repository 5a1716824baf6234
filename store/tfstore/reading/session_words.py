"""A session in words: how it ended, what it comes to in numbers; and its row in a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from tfstore.document.documents import Json, Redaction, Session
from tfstore.index.rows import SessionRow
from tfstore.reading.calls.costs import Cost
from tfstore.reading.designed_ends import waits_for
from tfstore.reading.figures import age, counted, duration, joined, minute
from tfstore.reading.naming import listed, short_id, short_step

_ENDS: Final = {
    "idle_timeout": "ended by idleness",
    "process_exit": "ended with its process",
    "recovered": "recovered",
}


def outcome(about: Session | SessionRow) -> str:
    """Return how a session went: ``active``, ``completed``, ``failed``, ``cancelled``; or that it is ``waiting``."""
    word = "active" if about.status == "active" else about.result or about.status
    return "waiting" if word == "completed" and waits(about) else word


def outcome_word(about: Session | SessionRow) -> str:
    """Return that as it is told: a failure in capitals, and what a session waits for."""
    word = outcome(about)
    if word not in {"active", "waiting"}:
        return _in_capitals(word)
    return joined("active" if word == "active" else "", waits(about))


def _in_capitals(word: str) -> str:
    return word.upper() if word == "failed" else word


def waits(about: Session | SessionRow) -> str:
    """Return what a session waits for: ``waits for approval of roll (2.4)``; nothing where it does not."""
    return waiting(about.waits_for if isinstance(about, SessionRow) else waits_for(about))


def waiting(approvals: Mapping[str, str]) -> str:
    """Return that approvals are awaited, each given by the id of its step and its tool's name."""
    return f"waits for approval of {listed(approvals)}" if approvals else ""


def end(session: Session) -> str:
    """Return how a session was ended where its program did not end it."""
    return _ENDS.get(session.end_reason or "", "")


def program_end(session: Session) -> str:
    """Return how an exception ended a session, or its program; nothing where none did.

    As in ``The program ended with ValueError: no such order`` and ``Left with exit status 3``.
    """
    failure = session.failure
    if failure is None:
        return ""
    if failure.signal is not None:
        what = f"by an interrupt ({failure.signal})"
    elif failure.exit_code is not None:
        what = f"with exit status {failure.exit_code:d}"
    else:
        what = f"with {failure.type}"
    # Who left the block may have been caught outside of it.
    ended = "The program was ended" if failure.signal is not None else "The program ended"
    whose = ended if session.end_reason == "process_exit" else "The session was left"
    return f"{whose} {what}" + (f": {failure.message}" if failure.message else "")


def replayed(session: Session) -> str:
    """Return what a session plays again, and how: ``replay of 7f3a9c01: 12 exact, 2 alike, 1 not played``."""
    replay = session.replay
    if replay is None:
        return ""
    counts = ("exact", "alike", "nearest", "live")
    said = [f"{number:,} {name}" for name in counts if (number := getattr(replay, name))]
    said += [f"{replay.unplayed:,} not played"] if replay.unplayed else []
    of = f" of {short_id(replay.session_id)}" if replay.session_id else ""
    until = f" until {short_step(replay.until)}" if replay.until else ""
    return f"{replay.kind}{of}{until}" + (f": {', '.join(said)}" if said else "")


def numbers(session: Session, cost: Cost | None = None) -> str:
    """Return what a session comes to: ``4 runs · 7 model calls · 5 tool calls (2 failed) · 8,063 tokens``.

    Args:
        session: the session.
        cost: what its calls cost, where that was asked for.
    """
    summary = session.summary
    usage = summary.usage
    return joined(
        counted(summary.runs, "run"),
        counted(summary.model_calls, "model call"),
        counted(summary.tool_calls, "tool call")
        + (f" ({summary.tool_errors:,} failed)" if summary.tool_errors else "")
        if summary.tool_calls
        else "",
        f"{summary.unresolved_tool_calls:,} unanswered" if summary.unresolved_tool_calls else "",
        counted(summary.errors, "error") if summary.errors else "",
        f"{summary.retries:,} {'retry' if summary.retries == 1 else 'retries'}" if summary.retries else "",
        counted(summary.forks, "fork") if summary.forks else "",
        f"{usage.total_tokens:,} tokens ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"
        if usage.total_tokens
        else "",
        cost.told if cost is not None else "",
        redacted(session.redaction),
    )


def redacted(redaction: Redaction) -> str:
    """Return how many values were changed before they were stored."""
    if not redaction.marks:
        return ""
    return f"{redaction.marks:,} redacted" + (" or cut" if redaction.max_payload is not None else "")


def facts_of(session: Session, cost: Cost | None = None) -> Iterator[tuple[str, str]]:
    """Yield the facts about a session, each with its name, those that it has; ``cost`` where it was asked for."""
    rows = (
        ("status", joined(outcome_word(session).lower(), end(session))),
        ("ended by", program_end(session)),
        ("cause", "" if session.failure is None else session.failure.cause or ""),
        ("raised at", "" if session.failure is None else " ← ".join(reversed(session.failure.frames))),
        ("plays again", replayed(session)),
        ("started", minute(session.started_at or "")),
        ("took", duration(session.duration_ms)),
        ("in all", numbers(session)),
        ("cost", cost.told if cost is not None else ""),
        ("models", ", ".join(f"{name} ×{calls:,}" for name, calls in session.summary.models.items())),
        ("redaction", session.redaction.mode),
        ("recorded raw", "bodies as they were on the wire, apart and for a while" if session.raw else ""),
    )
    yield from (row for row in rows if row[1])


def tool_rows(session: Session) -> list[tuple[str, str, str, str]]:
    """Return each tool with its calls, its errors and the time it took."""
    return [
        (name, f"{tool.calls:,}", f"{tool.errors:,}" if tool.errors else "", duration(tool.duration_ms))
        for name, tool in session.summary.tools.items()
    ]


def row_words(row: SessionRow, now: datetime) -> Json:
    """Return a session's row in words; what is none is empty."""
    models = list(row.models)
    counts = {"runs": row.runs, "calls": row.model_calls, "tools": row.tool_calls}
    some = {"errors": max(row.errors, row.tool_errors), "tokens": row.usage.total_tokens}
    return {
        "state": outcome(row),
        "result": ", ".join(
            (
                _in_capitals(outcome(row)),
                *row.cut_off,
                *([row.replay] if row.replay else []),
                *(["raw"] if row.raw else []),
            )
        ),
        "waits": waits(row),
        "title": row.title or "(no prompt)",
        "model": " +".join([*models[:1], *([str(len(models) - 1)] if len(models) > 1 else [])]),
        "models": ", ".join(models),
        **{name: f"{number:,}" for name, number in counts.items()},
        **{name: f"{number:,}" if number else "" for name, number in some.items()},
        "took": duration(row.duration_ms),
        "started": minute(row.started_at or ""),
        "age": age(row.started_at, now),
        "answer": row.answer,
        "metadata": metadata_words(row),
    }


def metadata_words(row: SessionRow) -> str:
    """Return a session's metadata: ``user=ada, try=2``; an ellipsis marks that there is more."""
    pairs = [f"{key}={value}" for key, value in row.metadata.items()]
    return ", ".join([*pairs, *(["…"] if row.metadata_cut else [])])


def metadata_value(row: SessionRow, key: str) -> str:
    """Return one value of a session's metadata; an ellipsis where the row does not hold it, or all of it."""
    whole = not row.metadata_cut or (key in row.metadata and key != list(row.metadata)[-1])
    return row.metadata.get(key, "") + ("" if whole else "…")
