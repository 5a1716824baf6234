"""What is telling in a text, and which spellings of a number are one number."""

from __future__ import annotations

import pytest

from tfstore.reading.explaining.values import LOOKED_AT, Wanted, numbers_in, telling_in, wanted_in_arguments


def values(text: str) -> list[str]:
    return [each.text for each in telling_in(text)[0] if each.is_value]


@pytest.mark.parametrize(
    "spelling", ["1,290.00", "1290", "1.290,00", "1’290.0", "1\u202f290", "1290.00", "1290kg"]
)
def test_spellings_of_one_number(spelling: str) -> None:
    assert "1290" in numbers_in(spelling)


@pytest.mark.parametrize("spelling", ["12.9.1", "1,29,0", "A-1290", "12-90", "1.2.3,4.5"])
def test_what_is_no_number(spelling: str) -> None:
    assert numbers_in(spelling) == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs 1,290.00 € at 13:00 on 2026-09-02.", ["1,290.00", "13:00", "2026-09-02"]),
        (
            "Write to ada@example.com about **A-1002** and get_order.",
            ["ada@example.com", "A-1002", "get_order"],
        ),
        ("Go and see Pátio Azul with Grace, in Lisbon.", ["Pátio Azul", "Grace", "Lisbon"]),
        ("Please wait. There are 3 of them.", []),
        ("Der Turm ist am Samstag geöffnet, der Eintritt kostet 12,90 Euro.", ["12,90"]),
        ("価格は12.90円で、注文はA-1002です", ["12.90", "A-1002"]),
        ("", []),
    ],
)
def test_what_is_a_value(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_words_that_stand_in_any_text_tell_nothing() -> None:
    found, whole = telling_in("there would have been a lamp, because a lamp is what they want")

    assert [(each.text, each.kind) for each in found] == [("lamp", "word")]
    assert whole


def test_a_long_text_is_looked_at_from_its_beginning_and_that_is_told() -> None:
    found, whole = telling_in("A-1001 " + " " * LOOKED_AT + "A-1002")

    assert [each.text for each in found] == ["A-1001"]
    assert not whole
    assert telling_in(" ".join(f"A-{n}" for n in range(1000, 2000)))[1] is False


def test_arguments_are_looked_for_as_a_whole_first() -> None:
    wanted, whole = wanted_in_arguments(
        {"to": {"city": "São Paulo", "on": True}, "n": 2, "rows": [["x1y"]], "no": None}
    )

    assert {each[0].place: each[0].text for each in wanted} == {
        "to.city": "São Paulo",
        "n": "2",
        "rows[][]": "x1y",
    }
    assert all(isinstance(each, Wanted) and each.kind == "value" for (each, *_) in wanted)
    assert whole
