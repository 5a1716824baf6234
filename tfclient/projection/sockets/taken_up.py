"""What a response takes up: the run that it belongs to, and what was said since the last one."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.content import describe_parts, kept_content, text_of_content
from tfclient.projection.lineage.book import RunState
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.requests import Asked
from tfclient.projection.sockets.sent_items import Said, SentItems
from tfclient.projection.sockets.speech import Turn
from tfclient.projection.steps.snapshots import take_context
from tfstore.document.documents import Step


@define(eq=False)
class TakenUp:
    """The run of a response, and what of it the response takes up."""

    run: RunState
    prompts: list[Step] = field(factory=list[Step])
    context: Step | None = None
    outputs: list[Step] = field(factory=list[Step])
    turn: Turn | None = None
    """What was said aloud, where it answers that."""


def take_up(
    conversation: Conversation,
    items: SentItems,
    asked: Asked | None,
    turn: Turn | None,
    at: int,
    here: RunState | None = None,
    *,
    pending: bool = False,
) -> TakenUp:
    """Take up what has been sent and said, for a response that begins; it may be known where it belongs.

    Where a request is ``pending``, it is that which what was sent is for.
    """
    said: list[Said] = []
    if not (pending and turn is not None):
        said, items.said = items.said, []
    tail = len(said)
    while tail and str(said[tail - 1].item.get("role")) == "user":
        tail -= 1
    before, now = said[:tail], said[tail:]
    book = conversation.opening.book
    if here is not None:
        run, turn = here, None
    elif turn is not None and asked is None:
        # The server answers what was said aloud; what was sent meanwhile, a picture maybe, it has seen as well.
        run = turn.run
    elif now:
        run, turn = conversation.open(now[0].at, "user_message"), None
    elif asked is not None and items.outputs:
        run, turn = book.by_run[str(items.outputs[-1].run_id)], None
    elif turn is not None:
        run = turn.run
    else:
        run = conversation.open(asked.at if asked is not None else at, "system")
    context = None
    if before:
        raws = [each.item for each in before]
        words = [f"{each.item.get('role')}: {text_of_content(each.item.get('content'))}" for each in before]
        context = take_context(book, run, raws, words, before[0].at)
    prompts = [] if turn is None else [turn.prompt]
    prompts += [_prompt(conversation, items, run, each) for each in now]
    outputs, items.outputs = items.outputs, []
    if turn is not None:
        turn.answered = True
    return TakenUp(run, prompts, context, outputs, turn)


def _prompt(conversation: Conversation, items: SentItems, run: RunState, said: Said) -> Step:
    content = said.item.get("content")
    text = text_of_content(content) or describe_parts(content)
    payload: dict[str, Any] = {"text": text, **kept_content(content)}
    known = {"type", "role", "content", "id", "status", "object"}
    payload |= {k: v for k, v in said.item.items() if k not in known}
    book = conversation.opening.book
    step = book.add(run, "user_message", "chat.on_message", said.at, payload_started=payload)
    step.item_id, said.step = said.item_id, step
    if said.is_spoken:
        items.speech.sent(run, step, said.at, text_of_content(content))
    if conversation.last is not None and conversation.last.last_message_id:
        step.depends_on = [conversation.last.last_message_id]
    if run.prompt_step_id is None:
        book.prompt(run, step)
    shown = conversation.opening.provenance.lightener.shown(text, "the user_message")
    run.run.input_text = f"{run.run.input_text}\n\n{shown}" if run.run.input_text else shown
    return step
