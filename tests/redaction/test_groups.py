"""Long texts are tested in groups of patterns; the answer is that of the one pattern for all."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfclient.redaction.shapes import HINT, _without_media, fast_test, suspicious
from tfclient.redaction.text import find_secrets

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


_RUN = "".join(Random(1).choices(ascii_letters + digits + "+/", k=20_000))  # noqa: S311
_SECRETS = [
    *(
        "+AKIAIOSFODNN7EXAMPLE/",
        "/ASIAIOSFODNN7EXAMPLE+",
        "sk-proj-abcdefghij0123456789ABCD",
        "AKIAIOSFODNN7EXAMPLE",
    ),
    *(" Bearer abcdef0123456789ab", "+AIzaSyA1234567890abcdefghijklmnopqrstuvw", "eyJhbGciOi.eyJzdWIiOi.abc"),
    *(
        "https://me:pw@host/",
        "password=hunter22222",
        "api_key: abc12345",
        "ghp_" + "a1" * 18,
        "?sig=" + "ab1" * 8,
    ),
]


@pytest.mark.parametrize("secret", _SECRETS)
@pytest.mark.parametrize("at", [0, 1, 511, 512, 513, 10_000, 19_480, 19_488, 19_489, 19_999, 20_000])
def test_a_secret_in_the_middle_of_media_is_seen(
    secret: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'{{"image_url":"data:image/png;base64,{_RUN[:at]}{secret}{_RUN[at:]}"}}'
    found = find_secrets(text)

    monkeypatch.setattr("tfclient.redaction.shapes._LONG_RUN", len(text) + 1)
    assert found == find_secrets(text)


def test_ordinary_media_is_not_looked_through() -> None:
    text = f'{{"image_url":"data:image/png;base64,{_RUN}"}}'.encode()

    assert len(_without_media(text)) < 2000
    assert not suspicious(text)
