"""What the span of a run says: where it comes from, what was asked, what was answered."""

from __future__ import annotations

from typing import Final

from tfclient.otlp import conventions as name
from tfclient.otlp.options import Options
from tfclient.otlp.parts import Reader, as_json, fit
from tfclient.otlp.span import Attributes
from tfstore.document.documents import Session, Step
from tfstore.reading.facts import RunFacts
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import text_of

_LONGEST_TITLE: Final = 200


def attributes_of_run(session: Session, run: RunFacts, options: Options) -> Attributes:
    """Return what the span of a run says of it, but for what was asked and answered."""
    lineage = run.run.lineage
    made: Attributes = {
        name.OUR_RUN: run.run.run_id,
        name.OUR_THREAD: run.run.thread_id,
        name.CONVERSATION_ID: fit(run.run.conversation_id or session.session_id),
        name.TRIGGER: run.run.trigger,
        name.STATUS: run.run.status,
        name.LINEAGE_SOURCE: lineage.source,
        name.LINEAGE_DEPTH: lineage.depth,
        name.LINEAGE_BRANCH: lineage.branch_index,
    }
    made |= {name.LINEAGE_PARENT: lineage.parent_run_id} if lineage.parent_run_id else {}
    made |= {name.PROMPT_SHA256: lineage.prompt_sha256} if lineage.prompt_sha256 else {}
    made |= {name.REPLAY: session.replay.kind} if session.replay is not None else {}
    if options.content != "full":
        made[name.CONTENT] = options.content
    title = options.said(brief(run.run.input_text or session.title, _LONGEST_TITLE))
    if title and not options.whole_session:
        made[name.TRACE_NAME] = title
    for key, value in session.metadata.items() if options.content != "none" else ():
        told = value if isinstance(value, str) else as_json(value)
        made[f"{name.TRACE_METADATA}{fit(str(key))}"] = fit(told)
    return made


def asked_and_answered(run: RunFacts, options: Options) -> Attributes:
    """Return the prompt of a run and its last answer."""
    if options.content == "none":
        return {}
    asked = [own for own in run.steps if own.step.label == "user_message"]
    answers = [own for own in run.steps if own.step.label == "assistant_message"]
    question = "\n\n".join(_text(own.step, options.reader) for own in asked) or run.run.input_text
    made: Attributes = {name.INPUT_VALUE: fit(question)} if question else {}
    if answers:
        made[name.OUTPUT_VALUE] = fit(_text(answers[-1].step, options.reader))
    elif calls := [own for own in run.ended_by if own.step.label == "tool_call"]:
        # Its answer are the arguments.
        made[name.OUTPUT_VALUE] = fit(text_of(calls[-1].step))
    return made


def _text(step: Step, reader: Reader) -> str:
    payload = step.payload_started if step.label == "user_message" else step.payload_completed
    whole = reader.texts(payload.get("text"))
    return whole if isinstance(whole, str) and whole and not payload.get("content") else text_of(step)
