"""An agent's traffic, told turn by turn on either API, and what is found in its session.

talk = Talk("chat")
talk.asks("Where is my order?")
talk.calls(("get_order", {"order_id": "A-1002"}, "on its way"))
talk.says("It is on its way.")
kinds_in(talk.session())
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from tests.projection.builders import Story, call, output, said, system, user
from tfclient.reflect.findings import examine

if TYPE_CHECKING:
    from collections.abc import Collection

    from tfclient.reflect.findings import Finding
    from tfstore.document.documents import Session

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])

Json = dict[str, Any]


@define
class Talk:
    """A program that sends its whole history with each request, as most do."""

    api: str = "responses"
    instructions: str = ""
    fields: Json = field(factory=dict)
    history: list[Json] = field(factory=list)
    story: Story = field(factory=Story)
    asked: int = 0

    def __attrs_post_init__(self) -> None:
        self.story.api = self.api
        self.story.begin()

    def asks(self, text: str) -> None:
        """A person says something; it leaves with the next request."""
        self.history.append(user(text))

    def body(self, **more: Any) -> Json:
        lead = [system(self.instructions)] if self.instructions else []
        return self.story.body([*lead, *self.history], **self.fields, **more)

    def calls(self, *wanted: tuple[str, Any, Any], answered: bool = True) -> None:
        """The model asks for these tools at once: each its name, its arguments, and what it will answer."""
        items = [
            call(f"call_{self.asked + n}", name, arguments) for n, (name, arguments, _) in enumerate(wanted)
        ]
        self.story.send(self.body()).answer_items(items)
        self.history += items
        if answered:
            for n, (_, _, answer) in enumerate(wanted):
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.history.append(output(f"call_{self.asked + n}", text))
        self.asked += len(wanted)

    def says(self, text: str = "Done.", **response: Any) -> None:
        """The model answers."""
        self.story.send(self.body()).answer_items([said(text)], **response)
        self.history.append(said(text))

    def fails(self, status: int = 500, message: str = "It failed.") -> None:
        """The request is refused."""
        self.story.send(self.body()).fails(status, "server_error", message)

    def session(self, *, ended: bool = True) -> Session:
        if ended:
            self.story.end()
        return self.story.session()


def found(session: Session, kind: str, **how: Any) -> list[Finding]:
    """What is found of one kind."""
    examined = examine(session, only=[kind], **how)
    assert examined.troubles == []
    return examined.findings


def the_only(session: Session, kind: str, **how: Any) -> Finding:
    """The one finding of a kind."""
    (finding,) = found(session, kind, **how)
    return finding


def kinds_in(session: Session, *, above: Collection[str] = ("high", "medium", "low")) -> list[str]:
    """Which kinds are found, the worst first, those of severity ``info`` left out."""
    examined = examine(session)
    assert examined.troubles == []
    return [each.kind for each in examined.findings if each.severity in above]


def labels_of(session: Session, finding: Finding) -> list[str]:
    """What the steps are that a finding cites."""
    steps = {step.step_id: step for run in session.runs for step in run.steps}
    return [steps[step_id].label for step_id in finding.steps]
