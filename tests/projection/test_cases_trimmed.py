"""Lineage where the program sends what is left of a history: cut, summarised, or written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.projection.builders import Story, call, labels, output, said, steps, system, user
from tfstore.reading.facts import gather
from tfstore.reading.model_calls import seen_prompt
from tfstore.reading.prompts import prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfstore.document.documents import Session

Items = list[dict[str, Any]]

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def last(n: int) -> Callable[[Items], Items]:
    return lambda history: history[-n:]


def whole_pairs(n: int) -> Callable[[Items], Items]:
    """The last n, less outputs at the front whose calls were cut."""

    def cut(history: Items) -> Items:
        kept = history[-n:]
        while kept and kept[0].get("type") == "function_call_output":
            kept = kept[1:]
        return kept

    return cut


def opening_and_last(n: int) -> Callable[[Items], Items]:
    """The first question and its answer, and the last n."""
    return lambda history: history if len(history) <= n + 2 else [*history[:2], *history[-n:]]


def summary_and_last(n: int) -> Callable[[Items], Items]:
    """A summary in place of all but the last n, as a message of the user's."""

    def cut(history: Items) -> Items:
        if len(history) <= n:
            return history
        left_out = len(history) - n
        return [user(f"Summary of the {left_out} messages before: we plan a journey."), *history[-n:]]

    return cut


class Chat:
    """A program that keeps a history and sends what ``cut`` leaves of it."""

    def __init__(self, story: Story, cut: Callable[[Items], Items], opening: Sequence[Any] = ()) -> None:
        self.story, self.cut, self.history = story, cut, list(opening)

    def turn(self, n: int, *, tools: int = 0, answer: str | None = None, prompt: str | None = None) -> None:
        """One question and what comes of it, with a tool call a round."""
        self.history.append(user(prompt or f"Question {n}?"))
        for round_ in range(tools):
            name = f"call_{id(self) % 9973}_{n}_{round_}"
            asked = call(name, "look_up", {"n": n, "round": round_})
            self.story.ask(self.cut(self.history), [asked])
            self.history += [asked, output(name, f"found {n}.{round_}")]
        words = said(answer or f"Answer {n}.")
        self.story.ask(self.cut(self.history), [words])
        self.history.append(words)


def is_linear(session: Session) -> bool:
    """Each run continues the one before it, and nothing branches."""
    for before, run in zip(session.runs, session.runs[1:], strict=False):
        if run.lineage.parent_run_id != before.run_id or run.lineage.branch_index:
            return False
    return session.summary.forks == 0 and len({run.thread_id for run in session.runs}) == 1


def prompts_of(session: Session) -> list[str]:
    return [step.payload_started["text"] for step in steps(session, "user_message")]


@BOTH
@pytest.mark.parametrize("turns", [6, 40])
@pytest.mark.parametrize("n", [3, 4, 5, 7, 12])
def test_a_sliding_window_is_one_line(api: str, n: int, turns: int) -> None:
    """Plain turns with the last n messages kept, short answers: each run goes on from the one before."""
    story = Story(api)
    chat = Chat(story, last(n))
    for turn in range(turns):
        chat.turn(turn)
    session = story.session()
    assert len(session.runs) == turns
    assert is_linear(session)
    assert prompts_of(session) == [f"Question {turn}?" for turn in range(turns)]
    assert not steps(session, "context.snapshot")
    assert {run.lineage.source for run in session.runs[1:]} <= {"prefix", "window"}


@BOTH
@pytest.mark.parametrize("n", [5, 7, 8, 11])
@pytest.mark.parametrize("cut", [last, whole_pairs])
def test_a_tool_output_in_the_window_does_not_beat_a_later_answer(
    api: str, n: int, cut: Callable[[int], Callable[[Items], Items]]
) -> None:
    """A tool is called at first, then six plain turns: its output stays in the window for some of them."""
    story = Story(api)
    chat = Chat(story, cut(n))
    chat.turn(0, tools=1)
    for turn in range(1, 7):
        chat.turn(turn)
    session = story.session()
    assert len(session.runs) == 7
    assert is_linear(session)
    assert not steps(session, "context.snapshot")
    assert len(steps(session, "tool_output")) == 1


