"""Effects: counted from the record, with what else is different, and not where they would say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.reflect.adaptations.making import BASE, paying_session
from tests.reflect.lessons.making import TOOLS
from tfclient.reflect.adaptations.effect import AcrossModels, Effect, effect_of, observed
from tfclient.reflect.adaptations.fisher import fisher

if TYPE_CHECKING:
    from tfclient.reflect.adaptations.effect import Observed

NAME = "A-1a2b3c4d"
GIVEN = f'{BASE}\n<adaptations source="thoughtflow">\n- Add up. [{NAME}]\n</adaptations>'


def seen(number: int, **how: Any) -> Observed:
    told = observed(paying_session(number, **how))
    assert told is not None
    return told


def without(count: int, errors: int, first: int = 0, **how: Any) -> list[Observed]:
    return [seen(first + n, error=n < errors, **how) for n in range(count)]


def with_it(count: int, errors: int, first: int = 14, **how: Any) -> list[Observed]:
    return without(count, errors, first, **{"instructions": GIVEN, **how})


def test_two_sides_in_numbers() -> None:
    effect = effect_of(NAME, [*without(12, 10), *with_it(11, 1)])

    assert (effect.without.sessions, effect.without.with_error) == (12, 10)
    assert (effect.with_it.sessions, effect.with_it.with_error) == (11, 1)
    assert effect.p == fisher(1, 10, 10, 2)
    assert (effect.without.tool_errors, effect.without.model_calls) == (10 / 12, 2 + 10 / 12)
    assert (effect.with_it.tool_errors, effect.with_it.model_calls) == (1 / 11, 2 + 1 / 11)
    assert effect.without.kinds == {"error_as_text": 10}
    assert effect.p_of == {"error_as_text": effect.p}
    assert (effect.too_few, effect.left_out) == (False, ())
    assert effect.without.duration_ms is not None


def test_too_few_have_no_probability() -> None:
    effect = effect_of(NAME, [*without(12, 12), *with_it(9, 0)])

    assert (effect.too_few, effect.p, effect.p_of) == (True, None, {"error_as_text": None})
    assert effect_of(NAME, without(12, 12)).with_it.sessions == 0
    assert effect_of(NAME, []).too_few


def test_the_instructions_without_what_was_given_are_the_same() -> None:
    (one,), (other,) = without(1, 0), with_it(1, 0)
    notes = seen(3, instructions=f'{BASE}\n<notes source="thoughtflow">\n- x [L-00000001]\n</notes>')

    assert one.instructions == other.instructions == notes.instructions
    assert seen(4, instructions="You fly.").instructions != one.instructions
    assert (one.given, other.given, notes.given) == (
        frozenset(),
        frozenset({NAME}),
        frozenset({"L-00000001"}),
    )


def test_other_tools_and_instructions_are_left_out_and_told() -> None:
    few = TOOLS[:1]
    every = [
        *without(10, 5),
        *without(2, 2, 30, tools=few),
        *without(3, 3, 40, instructions="You fly."),
        *with_it(10, 0),
    ]
    effect = effect_of(NAME, every)

    assert (effect.without.sessions, effect.with_it.sessions) == (10, 10)
    (told,) = effect.left_out
    assert told.startswith("5 without it are not compared")
    assert "2 with other tools, 3 with other instructions" in told
    alone = effect_of(NAME, [*without(10, 5, tools=few), *with_it(10, 0)])
    assert (alone.without.sessions, alone.with_it.sessions, len(alone.left_out)) == (0, 0, 2)


def test_across_models_only_if_asked() -> None:
    every = [*without(10, 9), *with_it(10, 1, model="gpt-6")]

    with pytest.raises(
        AcrossModels, match=r"with it were answered by gpt-6, those without by gpt-5: .*--anyway"
    ):
        effect_of(NAME, every)
    effect = effect_of(NAME, every, anyway=True)
    assert effect.p is not None
    assert "models: gpt-5 in 10 without it, gpt-6 in 10 with it" in effect.changed


def test_one_model_can_be_compared() -> None:
    every = [*without(10, 9), *without(4, 0, 40, model="gpt-6"), *with_it(10, 1)]

    with pytest.raises(AcrossModels):
        effect_of(NAME, every)
    effect = effect_of(NAME, every, "gpt-5")
    assert (effect.without.sessions, effect.with_it.sessions) == (10, 10)
    assert not any(each.startswith("models") for each in effect.changed)


def test_it_says_what_else_is_different() -> None:
    other = GIVEN.replace("</adaptations>", "- Be brief. [A-00000002]\n</adaptations>")
    effect: Effect = effect_of(
        NAME, [*without(10, 9), *with_it(5, 0), *with_it(5, 0, 19, instructions=other)]
    )

    assert "A-00000002: given to 0 without it, to 5 with it" in effect.changed
    assert any(each.startswith("time: all without it began before 2026-11-10") for each in effect.changed)
    assert not any(each.startswith("models") for each in effect.changed)


def test_what_goes_on_or_is_not_learnt_from_is_not_compared() -> None:
    going_on = paying_session(1)
    going_on.status = "active"

    assert observed(going_on) is None
    assert observed(paying_session(2, learn=False)) is None
    assert observed(paying_session(3, purpose="notes")) is None


def test_the_json_says_all_of_it() -> None:
    told = effect_of(NAME, [*without(12, 10), *with_it(11, 1)]).as_json()

    assert told["too_few"] is False
    assert told["without"]["with_error"] == 10
    assert set(told) == {
        *("adaptation_id", "without", "with_it", "p", "p_of", "left_out", "changed", "too_few"),
    }
