"""Every secret in every place where a program may have one; and what is none, in the same places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.redaction.provider_keys import LET_GO
from tests.redaction.secrets import IN_CONTEXT, all_samples
from tfclient.redaction import Redactor

SECRETS: Final = Redactor.from_setting()


def _body(value: object) -> str:
    return _text(json.dumps(value).encode(), "application/json")


def _text(data: bytes, content_type: str | None = None) -> str:
    text, _ = SECRETS.body(data, content_type, "request.body")
    assert text is not None
    return text


def _header(name: str, value: str, where: str) -> str:
    return json.dumps(SECRETS.headers([(name.encode(), value.encode("utf-8"))], where)[0])


def _events(*deltas: str) -> bytes:
    place = {"type": "response.output_text.delta", "output_index": 0}
    return b"".join(b"data: " + json.dumps({**place, "delta": delta}).encode() + b"\n\n" for delta in deltas)


def _streamed(*deltas: str) -> str:
    stream = SECRETS.stream("text/event-stream")
    pieces = [stream.feed(event + b"\n\n")[0] for event in _events(*deltas).split(b"\n\n")[:-1]] + [
        stream.flush()[0]
    ]
    lines = "".join(piece for piece in pieces if isinstance(piece, str)).splitlines()
    return "".join(json.loads(line[6:])["delta"] for line in lines if line)


def _form(name: str, value: str, filename: str | None = None) -> str:
    file = "" if filename is None else f'; filename="{filename}"'
    part = f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n--b0undary--\r\n'
    return _text(part.encode(), "multipart/form-data; boundary=b0undary")


# Where a text stands that nothing else makes a secret.
PLACES: Final[dict[str, Callable[[str], str]]] = {
    "request header": lambda text: _header("X-Note", text, "request.headers"),
    "response header": lambda text: _header("x-note", f"see {text}", "response.headers"),
    "query": lambda text: SECRETS.url(f"https://example.com/v1/files?after=1&q={quote(text, safe=':/+~')}")[
        0
    ],
    "body": lambda text: _body({"input": f"it is {text}"}),
    "pair": lambda text: _body({"env": [{"name": "NOTE", "value": text}]}),
    "nested object": lambda text: _body({"a": [{"b": {"c": [text]}}]}),
    "form": lambda text: _form("note", text),
    "file name": lambda text: _form("file", "hello", filename=f"{text}.txt"),
    "stream": lambda text: _streamed("It ", "is ", text, " you know"),
    "arguments": lambda text: _body({"output": [{"arguments": json.dumps({"q": text})}]}),
    "tool output": lambda text: json.dumps(SECRETS.value({"stdout": f"found: {text}\n"})[0]),
    ".env": lambda text: _text(f"A=1\nNOTE={text}\nB=2\n".encode(), "text/plain"),
    "error": lambda text: _body({"error": {"message": f"Incorrect API key provided: {text}. See our page."}}),
}


def _is_gone(secret: str, kept: str) -> bool:
    """Say whether no part of a secret that would be of use is left."""
    core = secret[max(0, len(secret) // 2 - 8) : len(secret) // 2 + 8]
    return core not in kept and json.dumps(core)[1:-1] not in kept and quote(core) not in kept


@pytest.mark.parametrize(("rule", "secret"), all_samples())
def test_a_shape_is_gone_wherever_it_stands(rule: str, secret: str) -> None:
    on_one_line = {"request header", "response header", "query", "file name"}
    for place, put in PLACES.items():
        if "\n" not in secret or place not in on_one_line:
            kept = put(secret)
            assert _is_gone(secret, kept), place
            assert rule in kept, place


# A name of a secret, and a value that only the name makes one.
NAMES: Final = (
    "password", "api_key", "access_token", "client_secret", "JWT_SECRET", "DB_PASS", "TOKEN", "GITHUB_TOKEN",
    "OPENAI_KEY", "REDIS_AUTH", "vaultToken", "X-Vault-Token", "PRIVATE-TOKEN", "X-Auth-Key", "Helicone-Auth",
)  # fmt: skip
HORSE: Final = "correct-horse-battery"


def _by_name(name: str) -> dict[str, str]:
    body: dict[str, Any] = {"a": [{name: HORSE}, {"deep": {name: {"type": "x", "value": [HORSE]}}}]}
    pair = {"name": name, "value": HORSE}
    kept = {
        "request header": _header(name, HORSE, "request.headers"),
        "response header": _header(name.lower(), HORSE, "response.headers"),
        "query": SECRETS.url(f"https://example.com/a?b=1&{name}={HORSE}")[0],
        "body": _body({"headers": body["a"][0]}),
        "pair": _body(
            {"env": [pair, {"value": HORSE, "name": name}, {"key": name, "type": "x", "value": HORSE}]}
        ),
        "pair of headers": _body({"headers": [[name, HORSE], {"name": name, "value": HORSE}]}),
        "nested object": _body({"credentials": {"type": name, "value": HORSE, "more": [{"of": HORSE}]}}),
        "form": _form(name, HORSE),
        "file": _form(name, HORSE, filename="key.txt"),
        "form, encoded": _text(
            f"grant_type=x&{name}={HORSE}&n=1".encode(), "application/x-www-form-urlencoded"
        ),
        "stream": _streamed('{"args": {"a": 1, "', name, '": "corr', "ect-horse-", "battery", '", "n": 2}}'),
        "stream of a pair": _streamed(
            '[{"name": "', name, '", "val', 'ue": "corr', "ect-horse-", "battery", '"}]'
        ),
        "arguments": _body(
            {"output": [{"arguments": json.dumps({"env": [pair], "headers": {name: HORSE}})}]}
        ),
        "tool output": json.dumps(SECRETS.value({"stdout": json.dumps({"headers": {name: HORSE}})})[0]),
        "mcp": _body(
            {"tools": [{"type": "mcp", "server_label": "x", "headers": {name: HORSE, "X-Tenant": HORSE}}]}
        ),
        "url in a text": _body({"input": f"open https://example.com/a?b=1&{name}={HORSE} please"}),
    }
    if name.isupper() and "-" not in name:
        for form in ("{}={}", "export {}={}", "{}='{}'", '{}="{}"', "  {}: '{}'", "-e {}={}"):
            line = form.format(name, HORSE)
            kept[f".env, {form}"] = _text(f"A=1\n{line}\nB=2\n".encode(), "text/plain")
            kept[f"error, {form}"] = _body({"error": {"message": f"bad environment:\n{line}\n"}})
            kept[f"stream, {form}"] = _streamed("A=1\n", line[:-4], line[-4:], "\nB=2")
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_what_a_name_makes_a_secret_is_gone_wherever_it_stands(name: str) -> None:
    kept = {place: text for place, text in _by_name(name).items() if not _is_gone(HORSE, text)}
    if name.lower().endswith("-key"):
        # In objects that are not called headers there are too many that are none.
        kept = {place: text for place, text in kept.items() if place not in {"stream", "stream of a pair"}}
    assert kept == {}


def _splits(text: str) -> Iterator[tuple[int, list[str]]]:
    yield 0, [*text]
    for at in range(1, len(text)):
        yield at, [text[:at], text[at:]]


@pytest.mark.parametrize(("rule", "secret"), all_samples())
def test_at_every_split_of_a_stream_a_shape_is_gone(rule: str, secret: str) -> None:
    text = f"It is {secret} and"
    for at, pieces in _splits(text):
        before, found, after = _streamed("Hello. ", *pieces, " so on.").partition(f"<redacted:{rule}>")
        assert found, at
        left = before.removeprefix("Hello. It is ")
        assert secret.startswith(left), at
        assert len(left) <= LET_GO.get(rule, 2), at
        assert after == " and so on.", at


@pytest.mark.parametrize(
    ("around", "secret"),
    [
        *((around, secret) for pairs in IN_CONTEXT.values() for around, secret in pairs if around[0] != "D"),
        ('{{"password": "{}", "n": 1}}', "it's my (pass) word"),
        ('{{"a": "{{\\"password\\": \\"{}\\"}}"}}', "correct horse"),
        ('{{"credentials": {{"type": "x", "deep": {{"a": 1}}, "value": "{}"}}}}', "correct horse"),
        ('[{{"name": "DB_PASS", "kind": "x", "value": "{}"}}]', "correct horse"),
    ],
)
def test_at_every_split_of_a_stream_what_stands_by_a_name_is_gone(around: str, secret: str) -> None:
    text = around.format(secret)
    core = secret[len(secret) // 2 - 2 :][:4]
    for at, pieces in _splits(text):
        assert core not in _streamed("Hello. ", *pieces, "\nso on.").replace(around, ""), at


# What only looks like a secret, and stays byte for byte in every place.
LOOK_ALIKES: Final = (
    # Numbers of tokens, and pages
    '{"usage": {"input_tokens": 1200, "output_tokens": 30, "max_tokens": 4096, "cached_tokens": 1024}}',
    "x-ratelimit-remaining-tokens: 149984, prompt_tokens=1200, max_output_tokens=4096, next_page_token=abc12345",
    '{"next_token": "eyJwYWdlIjoyfQ", "page_token": "CAUQAA", "eos_token": "</s>", "pad_token_id": 128001}',
    '{"token": " secret", "logprob": -0.25, "bytes": [32], "top_logprobs": []}',
    "the first token=3 ms, token_type=bearer, tokens: 12, key=value, key: value, author=me, pass=3, fail=0",
    # What stands in for a value, or is named and not given
    "curl -H 'X-Api-Key: YOUR_API_KEY' -H 'Authorization: Bearer TOKEN' -u me:PASSWORD, X-Auth-Token: required",
    "run --token TOKEN --api-key=$KEY --password <password> --max-tokens 4096 --token-limit 100000 --secret id=mine",
    '["--token", "--verbose", "--api-key", "API_KEY", "--private-key", "~/.ssh/id_rsa", "--max-tokens", "4096000"]',
    "password = default_password\napi_key=openai_api_key\ntoken = get_token\n  password: passwords.strong\n",
    "password: str = Field(), api_key: Optional[str], 'password: incorrect', \"token\": args.token, secret: Secret",
    "X-Auth-Token: the header that tells who asks\nAuthorization: see below\n<token>number</token>, <auth>basic</auth>",
    "- name: DB_HOST\n  value: localhost\n- name: LOG_KEYS\n  value: true\nENV PATH /usr/bin:/bin\nset -x EDITOR vim\n",
    '<input name="password" value=""> <add key="Theme" value="darkness"/> password \'must\', WITH PASSWORD \'x\'',
    "docker run -u 1000:1000 -b main:master, token: optional, password for login me is secret, curl -u user -b file",
    # Digests and identifiers
    "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad fixes 9fceb02",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "id 123e4567-e89b-12d3-a456-426614174000, api-123e4567-e89b-12d3-a456-426614174000",
    "msg_0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071, call_AbCdEfGhIjKlMnOpQrStUvWx, fc_0a1b2c3d4e5f6071",
    "resp_68a1c0ffee, chatcmpl-BxYz0123456789AbCdEfGhIjKl, file-AbC123, req_0123456789abcdef0123456789abcdef",
    "run_AbCdEf0123456789AbCdEf01, thread_AbCdEf0123456789AbCdEf, vs_0a1b2c3d4e5f, asst_AbCdEf0123456789AbCdEf01",
    "AS-123, sk-learn-estimators-in-python-3, ak-47, key-value-store, re_compile_the_patterns_of_it, hf_hub_download",
    "pa-per-about-the-things-that-are-in-the-words-of-paris, fw_update_of_the_firmware, api_org_chart",
    "s.startsWith, e.stopPropagation, NaN.isNaN.toString, Mon.Tue.Wed, M.A.Something_long_enough_to_be_a_token",
    "SKU 12345, ACCOUNT, SKIRT, EAAAAAAAAAAA, pattern, patience, cs_CZ, ck_editor, secret_santa_of_the_office_party",
    # Code that reads them
    'api_key = os.environ["OPENAI_API_KEY"]\nTOKEN = os.getenv("TOKEN")\nclient = OpenAI(api_key=settings.api_key)',
    "const token = process.env.API_TOKEN; const { password } = req.body; if (!process.env.DB_PASS) throw e",
    "export TOKEN=$(cat token.txt)\nexport DB_PASS=${DB_PASS:-}\nAPI_KEY=$OPENAI_API_KEY\nTOKEN=`cat t`\nJWT_SECRET=",
    "password: ${{ secrets.DB_PASSWORD }}\nAPI_TOKEN: ${API_TOKEN}\nTOKEN={{ vault_token }}\nAPI_KEY=<your key>",
    "OPENAI_API_KEY=your-key-here DB_PASS=xxx API_TOKEN=... SECRET=null USE_TOKEN=true MAX_PASS=3",
    "def f(api_key: str, password: str | None = None, auth_token: SecretStr) -> None: self.token = token",
    "curl 'https://example.com?token=$TOKEN&a=1' 'https://example.com?token={token}&b=%s'",
    "PRIMARY_KEY = 'id'\nCACHE_KEY = 'user:1'\nENTER_KEY = 13\nPUBLIC_KEY=abcdefgh\nSORT_KEY=created_at",
    "CONFIG_KEY = 'tool'\nTOKEN = 'not given'\nEND_TOKEN = '<|end|>'\nSERVER_AUTH = '1.3.6.1.5.5.7.3.1'",
    'headers = {"Content-Type": "application/json", "Accept": "*/*", "X-Request-Id": "req_1", "Idempotency-Key": "k1"}',
    '{"type":"object","properties":{"api_key": {"type": "string", "description": "a key"}}, "required": ["api_key"]}',
    '{"name": "city", "value": "Oslo"}, {"key": "sort_key", "value": "name"}, {"name": "max_tokens", "value": "12"}',
    '{"auth": "none", "key": "value", "keys": ["a"], "author": "me", "cookie_recipe": "with butter"}',
    # Words
    "The password is not known; a token is a word. Bring your own key: see the secret garden. Cookie: chocolate chip.",
    "Basic understanding, bearer of news, Authorization: required, the API key: keep it safe, credentials: two.",
    "https://example.com:8080/a@b, https://medium.com/@someone1234, ssh://git@github.com/x.git, mailto:me2@example.com",
    "https://hooks.slack.com/ is where, https://discord.com/api/webhooks is how, 12:AA, 2024-01-01T12:00:00Z",
    # Pictures and ciphers
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 40,
    "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==",
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJzekNDQVZtZ0F3SUJBZ0lVUQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg==",
    "gAAAAABo" + "Zm9vYmFyX2Jhei1xdXV4" * 20,
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example.com",
)


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert SECRETS.value(text) == (text, [])
    for value in (
        {"input": text},
        {"output": [{"arguments": json.dumps({"q": text})}]},
        {"env": [{"name": "A", "value": text}]},
    ):
        body = json.dumps(value)
        assert SECRETS.body(body.encode(), "application/json", "request.body") == (body, [])
    assert _text(f"before {text} after".encode(), "text/plain") == f"before {text} after"
    # Whether probabilities follow a token is not known while they are still to come.
    if "logprob" not in text:
        assert (
            _streamed("Well: ", *[text[at : at + 7] for at in range(0, len(text), 7)], ".")
            == f"Well: {text}."
        )
    assert _form("note", text) == _form("note", "…").replace("…", text)
    if "\n" not in text and text.isascii():
        assert SECRETS.headers([("x-note", text)]) == ({"x-note": text}, [])
