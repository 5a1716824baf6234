"""A conversation over a socket as all that read it know it: its runs, the responses under way, and the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from tfclient.projection.lineage.book import RunState
from tfclient.projection.lineage.lineage_index import EMPTY
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.sockets.answers import Answer
from tfclient.projection.sockets.connection import Connection
from tfclient.projection.steps.request_steps import Opening
from tfstore.document.documents import Lineage, Step
from tfstore.document.labels import Trigger


@define(eq=False)
class Conversation:
    """What is said over one socket."""

    connection: Connection
    opening: Opening
    prefix: str = "realtime"
    """With what the types of its steps begin."""
    runs: list[RunState] = field(factory=list[RunState])
    answers: dict[str, Answer] = field(factory=dict[str, Answer])
    """Responses that are being made, by their ids."""
    last: Node | None = None
    """The response that the next one follows."""
    undo: Callable[[], None] | None = None
    """Takes back what the last message of the program did."""
    _lost: bool = False
    _thread: str = ""

    def take_back(self) -> None:
        """The last message of the program did not leave: what it did is undone."""
        undo, self.undo = self.undo, None
        if undo is not None:
            undo()

    def reopened(self) -> None:
        """A new connection: the server knows nothing of what was said."""
        self._lost, self.last = bool(self.runs), None

    def here(self, at: int) -> RunState:
        """Return the run in which something happens that no run is known for."""
        return self.runs[-1] if self.runs else self.connection.placed(None, at)

    def open(self, at: int, trigger: Trigger, *, voice: bool = False, aside: bool = False) -> RunState:
        """Begin a run; one aside follows none, and none follows it."""
        book = self.opening.book
        parent = next(
            (run for run in reversed(self.runs) if "out_of_band" not in run.run.lineage.notes), None
        )
        lost, self._lost = self._lost and not aside, self._lost and aside
        lineage = Lineage()
        if lost or parent is None:
            parent = None
        elif not aside:
            lineage.source = "conversation"
            if self.last is not None:
                lineage.parent_response_id = self.last.response_id
                lineage.parent_step_id = self.last.step.step_id
        run = book.open_run(at, trigger, lineage, None if aside else parent)
        if self._thread and run.run.thread_id != self._thread:
            # One for each socket, whatever the server has forgotten.
            run.run.thread_id = self._thread
            book.threads -= 1
        self._thread = run.run.thread_id
        if lost:
            lineage.notes.append("lost_context")
        run.run.channel = "voice" if voice or self.connection.audio else "text"
        self.connection.placed(run, at)
        self.runs.append(run)
        return run

    def generic(
        self, kind: str, event: dict[str, Any], at: int, payload_started: dict[str, Any] | None = None
    ) -> Step:
        """Keep an event whole, as a step of its own."""
        run = self.here(at)
        raw = {k: v for k, v in event.items() if k not in {"type", "event_id"}}
        return self.opening.book.add(
            run,
            "generic",
            f"{self.prefix}.{kind}",
            at,
            payload_started=payload_started or {},
            payload_completed=raw,
        )

    def begin(self, step: Step, run: RunState, last: Node | None, at: int, name: str | None = None) -> Node:
        """Note that a response begins, which follows another; its call has a step already."""
        index = self.opening.index
        index.nodes += 1
        node = Node(index.nodes, step, run, last, EMPTY, at)
        if name is not None:
            node.response_id = step.response_id = name
            index.by_response[name] = node
        run.last_call, run.run.status, run.run.ended_by = step, "in_progress", None
        self.opening.book.activity(run, at)
        return node

    def touch(self, step: Step) -> None:
        """Note that a step has changed."""
        self.opening.book.touch(step)