@BOTH
@pytest.mark.parametrize("n", [5, 6, 9])
@pytest.mark.parametrize("cut", [last, whole_pairs])
def test_forty_turns_with_tools_now_and_then(
    api: str, n: int, cut: Callable[[int], Callable[[Items], Items]]
) -> None:
    """Windows over forty turns, every third with tool calls, so that cuts fall before, in and after the pairs."""
    story = Story(api)
    chat = Chat(story, cut(n))
    for turn in range(40):
        chat.turn(turn, tools=turn % 3)
    session = story.session()
    assert len(session.runs) == 40
    assert is_linear(session)
    assert len(steps(session, "tool_call")) == len(steps(session, "tool_output")) == 39
    assert session.summary.unresolved_tool_calls == 0
    assert prompts_of(session) == [f"Question {turn}?" for turn in range(40)]


@BOTH
def test_a_cut_in_the_middle_of_parallel_calls(api: str) -> None:
    """The window begins with the second of two calls, or with an output whose call is gone."""
    for kept in (3, 4, 5):
        story = Story(api)
        begin = [user("Both?"), call("call_a", "look_up", {"n": 1}), call("call_b", "look_up", {"n": 2})]
        story.ask(begin[:1], begin[1:])
        history = [*begin, output("call_a", "one"), output("call_b", "two")]
        story.ask(history, [said("One, two.")])
        history += [said("One, two."), user("And three?")]
        story.ask(history[-kept:], [said("Three.")])
        session = story.session()
        assert is_linear(session), kept
        assert len(session.runs) == 2
        assert len(steps(session, "tool_call")) == 2


@BOTH
def test_the_opening_kept_and_the_last(api: str) -> None:
    """A program that keeps the first question and its answer besides the last four."""
    story = Story(api)
    chat = Chat(story, opening_and_last(5), [])
    for turn in range(12):
        chat.turn(turn, tools=int(turn == 2))
    session = story.session()
    assert len(session.runs) == 12
    assert is_linear(session)
    facts = gather(session)
    for call_ in steps(session, "assistant_call"):
        seen = seen_prompt(facts, facts.steps[call_.step_id])
        assert [each.own.step.step_id for each in seen.new if each.own] == call_.payload_started["input"]
        assert len(seen.fixed) + len(seen.history) + len(seen.new) == len(
            prompt_of(session, call_.step_id).items
        )


@BOTH
@pytest.mark.parametrize("pinned", [False, True])
def test_a_summary_in_place_of_the_old(api: str, *, pinned: bool) -> None:
    """A summary that changes from turn to turn is told as context; the conversation goes on from its last answer."""
    story = Story(api)
    begin = [user("I plan a journey."), said("Where to, and when do you leave?")]
    if pinned:
        story.ask(begin[:1], begin[1:])
    cut = summary_and_last(5)
    chat = Chat(story, (lambda h: [*begin, *cut(h)]) if pinned else cut)
    for turn in range(10):
        chat.turn(turn)
    session = story.session()
    assert len(session.runs) == 10 + pinned
    assert is_linear(session)
    told = [step.payload_started["count"] for step in steps(session, "context.snapshot")]
    assert set(told) == {1}
    assert not [text for text in prompts_of(session) if text.startswith("Summary")]


@BOTH
def test_answers_written_anew_in_a_window(api: str) -> None:
    """A framework that prints calls and answers as text of its own: the prompts, two in a row, still tell."""
    story = Story(api)
    history: Items = []
    for turn in range(8):
        history.append(user(f"Question {turn}?"))
        story.ask(history[-7:], [said(f"Answer {turn}.")])
        history.append(said(f"Thought: done. Final Answer: Answer {turn}."))
    session = story.session()
    assert len(session.runs) == 8
    assert is_linear(session)
    assert [run.lineage.source for run in session.runs[1:]] == ["resent"] * 7


