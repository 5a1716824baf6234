"""A session as a chat: what the user and the assistant said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import asdict, frozen

from tfstore.document.documents import Run, Session
from tfstore.reading.figures import joined
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import as_text, text_of
from tfstore.reading.step_words import is_refusal

ANSWER: Final = 300
"""Characters of an answer in a list at most."""

_ROLES: Final = {"user_message": "user", "assistant_message": "assistant"}


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
                    joined("refusal" if is_refusal(step) else "", status),
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
