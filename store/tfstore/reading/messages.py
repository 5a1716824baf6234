"""A session as a chat: what the user and the assistant said, and more of what happened, by three modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from attrs import asdict, frozen

from tfstore.document.documents import Run, Session
from tfstore.reading.figures import joined
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import heard_of, is_refusal

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Step

Mode = Literal["transcript", "display", "full"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

ANSWER: Final = 300
"""Characters of an answer in a list at most."""

_ROLES: Final = {"user_message": "user", "assistant_message": "assistant"}

_SHOWN: Final = frozenset(
    {
        *_ROLES,
        *("reasoning", "tool_call", "tool_output", "tool_error", "approval_request", "approval_response"),
    }
)
"""Labels of what a person is shown who follows a session; whatever failed is shown too."""


@frozen
class Message:
    """Something that the user or the assistant said."""

    step_id: str
    run_id: str
    role: str
    text: str
    at: str | None
    remark: str = ""

    def as_json(self) -> dict[str, str | None]:
        """Return the message as it stands in JSON."""
        return {name: value for name, value in asdict(self).items() if name != "remark"}


@frozen
class Event:
    """A step, as those need it who show a session as it went: who, what, when, and what it says.

    ``payload`` is there in the mode ``full``: ``payload_started`` and ``payload_completed`` as in the document.
    """

    session_id: str
    run_id: str
    step_id: str
    seq: int
    label: str
    type: str
    status: str
    at: str | None
    text: str
    tool_name: str | None = None
    call_id: str | None = None
    error_class: str | None = None
    payload: Json | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the event as it stands in JSON; a payload only where there is one."""
        told = asdict(self, recurse=False)
        return told if self.payload is not None else {name: told[name] for name in told if name != "payload"}


def events_of(
    session: Session, mode: Mode = "display", types: Iterable[str] | None = None, after_seq: int | None = None
) -> Iterator[Event]:
    """Yield the steps of a session that a mode shows, in order.

    Args:
        session: the session.
        mode: ``transcript``, what user and assistant said; ``display``, also tool calls, their outputs, approvals,
            reasoning, and whatever failed; ``full``, every step, with its payloads.
        types: only steps with these labels.
        after_seq: only steps that came after this one.

    Raises:
        ValueError: there is no such mode.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> steps = [Step("step_1_1", 1, "user_message", "chat"), Step("step_1_2", 2, "policy.snapshot", "policy")]
        >>> session = Session("sess_1", runs=[Run("run_1", "user_message", steps=steps)])
        >>> [[event.step_id for event in events_of(session, mode)] for mode in ("display", "full")]
        [['step_1_1'], ['step_1_1', 'step_1_2']]
    """
    if mode not in MODES:
        raise ValueError(f"there is no mode {mode!r}: give one of {', '.join(MODES)}")
    wanted = None if types is None else frozenset(types)
    for run in session.runs:
        for step in run.steps:
            if (
                is_shown(step, mode)
                and (wanted is None or step.label in wanted)
                and (after_seq is None or step.seq > after_seq)
            ):
                yield _event(session, run, step, mode)


def is_shown(step: Step, mode: Mode) -> bool:
    """Return whether a mode shows a step."""
    if mode == "transcript":
        return step.label in _ROLES
    return mode == "full" or step.label in _SHOWN or step.error is not None


def _event(session: Session, run: Run, step: Step, mode: Mode) -> Event:
    return Event(
        *(session.session_id, run.run_id, step.step_id, step.seq, step.label, step.type, step.status),
        *(step.started_at, text_of(step), step.tool_name, step.call_id),
        error_class=None if step.error is None else step.error.class_,
        payload={"payload_started": step.payload_started, "payload_completed": step.payload_completed}
        if mode == "full"
        else None,
    )


def messages(runs: Iterable[Run]) -> Iterator[Message]:
    """Yield what was said in these runs, in order."""
    for run in runs:
        for step in run.steps:
            if step.label in _ROLES:
                role = as_text(step.payload_started.get("role")) if step.label == "user_message" else ""
                status = "" if step.status == "completed" else step.status.replace("_", " ")
                yield Message(
                    step.step_id,
                    run.run_id,
                    role or _ROLES[step.label],
                    text_of(step),
                    step.started_at,
                    joined("refusal" if is_refusal(step) else "", status, heard_of(step)),
                )


def answer_of(session: Session) -> str:
    """Return what the assistant said last, on one line, as long as a list needs; not inside a tool, if it can be.

    Example:
        >>> from tfstore.document.documents import Session
        >>> answer_of(Session("sess_1"))
        ''
    """
    for inside in (False, True):
        for run in reversed(session.runs):
            if (run.trigger == "tool") is not inside:
                continue
            for step in reversed(run.steps):
                if step.label == "assistant_message" and (said := brief(text_of(step), ANSWER)):
                    return said
    return ""