@BOTH
def test_one_prompt_before_another_answer_proves_nothing(api: str) -> None:
    """In what is left of a history one prompt alone, with words that nobody said behind it, is an example."""
    story = Story(api)
    story.ask(
        [user("Where?"), said("There.", id="x"), user("What is the capital of Norway?")], [said("Oslo.")]
    )
    story.ask([user("What is the capital of Norway?"), said("Bern."), user("Sure?")], [said("No.")])
    assert [run.lineage.source for run in story.session().runs] == ["root", "root"]


def test_a_short_answer_behind_its_prompt_with_other_items_between() -> None:
    """A hosted tool's items come back without what the server had given them: prompt and answer tell together."""
    search: dict[str, Any] = {"type": "tool_search_call", "call_id": None, "execution": "server"}
    found: dict[str, Any] = {"type": "tool_search_output", "call_id": None, "execution": "server"}
    story = Story()
    begin = [user("Load the tool.")]
    made: Items = [
        {**search, "arguments": {"paths": ["rate"]}},
        {**found, "tools": [{"name": "rate", "x": None}]},
    ]
    story.ask(begin, [*made, said("loaded")])
    sent: Items = [{**search, "arguments": {"queries": ["rate"]}}, {**found, "tools": [{"name": "rate"}]}]
    story.ask([*begin, *sent, said("loaded"), user("Call it.")], [said("0.92")])
    session = story.session()
    assert is_linear(session)
    assert session.runs[1].lineage.source == "window"


@BOTH
def test_an_answer_written_anew_behind_a_known_beginning(api: str) -> None:
    """The prompt that was sent again is newer than the last answer that is as it was."""
    story = Story(api)
    begin = [user("One"), said("Uno.")]
    story.ask(begin[:1], begin[1:])
    story.ask([*begin, user("Two")], [call("call_1", "look_up", {"n": 2})])
    printed = [*begin, user("Two"), said("Action: look_up(2)"), user("Observation: due")]
    story.ask(printed, [said("Due.")])
    session = story.session()
    assert is_linear(session)
    assert [run.lineage.source for run in session.runs] == ["root", "prefix", "resent"]
    # Only what nobody had said is context.
    assert [step.payload_started["count"] for step in steps(session, "context.snapshot")] == [1]


@BOTH
def test_parallel_conversations_with_equal_openings(api: str) -> None:
    """Once two conversations differ, each goes on from its own last answer, however alike the answers are."""
    same = "I am sorry, I cannot help you with that."
    story = Story(api)
    ann, bob = Chat(story, last(5)), Chat(story, last(5))
    for turn in range(12):
        for chat, name in ((ann, "Ann"), (bob, "Bob")):
            greeting = "Hello" if turn == 0 else f"It is {name}, {turn}"
            chat.turn(turn, prompt=greeting, answer=same, tools=int(turn in {4, 5}))
    session = story.session()
    by_id = {run.run_id: run for run in session.runs}
    for run in session.runs[4:]:
        before = by_id[str(run.lineage.parent_run_id)]
        assert run.input_text.rsplit(",", 1)[0] == before.input_text.rsplit(",", 1)[0]
        assert run.lineage.branch_index == 0
        assert int(run.run_id[4:]) - int(before.run_id[4:]) == 2


@BOTH
def test_call_ids_that_every_conversation_repeats(api: str) -> None:
    """Two conversations of which each calls its first call `call_0`: the output goes to the one that it is of."""
    story = Story(api)
    ann, bob = [user("I am Ann.")], [user("I am Bob.")]
    for history in (ann, bob):
        story.ask(history, [call("call_0", "look_up", {"who": "me"})])
    for history in (ann, bob):
        history += [call("call_0", "look_up", {"who": "me"}), output("call_0", "found")]
        story.ask([system("Be brief."), *history[-3:]], [said("Done.")])
    session = story.session()
    assert [labels(run).count("assistant_call") for run in session.runs] == [2, 2]
    assert [labels(run).count("tool_output") for run in session.runs] == [1, 1]


