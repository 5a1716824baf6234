"""A realtime conversation: what is said over a socket becomes runs and steps, as a conversation over HTTP would.

Nobody says which request made a response: requests are answered in order, unless the server was listening and began by
itself. Where that is a guess, a note says so.
"""

# ruff: noqa: SLF001 - the table at the end names this module's own methods

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.api.content import describe_parts, kept_content, text_of_content
from tfclient.projection.api.items import from_responses
from tfclient.projection.api.model_call import ModelRequest, Policy
from tfclient.projection.lineage.book import RunState
from tfclient.projection.lineage.lineage_index import EMPTY
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.sockets.answers import INTERRUPTED, Answer, is_spoken
from tfclient.projection.sockets.connection import Connection
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening
from tfclient.projection.steps.snapshots import take_context, take_policies, take_tools
from tfclient.projection.wire.hosts import place_of
from tfstore.document.documents import ErrorInfo, Lineage, Step
from tfstore.document.labels import Ending, Status, Trigger
from tfstore.document.times import iso, milliseconds
from tfstore.journal.entries import SocketAudio

SPEECH = "[speech]"
"""What stands where nobody knows yet, or ever, what was said."""

_NAME = "openai.realtime.response"

_REMEMBERED = 256

_QUIET = frozenset(
    {
        "session.update",
        "transcription_session.update",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "response.cancel",
        "conversation.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
    }
)
"""Messages of which the effect is told by others."""

_ASKED_APART = frozenset({"instructions", "tools", "input"})

_CONFIG_APART = frozenset({"instructions", "tools", "model", "id", "object", "expires_at", "client_secret"})

_BUSY = "conversation_already_has_active_response"


@define(eq=False)
class _Turn:
    """What somebody said aloud."""

    run: RunState
    prompt: Step
    began: int
    start_ms: Any = None
    stopped: int | None = None
    answered: bool = False
    whole: bool = False
    """Whether the text is the transcriber's last word."""


@define(eq=False)
class _Said:
    """A message that the program has sent, and no response has taken up yet."""

    item: dict[str, Any]
    at: int
    event_id: Any = None
    item_id: str | None = None
    step: Step | None = None


@define(eq=False)
class _Asked:
    """A request for a response."""

    response: dict[str, Any]
    at: int
    event_id: Any = None


