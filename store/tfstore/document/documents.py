"""Session, Run, Step: what a session document holds. Data only; how it looks as JSON is in ``converter``.

Times are ISO-8601 strings in UTC with milliseconds and ``Z``; durations are whole milliseconds. Ids that the
provider gave are kept as they were sent, never parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, field

from tfstore.document.labels import (
    SCHEMA_VERSION,
    EndedBy,
    Ending,
    EndReason,
    ErrorClass,
    Label,
    LineageSource,
    RedactionAction,
    Result,
    SessionStatus,
    Status,
    Timing,
    Trigger,
)

Json = dict[str, Any]
"""A JSON object as ``json.loads`` gives it."""


@define
class Usage:
    """Tokens of one model call, or their sum over a run or session.

    Of those given and made, how many were audio stands beside them, where there was any over a socket.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0

    def add(self, other: Usage, times: int = 1) -> None:
        """Add another call's tokens to these, or with ``times=-1`` take them away again."""
        self.input_tokens += times * other.input_tokens
        self.output_tokens += times * other.output_tokens
        self.cached_tokens += times * other.cached_tokens
        self.reasoning_tokens += times * other.reasoning_tokens
        self.total_tokens += times * other.total_tokens
        self.audio_input_tokens += times * other.audio_input_tokens
        self.audio_output_tokens += times * other.audio_output_tokens


@define
class Origin:
    """The prompt a step came of, and the prompt at the root of its thread.

    ``depth`` counts the runs between the two: 0 when they are the same.
    """

    prompt_step_id: str | None = None
    root_prompt_step_id: str | None = None
    depth: int = 0


@define
class ErrorInfo:
    """Why something failed; ``class_`` is one of ``labels.ErrorClass`` and is called ``class`` in JSON."""

    class_: ErrorClass
    message: str
    code: str | None = None
    http_status: int | None = None


@define
class Played:
    """Where the answer of an attempt was recorded, if it was played: it came from no server.

    ``how`` is ``exact``, ``alike`` or ``nearest``: how the request was found among the recorded ones.
    """

    exchange_id: str
    how: str = "exact"
    session_id: str | None = None


@define
class Attempt:
    """One HTTP attempt of a call; ``n`` counts from 1, ``headers`` are the response's that matter.

    ``exchange_id`` is what the journal's entries of this attempt have in common; ``played`` is there where the answer
    was given again.
    """

    n: int
    status_code: int | None = None
    error: str | None = None
    started_at: str | None = None
    duration_ms: int | None = None
    exchange_id: str | None = None
    request_id: str | None = None
    retry_after: str | None = None
    headers: Json = field(factory=dict)
    played: Played | None = None


@define
class Latency:
    """Milliseconds from sending; ``provider_ms`` is the server's own ``openai-processing-ms``.

    Of a stream: the first event, the first text, the largest gap between events, and how many events there were. Of
    what is spoken they count from the end of what it answers, and the first audio is among them.
    """

    total_ms: int | None = None
    provider_ms: int | None = None
    first_event_ms: int | None = None
    first_text_ms: int | None = None
    first_audio_ms: int | None = None
    largest_gap_ms: int | None = None
    events: int | None = None


@define
class RedactionMark:
    """One value that was changed before it was stored, where, by which rule, and how."""

    path: str
    rule: str
    action: RedactionAction
    bytes: int | None = None


@define
class Step:
    """One operation: a message, a model call, a reasoning item, a tool call, a tool output and so on.

    ``session_id`` and ``run_id`` say where the step was found; they are not part of the JSON.
    """

    step_id: str
    seq: int
    label: Label
    type: str
    status: Status = "completed"
    depends_on: list[str] = field(factory=list[str])
    origin: Origin = field(factory=Origin)
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: int | None = None
    timing: Timing | None = None
    response_id: str | None = None
    previous_response_id: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    call_id: str | None = None
    tool_name: str | None = None
    model: str | None = None
    agent_name: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    request_id: str | None = None
    ending: Ending | None = None
    retries: int | None = None
    attempts: list[Attempt] = field(factory=list[Attempt])
    latency: Latency | None = None
    error: ErrorInfo | None = None
    notes: list[str] = field(factory=list[str])
    payload_started: Json = field(factory=dict)
    payload_completed: Json = field(factory=dict)
    redactions: list[RedactionMark] = field(factory=list[RedactionMark])
    sha256: str | None = None
    session_id: str | None = field(default=None, eq=False, metadata={"in_document": False})
    run_id: str | None = field(default=None, eq=False, metadata={"in_document": False})


@define
class Lineage:
    """Where a run came from and on what evidence (``source`` is one of ``labels.LineageSource``)."""

    parent_run_id: str | None = None
    parent_response_id: str | None = None
    parent_step_id: str | None = None
    root_run_id: str | None = None
    depth: int = 0
    branch_index: int = 0
    source: LineageSource = "root"
    prompt_sha256: str | None = None
    notes: list[str] = field(factory=list[str])


