"""Which names are those of a secret: ``api_key`` and ``X-Api-Key`` are, ``input_tokens`` and ``page_token`` are not."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

# Names are compared as the words they are made of, joined: dbPassword, DB_PASSWORD and db-password are one.
_EXACT: Final = frozenset(
    {
        *("apikey", "apikeys", "pwd", "secret", "secrets", "token", "authorization", "proxyauthorization"),
        *("cookie", "cookies", "setcookie", "credential", "credentials", "jwt", "ocpapimsubscriptionkey"),
        *("accesstoken", "accesskey", "sastoken", "passphrase", "xauth", "xkey", "userpass", "dbpwd"),
    }
)
_KEYS: Final = (
    *("access", "private", "account", "encryption", "signing", "subscription", "secret", "master", "service"),
    *("deploy", "license", "shared", "webhook", "session"),
    *("consumer", "cipher", "decryption", "hmac", "auth", "admin", "ssh", "openai", "anthropic", "gemini"),
)
_PASSES: Final = (
    *("db", "database", "smtp", "mail", "email", "redis", "mysql", "postgres", "pg", "mongo", "ftp", "admin"),
    *("root", "proxy", "auth", "http", "basic", "login", "keystore", "sudo"),
)
_ENDINGS: Final = (
    *(
        "apikey",
        "apikeys",
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "passcode",
        "secret",
        "credentials",
    ),
    *("authtokens", "accesstokens", "authcookie", "sessioncookie", "xauthorization", "authorizationheader"),
    *("basicauth", "proxyauth", "httpauth", "secretkeybase", *(f"{word}key" for word in _KEYS)),
    *(f"{word}{ending}" for word in _PASSES for ending in ("pass", "pwd")),
)
# A token is a secret, but for those of tokenizers and those that say where to go on.
_NO_SECRET_TOKENS: Final = frozenset(
    {
        *(
            "page",
            "next",
            "previous",
            "prev",
            "continuation",
            "continue",
            "pagination",
            "cursor",
            "sync",
            "skip",
        ),
        *(
            "delta",
            "resume",
            "resumption",
            "idempotency",
            "request",
            "cancel",
            "cancellation",
            "change",
            "marker",
        ),
        *(
            "eos",
            "bos",
            "pad",
            "unk",
            "sep",
            "cls",
            "mask",
            "eot",
            "fim",
            "stop",
            "start",
            "end",
            "begin",
            "special",
        ),
        *(
            "first",
            "last",
            "current",
            "per",
            "max",
            "min",
            "each",
            "every",
            "image",
            "audio",
            "video",
            "text",
        ),
        *(
            "vision",
            "input",
            "output",
            "prompt",
            "completion",
            "reasoning",
            "decoder",
            "encoder",
            "word",
            "target",
        ),
        *(
            "sampled",
            "chosen",
            "predicted",
            "generated",
            "added",
            "new",
            "single",
            "one",
            "top",
            "think",
            "sub",
        ),
        *(
            "design",
            "color",
            "lexer",
            "syntax",
            "keyword",
            "string",
            "number",
            "literal",
            "identifier",
            "is",
            "no",
            "turn",
        ),
    }
)
# What a variable of the environment ends in, and what looks like it and is public.
_VARIABLES: Final = frozenset(
    {
        *(
            "token",
            "secret",
            "secrets",
            "pass",
            "passwd",
            "password",
            "pwd",
            "key",
            "keys",
            "auth",
            "pat",
            "jwt",
        ),
        *("credential", "credentials", "cookie", "passphrase"),
    }
)
_PUBLIC_KEYS: Final = frozenset(
    {
        *(
            "public",
            "publishable",
            "cache",
            "primary",
            "foreign",
            "partition",
            "sort",
            "routing",
            "idempotency",
        ),
        *(
            "idempotent",
            "surrogate",
            "translation",
            "hot",
            "object",
            "index",
            "range",
            "hash",
            "lookup",
            "group",
        ),
        *(
            "dedupe",
            "dedup",
            "deduplication",
            "registry",
            "hkey",
            "websocket",
            "escape",
            "enter",
            "arrow",
            "shift",
        ),
        *("control", "ctrl", "alt", "tab", "space", "return", "delete", "up", "down", "left", "right", "any"),
        *(
            "unique",
            "row",
            "column",
            "item",
            "map",
            "dict",
            "json",
            "config",
            "setting",
            "message",
            "event",
            "by",
        ),
    }
)
# What the name of a header, or of a URL's parameter, ends in.
_HEADERS: Final = _VARIABLES | {
    *("authentication", "assertion", "apikey", "sig", "signature", "bearer", "cookies", "keys"),
}
_HARMLESS_HEADER: Final = re.compile(
    r"access-control-.*|(?:.*-)?ratelimit-.*|x-stainless-.*|sec-.*|.*-compare-pass|.*bypass"
)

_KEY_WORDS: Final = "|".join(sorted(_KEYS))

# The same for text in which names are not keys yet; spelled out because an assignment in prose must be
# certain. `token`, `secret` and `cookie` alone are words.
SPELLED: Final = (
    r"(?:api[_-]?key|passw(?:or)?d|passphrase|passcode|(?:client|app|api|webhook|shared|signing)[_-]?secret"
    rf"|(?:{_KEY_WORDS})[_-]?key|(?:access|refresh|auth|session|bearer|security|api|bot|oauth)[_-]?token)"
)
TAILS: Final = r"[a-z0-9][_-](?:secret|token|pass|auth|key)"
"""What ends a name of several words; spelled so, it is one where nothing stands before the sign of assignment."""

ENDS: Final = (
    rf"(?:api[_-]?keys?|(?:{_KEY_WORDS})[_-]?key|[_-]keys?|passw(?:or)?ds?|passphrase|passcode|secrets?|tokens?"
    r"|pass|pwd|authorization|(?:set-)?cookies?|credentials?|jwt|auth)"
)

NAME_HINT: Final = (
    r"api[_-]?key|passw|passphrase|passcode|secret|authorization|cookie|credential|x-key\\*[\"']?[ \t]*[:=]"
    rf"|(?:{_KEY_WORDS})[_-]?key|(?:auth|access)[_-]?tokens"
    r"|(?:token|pwd|pass|jwt|auth|[_-]pat)[\\]*[\"']?[ \t]*[:=]"
    r"|(?:token|pwd|pass|jwt|auth|[_-]key|[_-]pat)\\*[\"'](?:[ \t\r\n]|\\+[nrt])*[,}\]]"
    r"|form-data;[ \t]*name="
    r"|headers\\*[\"'](?:[ \t\r\n]|\\+[nrt])*:(?:[ \t\r\n]|\\+[nrt])*[\[{]"
)
"""What stands where a name could be a secret's; in the dialect of ``fast_test``, whatever the case."""

