"""Responses of a realtime conversation: begun, grown piece by piece, done, or cut off."""

from __future__ import annotations

from typing import Any

from attrs import define

from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.sockets.answers import INTERRUPTED, Answer
from tfclient.projection.sockets.call_step import call_step
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.playback import Playback
from tfclient.projection.sockets.requests import Requests
from tfclient.projection.sockets.sent_items import SentItems
from tfclient.projection.sockets.taken_up import TakenUp, take_up
from tfclient.projection.steps.endings import Closing
from tfstore.document.documents import ErrorInfo
from tfstore.document.labels import Ending, Status


@define(eq=False)
class Responses:
    """What the model answers over one socket."""

    conversation: Conversation
    closing: Closing
    items: SentItems
    requests: Requests
    playback: Playback

    def created(self, event: dict[str, Any], at: int) -> None:
        """A response begins."""
        response = event.get("response")
        name = response.get("id") if isinstance(response, dict) else None
        if not isinstance(response, dict) or not isinstance(name, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        if name not in self.conversation.answers:
            self._begin(name, response, at)

    def piece(self, kind: str, event: dict[str, Any], at: int) -> bool:
        """Take an event of a response under way; say whether it is one."""
        name = event.get("response_id")
        answer = self.conversation.answers.get(name) if isinstance(name, str) else None
        if answer is None or not answer.take(kind, event, at):
            return False
        self._grown(kind, event, answer, at)
        return True

    def done(self, event: dict[str, Any], at: int) -> None:
        """A response is over."""
        response = event.get("response")
        name = response.get("id") if isinstance(response, dict) else None
        if not isinstance(response, dict) or not isinstance(name, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        answer = self.conversation.answers.get(name)
        if answer is None:
            if name in self.conversation.opening.index.by_response:
                return
            answer = self._begin(name, response, at)
            answer.node.step.notes.append("begin_not_seen")
        told, ending = answer.ended(response)
        self._close(name, answer, told, ending, at)

    def over(self, by: str, at: int) -> None:
        """The connection is over, and the responses under way with it."""
        ends: dict[str, tuple[Status, Ending, str | None]] = {
            "program": ("cancelled", "left_early", None),
            "unknown": ("failed", "unknown", "the process ended before the response was complete"),
        }
        cut: tuple[Status, Ending, str | None] = (
            "failed",
            "cut",
            "the connection ended before the response was complete",
        )
        status, ending, why = ends.get(by, cut)
        for name, answer in list(self.conversation.answers.items()):
            response = answer.so_far()
            response.id, response.status = name, status
            response.error = None if why is None else ErrorInfo("transport", why)
            self._close(name, answer, response, ending, at)

    def limits(self, event: dict[str, Any], at: int) -> None:
        """The server tells what is left of the rates that it allows."""
        last = self.conversation.last
        if last is None:
            self.conversation.generic(str(event["type"]), event, at)
            return
        last.step.payload_completed["rate_limits"] = event.get("rate_limits")
        self.conversation.touch(last.step)

    def _begin(self, name: str, response: dict[str, Any], at: int) -> Answer:
        conversation = self.conversation
        asked = self.requests.answered_by(response)
        turn = self.requests.speech.unanswered
        out_of_band = asked is not None and asked.response.get("conversation") == "none"
        if out_of_band:
            taken = TakenUp(conversation.open(at, "api", aside=True))
            taken.run.run.lineage.notes.append("out_of_band")
        else:
            pending = asked is None and bool(self.requests.waiting)
            taken = take_up(conversation, self.items, asked, turn, at, pending=pending)
        since, by = at, "server"
        if asked is not None:
            since, by = asked.at, "program"
        elif taken.turn is not None:
            since, by = taken.turn.stopped or at, "voice_activity"
        run = taken.run
        self.items.list_tools(run, at)
        last = conversation.last
        step = call_step(conversation, self.requests.config, taken, asked, by, at, last)
        node = conversation.begin(step, run, last, at, name)
        told = response.get("conversation_id")
        run.run.conversation_id = run.run.conversation_id or (told if isinstance(told, str) else None)
        answer = conversation.answers[name] = Answer(node, since, at, out_of_band)
        return answer

    def _grown(self, kind: str, event: dict[str, Any], answer: Answer, at: int) -> None:
        """An item is whole, or a call's arguments are: its step is there before the response is done."""
        index = event.get("output_index")
        if not isinstance(index, int) or not kind.endswith((".output_item.done", "_arguments.done")):
            return
        item = answer.items.get(index)
        if item is None:
            return
        so_far = answer.so_far(whole=index)
        if kind.endswith("_arguments.done") and item.get("type") != "function_call":
            return
        self.closing.outcome.items(answer.node, so_far, at)
        self.playback.tell(answer)

    def _close(self, name: str, answer: Answer, told: ModelResponse, ending: Ending, at: int) -> None:
        self.conversation.answers.pop(name, None)
        told.model = told.model or self.requests.config.model
        node, run = answer.node, answer.node.run
        self.closing.outcome.close(node, told, at, ending)
        step = node.step
        step.latency = answer.latency(at)
        over = answer.spoken_over or step.finish_reason == "turn_detected"
        if told.status == "cancelled" and over and step.finish_reason in INTERRUPTED:
            step.notes.append("interrupted")
            self.playback.interrupted(run)
        self.playback.tell(answer)
        if not answer.out_of_band:
            self.conversation.last = node
        self.conversation.touch(step)
        run.run.status = run.status(session_ended=False)
