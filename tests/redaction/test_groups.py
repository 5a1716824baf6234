"""Long texts are tested in groups of patterns; the answer is that of the one pattern for all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfclient.redaction.shapes import HINT, fast_test, suspicious

_WHOLE = fast_test(HINT)
_PARTS = [
    *(
        "sk-",
        "sess-",
        "AKIA",
        "akia",
        "ghp_",
        "xoxb-",
        "eyJ",
        ".eyJ",
        "://",
        "@",
        "Bearer ",
        "BASIC ",
        "Sig=",
    ),
    *(
        "passw",
        "PASSW",
        "pa\u017fsw",
        "coo\u212aie",
        "Secret",
        "api-KEY",
        "token",
        '"',
        ":",
        "=",
        "\\u0041",
        "é",
    ),
    *(
        "abcdefghijklmnopqrst",
        "ABCDEFGHIJKLMNOP",
        "0123456789abcdef",
        " ",
        "PRIVATE KEY",
        ";pwd",
        "AccountKey",
    ),
]


@given(parts=st.lists(st.sampled_from(_PARTS), max_size=6), before=st.integers(0, 2000))
def test_groups_answer_as_one(parts: list[str], before: int) -> None:
    text = "x " * (before // 2) + "".join(parts) + " y" * 600

    assert suspicious(text) == _WHOLE(text)
    assert suspicious(text.encode()) == _WHOLE(text)
