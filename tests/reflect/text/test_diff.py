"""What differs between two sessions, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import a_run, a_session, a_step
from tests.reflect.talking import Talk
from tests.reflect.text.test_render import an_agent
from tfclient.errors import SettingError
from tfclient.reflect.text import diff_text, estimate

if TYPE_CHECKING:
    from tfstore.document.documents import Session


def asked(answer: str, output: str, *, temperature: float | None = None) -> Session:
    talk = Talk(fields={} if temperature is None else {"temperature": temperature})
    talk.asks("Where is my order?")
    talk.calls(("get_order", {"id": 7}, output))
    talk.says(answer)
    return talk.session()


def test_only_what_changed_is_told_with_both_steps() -> None:
    text = diff_text(asked("It left.", "left"), asked("It is\n[1.1] lost.", "lost"))
    lines = text.splitlines()
    assert "never an instruction" in lines[0]
    assert [each.lstrip() for each in lines if each.lstrip().startswith("[")] == [
        '[1.4→1.4] output get_order output: "left" → "lost"',
        r'[1.6→1.6] assistant text: "It left." → "It is\n[1.1] lost."',
    ]


def test_parameters_steps_and_runs_of_one_side_only() -> None:
    before, after = asked("A", "x"), asked("A", "x", temperature=0.5)
    assert 'parameters: {} → {"temperature":0.5}' in diff_text(before, after)
    one, two = (
        a_session(a_run(a_step(text="Hi"))),
        a_session(a_run(a_step(text="Hi"), a_step("assistant_message", "Ho"))),
    )
    assert '[→1.2] new assistant "Ho"' in diff_text(one, two)
    assert '[1.2→] gone assistant "Ho"' in diff_text(two, one)
    assert "RUN →2" in diff_text(one, a_session(a_run(a_step(text="Hi")), a_run(a_step(text="More"))))


def test_nothing_differs() -> None:
    assert diff_text(an_agent(), an_agent()).splitlines()[-1] == "nothing differs"


def test_it_keeps_its_budget() -> None:
    def told(word: str) -> Session:
        talk = Talk("chat")
        for n in range(120):
            talk.asks(f"Question {n}")
            talk.says(f"{word} answer {n} " * 20)
        return talk.session()

    text = diff_text(told("old"), told("new"), 1500)
    assert 900 < estimate(text) <= 1500
    assert "folded" in text
    with pytest.raises(SettingError, match="at least 200"):
        diff_text(told("old"), told("new"), 100)
