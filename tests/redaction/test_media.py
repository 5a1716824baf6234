"""Long media in base64 is not looked through, where nothing in it could be a secret."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

import pytest

from tfclient.redaction.shapes import _without_media, suspicious
from tfclient.redaction.text import find_secrets

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
