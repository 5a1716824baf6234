"""Texts made to keep a pattern busy: each is looked through in steps that grow as the text does.

What is quadratic in these lengths would take hours: the limit on the time of a test is the bound on the steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redaction.secrets import IN_CONTEXT, all_samples
from tfclient.redaction.shapes import RULES, Rule
from tfclient.redaction.text import find_secrets, may_matter, may_open

_LONG = 40_000
"""What is quadratic takes a thousand million steps; a stream joins no more than half as much again."""


def _hostile() -> Iterator[tuple[str, str]]:
    """Give beginnings without an end, and ends without a beginning."""
    for part in (
        *(
            "a",
            "A",
            "0",
            "-",
            "_",
            ".",
            "=",
            "/",
            "+",
            "\\",
            '"',
            "'",
            "\n",
            " ",
            ":",
            "{",
            "[",
            "<",
            "é",
            "\\n",
            '\\"',
        ),
        *(
            "a.",
            "a_",
            "a-",
            "a=",
            "a:",
            '":',
            '"a":',
            "M" * 30 + ".",
            "eyJ",
            "eyJabcd.",
            "://a",
            "://:",
            "LS0t",
            "0" * 32 + "-",
        ),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ",
            "KEY-----",
            "-----END ",
            "Bearer ",
            "Basic ",
            "Q~",
            ":AA",
            "_mmk",
        ),
        *(
            '"password":',
            '"password":"',
            '"password": \'',
            '{"credentials":{',
            '"credentials":[',
            '\\"secret\\":\\"',
        ),
        *(
            '"token":"a","logprob',
            "password=",
            "password: a",
            "API_TOKEN=",
            "TOKEN='",
            "KEY: ",
            "A_",
            "x-key: ",
            "a_token=",
        ),
        *(
            '{"name":"A_TOKEN",',
            '"name":"TOKEN","value":"',
            '"value":"x","name":"TOKEN"',
            '"value":"',
            '"name":',
            '"name":"a",',
        ),
        *(
            "form-data; name=",
            'form-data; name="token"\r\n',
            'form-data; name="token"\r\n\r\nx\r\n',
            "Cookie: a=",
            "Authorization: ",
        ),
        *(
            "?token=",
            "&sig=",
            ";password=",
            "https://x@",
            "http://aaaaaaaa1",
            "/api/webhooks/1/",
            "a" * 14 + ".atlasv1.",
        ),
        "UFJJVkFURSBLRVkt",
        *(
            "--token ",
            "--token",
            "-u a:",
            "X-Key: ",
            "x-token:",
            "password='",
            "password =",
            "name: A_TOKEN\n",
        ),
        *(
            "<token>",
            "<a-token",
            "key='a' value='",
            "login a password ",
            "ENV A_TOKEN ",
            "a.password=",
            "--a-",
        ),
    ):
        yield repr(part)[:40], part


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", [part for _, part in _hostile()], ids=[name for name, _ in _hostile()])
def test_a_long_text_of_beginnings_is_looked_through(part: str) -> None:
    text = part * (_LONG // len(part))
    for made in (f"{text} token=", f'"password": "{text}'):
        find_secrets(made)
    may_open(text)
    may_matter(text)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rule", {rule.name: rule for rule in RULES}.values(), ids=lambda rule: rule.name)
def test_each_shape_is_looked_for_in_what_nearly_has_it(rule: Rule) -> None:
    keys = dict([*all_samples(), *_in_context()])
    key = keys[rule.name]
    for part in (key[:-9], f"{key[:-9]} ", key[:8], key):
        find_secrets(part * (_LONG // len(part)))


def _in_context() -> Iterator[tuple[str, str]]:
    for rule, pairs in IN_CONTEXT.items():
        yield from ((rule, around.format(secret)) for around, secret in pairs)