@define
class Run:
    """One task inside a session: it opens with a new user message or a system trigger.

    ``ended_by`` says what ends it by design where its last call asks for something that nobody need answer.
    """

    run_id: str
    trigger: Trigger
    input_text: str = ""
    conversation_id: str | None = None
    thread_id: str = "thread_1"
    channel: str = "text"
    status: Status = "in_progress"
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: int | None = None
    ended_by: EndedBy | None = None
    lineage: Lineage = field(factory=Lineage)
    steps: list[Step] = field(factory=list[Step])


@define
class ToolSummary:
    """Calls of one tool in a session."""

    calls: int = 0
    errors: int = 0
    duration_ms: int = 0


@define
class Summary:
    """What a session comes to, in numbers; ``interruptions`` are runs in which somebody spoke over the answer.

    ``redactions`` are the values that were changed before they were written, by rule.
    """

    runs: int = 0
    steps: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    unresolved_tool_calls: int = 0
    errors: int = 0
    retries: int = 0
    forks: int = 0
    interruptions: int = 0
    models: dict[str, int] = field(factory=dict[str, int])
    tools: dict[str, ToolSummary] = field(factory=dict[str, ToolSummary])
    usage: Usage = field(factory=Usage)
    redactions: dict[str, int] = field(factory=dict[str, int])


@define
class ProgramFailure:
    """The exception that ended a session, or its program: where it came from, innermost last, without values.

    ``exit_code`` is there where the program asked for that status, ``signal`` where a signal raised it; ``stack`` is
    the whole of what ``frames`` is the end of, where it was asked for.
    """

    type: str
    message: str = ""
    cause: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    frames: list[str] = field(factory=list[str])
    stack: list[str] = field(factory=list[str])


@define
class Replay:
    """What a session plays again, and how its attempts were answered.

    ``kind`` is ``replay``, ``branch`` (it may go live) or ``again`` (one request); ``session_id`` and ``head`` name the
    recording, ``until`` the step of it up to which it is played. ``exact``, ``alike`` and ``nearest`` count the
    attempts that were played, ``live`` the others, ``unplayed`` the recorded ones that were not made by the end.
    """

    kind: str = "replay"
    session_id: str | None = None
    head: str | None = None
    until: str | None = None
    exact: int = 0
    alike: int = 0
    nearest: int = 0
    live: int = 0
    unplayed: int = 0


@define
class RedactedPlace:
    """Values that one rule changed in the same way at one place, and how many bytes they had in all.

    ``path`` is that of the journal's marks, with ``[]`` for the number of an item or an event.
    """

    rule: str
    path: str
    action: RedactionAction
    count: int = 0
    bytes: int = 0


@define
class Redaction:
    """The redaction policy in force and how many values it changed.

    ``mode`` is ``secrets``, ``content``, ``none`` or ``custom``; ``max_payload`` the bytes that are kept of one value
    at most, where there is such a cap. ``modes`` are all policies, where processes recorded with different ones;
    ``places`` say what was changed where, credentials in headers among it; ``sensitivity`` what may stand at a path of
    a closed session's payloads, each path behind the label of its steps.
    """

    mode: str = "secrets"
    marks: int = 0
    max_payload: int | None = None
    modes: list[str] = field(factory=list[str])
    places: list[RedactedPlace] = field(factory=list[RedactedPlace])
    sensitivity: dict[str, str] = field(factory=dict[str, str])


@define
class Integrity:
    """Length and head of the journal's hash chain when the document was made.

    ``drift`` is how many model responses the journal shows that no step has: there must be none. It was not counted in
    active sessions, nor by earlier versions.
    """

    alg: str = "sha256"
    entries: int = 0
    head: str = ""
    drift: int | None = None


@define
class Session:
    """One recorded conversation or job: what ``sessions/<session_id>.json`` holds.

    ``raw`` says that bodies were kept as they are, too, apart from it and for a while.
    """

    session_id: str
    schema_version: str = SCHEMA_VERSION
    title: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: int | None = None
    status: SessionStatus = "active"
    result: Result | None = None
    end_reason: EndReason | None = None
    failure: ProgramFailure | None = None
    replay: Replay | None = None
    channel: str = "text"
    metadata: Json = field(factory=dict)
    runtime: Json = field(factory=dict)
    raw: bool = False
    redaction: Redaction = field(factory=Redaction)
    summary: Summary = field(factory=Summary)
    artifacts: Json = field(factory=dict)
    integrity: Integrity = field(factory=Integrity)
    notes: list[str] = field(factory=list[str])
    runs: list[Run] = field(factory=list[Run])

    drawn: ClassVar[Callable[[Session], str] | None] = None
    """Draws one as HTML, where somebody does: a document itself knows no drawing."""

    def _repr_html_(self) -> str | None:
        """What a notebook shows."""
        return None if Session.drawn is None else Session.drawn(self)