LONG = "An answer that is long enough to be known by itself."


@BOTH
@pytest.mark.parametrize("words", ["No.", LONG])
def test_an_edited_turn_stays_a_fork(api: str, words: str) -> None:
    """An earlier question is changed and what came after it is dropped, or kept and asked again."""
    story = Story(api)
    chat = Chat(story, lambda history: history)
    for turn in range(4):
        chat.turn(turn, answer=f"{words} {turn}")
    history = chat.history
    story.ask([*history[:2], user("Question 1, changed?")], [said("Another answer.")])
    changed = [*history[:2], user("Question 1, once more?"), *history[3:6], user("What now?")]
    story.ask(changed, [said("Well.")])
    session = story.session()
    dropped, kept = session.runs[4:]
    assert (dropped.lineage.parent_run_id, dropped.lineage.branch_index) == ("run_1", 1)
    assert (kept.lineage.parent_run_id, kept.lineage.branch_index) == ("run_1", 2)
    assert session.summary.forks == 2


@BOTH
def test_a_changed_beginning_is_no_second_answer_to_the_same(api: str) -> None:
    """The first question is changed and the last asked again: a branch, not the same prompt answered once more."""
    story = Story(api)
    chat = Chat(story, lambda history: history)
    for turn in range(3):
        chat.turn(turn, answer=LONG + str(turn))
    story.ask([user("Question 0, changed?"), *chat.history[1:5]], [said("Well.")])
    session = story.session()
    assert len(session.runs) == 4
    assert (session.runs[3].lineage.parent_run_id, session.runs[3].lineage.branch_index) == ("run_2", 1)
    assert session.runs[3].input_text == "Question 2?"


@BOTH
def test_the_same_question_again_in_another_window_is_the_same_prompt(api: str) -> None:
    """Asked again with less of the history before it: one prompt, two answers."""
    story = Story(api)
    chat = Chat(story, lambda history: history)
    for turn in range(3):
        chat.turn(turn, answer=LONG + str(turn))
    story.ask(chat.history[1:5], [said("Well.")])
    session = story.session()
    assert len(session.runs) == 3
    assert steps(session, "assistant_call")[-1].notes == ["regenerate"]


@BOTH
def test_a_tools_pair_inside_an_edited_history(api: str) -> None:
    """Calls are known by their ids, whatever was changed before them; a later answer is newer than they are."""
    story = Story(api)
    chat = Chat(story, lambda history: history)
    chat.turn(0)
    chat.turn(1, tools=1)
    changed = [*chat.history[:2], user("Question 1 [Tuesday]"), *chat.history[3:], user("Next?")]
    story.ask(changed, [said("Well.")])
    session = story.session()
    assert session.runs[-1].lineage.parent_run_id == "run_2"
    assert session.runs[-1].lineage.parent_step_id == steps(session, "assistant_call")[2].step_id


@BOTH
@pytest.mark.parametrize("cut", [last(6), last(30), summary_and_last(8)])
def test_work_grows_with_what_is_sent(api: str, cut: Callable[[Items], Items]) -> None:
    """Five hundred turns: no item is compared more often than it is sent, but for a constant."""
    compared = {}
    for turns in (125, 500):
        story = Story(api)
        chat = Chat(story, cut)
        for turn in range(turns):
            chat.turn(turn, answer="All right." if turn % 2 else None, prompt="Go on." if turn % 5 else None)
        compared[turns] = _calls_made(story)
        session = story.session()
        assert is_linear(session)
    assert compared[500] < 5 * compared[125]


def _calls_made(story: Story) -> int:
    """Count the functions called, which unlike time is the same each time."""
    import sys

    count = 0

    def counting(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counting)
    try:
        story.session()
    finally:
        sys.setprofile(None)
    return count