VARIABLE_HINT: Final = r"_(?:KEYS?|(?:KEY|PASS|AUTH)_?[A-Z0-9]{1,11})\\*[\"']?[ \t]*[:=]"
"""The same of variables of the environment, in capitals."""

# A name that the hint does not know would be replaced in one text and overlooked in another.
_COULD_NAME: Final = re.compile(rf"(?i:{NAME_HINT})|{VARIABLE_HINT}")

_REDACTED: Final = re.compile(r"<(?:redacted:[\w:.-]+|sha256:[0-9a-f]{16} \d+ chars)>")
_PATH_LIKE: Final = re.compile(r"~|\.{0,2}[/\\]|[A-Za-z]:[/\\]")


@functools.lru_cache(maxsize=4096)
def secret_name(key: str) -> str | None:
    """Give the rule for a key that names a secret, else None.

    Example:
        >>> secret_name("X-Api-Key"), secret_name("dbPassword"), secret_name("max_output_tokens")
        ('key:x_api_key', 'key:db_password', None)
    """
    if len(key) > 64 or not _COULD_NAME.search(f'"{key}":'):
        return None
    words = _without_number(_words(key))
    if _is_secret(key, words) or ("-" in key and words[-1:] != ["key"] and secret_header(key)):
        return f"key:{'_'.join(words)}"
    return None


@functools.lru_cache(maxsize=4096)
def secret_header(name: str) -> bool:
    """Say whether a header of this name, or a parameter in a URL, is a credential, whatever its value.

    Example:
        >>> secret_header("X-Vault-Token"), secret_header("x-ratelimit-limit-tokens"), secret_header("x-session-id")
        (True, False, False)
    """
    words = _without_number(_words(name))
    if words[-2:-1] == ["token"] and _NUMBER.fullmatch(words[-1]):
        words.pop()
    if not words or _HARMLESS_HEADER.fullmatch(name.lower()) or _is_public(words):
        return False
    return (
        words[-1] in _HEADERS
        or not {"authorization", "cookie", "apikey"}.isdisjoint(words)
        or "".join(words).endswith(
            ("token", "authorization", "credential", "bearer", "secretid", "honeycombteam")
        )
        or _is_secret(name, words)
    )


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


