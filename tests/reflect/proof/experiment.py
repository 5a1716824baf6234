"""The experiment: the same tasks without notes, with notes, and under four controls; all is read from the record.

Real are the client, the store, the notetaker and the injector; scripted are the tools (``tools``) and the model
(``model``). What is counted is counted in the sessions' documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from tests.reflect.proof.model import reply
from tests.reflect.proof.tasks import TEST, TRAIN, Task
from tests.reflect.proof.tasks import UNRELATED as UNRELATED_TASKS
from tests.reflect.proof.tools import AVOIDABLE, ELSEWHERE, Tools, schemas
from tests.server.replies import Answer
from tests.server.scripted import ScriptedServer, Seen
from tfclient import Recorder, TracedOpenAI, open_store
from tfclient.reflect import notes_for
from tfclient.reflect.lessons.given import lessons_given
from tfclient.reflect.lessons.giving import Notes
from tfclient.reflect.text.counting import estimate
from tfclient.sessions.handle import SessionHandle
from tfstore.document.documents import Session
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.store import Store

Json = dict[str, Any]

BASE: Final = "You do what is asked with the tools that you have."
NO_NOTES: Final = "no notes"
NOTES: Final = "notes"
UNRELATED: Final = "unrelated notes"
OTHER_TOOLS: Final = "notes for other tools"
ONE_DROPPED: Final = "a budget that drops one"


@frozen
class Trial:
    """A task as it went."""

    task: Task
    session: Session
    errors: int

    @property
    def is_avoidable(self) -> bool:
        """Whether its first error is one that who knows the rule does not make."""
        return self.task.tool in AVOIDABLE


@frozen
class Arm:
    """All tasks under one condition."""

    name: str
    notes: Notes
    trials: tuple[Trial, ...]

    def failed(self, *, avoidable: bool) -> list[str]:
        """Return the tools of the sessions in which a tool failed, a name for each session."""
        return [each.task.tool for each in self.trials if each.errors and each.is_avoidable is avoidable]

    @property
    def model_calls(self) -> int:
        """Requests to the model, all sessions together."""
        return sum(each.session.summary.model_calls for each in self.trials)

    @property
    def input_tokens(self) -> int:
        """What the server counted of them."""
        return sum(each.session.summary.usage.input_tokens for each in self.trials)


@define
class Proof:
    """What came of it, and what the server was asked and answered."""

    tasks: tuple[Task, ...]
    arms: dict[str, Arm] = field(factory=dict)
    exchanges: list[tuple[bytes, Answer]] = field(factory=list)
    given_elsewhere: Notes = field(factory=Notes)

    def dropped(self) -> list[str]:
        """Return the tools whose lesson the budget left out, as the lines of the notes name them."""
        tools = {
            lesson_id: line.split()[1]
            for line in self.arms[NOTES].notes.text.splitlines()
            for lesson_id in self.arms[NOTES].notes.lesson_ids
            if f"[{lesson_id}]" in line
        }
        return [
            tools[each.lesson_id] for each in self.arms[ONE_DROPPED].notes.left_out if each.lesson_id in tools
        ]

    def problems(self) -> list[str]:
        """Return in words what does not hold of the loop; nothing where all of it does."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        avoidable = [each.tool for each in self.tasks if each.tool in AVOIDABLE]
        unavoidable = [each.tool for each in self.tasks if each.tool not in AVOIDABLE]
        dropped = self.dropped()
        expected = {
            NO_NOTES: avoidable,
            NOTES: [],
            UNRELATED: avoidable,
            OTHER_TOOLS: avoidable,
            ONE_DROPPED: [each for each in avoidable if each in dropped],
        }
        for name, tools in expected.items():
            failed = self.arms[name].failed(avoidable=True)
            if failed != tools:
                yield f"{name}: a tool failed in {len(failed)} of {len(avoidable)} sessions, not in {len(tools)}"
            if self.arms[name].failed(avoidable=False) != unavoidable:
                yield f"{name}: what nobody can avoid was avoided"
        if len(dropped) != 1:
            yield f"the budget dropped {len(dropped)} lessons, not one"
        for arm in self.arms.values():
            if any(set(lessons_given(each.session)) != set(arm.notes.lesson_ids) for each in arm.trials):
                yield f"{arm.name}: the record does not say which lessons were given"
        if self.given_elsewhere.text:
            yield "lessons of other tools were given out"
        if set(self.tasks) & set(TRAIN):
            yield "a task that was learnt from was tried"
        if values := [
            value for task in TRAIN for value in task.values if value in self.arms[NOTES].notes.text
        ]:
            yield f"the notes hold values of the sessions that they are from: {', '.join(values)}"
        if any(reply(json.loads(body)).output != given.output for body, given in reversed(self.exchanges)):
            yield "the model answered the same request otherwise"


