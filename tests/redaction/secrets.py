"""Invented secrets of every shape, and ways to hide them in JSON."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from tests.redaction.provider_keys import provider_keys

_ALNUM: Final = "Q7rT2mXw9LpZ4vKc8NyB3hGd6JsF1aEu5WoRiVtM0xUqCjYbDzHgPkSnAfLe"


def _in_base64(before: str) -> str:
    return base64.b64encode(f"{before}-----BEGIN PRIVATE KEY-----\n{_ALNUM * 3}\n-----END".encode()).decode()


# One or more for each rule: whole secrets, as they stand in a text.
SAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "openai_key": (
        f"sk-{_ALNUM[:40]}",
        f"sk-proj-{_ALNUM[:48]}",
        f"sk-svcacct-{_ALNUM[:48]}",
        "sk-or-v1-" + "0a" * 24,
    ),
    "openai_session_key": (f"sess-{_ALNUM[:40]}",),
    "openai_ephemeral_key": (f"ek_{_ALNUM[:32]}",),
    "anthropic_key": (f"sk-ant-api03-{_ALNUM[:50]}",),
    "aws_key_id": ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
    "github_token": (
        *(f"gh{kind}_{_ALNUM[:36]}" for kind in "pousr"),
        f"github_pat_{_ALNUM[:22]}_{_ALNUM[:30]}",
    ),
    "gitlab_token": (f"glpat-{_ALNUM[:20]}",),
    "slack_token": (*(f"xox{kind}-1234567890-{_ALNUM[:24]}" for kind in "abeoprs"), f"xapp-1-{_ALNUM[:20]}"),
    "google_key": (f"AIza{_ALNUM[:35]}",),
    "google_token": (f"ya29.{_ALNUM[:40]}",),
    "stripe_key": (
        f"sk_live_{_ALNUM[:24]}",
        f"rk_live_{_ALNUM[:24]}",
        f"sk_test_{_ALNUM[:24]}",
        f"whsec_{_ALNUM[:32]}",
    ),
    "npm_token": (f"npm_{_ALNUM[:36]}",),
    "huggingface_token": (f"hf_{_ALNUM[:34]}",),
    "groq_key": (f"gsk_{_ALNUM[:48]}",),
    "xai_key": (f"xai-{_ALNUM[:48]}",),
    "pypi_token": (f"pypi-AgEIcHlwaS5vcmc{_ALNUM[:30]}",),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",),
    "private_key": (
        f"-----BEGIN PRIVATE KEY-----\n{_ALNUM}\n{_ALNUM[::-1]}==\n-----END PRIVATE KEY-----",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_ALNUM}\n-----END OPENSSH PRIVATE KEY-----",
        _in_base64(""),
    ),
}

# Text around a secret, with the secret itself apart.
IN_CONTEXT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "bearer": (("curl -H 'Authorization: Bearer {}'", f"tok.{_ALNUM[:30]}"),),
    "basic_auth": (
        ("Authorization: Basic {} now", "YWxhZGRpbjpvcGVuc2VzYW1l"),
        ("curl -u me:{} x", "correcthorse"),
    ),
    "url_credentials": (
        ("postgres://{}@db.example.com/x", "me:hunter2"),
        ("redis://{}@cache:6379", ":s3cr3t"),
        ("git clone https://{}@example.com/x.git", "tok3nwithoutshape"),
    ),
    "webhook_url": (
        (
            "post to https://hooks.slack.com/services/{} now",
            f"T0{_ALNUM[:9].upper()}/B0{_ALNUM[:9].upper()}/{_ALNUM[:24]}",
        ),
        ("https://discord.com/api/webhooks/123456789012345678/{}", f"{_ALNUM[:40]}-{_ALNUM[:24]}"),
    ),
    "url_signature": (("https://x.example.com/a?sv=2024&sig={}&se=1", "abcDEF123%2Bxyz%2F456789%3D"),),
    "connection_string": (
        ("DefaultEndpointsProtocol=https;AccountKey={};x=y", f"{_ALNUM}=="),
        ("Server=db;User Id=sa;Password={};", "p@ss-word!"),
    ),
    "private_key": (("tls.key: {}", _in_base64("\n")), ("tls.key: {} ", _in_base64("# a comment\n"))),
    "key:token": (
        ("GET https://example.com/a?b=c&token={}&d=1", "abcdefgh"),
        ("TOKEN={}\n", "correct-horse"),
        ('env: [{{"name": "TOKEN", "value": "{}"}}', "correct horse"),
        ('env: [{{"value": "{}", "name": "TOKEN"}}', "correct horse"),
        ("gh auth login --token {} now", "correcthorse"),
        ("['mcp', '--token', '{}', '-y']", "correcthorse"),
        ("  user:\n    token: {}\n", "correcthorse123456"),
        ("A=1\\nTOKEN={}\\nB=2", "horse"),
    ),
    "key:jwt_secret": (("A=1\nJWT_SECRET={}\nB=2\n", "correcthorse"),),
    "key:db_pass": (
        ("DB_PASS={}", "horse"),
        ("DB_PASS='{}' ./run", "a horse"),
        ("A=1\nDB_PASS_2={}\n", "horse"),
        ("DB_PASS_PROD={}\n", "horse"),
        ("  DB_PASS: {}\n  B: c\n", "horse"),
        ("- name: DB_PASS\n  value: {}\n", "horse"),
        ("ENV DB_PASS {}\n", "horse"),
        ("docker run -e x --db-pass {} img", "a-horse"),
    ),
    "key:x_vault_token": (
        ("curl -H 'X-Vault-Token: {}' x", "correcthorse"),
        ("GET / HTTP/1.1\r\nX-Vault-Token: {}\r\n\r\n", "correcthorse"),
    ),
    "key:secret_key_base": (("SECRET_KEY_BASE={}\n", "correcthorse"),),
    "key:spring_datasource_password": (("a=b\nspring.datasource.password={}\n", "correcthorse"),),
    "key:cookie": (
        ("curl -b '{}' x", "sid=correct-horse"),
        ("curl -H 'Cookie: {}' https://example.com", "sid=correct; theme=dark"),
    ),
    "key:private_token": (("PRIVATE-TOKEN: {}\r\n", "abcd1234"),),
    "key:authorization": (
        ("Authorization: ApiKey {}", "abcd1234"),
        ("authorization: {}\n", "abcd1234"),
        ("Authorization: Token {}\n", "correcthorse"),
    ),
    "key:credentials": (("said: {{'credentials': {{'value': '{}'", "correct horse"),),
    "key:password": (
        ('said: {{"user": "me", "password": "{}"}} there', "correct horse"),
        ("password={} ", "hunter22"),
        ('connect(user="me", password="{}")', "correcthorse"),
        ("<a><password>{}</password></a>", "correcthorse"),
        ('<add key="Password" value="{}"/>', "correcthorse"),
        ("ALTER USER me WITH PASSWORD '{}';", "correcthorse"),
        ("machine x login me password {}\n", "correcthorse"),
        ("sshpass -p {} ssh x", "correcthorse"),
    ),
    "key:api_key": (("{{'api_key': '{}'}}", "whatever it is"),),
    "key:db_password": (("export DB_PASSWORD={}\n", "hunter2000"),),
    "key:x_api_key": (("x-api-key: {}\r\n", "abcdef123456"),),
}

SECRET_NAMES: Final = (
    "api_key", "apiKey", "API-KEY", "x-api-key", "openai_api_key", "password", "Password", "db_password", "passwd",
    "pwd", "secret", "client_secret", "clientSecret", "access_token", "refresh_token", "auth_token", "id_token",
    "private_key", "privateKey", "authorization", "Authorization", "cookie", "Set-Cookie", "credentials",
    "aws_secret_access_key", "session_token", "token", "passphrase", "bearer_token",
    "JWT_SECRET", "DB_PASS", "SMTP_PASS", "TOKEN", "GITHUB_PAT", "REDIS_AUTH", "OPENAI_KEY", "vault_token", "userToken",
    "x-vault-token", "PRIVATE-TOKEN", "signing_key", "master_key", "smtp_pass", "nextauth_secret", "X-Auth",
    "password2", "api_key_2", "OPENAI_API_KEY_2", "DB_PASSWORD_PROD", "clientSecret1", "x-api-key-v2",
)  # fmt: skip

HARMLESS_NAMES: Final = (
    "input_tokens", "output_tokens", "total_tokens", "max_output_tokens", "max_tokens", "cached_tokens",
    "prompt_tokens_details", "prompt_cache_key", "safety_identifier", "previous_response_id", "call_id",
    "encrypted_content", "obfuscation", "tokens", "token_count", "next_page_token", "key", "keys", "author",
    "secretary", "pass", "cookie_recipe", "authorized", "tokenizer", "eos_token_id",
    "next_token", "eos_token", "pad_token", "continuation_token", "PUBLIC_KEY", "PARTITION_KEY", "CACHE_KEY",
    "primary_key", "idempotency_key", "sort_key", "file_key", "KEY", "PASS", "KEYS", "pass_rate", "auth", "AUTHOR",
    "token_type", "secret_santa", "password_policy_url", "api_key_id", "keyboard", "monkey", "Idempotency-Key",
    "token_1", "token2", "key_2", "sort_key_2", "secret_santa_2", "password_policy_2", "passage_1",
)  # fmt: skip


def all_samples() -> list[tuple[str, str]]:
    """Give every shape as ``(rule, secret)``."""
    return [(rule, secret) for rule, secrets in SAMPLES.items() for secret in secrets] + provider_keys()


def nested(value: Any, times: int, *, ascii_only: bool = False, indent: int | None = None) -> Any:
    """Write a value as JSON in a string in an object, so many times."""
    for _ in range(times):
        value = {"call": {"arguments": json.dumps(value, ensure_ascii=ascii_only, indent=indent)}}
    return value