_NUMBER: Final = re.compile(r"v?[0-9]{1,2}")
_NUMBERED: Final = re.compile(r"(.*(?:password|passwd|secret|apikey))[0-9]{1,2}")
_OF_WHICH: Final = frozenset({"prod", "production", "dev", "development", "test", "staging", "live"})


def _without_number(words: list[str]) -> list[str]:
    """Leave out what tells several secrets of one name apart: ``password2``, ``API_KEY_2``, ``DB_PASSWORD_PROD``."""
    if not words:
        return words
    *before, last = words
    if before and before[-1] in _TOLD_APART and (_NUMBER.fullmatch(last) or last in _OF_WHICH):
        return before
    numbered = _NUMBERED.fullmatch(last)
    return [*before, numbered[1]] if numbered else words


# A token with a number is a word of a text.
_TOLD_APART: Final = frozenset({"password", "passwd", "pass", "secret", "key", "apikey", "auth"})


def _is_secret(name: str, words: list[str]) -> bool:
    bare = "".join(words)
    if bare in _EXACT or bare.endswith(_ENDINGS):
        return True
    if _is_public(words):
        return False
    is_variable = name.isupper() and "-" not in name and len(words) > 1 and words[-1] in _VARIABLES
    return is_variable or bare.endswith("token")


def _is_public(words: list[str]) -> bool:
    """Say whether a name is of a token that says where to go on, or of a key that is no secret."""
    last = words[-1]
    before = words[-2] if len(words) > 1 else last.removesuffix("token")
    if last.endswith("token"):
        return before in _NO_SECRET_TOKENS
    return last in {"key", "keys"} and before in _PUBLIC_KEYS


def names_no_secret(key: str, text: str) -> bool:
    """Tell values under a secret's name that are none: empty, replaced already, a working directory."""
    if not text or _REDACTED.fullmatch(text):
        return True
    return key.lower() == "pwd" and _PATH_LIKE.match(text) is not None


NAMES_OF_PAIRS: Final = "name|key|header|variable|field|env"
VALUES_OF_PAIRS: Final = "value|val"
"""How the two members of ``{"name": …, "value": …}`` are called, in any case."""

# How a JSON Schema begins: not with a value of the name that it stands under.
_SCHEMA: Final = re.compile(
    r"(?:[ \t\r\n]|\\+[nrt])*\\*[\"'](?:(?:description|title|properties|anyOf|oneOf|allOf|\$ref|enum|const)\\*[\"']"
    r"|type\\*[\"'](?:[ \t\r\n]|\\+[nrt])*:(?:[ \t\r\n]|\\+[nrt])*"
    r"(?:\[|\\*[\"'](?:string|object|integer|number|boolean|array|null)\\*[\"']))"
)


def schema_begins(text: str, start: int) -> bool:
    """Say whether what an object at some place of a text begins with is a schema."""
    return _SCHEMA.match(text, start) is not None


_OF_SCHEMAS: Final = frozenset(
    {
        *(
            "type",
            "$ref",
            "anyOf",
            "oneOf",
            "allOf",
            "enum",
            "const",
            "description",
            "properties",
            "title",
            "not",
        ),
        *(
            "items",
            "required",
            "format",
            "default",
            "examples",
            "example",
            "pattern",
            "minLength",
            "maxLength",
        ),
        *("minimum", "maximum", "nullable", "deprecated", "additionalProperties", "writeOnly", "readOnly"),
        *("minItems", "maxItems", "uniqueItems", "$defs", "$schema", "$id", "$comment", "strict"),
    }
)
_TYPES: Final = frozenset({"string", "object", "integer", "number", "boolean", "array", "null"})


def is_schema(value: dict[str, Any]) -> bool:
    """Say whether an object describes a value, as JSON Schema does, rather than being one.

    Example:
        >>> is_schema({"type": "string", "description": "the key"}), is_schema({"type": "aws", "value": "x"})
        (True, False)
    """
    kind = value.get("type", "object")
    kinds = kind if isinstance(kind, list) else [kind]
    return bool(value) and value.keys() <= _OF_SCHEMAS and all(each in _TYPES for each in kinds)
