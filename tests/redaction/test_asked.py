"""File paths and e-mail addresses, where somebody asks for them to be replaced."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfclient.redaction import Redactor
from tfclient.redaction.asked import WithoutAsked
from tfclient.redaction.marks import Mark

BOTH = WithoutAsked(["emails", "paths"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail ada.b+c@mail.example.co.uk.", "mail <redacted:email>."),
        ("<ada@example.com>", "<<redacted:email>>"),
        ("see /etc/hosts, then", "see <redacted:path>, then"),
        ("/Users/Ada King/Documents/a.txt", "<redacted:path>"),
        ("C:\\Users\\Ada King\\My\\a.txt", "<redacted:path>"),
        ("C:/Documents/a.txt", "<redacted:path>"),
        ("\\\\server\\share\\a.txt", "<redacted:path>"),
        ("~/notes and file:///home/ada/x.py:12", "<redacted:path> and <redacted:path>:12"),
        ("PATH=/usr/bin:/home/ada/bin", "PATH=<redacted:path>:<redacted:path>"),
        ('{"cwd":"/home/ada/x","n":1}', '{"cwd":"<redacted:path>","n":1}'),
        (
            '{"text":"hi\\nada@example.com\\n/home/ada/x"}',
            '{"text":"hi\\n<redacted:email>\\n<redacted:path>"}',
        ),
    ],
)
def test_what_is_replaced(text: str, kept: str) -> None:
    marks: list[Mark] = []

    assert BOTH.document(text, "request.body", marks) == kept
    assert {each["rule"] for each in marks} <= {"email", "path"}
    assert all(each["action"] == "replaced" and each.get("bytes") for each in marks)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a/b/c?d=/e",
        "and/or, 12/5/2024, 1/2, TCP/IP",
        "</b></i> <br/>",
        "data:image/png;base64,ab/cd/ef+/gh/ij",
        "text/plain; openai/gpt-4; src/app.py",
        "ada@localhost, @ada, a @ b",
        "C: drive, 10:30",
    ],
)
def test_what_stays(text: str) -> None:
    marks: list[Mark] = []

    assert (BOTH.document(text, "x", marks), marks) == (text, [])


def test_only_what_was_asked_for() -> None:
    text = "ada@example.com has /home/ada/x"

    assert WithoutAsked(["emails"]).text(text, "x", []) == "<redacted:email> has /home/ada/x"
    assert WithoutAsked(["paths"]).text(text, "x", []) == "ada@example.com has <redacted:path>"


def test_what_an_escape_hides() -> None:
    body = b'{"to":"ada\\u0040example.com","in":"\\/home\\/ada\\/x"}'

    text, marks = Redactor(BOTH).body(body, "application/json", "request.body")

    assert text == '{"to":"<redacted:email>","in":"<redacted:path>"}'
    assert [each["path"] for each in marks] == ["request.body.to", "request.body.in"]


TEXTS = st.text(max_size=20) | st.just("/home/a/b") | st.just("a@b.cc")
VALUES = st.recursive(
    TEXTS,
    lambda each: st.dictionaries(st.text(max_size=5), each, max_size=3) | st.lists(each, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_kept_holds_nothing_that_is_to_be_replaced(value: object) -> None:
    kept = BOTH.document(value, "x", [])

    assert BOTH.document(kept, "x", []) == kept
    assert "a@b.cc" not in json.dumps(kept)
