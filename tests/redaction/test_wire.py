"""Headers and URLs carry no credentials, in no mode."""

from __future__ import annotations

import pytest

from tfclient.redaction import Redactor

ALL = [Redactor.from_setting(s) for s in ("secrets", "content", None)] + [
    Redactor.from_setting(lambda _, text: text)
]


@pytest.mark.parametrize("redactor", ALL, ids=lambda r: r.mode)
@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "api-key", "X-API-Key", "Cookie", "Set-Cookie", "Proxy-Authorization",
        "X-Amz-Security-Token", "x-auth-token", "Ocp-Apim-Subscription-Key", "X-Session-Token", "x-client-secret",
        "Stripe-Signature", "X-Auth-Key-2", "X-Api-Token-V2", "X-TokenBearer", "X-Secret-Id", "X-Honeycomb-Team",
    ],
)  # fmt: skip
def test_a_credential_header_is_dropped_and_marked(redactor: Redactor, name: str) -> None:
    raw: list[tuple[bytes | str, bytes | str]] = [
        (name.encode(), b"hunter2"),
        (b"content-type", b"application/json"),
        (name.upper().encode(), b"again"),
    ]
    kept, marks = redactor.headers(raw, "request.headers")
    assert kept == {"content-type": "application/json"}
    assert marks[0] == {
        "path": f"request.headers.{name.lower()}",
        "rule": f"header:{name.lower()}",
        "action": "dropped",
        "bytes": 7,
    }
    assert len(marks) == 2


@pytest.mark.parametrize("redactor", ALL, ids=lambda r: r.mode)
def test_the_headers_that_matter_are_kept_as_sent(redactor: Redactor) -> None:
    raw = {
        "x-request-id": "req_0f6d2f7e",
        "openai-processing-ms": "312",
        "openai-version": "2020-10-01",
        "x-ratelimit-remaining-tokens": "199970",
        "x-ratelimit-reset-requests": "6ms",
        "retry-after": "2",
        "x-token-count-2": "7",
        "x-total-tokens": "7",
        "x-stainless-retry-count": "1",
        "user-agent": "OpenAI/Python 3.52.0",
        "www-authenticate": "Bearer realm=x",
    }
    if redactor.mode == "content":
        for name in ("www-authenticate", "x-token-count-2", "x-total-tokens"):
            del raw[name]
    assert redactor.headers(raw.items()) == (raw, [])


def test_repeated_headers_are_joined_and_names_lowered() -> None:
    raw: list[tuple[bytes | str, bytes | str]] = [("Via", "a"), (b"VIA", b"b"), ("X-Caf\xe9", "\xe9")]
    assert ALL[0].headers(raw)[0] == {"via": "a, b", "x-caf\xe9": "\xe9"}


def test_a_secret_in_another_header_is_replaced() -> None:
    kept, marks = ALL[0].headers([("x-note", "use AKIAIOSFODNN7EXAMPLE")], "request.headers")
    assert kept == {"x-note": "use <redacted:aws_key_id>"}
    assert marks[0]["path"] == "request.headers.x-note"


@pytest.mark.parametrize("redactor", ALL, ids=lambda r: r.mode)
@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.openai.com/v1/responses?after=1", "https://api.openai.com/v1/responses?after=1"),
        ("https://me:pw@example.com:8443/v1", "https://<redacted:url_credentials>@example.com:8443/v1"),
        ("https://t0ken@example.com/v1", "https://<redacted:url_credentials>@example.com/v1"),
        (
            "https://x/y?api-key=abc&api-version=1",
            "https://x/y?api-key=<redacted:query:api-key>&api-version=1",
        ),
        ("https://x/y?a=1&sig=abc%3D#f", "https://x/y?a=1&sig=<redacted:query:sig>#f"),
        ("https://x/y?access_token=abc", "https://x/y?access_token=<redacted:query:access_token>"),
        ("https://x/y?page_token=abc", "https://x/y?page_token=abc"),
        ("https://[bad/url?token=abc", "https://[bad/url?token=<redacted:query:token>"),
        ("https://x/a@b:c@d?x=u@v", "https://x/a@b:c@d?x=u@v"),
    ],
)
def test_a_url_loses_its_credentials_and_nothing_else(redactor: Redactor, url: str, kept: str) -> None:
    stripped, marks = redactor.url(url, "request.url")
    assert stripped == kept
    assert len(marks) == (url != kept)
    assert redactor.url(stripped)[0] == kept


def test_a_redirect_is_a_url_too() -> None:
    assert ALL[2].headers([("Location", "https://x/y?sig=abc")])[0] == {
        "location": "https://x/y?sig=<redacted:query:sig>"
    }


def test_a_secret_in_the_path_of_a_url_is_replaced() -> None:
    assert ALL[0].url("https://x/AKIAIOSFODNN7EXAMPLE/y")[0] == "https://x/<redacted:aws_key_id>/y"
