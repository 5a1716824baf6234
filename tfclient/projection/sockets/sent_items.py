"""Items that the program sends, which wait for a response, and the names that the server gives them."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.content import text_of_content
from tfclient.projection.api.items import from_responses
from tfclient.projection.lineage.book import RunState
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.speech import Speech
from tfstore.document.documents import Step

_LISTS = "mcp_list_tools"


@define(eq=False)
class Said:
    """A message that the program has sent, and no response has taken up yet."""

    item: dict[str, Any]
    at: int
    event_id: Any = None
    item_id: str | None = None
    step: Step | None = None

    @property
    def is_spoken(self) -> bool:
        """Whether there is audio in it, whose words the server may tell later."""
        return _has_audio(self.item)


@define(eq=False)
class SentItems:
    """What the program has sent over one socket."""

    conversation: Conversation
    speech: Speech
    said: list[Said] = field(factory=list[Said])
    outputs: list[Step] = field(factory=list[Step])
    """Outputs of tools that no response has taken up yet."""
    _unnamed: list[Said] = field(factory=list[Said])
    """Items that the program has sent and the server has not given a name yet."""
    _names: set[str] = field(factory=set[str])
    """Items that the server has named."""
    _listed: dict[str, tuple[dict[str, Any], int]] = field(factory=dict[str, tuple[dict[str, Any], int]])
    """What tools other servers have, and when that was told, until a run has a step of it."""

    def reopened(self) -> None:
        """A new connection: no response will take up what was sent over the old one."""
        self.said, self._unnamed, self.outputs = [], [], []

    def sent(self, event: dict[str, Any], at: int) -> None:
        """The program sends an item."""
        item = event.get("item")
        if not isinstance(item, dict):
            self.conversation.generic(str(event["type"]), event, at)
            return
        said = Said(item, at, event.get("event_id"))
        self._unnamed.append(said)
        kind = str(item.get("type") or "message")
        if kind.endswith("_call_output"):
            said.step = self._output(item, at)
            self.outputs.append(said.step)
        elif kind == "mcp_approval_response":
            said.step = self._approval(item, at)
            self.outputs.append(said.step)
        else:
            self.said.append(said)
        self.conversation.undo = lambda: self.take_back(said)

    def take_back(self, said: Said) -> None:
        """An item did not leave, or the server does not want it."""
        self._unnamed = [each for each in self._unnamed if each is not said]
        self.said = [each for each in self.said if each is not said]
        if said.step is not None:
            said.step.notes.append("unsent")
            self.outputs = [each for each in self.outputs if each is not said.step]
            self.conversation.touch(said.step)

    def named(self, event: dict[str, Any], at: int) -> None:
        """The server tells an item as it has it."""
        item = event.get("item")
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(name, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        if name in self._names:
            return
        self._names.add(name)
        said = next((each for each in self._unnamed if _same(each.item, item)), None)
        if said is not None:
            self._unnamed = [each for each in self._unnamed if each is not said]
            said.item_id = name
            if said.step is not None:
                said.step.item_id = said.step.item_id or name
                self.speech.named(said.step)
                self.conversation.touch(said.step)
        elif (
            item.get("role") in ("user", "system") and name not in self.speech.turns and not _has_audio(item)
        ):
            # Somebody else said it: this is a sideband of what goes over another connection.
            self.said.append(Said(item, at, item_id=name))

    def done(self, event: dict[str, Any], at: int) -> None:
        """The server has an item whole; of all but lists of tools others tell."""
        item = event.get("item")
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(item, dict) and isinstance(name, str) and item.get("type") == _LISTS:
            self._listed.setdefault(name, (item, at))

    def list_tools(self, run: RunState | None, at: int) -> None:
        """Make steps of the lists of tools that have come; without a run, in the last one."""
        listed, self._listed = self._listed, {}
        for name, (item, told_at) in listed.items():
            raw = {k: v for k, v in item.items() if k not in {"type", "id"}}
            book, here = self.conversation.opening.book, run or self.conversation.here(at)
            book.add(here, "generic", _LISTS, told_at, payload_completed=raw).item_id = name

    def _output(self, item: dict[str, Any], at: int) -> Step:
        tools = self.conversation.opening.tools
        read = from_responses(item, 0)
        step = tools.answer(read, at, None)
        if step is None:
            step = tools.answer(read, at, None, self.conversation.here(at))
        if step is None:  # it was given a run
            raise LookupError(item.get("call_id"))
        self.conversation.opening.provenance.known.add(read, step)
        return step

    def _approval(self, item: dict[str, Any], at: int) -> Step:
        book, tools = self.conversation.opening.book, self.conversation.opening.tools
        raw = {k: v for k, v in item.items() if k not in {"type", "id"}}
        request = tools.approvals.get(str(item.get("approval_request_id")))
        run = self.conversation.here(at) if request is None else book.by_run[str(request.run_id)]
        step = book.add(
            run, "approval_response", "responses.mcp_approval_response", at, payload_completed=raw
        )
        if request is not None:
            step.depends_on = [request.step_id]
            tools.approved(request)
        return step


def _same(sent: dict[str, Any], named: dict[str, Any]) -> bool:
    """Whether the server's item is the one that was sent."""
    if sent.get("id") is not None:
        return bool(sent["id"] == named.get("id"))
    kind = str(sent.get("type") or "message")
    if kind != str(named.get("type") or "message"):
        return False
    if kind.endswith("_output") or "call_id" in sent:
        return bool(sent.get("call_id") == named.get("call_id"))
    same_role = sent.get("role") == named.get("role")
    return same_role and text_of_content(sent.get("content")) == text_of_content(named.get("content"))


def _has_audio(item: dict[str, Any]) -> bool:
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, dict) and part.get("type") == "input_audio" for part in parts)
