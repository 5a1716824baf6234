"""A session as a chat: messages only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import asdict, frozen
from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfd2.text import one_line
from tfstore.reading.figures import joined
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfstore.document.documents import Run, Step

INDENT: Final = 2
_ROLES: Final = {"user_message": "user", "assistant_message": "assistant"}
_STYLES: Final = {"user": "bold cyan", "assistant": "bold blue"}


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
                yield Message(
                    step.step_id,
                    run.run_id,
                    role or _ROLES[step.label],
                    text_of(step),
                    step.started_at,
                    _remark(step),
                )


def _remark(step: Step) -> str:
    return joined(
        "refusal" if step.payload_completed.get("refusal") else "",
        "" if step.status == "completed" else step.status.replace("_", " "),
    )


def transcript_of(runs: Iterable[Run], width: int) -> Iterator[Text]:
    """Yield the lines of a chat."""
    said = False
    for message in messages(runs):
        if said:
            yield Text()
        said = True
        where = joined(message.run_id.replace("_", " "), (message.at or "")[11:19], message.remark)
        role = one_line(message.role, 20)
        yield Text.assemble((role.upper(), _STYLES.get(role, "bold")), (f"  {one_line(where, 60)}", "dim"))
        for line in block(message.text, width - INDENT):
            yield Text(f"{' ' * INDENT}{line}" if line else "")
    if not said:
        yield Text("Nobody said anything.", "dim")
