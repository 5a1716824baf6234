"""A session as spans: a pure function of its document.

Each run is a trace of its own, its model calls and tools the spans in it; a run inside a tool hangs there. Spans come
one by one, trace by trace, so that a long session is never whole in memory as spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from tfclient.otlp import conventions as name
from tfclient.otlp.bounds import bounds, run_bounds, step_bounds
from tfclient.otlp.calls import attributes_of_call, endpoint_content, name_of, nanoseconds
from tfclient.otlp.ids import WHOLE_SESSION, Ids
from tfclient.otlp.messages import Messages
from tfclient.otlp.options import Options
from tfclient.otlp.parts import as_json, fit
from tfclient.otlp.runs import asked_and_answered, attributes_of_run
from tfclient.otlp.span import Attributes, Event, Link, Span, StatusCode
from tfclient.otlp.tools import attributes_of_tool, called, content_of_tool, is_hosted
from tfstore.disk.turns import turn
from tfstore.document.documents import ErrorInfo, Session, Step
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts, gather

_NOTED_LEVEL: Final = frozenset({"cancelled", "incomplete", "unresolved", "in_progress", "queued"})


def spans_of(session: Session, store_id: str, options: Options | None = None) -> Iterator[Span]:
    """Yield a session's spans, those of one trace together, each trace's root first.

    Args:
        session: a closed one: a span is final.
        store_id: of the store that it is in.
        options: how.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> call = Step("step_1_1", 1, "assistant_call", "responses.request", payload_started={"model": "gpt-5"})
        >>> session = Session("sess_1", runs=[Run("run_1", "user_message", steps=[call])])
        >>> [span.name for span in spans_of(session, "5e0a…")]
        ['invoke_agent', 'chat gpt-5']
    """
    return _Tree.of(session, store_id, options or Options()).spans()


@define
class _Tree:
    session: Session
    options: Options
    facts: SessionFacts
    ids: Ids
    messages: Messages
    common: Attributes
    answers: dict[int, StepFacts]
    done: set[int] = field(factory=set[int])

    @classmethod
    def of(cls, session: Session, store_id: str, options: Options) -> _Tree:
        facts = gather(session)
        answers = {id(own.call): own for own in facts.every if own.call is not None}
        common = _common(session)
        messages = Messages.of(facts, options.reader)
        return cls(session, options, facts, Ids.of(store_id, session), messages, common, answers)

    def spans(self) -> Iterator[Span]:
        if self.options.whole_session:
            yield self._session_span()
        for run in self.facts.runs:
            if run.is_nested and self._top_of(run) is not run:
                # It comes with the run that it ran in.
                continue
            parent = self.ids.span(WHOLE_SESSION) if self.options.whole_session else None
            yield from self._with_nested(run, self._trace_of(run), parent)

    def _with_nested(self, run: RunFacts, trace: bytes, parent: bytes | None) -> Iterator[Span]:
        waiting = [(run, parent)]
        while waiting:
            at, above = waiting.pop()
            if id(at) in self.done:
                continue
            self.done.add(id(at))
            yield from self._run(at, trace, above)
            inside = [
                (child, self.ids.span(own.step.step_id if own.step.label == "tool_call" else at.run.run_id))
                for own in at.steps
                for child in own.inside
            ]
            placed = {id(child) for child, _ in inside}
            inside += [
                (child, self.ids.span(at.run.run_id))
                for child in at.children
                if child.is_nested and id(child) not in placed
            ]
            waiting.extend(reversed(inside))

    def _top_of(self, run: RunFacts) -> RunFacts:
        """Return the run at the root of a run's trace: the outermost that it ran inside of."""
        seen = {id(run)}
        at = run
        while at.is_nested and at.parent is not None:
            if id(at.parent) in seen:
                # A document may claim that two run inside each other.
                return run
            seen.add(id(at.parent))
            at = at.parent
        return at

    def _trace_of(self, run: RunFacts) -> bytes:
        return self.ids.trace(WHOLE_SESSION if self.options.whole_session else self._top_of(run).run.run_id)

    def _session_span(self) -> Span:
        session = self.session
        start, end = bounds(
            session.started_at, session.ended_at, [run_bounds(self.session, run) for run in self.facts.runs]
        )
        title = self.options.said(session.title)
        return Span(
            self.ids.trace(WHOLE_SESSION),
            self.ids.span(WHOLE_SESSION),
            "session",
            start,
            end,
            attributes=self.common | ({name.TRACE_NAME: title} if title else {}),
            status=_status(session.result or ""),
        )

    def _run(self, run: RunFacts, trace: bytes, parent: bytes | None) -> Iterator[Span]:
        alone = _alone(run)
        if alone is not None:
            root = self._other(alone, trace, parent)
            root.attributes |= attributes_of_run(self.session, run, self.options)
            root.links += self._links(run)
            yield root
            return
        yield self._root(run, trace, parent)
        above = self.ids.span(run.run.run_id)
        for own in run.steps:
            label = own.step.label
            if label == "assistant_call":
                yield self._chat(own, trace, above)
            elif label == "tool_call" or (label == "generic" and own.step.type.startswith("tool.")):
                yield self._tool(own, trace, above)
            elif label == "generic" and own.step.type.startswith("api."):
                yield self._other(own, trace, above)
            turn()

    def _root(self, run: RunFacts, trace: bytes, parent: bytes | None) -> Span:
        start, end = run_bounds(self.session, run)
        agent = next((own.step.agent_name for own in run.steps if own.step.agent_name), None)
        attributes = (
            self.common
            | attributes_of_run(self.session, run, self.options)
            | {name.OPERATION: name.INVOKE_AGENT}
        )
        attributes |= {name.AGENT_NAME: fit(agent)} if agent else {}
        attributes |= asked_and_answered(run, self.options)
        attributes |= _level(run.run.status)
        span = Span(
            trace,
            self.ids.span(run.run.run_id),
            fit(f"{name.INVOKE_AGENT} {agent or ''}".strip()),
            start,
            end,
            parent_id=parent,
            attributes=attributes,
            status=_status(run.run.status),
            links=self._links(run),
        )
        failed = next((own for own in reversed(run.steps) if own.step.error is not None), None)
        if run.failed and failed is not None and failed.step.error is not None:
            span.message = self.options.said(failed.step.error.message)
            attributes[name.ERROR_TYPE] = fit(failed.step.error.code or failed.step.error.class_)
        span.events = [self._annotation(own) for own in run.steps if _is_annotation(own.step)]
        return span

    def _chat(self, own: StepFacts, trace: bytes, parent: bytes) -> Span:
        step = own.step
        span = self._step(own, trace, parent, name_of(step))
        span.kind = "client"
        span.attributes |= attributes_of_call(step, self.options.price)
        span.attributes |= {name.AGENT_NAME: fit(step.agent_name)} if step.agent_name else {}
        given = self.messages.given(own, self.options.content)
        for attribute, value in (
            (name.SYSTEM_INSTRUCTIONS, given.instructions),
            (name.TOOL_DEFINITIONS, given.tools),
            (name.INPUT_MESSAGES, given.messages),
            (name.OUTPUT_MESSAGES, None if self.options.content == "none" else self.messages.gave(own)),
        ):
            if value:
                span.attributes[attribute] = value
        if given.omitted:
            span.attributes[name.OMITTED] = given.omitted
        unknown = self.messages.unknown(own) if self.options.content != "none" else []
        if unknown:
            span.attributes[name.PROMPT_UNKNOWN] = [fit(each) for each in unknown]
        span.events += self._attempts(step, span)
        span.events += [
            Event(name.COMPACTION, span.end, {name.OUR_STEP: each.step.step_id})
            for each in self.facts.leads_to(own)
            if each.step.label == "context_compacted"
        ]
        return span

    def _attempts(self, step: Step, span: Span) -> Iterator[Event]:
        for each in step.attempts:
            if each.error is None and (each.status_code or 0) < 400:
                continue
            at = nanoseconds(each.started_at)
            at = span.start if at is None else at + (each.duration_ms or 0) * 1_000_000
            told: Attributes = {name.ATTEMPT: each.n}
            told |= {name.HTTP_STATUS: each.status_code} if each.status_code is not None else {}
            if each.error:
                told[name.ATTEMPT_ERROR] = self.options.said(each.error) or each.error.partition(" ")[0]
            yield Event(name.ATTEMPT_FAILED, min(max(at, span.start), span.end), told)

    def _tool(self, own: StepFacts, trace: bytes, parent: bytes) -> Span:
        step = own.step
        above = parent
        if is_hosted(step) and (call := self._call_of(own)) is not None:
            above = self.ids.span(call.step.step_id)
        span = self._step(own, trace, above, fit(f"{name.EXECUTE_TOOL} {called(own)}"))
        answer = self.answers.get(id(own))
        if answer is not None and answer.step.label == "tool_error":
            span.status = "error"
            self._failed(span, answer.step.error or step.error)
        span.attributes |= attributes_of_tool(own)
        if self.options.content != "none":
            span.attributes |= content_of_tool(step, answer, self.options.reader)
        return span

    def _call_of(self, own: StepFacts) -> StepFacts | None:
        before = self.facts.depends_on(own)
        return next((each for each in before if each.step.label == "assistant_call"), None)

    def _other(self, own: StepFacts, trace: bytes, parent: bytes | None) -> Span:
        span = self._step(own, trace, parent, name_of(own.step))
        span.kind = "client"
        span.attributes |= attributes_of_call(own.step, self.options.price)
        if self.options.content != "none":
            span.attributes |= endpoint_content(own.step, self.options.reader)
        span.events += self._attempts(own.step, span)
        return span

    def _step(self, own: StepFacts, trace: bytes, parent: bytes | None, called: str) -> Span:
        step, run = own.step, own.run.run
        start, end = step_bounds(self.session, own.run, step)
        attributes: Attributes = self.common | {
            name.OUR_RUN: run.run_id,
            name.OUR_STEP: step.step_id,
            name.OUR_THREAD: run.thread_id,
            name.CONVERSATION_ID: fit(run.conversation_id or self.session.session_id),
        }
        span = Span(
            trace,
            self.ids.span(step.step_id),
            called,
            start,
            end,
            parent_id=parent,
            attributes=attributes | _level(step.status),
            status="error" if own.failed else _status(step.status),
        )
        if own.failed:
            self._failed(span, step.error)
        return span

    def _failed(self, span: Span, error: ErrorInfo | None) -> None:
        if error is None:
            return
        kind = fit(error.code or error.class_)
        span.attributes[name.ERROR_TYPE] = kind
        span.message = self.options.said(error.message)
        told: Attributes = {name.EXCEPTION_TYPE: kind}
        told |= {name.EXCEPTION_MESSAGE: span.message} if span.message else {}
        told |= {name.HTTP_STATUS: error.http_status} if error.http_status is not None else {}
        span.events = [Event(name.EXCEPTION, span.end, told)]

    def _annotation(self, own: StepFacts) -> Event:
        at, _ = step_bounds(self.session, own.run, own.step)
        told: Attributes = {name.OUR_STEP: own.step.step_id, name.ANNOTATION_KIND: fit(own.step.type)}
        if self.options.content != "none":
            data = own.step.payload_completed or own.step.payload_started
            told[name.ANNOTATION_DATA] = as_json(self.options.reader.texts(data))
        return Event(name.ANNOTATION, at, told)

    def _links(self, run: RunFacts) -> list[Link]:
        """Return the model call that a run goes on from, here or in another session."""
        lineage = run.run.lineage
        if run.is_nested or lineage.source == "root":
            return []
        told: Attributes = {name.LINK: "fork" if run.is_fork else "continues", name.EVIDENCE: lineage.source}
        parent = self.facts.steps.get(lineage.parent_step_id or "")
        parent = parent or self.facts.responses.get(lineage.parent_response_id or "")
        if parent is not None:
            return [Link(self._trace_of(parent.run), self.ids.span(parent.step.step_id), told)]
        if self.options.find_span is None or not lineage.parent_response_id:
            return []
        found = self.options.find_span(lineage.parent_response_id)
        return [] if found is None else [Link(*found, told)]


