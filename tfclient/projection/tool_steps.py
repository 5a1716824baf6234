"""Tool calls and what came back: the steps, and which output closes which call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection.errors import error_from_exception
from tfclient.projection.items import Item, canonical, digest, parse_arguments
from tfclient.projection.lineage import CallRecord, LineageIndex, Node
from tfclient.projection.times import iso, milliseconds
from tfclient.projection.tool_truth import failure_evidence, failure_message
from tfstore.documents import ErrorInfo

if TYPE_CHECKING:
    from tfclient.projection.run_state import Book, RunState
    from tfstore.documents import Step

RESULT_FIELDS = {
    "mcp_call": "output",
    "code_interpreter_call": "outputs",
    "file_search_call": "results",
    "image_generation_call": "result",
}
"""Where a call that the provider ran itself carries what came of it."""

_APART = frozenset({"type", "id", "call_id", "name", "arguments", "status"})


@define
class ToolSteps:
    """All tool calls of a session and their outputs."""

    book: Book
    index: LineageIndex
    open: dict[str, CallRecord] = field(factory=dict[str, CallRecord])
    """Calls that the caller has yet to answer, by the id of their step."""
    approvals: dict[str, Step] = field(factory=dict[str, "Step"])
    _running: dict[str, CallRecord] = field(factory=dict[str, CallRecord])
    _started: dict[str, tuple[int, dict[str, Any]]] = field(factory=dict[str, tuple[int, dict[str, Any]]])
    _opened_at: dict[str, int] = field(factory=dict[str, int])

    def call(self, run: RunState, item: Item, at: int, node: Node | None, depends_on: list[str]) -> Step:
        """Add the step of a tool call that a response asked for."""
        arguments, parsed = parse_arguments(item.arguments)
        payload: dict[str, Any] = {"name": item.name or item.type, "arguments": arguments}
        if not parsed:
            payload["arguments_invalid"] = True
        apart = _APART | {RESULT_FIELDS.get(item.type, "")}
        payload.update(
            {k: v for k, v in item.raw.items() if k not in apart and v is not None and v != item.arguments}
        )
        if "function" in payload or "custom" in payload or "function_call" in payload:
            payload = {
                k: v for k, v in payload.items() if k not in {"function", "custom", "function_call", "index"}
            }
        step = self.book.add(run, "tool_call", f"tool.{item.name or item.type}", at, payload_started=payload)
        step.depends_on, step.tool_name = depends_on, item.name or item.type
        step.call_id, step.item_id = item.call_id, item.item_id
        record = CallRecord(step, run, node, item.answered_by_caller)
        self.index.calls[item.call_id or item.name or item.type].append(record)
        self._opened_at[step.step_id] = at
        if record.by_caller:
            step.status, step.ended_at, step.duration_ms = "in_progress", None, None
            self._await(record)
        else:
            self._close_hosted(record, item, at)
        return step

    def _close_hosted(self, record: CallRecord, item: Item, at: int) -> None:
        step = record.step
        step.status = item.status if item.status in {"failed", "incomplete", "in_progress"} else "completed"
        evidence = failure_evidence(item)
        result = item.raw.get(RESULT_FIELDS.get(item.type, ""))
        step.payload_completed = {"ok": evidence is None}
        if evidence is not None:
            step.status = "failed"
            self._result(record, "tool_error", result, at, evidence, failure_message(item))
        elif result not in (None, [], ""):
            self._result(record, "tool_output", result, at)

    def _result(
        self,
        record: CallRecord,
        label: str,
        output: Any,
        at: int,
        evidence: str | None = None,
        message: str | None = None,
    ) -> Step:
        payload: dict[str, Any] = {} if output is None else {"output": output}
        step = self.book.add(record.run, label, record.step.type, at, payload_completed=payload)
        step.depends_on, step.tool_name, step.call_id = (
            [record.step.step_id],
            record.step.tool_name,
            record.step.call_id,
        )
        if label == "tool_error":
            step.status = "failed"
            step.error = ErrorInfo("tool", message or "the tool failed")
            payload["evidence"] = evidence
        return step

    def placeholder(self, run: RunState, item: Item, at: int) -> CallRecord:
        """Add a call that was answered or re-sent here, but asked for where nothing was recorded."""
        name = item.name or ("unknown" if item.kind == "output" else item.type)
        arguments = parse_arguments(item.arguments)[0] if item.kind == "call" else None
        payload: dict[str, Any] = (
            {"name": name} if arguments is None else {"name": name, "arguments": arguments}
        )
        step = self.book.add(run, "tool_call", f"tool.{name}", at, payload_started=payload, timing="inferred")
        step.tool_name, step.call_id, step.notes = name, item.call_id, ["inferred"]
        record = CallRecord(step, run, None, by_caller=True)
        step.status, step.ended_at, step.duration_ms = "in_progress", None, None
        self._await(record)
        self._opened_at[step.step_id] = at
        self.index.calls[item.call_id or item.name or ""].append(record)
        return record

    def _await(self, record: CallRecord) -> None:
        record.run.pending += 1
        self.open[record.step.step_id] = record

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
        key = digest(item.output if isinstance(item.output, str) else canonical(item.output))
        if key in record.answers:
            return record.answers[key]
        evidence = failure_evidence(item)
        extra = {
            k: v
            for k, v in item.raw.items()
            if k not in {"type", "id", "call_id", "tool_call_id", "output", "content", "status", "role"}
            and v is not None
        }
        if record.error_step is not None and not record.answers:
            step = record.error_step
            step.payload_completed["output"] = item.output
            self.book.touch(step)
        elif evidence is not None:
            step = self._result(record, "tool_error", item.output, at, evidence, failure_message(item))
        else:
            step = self._result(record, "tool_output", item.output, at)
        step.payload_completed.update({k: v for k, v in extra.items() if k not in step.payload_completed})
        step.item_id = step.item_id or item.item_id
        self._close(record, at, ok=step.label == "tool_output")
        record.answers[key] = step
        return step

    def _close(self, record: CallRecord, at: int, *, ok: bool) -> None:
        step = record.step
        if self.open.pop(step.step_id, None) is not None:
            record.run.pending -= 1
        step.status = "completed" if ok else "failed"
        step.payload_completed["ok"] = ok
        if record.measured:
            step.payload_completed.pop("result", None)
        else:
            step.timing, step.ended_at = "inferred", iso(at)
            step.duration_ms = milliseconds(self._opened_at.get(step.step_id, at), at)
        self.book.touch(step)

    def output_item(self, run: RunState, item: Item, at: int, node: Node, siblings: list[Step]) -> Step:
        """Add an output that came inside a response: the provider ran the tool itself."""
        record = self.index.find_call(item.call_id, node)
        if record is None:
            wanted = item.type.removesuffix("_output")
            call = next(
                (s for s in reversed(siblings) if s.tool_name == wanted and s.label == "tool_call"), None
            )
            found = self.index.calls.get(wanted, []) if call is not None else []
            record = next((r for r in reversed(found) if r.step is call), None) or self.placeholder(
                run, item, at
            )
        evidence = failure_evidence(item)
        label = "tool_output" if evidence is None else "tool_error"
        message = failure_message(item) if evidence else None
        step = self._result(record, label, item.output, at, evidence, message)
        step.item_id = item.item_id
        extra = {k: v for k, v in item.raw.items() if k not in {"type", "id", "call_id", "output", "status"}}
        step.payload_completed.update({k: v for k, v in extra.items() if v is not None and v != item.output})
        self._close(record, at, ok=evidence is None)
        record.answers[digest(canonical(item.output))] = step
        return step

    def hook_started(self, entry: dict[str, Any], at: int) -> None:
        """A hook says that a tool began to run."""
        tool = str(entry.get("tool"))
        self._started[tool] = (at, entry)
        record = self._hooked(entry)
        if record is None:
            return
        self._running[tool] = record
        if entry.get("call_id"):
            self._running[str(entry["call_id"])] = record
        record.measured = True
        step = record.step
        step.timing, step.started_at = "measured", iso(at)
        self.book.touch(step)

    def _hooked(self, entry: dict[str, Any]) -> CallRecord | None:
        call_id = entry.get("call_id")
        if call_id:
            return self.index.find_call(str(call_id), None)
        name, wanted = entry.get("name"), canonical(entry.get("arguments"))
        pending = [r for r in self.open.values() if r.step.tool_name == name and not r.measured]
        same = [r for r in pending if canonical(r.step.payload_started.get("arguments")) == wanted]
        return next(iter(same or pending), None)

    def running(self, tool: Any) -> CallRecord | None:
        """Return the call whose tool is running under this id, if one is."""
        return self._running.get(str(tool)) if tool else None

    def hook_ended(self, entry: dict[str, Any], at: int, home: RunState) -> None:
        """A hook says that a tool ended, with its result or its exception."""
        tool = str(entry.get("tool"))
        began, started = self._started.pop(tool, (at, entry))
        record = self._running.pop(tool, None)
        self._running.pop(str(entry.get("call_id")), None)
        error = entry.get("error")
        if record is None:
            self._unasked(home, started, entry, began, at)
            return
        step = record.step
        step.ended_at, step.duration_ms = iso(at), milliseconds(began, at)
        if error:
            shown = self._result(
                record, "tool_error", None, at, "exception", str(error.get("message") or error.get("type"))
            )
            shown.error = ErrorInfo(
                "tool", f"{error.get('type')}: {error.get('message')}", str(error.get("type"))
            )
            shown.payload_completed["exception"] = error
            record.error_step = shown
            step.payload_completed["ok"] = False
        elif not record.answers and "result" in entry:
            step.payload_completed = {"ok": True, "result": entry["result"]}
        self.book.touch(step)

    def _unasked(
        self, home: RunState, started: dict[str, Any], entry: dict[str, Any], began: int, at: int
    ) -> None:
        """A tool that ran without any model asking for it is kept as what it is."""
        name = str(entry.get("name") or started.get("name") or "tool")
        step = self.book.add(home, "generic", f"tool.{name}", began, timing="measured", tool_name=name)
        step.payload_started = {"name": name, "arguments": started.get("arguments")}
        step.payload_completed = {"result": entry.get("result")} if "result" in entry else {}
        step.ended_at, step.duration_ms = iso(at), milliseconds(began, at)
        if entry.get("error"):
            step.status, step.error = "failed", error_from_exception(entry["error"])

    def give_up(self) -> None:
        """At the end of a session: what was never answered is unresolved."""
        for record in self.open.values():
            record.step.status = "unresolved"
            self.book.touch(record.step)
