"""Which keys name a secret: ``api_key`` and ``X-Api-Key`` do, ``input_tokens`` and ``page_token`` do not."""

from __future__ import annotations

import functools
import re
from typing import Final

# Compared after lower-casing and dropping everything but letters and digits.
_EXACT: Final = frozenset(
    {
        *("apikey", "apikeys", "pwd", "secret", "secrets", "token", "authorization", "proxyauthorization"),
        *("cookie", "cookies", "setcookie", "credential", "credentials", "jwt", "ocpapimsubscriptionkey"),
        *("accesstoken", "accesskey", "sastoken", "passphrase"),
    }
)
_ENDINGS: Final = (
    *("apikey", "password", "passwords", "passwd", "passphrase", "clientsecret", "appsecret", "secretkey"),
    *("webhooksecret", "consumersecret", "apisecret", "sharedsecret", "signingsecret", "jwtsecret"),
    *("accesskey", "privatekey", "encryptionkey", "signingkey", "accountkey", "subscriptionkey"),
    *("accesstoken", "refreshtoken", "authtoken", "authtokens", "idtoken", "sessiontoken", "bearertoken"),
    *("securitytoken", "apitoken", "bottoken", "oauthtoken", "csrftoken", "xsrftoken", "accesstokens"),
    *("githubtoken", "gitlabtoken", "slacktoken", "hftoken", "npmtoken", "jwttoken", "xauthorization"),
    *("dbpwd", "dbpass", "authcookie", "sessioncookie", "credentials"),
)

# The same for text in which names are not keys yet; spelled out because an assignment in prose must be
# certain. `token`, `secret` and `cookie` alone are words.
_SPELLED: Final = (
    r"(?:api[_-]?key|passw(?:or)?d|passphrase|(?:client|app|api|webhook|shared|signing)[_-]?secret|secret[_-]?key"
    r"|(?:secret[_-]?)?access[_-]?key|private[_-]?key|account[_-]?key|subscription[_-]?key|encryption[_-]?key"
    r"|(?:access|refresh|auth|session|bearer|security|api|bot|oauth)[_-]?token)"
)
_QUOTED_ALSO: Final = r"(?:pwd|secret|id[_-]?token|token|authorization|(?:set-)?cookies?|credentials?)"

# Which of the two patterns below is worth trying on a text.
QUOTED_HINT: Final = rf"(?i:(?:{_SPELLED}|{_QUOTED_ALSO})\\*[\"'][ \t]*:)"
ASSIGNED_HINT: Final = rf"(?i:{_SPELLED}[ \t]*[:=])"

NAME_HINT: Final = (
    r"api[_-]?key|passw|passphrase|secret|authorization|cookie|credential|subscription[_-]?key"
    r"|(?:access|private|account|encryption|signing)[_-]?key|(?:auth|access)[_-]?tokens"
    r"|(?:token|pwd|pass|jwt)[\\]*[\"']?[ \t]*[:=]"
)

# A name that the hint does not know would be replaced in one text and overlooked in another.
_COULD_NAME: Final = re.compile(NAME_HINT, re.IGNORECASE)

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
    bare = re.sub(r"[^a-z0-9]", "", key.lower())
    if bare not in _EXACT and not bare.endswith(_ENDINGS):
        return None
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return "key:" + re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def names_no_secret(key: str, text: str) -> bool:
    """Tell values under a secret's name that are none: empty, replaced already, a working directory."""
    if not text or _REDACTED.fullmatch(text):
        return True
    return key.lower() == "pwd" and _PATH_LIKE.match(text) is not None


_BEFORE: Final = r"[A-Za-z0-9_.-]{0,48}"
_NAME: Final = rf"(?:{_BEFORE}{_SPELLED}|{_QUOTED_ALSO})"

# "api_key": "…" in text that is not JSON as a whole (a cut body, prose around it, a Python dict), at any
# depth of escaping. The value ends at the first quote that is escaped as deeply as the opening one, or with
# the text.
QUOTED: Final = re.compile(
    rf"(?P<q>[\"'])(?P<name>{_NAME})(?P<esc>\\{{0,31}})(?P=q)[ \t]*:[ \t]*(?P=esc)(?P<v>[\"'])"
    r"(?P<secret>(?:(?!(?P=esc)(?P=v)).|(?<!\\)\\(?P=v)){1,65536}?)(?:(?=(?P=esc)(?P=v))|\Z)"
    # A row of log-probabilities, not a credential.
    r"(?!\\*[\"']\s*,\s*\\*[\"'](?:logprob|bytes))",
    re.IGNORECASE | re.DOTALL,
)

# DB_PASSWORD=hunter2, api_key: "abc123": only values with a digit in them and no call or attribute. The rest
# of the name stands before the match: looked for from its start, every word of a text would be tried.
ASSIGNED: Final = re.compile(
    rf"(?P<name>{_SPELLED})[ \t]*[:=][ \t]*(?:\\*[\"'])?"
    r"(?P<secret>(?=[^\s\"'<>;&,()\[\]{}\\$*]*[0-9])[^\s\"'<>;&,()\[\]{}\\$*]{6,})(?![(\[*])",
    re.IGNORECASE,
)
_LEFT: Final = re.compile(rf"{_BEFORE}\Z")


def whole_name(text: str, match: re.Match[str]) -> str:
    """Give the name whose end a pattern matched: ``DB_PASSWORD`` for ``PASSWORD=…``."""
    start = match.start("name")
    left = _LEFT.search(text[max(0, start - 48) : start])
    return (left[0] if left else "") + match["name"]


# What may still become one of the two, at the end of a text that goes on.
OPENING: Final = (
    rf"(?i:\\*[\"']{_NAME}\\*[\"'][ \t]*(?::[ \t]*(?:\\*[\"'](?:[^\"'\\]|\\.)*\\?)?)?)"
    rf"|(?i:{_SPELLED}[ \t]*[:=][ \t]*\\*[\"']?[^\s\"'<>;&,()\[\]{{}}\\]*)"
)
