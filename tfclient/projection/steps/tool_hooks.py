"""What the program itself says of its tools and of a session: measured runs of tools, and annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_exception
from tfclient.projection.api.items import from_responses
from tfclient.projection.lineage.book import Book, RunState
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.lineage.nodes import CallRecord
from tfclient.projection.steps.tool_steps import ToolSteps
from tfclient.projection.weight.lightener import Lightener
from tfstore.document.documents import Lineage, Step
from tfstore.document.json_text import canonical
from tfstore.document.times import iso, milliseconds
from tfstore.journal.entries import Annotation, ToolEnded, ToolStarted

Began = ToolStarted | ToolEnded
"""What is known of a run's beginning: its own entry or, where that is missing, the one of its end."""


MOST_NESTED = 64
"""How many runs, back from the last one, are looked at for one that is not nested in a tool."""


@define
class _Ran:
    """One run of a tool, from its two entries."""

    began: int
    started: Began
    at: int
    ended: ToolEnded


@define
class ToolHooks:
    """Takes the entries that the hooks write."""

    book: Book
    index: LineageIndex
    tools: ToolSteps
    lightener: Lightener
    ask_streams: Callable[[str | None, str | None, int], bool]
    """Takes the calls of a tool (by ``call_id``, else by name) that streams still running have told of; says whether
    any stream is running."""
    early: list[_Ran] = field(factory=list["_Ran"])
    """Runs of tools that nobody has been seen to ask for yet: redaction may hold back what a stream told."""
    _started: dict[str, tuple[int, Began]] = field(factory=dict)

    def started(self, entry: ToolStarted, at: int) -> None:
        """A hook says that a tool began to run."""
        self._started[str(entry["tool"])] = (at, entry)
        more_may_come = self.ask_streams(entry["name"], entry["call_id"], at)
        record = self._call_of(entry)
        if record is not None:
            self._measure(record, at)
        elif not more_may_come:
            record = self._unasked(entry, at)
        if record is not None:
            self.tools.run_begins(_names(entry), record)

    def _measure(self, record: CallRecord, began: int) -> None:
        record.measured = True
        record.step.timing, record.step.started_at = "measured", iso(began)
        self.book.touch(record.step)

    def _call_of(self, entry: Began) -> CallRecord | None:
        if entry["call_id"]:
            return self.index.find_call(str(entry["call_id"]), None)
        name, wanted = entry["name"], self._light(entry.get("arguments"))
        unanswered = (*self.tools.open.values(), *self.tools.left.values())
        pending = [r for r in unanswered if r.step.tool_name == name and not r.measured]
        same = [r for r in pending if self._light(r.step.payload_started.get("arguments")) == wanted]
        return next(iter(same or pending), None)

    def _light(self, arguments: Any) -> str:
        """Return arguments for comparison; those of a step may have been made light already."""
        return canonical(self.lightener.lighten(arguments, "arguments"))

    def ended(self, entry: ToolEnded, at: int) -> None:
        """A hook says that a tool ended, with its result or its exception."""
        if isinstance(evidence := entry.get("evidence"), str):
            called = self._call_of(entry)
            if called is not None:
                called.evidence = evidence
            if str(entry["tool"]) not in self._started:
                return  # nobody measured it
        began, started = self._started.pop(str(entry["tool"]), (at, entry))
        record = self.tools.run_ends(_names(entry) + _names(started))
        ran = _Ran(began, started, at, entry)
        if record is None:
            self.early.append(ran)
        else:
            self._ended(record, ran)

    def settle(self, *, waiting: bool) -> None:
        """Give runs of tools to the calls that have been seen by now; unless more may come, keep the rest as theirs."""
        left: list[_Ran] = []
        for ran in self.early:
            record = self._call_of(ran.started)
            if record is not None:
                self._measure(record, ran.began)
                self._ended(record, ran)
            elif waiting:
                left.append(ran)
            else:
                self._ended(self._unasked(ran.started, ran.began), ran)
        self.early[:] = left

    def _ended(self, record: CallRecord, ran: _Ran) -> None:
        step, entry, began, at = record.step, ran.ended, ran.began, ran.at
        error = entry.get("error")
        step.ended_at, step.duration_ms = iso(at), milliseconds(began, at)
        if step.label == "generic":
            step.status = "completed"
            step.payload_completed = {"result": entry["result"]} if "result" in entry else {}
            if isinstance(error, dict):
                step.status, step.error = "failed", error_from_exception(error)
                step.payload_completed["exception"] = error
        elif isinstance(error, dict):
            # A decorated tool in one of the SDK's runners: both tell of the exception, the decorator first.
            if record.error_step is None:
                self.tools.failed(record, error, at)
        elif not record.answers and "result" in entry:
            step.payload_completed = {"ok": True, "result": entry["result"]}
        self.book.activity(record.run, at)
        self.book.touch(step)

    def _unasked(self, started: Began, at: int) -> CallRecord:
        """A tool that runs for a call of elsewhere, or without any model asking for it, is kept as what it is."""
        outer = self.tools.running(started.get("parent_call"))
        name, home = str(started["name"] or "tool"), self._home(at) if outer is None else outer.run
        if started["call_id"]:
            asked = {"name": started["name"], "arguments": started.get("arguments")}
            given = {key: value for key, value in asked.items() if value is not None}
            item = {"type": "function_call", "call_id": started["call_id"], **given}
            record = self.tools.placeholder(home, from_responses(item, 0), at)
            self._measure(record, at)
            return record
        step = self.book.add(
            home, "generic", f"tool.{name}", at, status="in_progress", timing="measured", tool_name=name
        )
        step.payload_started = {"name": name, "arguments": started.get("arguments")}
        return CallRecord(step, home, None, by_caller=False, opened_at=at)

    def give_up(self) -> None:
        """At the end of a session: a tool that nobody asked for and that still runs has no known end."""
        for names in self._started.values():
            record = self.tools.running(names[1]["tool"])
            if record is not None and record.step.label == "generic":
                record.step.status = "unresolved"
                self.book.touch(record.step)

    def _home(self, at: int) -> RunState:
        """Return the run that is under way, not one that was nested in a tool."""
        runs = [state for state in self.book.states[-MOST_NESTED:] if state.run.trigger != "tool"]
        last = (runs or self.book.states)[-1:]
        return last[0] if last else self.book.open_run(at, "api", Lineage(), None)

    def annotated(self, entry: Annotation, at: int) -> None:
        """The program notes something, about a step or about the session."""
        kind = str(entry["kind"] or "note")
        step = self._subject(entry)
        home = self.book.by_run.get(str(step.run_id)) if step is not None else None
        made = self.book.add(home or self._home(at), "generic", f"annotation.{kind}", at)
        data = entry["data"]
        made.payload_completed = data if isinstance(data, dict) else {"value": data}
        made.depends_on = [step.step_id] if step is not None else []

    def _subject(self, entry: Annotation) -> Step | None:
        step = self.book.steps.get(str(entry.get("step")))
        if step is not None:
            return step
        node = self.index.by_response.get(str(entry.get("response_id")))
        if node is not None:
            return node.step
        call_id = entry.get("call_id")
        record = self.index.find_call(str(call_id), None) if call_id else None
        return record.step if record is not None else None


def _names(entry: Began) -> list[str]:
    return [str(name) for name in (entry["tool"], entry["call_id"]) if name]