@define(eq=False)
class Realtime:
    """Reads what goes over one socket."""

    connection: Connection
    opening: Opening
    closing: Closing
    config: dict[str, Any] = field(factory=dict[str, Any])
    runs: list[RunState] = field(factory=list[RunState])
    _answers: dict[str, Answer] = field(factory=dict[str, Answer])
    _turns: dict[str, _Turn] = field(factory=dict[str, _Turn])
    _turn: _Turn | None = None
    _said: list[_Said] = field(factory=list[_Said])
    _unnamed: list[_Said] = field(factory=list[_Said])
    """Items that the program has sent and the server has not given a name yet."""
    _names: set[str] = field(factory=set[str])
    """Items that the server has named."""
    _waiting: deque[_Asked] = field(factory=deque[_Asked])
    _outputs: list[Step] = field(factory=list[Step])
    """Outputs of tools that no response has taken up yet."""
    _last: Node | None = None
    _messages: dict[str, Step] = field(factory=dict[str, Step])
    _sounds: dict[str, int] = field(factory=dict[str, int])
    """Milliseconds of audio that came, by item."""
    _heard: dict[str, int] = field(factory=dict[str, int])
    _sent: OrderedDict[str, str] = field(factory=OrderedDict[str, str])
    """Types of the messages that the program gave an id."""
    _lost: bool = False
    _thread: str = ""
    _undo: Callable[[], None] | None = None

    # Messages

    def frame(self, way: str, event: dict[str, Any], at: int) -> bool:
        """Take a message; say whether it is known."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return False
        if way == "out":
            self._undo = None
            if isinstance(name := event.get("event_id"), str):
                self._sent[name] = kind
                while len(self._sent) > _REMEMBERED:
                    self._sent.popitem(last=False)
        handler = _HANDLERS.get((way, kind))
        if handler is not None:
            handler(self, event, at)
        elif kind not in _QUIET:
            response_id = event.get("response_id")
            answer = self._answers.get(response_id) if isinstance(response_id, str) else None
            if way == "out" or answer is None or not answer.take(kind, event, at):
                self._generic(kind, event, at)
            else:
                self._grown(kind, event, answer, at)
        return True

    def unsent(self) -> None:
        """The last message of the program did not leave."""
        if self._undo is not None:
            self._undo()
            self._undo = None

    def audio(self, entry: SocketAudio, ms: int) -> None:
        """Audio went by."""
        for run in self.runs:
            run.run.channel = "voice"
        item_id, response_id, first_at = entry["item_id"], entry["response_id"], entry["first_at"]
        if entry["dir"] != "in":
            return
        if isinstance(item_id, str):
            self._sounds[item_id] = self._sounds.get(item_id, 0) + ms
            self._tell_sound(item_id)
        answer = self._answers.get(str(response_id))
        if answer is not None and isinstance(first_at, int):
            answer.heard(first_at)

    def reopened(self) -> None:
        """A new connection: the server knows nothing of what was said."""
        self._lost = bool(self.runs)
        self.config, self._last, self._turn = {}, None, None
        self._said, self._unnamed, self._outputs = [], [], []
        self._waiting.clear()

    def over(self, by: str, at: int) -> None:
        """The connection is over, and what is under way with it."""
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
        for response_id, answer in list(self._answers.items()):
            response = answer.so_far()
            response.id, response.status = response_id, status
            response.error = None if why is None else ErrorInfo("transport", why)
            self._close(response_id, answer, response, ending, at)
        for turn in self._turns.values():
            if turn.prompt.status == "in_progress":
                turn.prompt.status, turn.prompt.ended_at = "incomplete", iso(at)
                self._touch(turn.prompt)

    # The session

    def _configured(self, event: dict[str, Any], at: int) -> None:
        session = event.get("session")
        if not isinstance(session, dict):
            self._generic(str(event["type"]), event, at)
            return
        before, self.config = self.config, {**self.config, **session}
        if self.runs and before:
            changed = {k: v for k, v in session.items() if k not in _CONFIG_APART and before.get(k) != v}
            if changed:
                self._generic("session.updated", {"session": changed}, at)

    @property
    def _model(self) -> str | None:
        model = self.config.get("model")
        return model if isinstance(model, str) else self.connection.model

    def _answers_itself(self) -> bool:
        """Whether the server begins responses when somebody has spoken."""
        audio = self.config.get("audio")
        given = audio.get("input") if isinstance(audio, dict) else None
        told = given.get("turn_detection") if isinstance(given, dict) else self.config.get("turn_detection")
        return isinstance(told, dict) and told.get("create_response") is not False

    # Speech

    def _speech_started(self, event: dict[str, Any], at: int) -> None:
        name = event.get("item_id")
        if isinstance(name, str) and name in self._turns:
            return
        for answer in self._answers.values():
            answer.spoken_over = answer.spoken_over or not answer.out_of_band
        self._speak(name, at, "user_message", event.get("audio_start_ms"))

    def _speak(self, name: Any, at: int, trigger: Trigger, start_ms: Any = None) -> _Turn:
        run = self._open(at, trigger, voice=True)
        payload: dict[str, Any] = {"text": SPEECH}
        prompt = self.opening.book.add(
            run, "user_message", "realtime.speech", at, status="in_progress", payload_started=payload
        )
        prompt.item_id = name if isinstance(name, str) else None
        self.opening.book.prompt(run, prompt)
        run.run.input_text = SPEECH
        turn = _Turn(run, prompt, at, start_ms)
        self._turns[str(name)] = self._turn = turn
        return turn

    def _turn_of(self, event: dict[str, Any]) -> _Turn | None:
        name = event.get("item_id")
        return self._turns.get(name) if isinstance(name, str) else self._turn

    def _speech_stopped(self, event: dict[str, Any], at: int) -> None:
        turn = self._turn_of(event)
        if turn is None:
            turn = self._speak(event.get("item_id"), at, "user_message")
        turn.stopped = at
        start, end = turn.start_ms, event.get("audio_end_ms")
        if isinstance(start, int) and isinstance(end, int):
            turn.prompt.payload_completed["speech_ms"] = max(0, end - start)
        self._spoken(turn, at)

    def _committed(self, event: dict[str, Any], at: int) -> None:
        turn = self._turn_of(event)
        name = event.get("item_id")
        if turn is None or (isinstance(name, str) and name not in self._turns):
            turn = self._speak(name, at, "user_message")
        if turn.stopped is None:
            turn.stopped = at
        self._spoken(turn, at)

    def _spoken(self, turn: _Turn, at: int) -> None:
        prompt = turn.prompt
        if prompt.status == "in_progress":
            prompt.status, prompt.ended_at = "completed", iso(at)
            prompt.duration_ms = milliseconds(turn.began, at)
            self.opening.book.activity(turn.run, at)
        self._touch(prompt)

    def _timed_out(self, event: dict[str, Any], at: int) -> None:
        self._spoken(self._speak(event.get("item_id"), at, "system"), at)

    def _transcribed(self, event: dict[str, Any], at: int) -> None:
        turn, said = self._turn_of(event), event.get("transcript")
        if turn is None or not isinstance(said, str):
            self._generic(str(event["type"]), event, at)
            return
        turn.whole = True
        self._tell_words(turn, said)
        usage = event.get("usage")
        if usage is not None:
            turn.prompt.payload_completed["transcription_usage"] = usage

    def _transcribing(self, event: dict[str, Any], _at: int) -> None:
        turn, said = self._turn_of(event), event.get("delta")
        if turn is not None and isinstance(said, str) and not turn.whole:
            before = turn.prompt.payload_started["text"]
            self._tell_words(turn, said if before == SPEECH else before + said)

    def _tell_words(self, turn: _Turn, said: str) -> None:
        text = said.strip() if turn.whole else said
        turn.prompt.payload_started["text"] = text or SPEECH
        turn.run.run.input_text = self.opening.provenance.lightener.shown(text or SPEECH, "the user_message")
        self._touch(turn.prompt)

    def _not_transcribed(self, event: dict[str, Any], at: int) -> None:
        turn = self._turn_of(event)
        if turn is None:
            self._generic(str(event["type"]), event, at)
            return
        turn.prompt.error = error_from_body(event, None)
        self._touch(turn.prompt)

    # What the program sends

    def _item_sent(self, event: dict[str, Any], at: int) -> None:
        item = event.get("item")
        if not isinstance(item, dict):
            self._generic(str(event["type"]), event, at)
            return
        said = _Said(item, at, event.get("event_id"))
        self._unnamed.append(said)
        kind = str(item.get("type") or "message")
        if kind.endswith("_call_output"):
            said.step = self._output(item, at)
            self._outputs.append(said.step)
        elif kind == "mcp_approval_response":
            said.step = self._approval(item, at)
            self._outputs.append(said.step)
        else:
            self._said.append(said)
        self._undo = lambda: self._take_back(said)

    def _take_back(self, said: _Said) -> None:
        self._unnamed = [each for each in self._unnamed if each is not said]
        self._said = [each for each in self._said if each is not said]
        if said.step is not None:
            said.step.notes.append("unsent")
            self._outputs = [each for each in self._outputs if each is not said.step]
            self._touch(said.step)

    def _output(self, item: dict[str, Any], at: int) -> Step:
        tools = self.opening.tools
        read = from_responses(item, 0)
        step = tools.answer(read, at, None)
        if step is None:
            step = tools.answer(read, at, None, self._here(at))
        if step is None:  # it was given a run
            raise LookupError(item.get("call_id"))
        self.opening.provenance.known.add(read, step)
        return step

    def _approval(self, item: dict[str, Any], at: int) -> Step:
        raw = {k: v for k, v in item.items() if k not in {"type", "id"}}
        request = self.opening.tools.approvals.get(str(item.get("approval_request_id")))
        run = self._here(at) if request is None else self.opening.book.by_run[str(request.run_id)]
        step = self.opening.book.add(
            run, "approval_response", "responses.mcp_approval_response", at, payload_completed=raw
        )
        if request is not None:
            step.depends_on = [request.step_id]
            self.opening.tools.approved(request)
        return step

    def _asked_for(self, event: dict[str, Any], at: int) -> None:
        told = event.get("response")
        asked = _Asked(told if isinstance(told, dict) else {}, at, event.get("event_id"))
        self._waiting.append(asked)

        def undo() -> None:
            if asked in self._waiting:
                self._waiting.remove(asked)

        self._undo = undo

    def _truncated(self, event: dict[str, Any], at: int) -> None:
        name, heard = event.get("item_id"), event.get("audio_end_ms")
        if not isinstance(name, str) or not isinstance(heard, int):
            self._generic(str(event["type"]), event, at)
            return
        self._heard[name] = heard
        step = self._messages.get(name)
        if step is not None:
            self._tell_heard(step, name)
        elif not any(item.get("id") == name for a in self._answers.values() for item in a.items.values()):
            self._generic(str(event["type"]), event, at)

    def _tell_heard(self, step: Step, name: str) -> None:
        step.payload_completed["heard_ms"] = self._heard[name]
        self._touch(step)
        sound = self._sounds.get(name)
        if sound is None or self._heard[name] < sound:
            self._interrupted(self.opening.book.by_run[str(step.run_id)])

    def _tell_sound(self, name: str) -> None:
        step = self._messages.get(name)
        if step is not None:
            step.payload_completed["audio_ms"] = self._sounds[name]
            self._touch(step)

    def _interrupted(self, run: RunState) -> None:
        if not run.interrupted:
            run.interrupted = True
            self.opening.book.interruptions += 1
            if "interrupted" not in run.run.lineage.notes:
                run.run.lineage.notes.append("interrupted")

    # What the server says of items

    def _item_named(self, event: dict[str, Any], at: int) -> None:
        item = event.get("item")
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(name, str):
            self._generic(str(event["type"]), event, at)
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
                self._touch(said.step)
        elif item.get("role") in {"user", "system"} and name not in self._turns and not _has_audio(item):
            # Somebody else said it: this is a sideband of what goes over another connection.
            self._said.append(_Said(item, at, item_id=name))

    # Responses

    def _created(self, event: dict[str, Any], at: int) -> None:
        response = event.get("response")
        name = response.get("id") if isinstance(response, dict) else None
        if not isinstance(response, dict) or not isinstance(name, str):
            self._generic(str(event["type"]), event, at)
            return
        if name not in self._answers:
            self._begin(name, response, at)

    def _begin(self, name: str, response: dict[str, Any], at: int) -> Answer:
        asked, guessed = self._asked_of(response)
        turn = self._turn if self._turn is not None and not self._turn.answered else None
        out_of_band = asked is not None and asked.response.get("conversation") == "none"
        book = self.opening.book
        prompts: list[Step] = []
        context: Step | None = None
        outputs: list[Step] = []
        if out_of_band:
            run = self._open(at, "api", aside=True)
            run.run.lineage.notes.append("out_of_band")
        else:
            run, prompts, context, turn = self._run_for(asked, turn, at)
            outputs, self._outputs = self._outputs, []
        since = at
        if asked is not None:
            since = asked.at
        elif turn is not None:
            since = turn.stopped or at
        if turn is not None and not out_of_band:
            turn.answered = True
            prompts = [turn.prompt, *prompts]
        by = "program" if asked is not None else "voice_activity" if turn is not None else "server"
        step = self._call_step(run, asked, by, prompts, context, outputs, at)
        step.notes += ["inferred"] if guessed else []
        self.opening.index.nodes += 1
        node = Node(self.opening.index.nodes, step, run, self._last, EMPTY, at)
        node.response_id = step.response_id = name
        self.opening.index.by_response[name] = node
        run.last_call, run.run.status, run.run.ended_by = step, "in_progress", None
        conversation = response.get("conversation_id")
        run.run.conversation_id = run.run.conversation_id or (
            conversation if isinstance(conversation, str) else None
        )
        answer = self._answers[name] = Answer(node, since, at, out_of_band)
        book.activity(run, at)
        return answer

    def _asked_of(self, response: dict[str, Any]) -> tuple[_Asked | None, bool]:
        """Return the request that a response answers, if it answers one, and whether that is a guess."""
        if not self._waiting:
            return None, False
        metadata = response.get("metadata")
        named = [each for each in self._waiting if metadata and each.response.get("metadata") == metadata]
        if named:
            self._waiting.remove(named[0])
            return named[0], False
        turn = self._turn
        if turn is not None and not turn.answered and turn.stopped is not None and self._answers_itself():
            first = self._waiting[0]
            if milliseconds(turn.stopped, first.at) is not None and turn.stopped <= first.at:
                return None, False
        return self._waiting.popleft(), False

    def _run_for(
        self, asked: _Asked | None, turn: _Turn | None, at: int
    ) -> tuple[RunState, list[Step], Step | None, _Turn | None]:
        """Return the run that a response belongs to, with the prompts and the context that it takes up."""
        said, self._said = self._said, []
        tail = len(said)
        while tail and str(said[tail - 1].item.get("role")) == "user":
            tail -= 1
        before, now = said[:tail], said[tail:]
        if now:
            run, turn = self._open(now[0].at, "user_message"), None
        elif asked is not None and self._outputs:
            run, turn = self.opening.book.by_run[str(self._outputs[-1].run_id)], None
        elif turn is not None:
            run = turn.run
        else:
            run = self._open(asked.at if asked is not None else at, "system")
        context = None
        if before:
            raws = [each.item for each in before]
            words = [
                f"{each.item.get('role')}: {text_of_content(each.item.get('content'))}" for each in before
            ]
            context = take_context(self.opening.book, run, raws, words, before[0].at)
        return run, [self._prompt(run, each) for each in now], context, turn

    def _prompt(self, run: RunState, said: _Said) -> Step:
        content = said.item.get("content")
        text = text_of_content(content) or describe_parts(content)
        payload: dict[str, Any] = {"text": text, **kept_content(content)}
        known = {"type", "role", "content", "id", "status", "object"}
        payload |= {k: v for k, v in said.item.items() if k not in known}
        step = self.opening.book.add(run, "user_message", "chat.on_message", said.at, payload_started=payload)
        step.item_id, said.step = said.item_id, step
        if self._last is not None and self._last.last_message_id:
            step.depends_on = [self._last.last_message_id]
        if run.prompt_step_id is None:
            self.opening.book.prompt(run, step)
        shown = self.opening.provenance.lightener.shown(text, "the user_message")
        run.run.input_text = f"{run.run.input_text}\n\n{shown}" if run.run.input_text else shown
        return step

    def _call_step(
        self,
        run: RunState,
        asked: _Asked | None,
        by: str,
        prompts: list[Step],
        context: Step | None,
        outputs: list[Step],
        at: int,
    ) -> Step:
        book = self.opening.book
        own = asked.response if asked is not None else {}
        request = ModelRequest(_NAME, "realtime.response", self._model)
        tools = own.get("tools", self.config.get("tools"))
        request.tools = tools if isinstance(tools, list) else []
        given = own.get("instructions") or self.config.get("instructions")
        words = given if isinstance(given, str) else ""
        policy = take_policies(book, run, [Policy("instructions", words, words)] if words else [], at)
        schemas = take_tools(book, run, request, at)
        news = [*prompts, *outputs]
        parts: list[dict[str, Any]] = []
        if policy is not None:
            parts.append({"type": "instructions", "step_id": policy.step_id})
        if schemas is not None:
            parts.append({"type": "tools", "step_id": schemas.step_id})
        if self._last is not None and self._last.response_id:
            parts.append(
                {
                    "type": "response",
                    "step_id": self._last.step.step_id,
                    "response_id": self._last.response_id,
                }
            )
        if context is not None:
            count = context.payload_started.get("count") or 0
            parts += [
                {"type": context.label, "step_id": context.step_id} | ({"place": n} if n else {})
                for n in range(count)
            ]
        parts += [{"type": each.label, "step_id": each.step_id} for each in news]
        payload: dict[str, Any] = {"name": _NAME, "model": self._model}
        place = place_of(self.connection.url)
        payload |= {k: v for k, v in place.items() if k != "path" or place.get("provider") != "openai"}
        payload |= {"transport": "websocket", "socket": self.connection.socket, "asked_by": by}
        arguments = {k: v for k, v in own.items() if k not in _ASKED_APART}
        if own.get("input") is not None:
            arguments["input"] = own["input"]
        payload |= {"arguments": arguments, "input": [each.step_id for each in news]}
        payload["prompt_provenance"] = {"parts": parts}
        step = book.add(
            run, "assistant_call", "realtime.response", at, status="in_progress", payload_started=payload
        )
        step.model = self._model
        taken = [*news, *(each for each in (context, policy, schemas) if each is not None)]
        step.depends_on = list(dict.fromkeys(each.step_id for each in taken))
        if self._last is not None and self._last.last_step_id not in {None, *step.depends_on}:
            step.depends_on.append(str(self._last.last_step_id))
        if not prompts and run.prompt_step_id is None and run.run.trigger == "system" and policy is not None:
            book.prompt(run, policy)
            run.run.input_text = self.opening.provenance.lightener.shown(words, "the policy.snapshot")
        return step

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
        self._told_of_messages(answer)

    def _done(self, event: dict[str, Any], at: int) -> None:
        response = event.get("response")
        name = response.get("id") if isinstance(response, dict) else None
        if not isinstance(response, dict) or not isinstance(name, str):
            self._generic(str(event["type"]), event, at)
            return
        answer = self._answers.get(name)
        if answer is None:
            if name in self.opening.index.by_response:
                return
            answer = self._begin(name, response, at)
            answer.node.step.notes.append("begin_not_seen")
        told, ending = answer.ended(response)
        self._close(name, answer, told, ending, at)

    def _close(self, name: str, answer: Answer, told: Any, ending: Ending, at: int) -> None:
        self._answers.pop(name, None)
        told.model = told.model or self._model
        node, run = answer.node, answer.node.run
        self.closing.outcome.close(node, told, at, ending)
        step = node.step
        step.latency = answer.latency(at)
        over = answer.spoken_over or step.finish_reason == "turn_detected"
        if told.status == "cancelled" and over and step.finish_reason in INTERRUPTED:
            step.notes.append("interrupted")
            self._interrupted(run)
        self._told_of_messages(answer)
        if not answer.out_of_band:
            self._last = node
        self.opening.book.touch(step)
        run.run.status = run.status(session_ended=False)

    def _told_of_messages(self, answer: Answer) -> None:
        for place, step in answer.node.places.items():
            item = answer.items.get(place, {})
            name = item.get("id")
            if step.label != "assistant_message" or not isinstance(name, str):
                continue
            self._messages[name] = step
            if is_spoken(item) or name in self._sounds:
                step.payload_completed["spoken"] = True
            if answer.first_audio_at is not None:
                step.started_at = iso(answer.first_audio_at)
            if name in self._sounds:
                self._tell_sound(name)
            if name in self._heard:
                self._tell_heard(step, name)

    def _limits(self, event: dict[str, Any], at: int) -> None:
        last = self._last
        if last is None:
            self._generic(str(event["type"]), event, at)
            return
        last.step.payload_completed["rate_limits"] = event.get("rate_limits")
        self._touch(last.step)

    # Errors, and all the rest

    def _error(self, event: dict[str, Any], at: int) -> None:
        told = event.get("error")
        error: dict[str, Any] = told if isinstance(told, dict) else {}
        code, name = error.get("code"), error.get("event_id")
        if "session_expired" in {code, error.get("type")}:
            self.connection.expires = True
        payload: dict[str, Any] = {}
        notes: list[str] = []
        if isinstance(name, str):
            payload = {"event_id": name, "event_type": self._sent.get(name)}
            said = next((each for each in self._said if each.event_id == name), None)
            if said is not None:
                self._take_back(said)
        asked = next((each for each in self._waiting if name is not None and each.event_id == name), None)
        nameless = asked is None and not isinstance(name, str) and bool(self._waiting)
        if nameless and (code == _BUSY or not self._answers):
            asked, notes = self._waiting[-1], ["inferred"]
        if asked is not None:
            self._waiting.remove(asked)
            payload |= {"refused": asked.response} if asked.response else {"refused": {}}
        step = self._generic(
            "error", event, at, payload_started={k: v for k, v in payload.items() if v is not None}
        )
        step.error = error_from_body(event, None) or ErrorInfo("provider", "an error without words")
        step.status, step.notes = "failed", notes

    def _generic(
        self, kind: str, event: dict[str, Any], at: int, payload_started: dict[str, Any] | None = None
    ) -> Step:
        run = self._here(at)
        raw = {k: v for k, v in event.items() if k not in {"type", "event_id"}}
        return self.opening.book.add(
            run,
            "generic",
            f"realtime.{kind}",
            at,
            payload_started=payload_started or {},
            payload_completed=raw,
        )

    def _here(self, at: int) -> RunState:
        return self.runs[-1] if self.runs else self.connection.placed(None, at)

    def _open(self, at: int, trigger: Trigger, *, voice: bool = False, aside: bool = False) -> RunState:
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
            if self._last is not None:
                lineage.parent_response_id = self._last.response_id
                lineage.parent_step_id = self._last.step.step_id
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

    def _touch(self, step: Step) -> None:
        self.opening.book.touch(step)


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


_Handler = Callable[[Realtime, dict[str, Any], int], None]

_HANDLERS: dict[tuple[str, str], _Handler] = {
    ("out", "conversation.item.create"): Realtime._item_sent,
    ("out", "response.create"): Realtime._asked_for,
    ("out", "conversation.item.truncate"): Realtime._truncated,
    ("in", "session.created"): Realtime._configured,
    ("in", "session.updated"): Realtime._configured,
    ("in", "transcription_session.created"): Realtime._configured,
    ("in", "transcription_session.updated"): Realtime._configured,
    ("in", "input_audio_buffer.speech_started"): Realtime._speech_started,
    ("in", "input_audio_buffer.speech_stopped"): Realtime._speech_stopped,
    ("in", "input_audio_buffer.committed"): Realtime._committed,
    ("in", "input_audio_buffer.timeout_triggered"): Realtime._timed_out,
    ("in", "conversation.item.input_audio_transcription.completed"): Realtime._transcribed,
    ("in", "conversation.item.input_audio_transcription.delta"): Realtime._transcribing,
    ("in", "conversation.item.input_audio_transcription.failed"): Realtime._not_transcribed,
    ("in", "conversation.item.added"): Realtime._item_named,
    ("in", "conversation.item.created"): Realtime._item_named,
    ("in", "conversation.item.truncated"): Realtime._truncated,
    ("in", "response.created"): Realtime._created,
    ("in", "response.done"): Realtime._done,
    ("in", "rate_limits.updated"): Realtime._limits,
    ("in", "error"): Realtime._error,
}