def span_of_response(session: Session, store_id: str, step: Step) -> tuple[bytes, bytes]:
    """Return trace and span of a model call, for links from other sessions."""
    tree = _Tree.of(session, store_id, Options())
    own = tree.facts.steps[step.step_id]
    return tree._trace_of(own.run), tree.ids.span(step.step_id)  # noqa: SLF001 - of this module


def _common(session: Session) -> Attributes:
    made: Attributes = {name.SESSION_ID: session.session_id, name.OUR_SESSION: session.session_id}
    user = session.metadata.get("user", session.metadata.get("user_id"))
    if isinstance(user, str | int) and user != "":
        made[name.USER_ID] = fit(str(user))
    return made


def _alone(run: RunFacts) -> StepFacts | None:
    """Return the call of another endpoint, or the socket, that a run consists of."""
    alone = run.run.trigger == "api" and len(run.steps) == 1 and run.steps[0].step.label == "generic"
    return run.steps[0] if alone else None


def _is_annotation(step: Step) -> bool:
    return (
        step.label == "generic"
        and step.output_index is None
        and step.response_id is None
        and not step.type.startswith(("api.", "tool."))
    )


def _level(status: str) -> Attributes:
    return {name.LEVEL: "WARNING"} if status in _NOTED_LEVEL else {}


def _status(status: str) -> StatusCode:
    return "ok" if status == "completed" else "error" if status == "failed" else "unset"
