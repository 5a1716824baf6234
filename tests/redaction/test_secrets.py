"""What counts as a secret, and that nothing else does."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.redaction.secrets import HARMLESS_NAMES, IN_CONTEXT, SECRET_NAMES, all_samples, nested
from tfclient.redaction import Redactor
from tfclient.redaction.shapes import RULES, suspicious

SECRETS = Redactor.from_setting("secrets")


def clean(value: Any) -> tuple[Any, list[Any]]:
    text, marks = SECRETS.body(json.dumps(value).encode(), "application/json", "request.body")
    assert text is not None
    return json.loads(text), marks


def test_every_rule_has_a_sample() -> None:
    assert {rule.name for rule in RULES} <= {rule for rule, _ in all_samples()} | IN_CONTEXT.keys()


@pytest.mark.parametrize(("rule", "secret"), all_samples())
def test_a_shape_is_replaced_inside_a_text(rule: str, secret: str) -> None:
    cleaned, marks = clean({"input": f"use {secret}, please"})
    assert cleaned == {"input": f"use <redacted:{rule}>, please"}
    assert marks == [
        {"path": "request.body.input", "rule": rule, "action": "replaced", "bytes": len(secret.encode())}
    ]


@pytest.mark.parametrize(("rule", "secret"), all_samples())
def test_a_shape_is_replaced_in_json_in_a_string(rule: str, secret: str) -> None:
    for times, indent in itertools.product([1, 2, 4], [None, 2]):
        value = nested({"note": f"it is {secret}", "n": 1}, times, ascii_only=True, indent=indent)
        cleaned, marks = clean(value)
        assert secret not in json.dumps(cleaned)
        for _ in range(times):
            cleaned = json.loads(cleaned["call"]["arguments"])
        assert cleaned == {"note": f"it is <redacted:{rule}>", "n": 1}
        assert marks[0]["path"] == "request.body" + ".call.arguments|json" * times + ".note"


@pytest.mark.parametrize(
    ("rule", "around", "secret"), [(rule, *pair) for rule, pairs in IN_CONTEXT.items() for pair in pairs]
)
def test_a_secret_known_by_its_surroundings_is_replaced(rule: str, around: str, secret: str) -> None:
    cleaned, marks = clean({"input": [{"text": around.format(secret)}]})
    assert cleaned["input"][0]["text"] == around.format(f"<redacted:{rule}>")
    assert [mark["rule"] for mark in marks] == [rule]


@pytest.mark.parametrize(("rule", "secret"), all_samples())
def test_a_shape_is_found_in_text_that_is_no_json(rule: str, secret: str) -> None:
    text, marks = SECRETS.body(
        f'<html>{secret}</html>\n{{"x": "{secret}'.encode(), "text/html", "response.body"
    )
    assert text is not None
    assert secret not in text
    assert {mark["rule"] for mark in marks} == {rule}


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["hunter2", "two words", 12345678])
def test_the_value_of_a_secret_name_is_replaced(name: str, value: str | int) -> None:
    cleaned, marks = clean({"deep": [{"er": {name: value}}]})
    (mark,) = marks
    assert cleaned == {"deep": [{"er": {name: f"<redacted:{mark['rule']}>"}}]}
    assert mark["rule"].startswith("key:")
    assert mark["path"] == f"request.body.deep[0].er.{name}"


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_value_of_a_secret_name_is_replaced_in_arguments(name: str) -> None:
    arguments = json.dumps({"city": "Oslo", name: "hunter2"})
    cleaned, marks = clean({"output": [{}, {"type": "function_call", "arguments": arguments}]})
    assert json.loads(cleaned["output"][1]["arguments"])[name] == f"<redacted:{marks[0]['rule']}>"
    assert marks[0]["path"] == f"request.body.output[1].arguments|json.{name}"


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_harmless_name_keeps_its_value(name: str) -> None:
    value = {"usage": {name: "hunter2"}, "n": {name: 42}}
    assert clean(value) == (value, [])


def test_below_a_secret_name_every_text_goes() -> None:
    cleaned, _ = clean(
        {"credentials": {"user": "me", "list": ["a", 7], "ok": True, "none": None}, "cookies": ["a=b"]}
    )
    assert cleaned == {
        "credentials": {
            "user": "<redacted:key:credentials>",
            "list": ["<redacted:key:credentials>"] * 2,
            "ok": True,
            "none": None,
        },
        "cookies": ["<redacted:key:cookies>"],
    }


@pytest.mark.parametrize(
    "value",
    [
        {
            "properties": {"api_key": {"type": "string", "description": "The key to use."}},
            "required": ["api_key"],
        },
        {
            "logprobs": [
                {
                    "token": " secret",
                    "logprob": -0.1,
                    "bytes": [32],
                    "top_logprobs": [{"token": "x", "logprob": -2.5}],
                }
            ]
        },
        {"logprobs": {"top_logprobs": [{" password": -0.3, "token": -1.25}]}, "logit_bias": {"token": 5}},
        {
            "text": "Bearer token authentication, Basic understanding, sk-learn-based-estimators, the secret: be kind"
        },
        {"text": "api_key=settings.api_key, password=get_password(), token: str, secret = None"},
        {"text": "see https://example.com:8080/a@b and mailto:me@example.com"},
        {"api_key": "", "password": None, "secret": True, "pwd": "/home/me"},
        {"text": "def f(api_key: str, password: Password, client_secret: SecretStr) -> None"},
        {"arguments": '{"city": "token", "secrets": [] }'},
        {"image_url": "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 40},
        {"encrypted_content": "gAAAAABo-sk_" + "Zm9vYmFy_-" * 60},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_only_looks_like_a_secret_stays_byte_for_byte(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=3)
    assert SECRETS.body(text.encode(), "application/json", "response.body") == (text, [])


def test_the_same_text_becomes_the_same_text_wherever_it_stands() -> None:
    arguments = '{"city":  "Oslo",\n "api_key": "hunter2", "note": "sk-proj-abcdefghij0123456789"}'
    answered, _ = clean({"output": [{"arguments": arguments}]})
    resent, _ = clean({"secretary": "x", "input": [{"role": "user"}, {"call": {"arguments": arguments}}]})
    as_text, _ = SECRETS.value({"result": arguments})
    assert answered["output"][0]["arguments"] == resent["input"][1]["call"]["arguments"] == as_text["result"]


def test_redacting_twice_changes_nothing_more() -> None:
    once, marks = clean(
        {"api_key": "x", "t": "sk-proj-abcdefghij0123456789 password=hunter22", "a": '{"pwd": "q"}'}
    )
    assert len(marks) == 4
    assert clean(once) == (once, [])


def test_a_value_that_a_repeated_name_hides_does_not_stay() -> None:
    body = b'{"t": "sk-proj-abcdefghij0123456789", "t": "x"}'
    text, marks = SECRETS.body(body, "application/json", "request.body")
    assert text == '{"t":"x"}'
    assert [mark["rule"] for mark in marks] == ["openai_key"]
    harmless = b'{"secret_agent": 7, "t": "y", "t": "x"}'
    assert SECRETS.body(harmless, "application/json", "request.body") == (harmless.decode(), [])


def test_a_secret_used_as_a_name_is_replaced_in_body_and_path() -> None:
    secret = "sk-proj-abcdefghij0123456789"
    cleaned, marks = clean({secret: {secret: [secret]}})
    assert cleaned == {"<redacted:openai_key>": {"<redacted:openai_key>": ["<redacted:openai_key>"]}}
    assert secret not in json.dumps(marks)


@pytest.mark.parametrize(
    "escape", ["\\u0073k-proj-abcdefghij0123456789", "sk\\u002dproj-abcdefghij0123456789"]
)
def test_a_secret_written_with_escapes_is_seen(escape: str) -> None:
    text, _ = SECRETS.body(f'{{"t": "{escape}"}}'.encode(), "application/json", "request.body")
    assert text == '{"t":"<redacted:openai_key>"}'


def test_json_cut_in_the_middle_is_read_as_text() -> None:
    body = r'{"output": [{"arguments": "{\"api_key\": \"hunter2\", \"n\": 1}"}, {"password": "correct ho'
    text, marks = SECRETS.body(body.encode(), "application/json", "response.body")
    assert text == (
        r'{"output": [{"arguments": "{\"api_key\": \"<redacted:key:api_key>\", \"n\": 1}"}, '
        r'{"password": "<redacted:key:password>'
    )
    assert [mark["rule"] for mark in marks] == ["key:api_key", "key:password"]


@pytest.mark.parametrize("before", ["\\n", "\\t", "\\\\n", "\\u0020", '\\"', "(", "="])
def test_a_secret_behind_an_escape_is_seen_in_text_that_is_no_json(before: str) -> None:
    body = '{"t": "line' + before + "sk-proj-abcdefghij0123456789 and"
    text, _ = SECRETS.body(body.encode(), "application/json", "response.body")
    assert text == body.replace("sk-proj-abcdefghij0123456789", "<redacted:openai_key>")


def test_json_nested_deeper_than_python_goes_is_read_as_text() -> None:
    body = "[" * 100_000 + '"sk-proj-abcdefghij0123456789"' + "]" * 100_000
    text, _ = SECRETS.body(body.encode(), "application/json", "request.body")
    assert text == body.replace("sk-proj-abcdefghij0123456789", "<redacted:openai_key>")


def test_a_lone_surrogate_survives_as_an_escape() -> None:
    text, _ = SECRETS.body(rb'{"t": "\ud800", "api_key": "x"}', "application/json", "request.body")
    assert text == '{"t":"\\ud800","api_key":"<redacted:key:api_key>"}'
    assert suspicious("\ud800 api_key")


def test_bytes_that_are_no_text_are_none_and_have_their_own_way() -> None:
    data = b"\x00\xff\xfe binary AKIAIOSFODNN7EXAMPLE \x80"
    assert SECRETS.body(data, "application/octet-stream", "request.body") == (None, [])
    kept, marks = SECRETS.binary(data, "request.body")
    assert kept == {"base64": "AP/+IGJpbmFyeSA8cmVkYWN0ZWQ6YXdzX2tleV9pZD4ggA=="}
    assert [mark["rule"] for mark in marks] == ["aws_key_id"]


def test_the_end_of_a_document_is_read_like_the_whole() -> None:
    """A body that repeats an earlier one is redacted from where they differ."""
    items = [{"n": n, "arguments": json.dumps({"pin": 1, "password": 12345678})} for n in range(3)]
    whole = {
        "input": [{"content": [{"type": "x"}, {"secret": ["a", 7]}]}, *items],
        "tools": [],
        "client_secret": {"v": 1},
    }
    kept, _ = SECRETS.body(json.dumps(whole).encode(), "application/json", "request.body")
    assert kept is not None
    text = json.dumps(whole)
    cuts = [at + 1 for at in range(len(text)) if text[at : at + 4] == "}, {" and text[at - 1] != "\\"]
    assert len(cuts) >= 4
    for cut in cuts:
        rest, marks = SECRETS.body(text[cut:].encode(), "application/json", "request.body")
        assert rest is not None
        assert kept.endswith(rest)
        assert "12345678" not in rest
        *inside, client_secret = [mark["path"] for mark in marks]
        assert client_secret == "request.body.client_secret.v"
        assert all(path.startswith('request.body["…"]') for path in inside)


def test_multipart_text_keeps_its_form() -> None:
    form = '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nDB_PASSWORD=hunter2000\r\n--b--\r\n'
    text, _ = SECRETS.body(form.encode(), "multipart/form-data; boundary=b", "request.body")
    assert text == form.replace("hunter2000", "<redacted:key:db_password>")
