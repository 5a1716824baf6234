"""Tool calls and what came back: the steps, and which output closes which call."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.fingerprints import digest, evened
from tfclient.projection.api.items import Item
from tfclient.projection.lineage.book import Book, RunState
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.lineage.nodes import CallRecord, Node
from tfclient.projection.steps.designed_endings import by_design
from tfclient.projection.steps.tool_failures import failure_evidence, failure_message
from tfclient.projection.steps.tool_payloads import call_payload, output_payload
from tfstore.document.documents import ErrorInfo, Step
from tfstore.document.item_types import item_type
from tfstore.document.json_text import canonical
from tfstore.document.labels import BY_DESIGN, Label, Status
from tfstore.document.times import iso, milliseconds
from tfstore.journal.entries import Error

_HOSTED: dict[str | None, Status] = {
    "failed": "failed",
    "incomplete": "incomplete",
    "in_progress": "in_progress",
}


@define
class ToolSteps:
    """All tool calls of a session and their outputs."""

    book: Book
    index: LineageIndex
    open: dict[str, CallRecord] = field(factory=dict[str, CallRecord])
    """Calls that the caller has yet to answer, by the id of their step."""
    left: dict[str, CallRecord] = field(factory=dict[str, CallRecord])
    """Calls that nobody is meant to answer, and nobody has, by the id of their step."""
    approvals: dict[str, Step] = field(factory=dict[str, "Step"])
    """Approvals that were asked for, by the id of their item."""
    unapproved: dict[str, Step] = field(factory=dict[str, "Step"])
    """Those that nobody has given or refused yet, by the id of their step."""
    _running: dict[str, CallRecord] = field(factory=dict[str, CallRecord])

    def call(self, run: RunState, item: Item, at: int, node: Node | None, depends_on: list[str]) -> Step:
        """Add the step of a tool call that a response asked for."""
        name = item.name or item.type
        step = self.book.add(run, "tool_call", f"tool.{name}", at, payload_started=call_payload(item))
        step.depends_on, step.tool_name = depends_on, name
        step.call_id, step.item_id = item.call_id, item.item_id
        record = CallRecord(step, run, node, item.answered_by_caller, at)
        approved = self.approvals.get(str(item.raw.get("approval_request_id")))
        if approved is not None:
            step.depends_on = [*depends_on, approved.step_id]
        self.index.add_call(item.call_id or name, record, item)
        left = by_design(name, node.forced) if record.by_caller and node is not None else None
        if left is not None:
            self.left[step.step_id] = record
            step.notes = [left]
            step.status = "incomplete" if "arguments_invalid" in step.payload_started else "completed"
        elif record.by_caller:
            self._await(record)
        else:
            self._close_hosted(record, item, at)
        return step

    def update(self, step: Step, item: Item) -> None:
        """Bring a call's step up to date with the same item, seen again."""
        step.payload_started = call_payload(item)
        step.call_id = step.call_id or item.call_id
        record = self.index.call_of(item.call_id or item.name or item.type, step.step_id)
        if record is not None and not record.by_caller and not record.answers:
            self._close_hosted(record, item, record.opened_at)

    def _close_hosted(self, record: CallRecord, item: Item, at: int) -> None:
        step = record.step
        step.status = _HOSTED.get(item.status, "completed")
        evidence = failure_evidence(item)
        result = item.raw.get(item_type(item.type).result)
        step.payload_completed = {"ok": evidence is None}
        if evidence is not None:
            step.status = "failed"
        elif result in (None, [], ""):
            return
        record.answers[digest(canonical(result))] = self._output(record, item, result, at)

    def _result(
        self,
        record: CallRecord,
        label: Label,
        output: Any,
        at: int,
        evidence: str | None = None,
        message: str | None = None,
    ) -> Step:
        payload: dict[str, Any] = {} if output is None else {"output": output}
        step = self.book.add(record.run, label, record.step.type, at, payload_completed=payload)
        step.depends_on, step.tool_name = [record.step.step_id], record.step.tool_name
        step.call_id = record.step.call_id
        if label == "tool_error":
            step.status = "failed"
            step.error = ErrorInfo("tool", message or "the tool failed")
            payload["evidence"] = evidence
        return step

    def placeholder(self, run: RunState, item: Item, at: int) -> CallRecord:
        """Add a call that was answered or re-sent here, but asked for where nothing was recorded."""
        name = item.name or ("unknown" if item.kind == "output" else item.type)
        payload = call_payload(item) if item.kind == "call" else {"name": name}
        step = self.book.add(run, "tool_call", f"tool.{name}", at, payload_started=payload, timing="inferred")
        step.tool_name, step.call_id, step.notes = name, item.call_id, ["inferred"]
        step.item_id = item.item_id if item.kind == "call" else None
        record = CallRecord(step, run, None, by_caller=True, opened_at=at)
        self._await(record)
        self.index.add_call(item.call_id or item.name or "", record)
        return record

    def _await(self, record: CallRecord) -> None:
        step = record.step
        step.status, step.ended_at, step.duration_ms = "in_progress", None, None
        record.run.pending += 1
        self.open[step.step_id] = record

    def answer(
        self, item: Item, at: int, parent: Node | None, orphans: RunState | None = None
    ) -> Step | None:
        """Close a call with the output that answers it; an output sent twice is one step.

        An output whose call is unknown gets a placeholder call in ``orphans``, or None where that is not given.
        """
        record = self.index.find_call(item.call_id or item.name, parent)
        if record is None:
            if orphans is None:
                return None
            record = self.placeholder(orphans, item, at)
        key = _key(item)
        if key not in record.answers:
            if record.error_step is not None and not record.answers:
                record.error_step.payload_completed["output"] = item.output
                self.book.touch(record.error_step)
                self._answered(record, item, record.error_step, at)
            else:
                self._answered(record, item, self._output(record, item, item.output, at), at)
        return record.answers[key]

    def _output(self, record: CallRecord, item: Item, output: Any, at: int) -> Step:
        evidence = failure_evidence(item) or record.evidence
        if evidence is None:
            return self._result(record, "tool_output", output, at)
        return self._result(record, "tool_error", output, at, evidence, failure_message(item))

    def _answered(self, record: CallRecord, item: Item, step: Step, at: int) -> None:
        rest = output_payload(item)
        step.payload_completed |= {k: v for k, v in rest.items() if k not in step.payload_completed}
        step.item_id = step.item_id or item.item_id
        self._close(record, at, ok=step.label == "tool_output")
        record.answers[_key(item)] = step
        said = _words(item.output)
        for run in record.nested:
            notes, last = run.run.lineage.notes, _answer_of(run)
            if said and said == last and "nested_by:output" not in notes:
                notes.append("nested_by:output")

    def _close(self, record: CallRecord, at: int, *, ok: bool) -> None:
        step = record.step
        if self.open.pop(step.step_id, None) is not None:
            record.run.pending -= 1
        if self.left.pop(step.step_id, None) is not None:
            record.run.run.ended_by = None
            step.notes = [note for note in step.notes if note not in BY_DESIGN]
        step.status = "completed" if ok else "failed"
        step.payload_completed["ok"] = ok
        if record.measured:
            step.payload_completed.pop("result", None)
        else:
            step.timing, step.ended_at = "inferred", iso(at)
            step.duration_ms = milliseconds(record.opened_at, at)
        self.book.touch(step)

    def output_item(self, run: RunState, item: Item, at: int, node: Node) -> Step:
        """Add an output that came inside a response: the provider ran the tool itself."""
        record = self.index.find_call(item.call_id, node)
        if record is None:
            # Hosted calls have no call id: the output belongs to the last call of its kind in this response.
            wanted = item.type.removesuffix("_output")
            steps = [s for s in node.places.values() if s.tool_name == wanted and s.label == "tool_call"]
            record = self.index.call_of(wanted, steps[-1].step_id) if steps else None
        record = record or self.placeholder(run, item, at)
        step = self._output(record, item, item.output, at)
        self._answered(record, item, step, at)
        return step

    def approval(self, step: Step, item: Item) -> None:
        """An approval was asked for, or that was seen again."""
        if str(item.item_id) not in self.approvals:
            self.unapproved[step.step_id] = step
        self.approvals[str(item.item_id)] = step

    def approved(self, request: Step) -> None:
        """An approval was given or refused: its run no longer waits for it."""
        self.unapproved.pop(request.step_id, None)
        run = self.book.by_run[str(request.run_id)].run
        if run.ended_by == "approval" and not any(s.run_id == run.run_id for s in self.unapproved.values()):
            run.ended_by = None
            self.book.touch(request)

    def run_begins(self, names: list[str], record: CallRecord) -> None:
        """A tool runs under these ids: calls made inside it are nested."""
        self._running.update(dict.fromkeys(names, record))

    def run_ends(self, names: list[str]) -> CallRecord | None:
        """The tool that ran under these ids is done."""
        ended = [self._running.pop(name, None) for name in names]
        return next((record for record in ended if record is not None), None)

    def asked_with(self, prompt: str) -> CallRecord | None:
        """Return the call still to be answered of which one argument is this text: an agent as a tool."""
        wanted = _words(prompt) if self.open else ""
        for record in reversed(self.open.values()) if len(wanted) > 1 else ():
            given = record.step.payload_started.get("arguments")
            values = given.values() if isinstance(given, dict) else [given]
            if any(_words(value) == wanted for value in values):
                return record
        return None

    def answered_in_text(self, node: Node, at: int) -> None:
        """Close the calls of a response whose history was written anew: what came back stands in its text."""
        for record in [r for r in self.open.values() if r.node is node]:
            record.step.notes.append("answered_in_text")
            self._close(record, at, ok=True)

    def running(self, tool: Any) -> CallRecord | None:
        """Return the call whose tool is running under this id, if one is."""
        return self._running.get(str(tool)) if tool else None

    def failed(self, record: CallRecord, error: Error, at: int) -> None:
        """An exception left the tool: evidence before any output says so."""
        message = f"{error.get('type')}: {error.get('message')}"
        shown = self._result(record, "tool_error", None, at, "exception", message)
        shown.error = ErrorInfo("tool", message, str(error.get("type")))
        shown.payload_completed["exception"] = error
        record.error_step = shown
        record.step.payload_completed["ok"] = False

    def give_up(self) -> None:
        """At the end of a session: what was never answered is unresolved, or failed if an exception left it."""
        for record in self.open.values():
            record.step.status = "unresolved" if record.error_step is None else "failed"
            self.book.touch(record.step)

    def hope_again(self) -> None:
        """The session goes on after all: what was given up may yet be answered."""
        for record in self.open.values():
            record.step.status = "in_progress"
            self.book.touch(record.step)


def _key(item: Item) -> bytes:
    return digest(item.output if isinstance(item.output, str) else canonical(item.output))


def _words(value: Any) -> str:
    return evened(value) if isinstance(value, str) else ""


def _answer_of(run: RunState) -> str:
    said = [s.payload_completed.get("text") for s in run.run.steps if s.label == "assistant_message"]
    return _words(said[-1]) if said else ""