def prove(folder: Path, tasks: Sequence[Task] = TEST) -> Proof:
    """Run the experiment.

    Args:
        folder: where the stores go, one for each lot of sessions to learn from and one for each arm.
        tasks: what is tried; learnt from are the sessions of the same tools.
    """
    proof = Proof(tuple(tasks))
    tools = {each.tool for each in tasks}

    def of(known: Iterable[Task]) -> list[Task]:
        return [each for each in known if each.tool in tools]

    def model(seen: Seen) -> Answer:
        made = reply(seen.json)
        proof.exchanges.append((seen.body, made))
        return made

    with ScriptedServer().always(model) as server:
        learnt = _learnt(server.url, folder / "learnt", of(TRAIN))
        unrelated = _learnt(server.url, folder / "unrelated", of(UNRELATED_TASKS))
        elsewhere = _learnt(
            server.url, folder / "elsewhere", [each.elsewhere() for each in of(TRAIN)], ELSEWHERE
        )
        mine, others = schemas(), schemas(ELSEWHERE)
        notes = notes_for(learnt, tools=mine, instructions=BASE)
        given = {
            NO_NOTES: Notes(),
            NOTES: notes,
            UNRELATED: notes_for(unrelated, tools=mine, instructions=BASE),
            # The injector gives nothing of them to these tools; here they are put there all the same.
            OTHER_TOOLS: notes_for(elsewhere, tools=others, instructions=BASE),
            ONE_DROPPED: notes_for(learnt, tools=mine, instructions=BASE, budget=estimate(notes.text) - 1),
        }
        for name, each in given.items():
            store = folder / name.replace(" ", "-")
            proof.arms[name] = Arm(name, each, tuple(_tried(server.url, store, tasks, each)))
        proof.given_elsewhere = notes_for(elsewhere, tools=mine)
    return proof


def _learnt(url: str, folder: Path, tasks: Iterable[Task], names: dict[str, str] | None = None) -> Store:
    """Let sessions be noted as they end, by the notetaker that asks no model."""
    _done(url, Recorder(folder, notes=True), tasks, BASE, names)
    return open_store(folder)


def _tried(url: str, folder: Path, tasks: Sequence[Task], notes: Notes) -> Iterator[Trial]:
    sessions = _done(url, Recorder(folder), tasks, f"{BASE}\n{notes.text}" if notes.text else BASE)
    for task, session in zip(tasks, sessions, strict=True):
        yield Trial(task, session, sum(call.failed for call in evidence_of(session).tool_calls))


def _done(
    url: str,
    recorder: Recorder,
    tasks: Iterable[Task],
    instructions: str,
    names: dict[str, str] | None = None,
) -> list[Session]:
    """Let the agent do each task in a session of its own, and return their documents."""
    with TracedOpenAI(api_key="none", base_url=url, recorder=recorder, max_retries=0) as client:
        handles = [_do(client, task, instructions, names or {}) for task in tasks]
    for each in handles:
        if not each.wait(60):
            raise TimeoutError(f"the document of {each.id} was not written within a minute")
    store = open_store(recorder.settings.directory)
    return [store.get(each.id) for each in handles]


def _do(client: TracedOpenAI, task: Task, instructions: str, names: dict[str, str]) -> SessionHandle:
    """Do a task: a loop that knows neither notes nor rules."""
    tools = Tools(names)
    history: list[Any] = [{"role": "user", "content": task.prompt}]
    with client.session() as session:
        while True:
            made = client.responses.create(
                model="scripted", instructions=instructions, input=history, tools=schemas(names)
            )
            wanted = [each for each in made.output if each.type == "function_call"]
            if not wanted:
                return session
            for call in wanted:
                output = json.dumps(tools.run(call.name, json.loads(call.arguments)))
                answered = {"type": "function_call_output", "call_id": call.call_id, "output": output}
                history += [call.to_dict(), answered]
