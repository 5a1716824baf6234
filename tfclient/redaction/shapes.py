r"""What a secret looks like: one rule for each well-known shape, and the one test that clears most text.

A rule's ``pattern`` finds the secret exactly; its ``hint`` is a looser fragment for :func:`suspicious`, which
reads a text once and says whether any rule or secret-named key could have anything to do in it. Nearly
all traffic ends there, unparsed.

Two dialects meet here. Patterns are Python's. Hints are compiled by the Rust ``regex`` engine inside pydantic
(openai depends on it), which runs through a body about ten times faster than ``re`` or a series of ``in``
tests do; where pydantic 1 is installed, ``re`` does it. So hints keep to what both understand: no
look-around, no ``\w``, ``\s`` or ``\b``.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tfclient.redaction.configured import HINT as CONFIGURED_HINT
from tfclient.redaction.names import NAME_HINT, VARIABLE_HINT
from tfclient.redaction.providers import PROVIDERS

try:
    import pydantic_core
except ImportError:  # pydantic 1
    pydantic_core = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A secret starts where no letter, digit, '-' or '_' stands before it. In text that is still JSON-escaped the
# character before may be the tail of an escape: the n of "\n", or four hex digits.
_ESCAPES: Final = (r"\\[nrtbf]", r"\\u[0-9A-Fa-f]{4}")
_STARTS: Final = "(?:" + "|".join(["(?<![A-Za-z0-9_-])", *(f"(?<={escape})" for escape in _ESCAPES)]) + ")"
_STARTS_ALONE: Final = _STARTS + "(?<![+/])"
_BEFORE: Final = rf"(?:\A|[^A-Za-z0-9_-]|{'|'.join(_ESCAPES)})"
"""The same where something may begin that is not there yet; without look-behind, which hints do not know."""


class Rule(NamedTuple):
    """One shape of secret."""

    name: str
    hint: str
    pattern: str
    opening: str
    """What may still grow into a match, at the end of a text that goes on; in both dialects."""
    accept: Callable[[str], bool] | None = None
    begins: tuple[str, ...] = ()
    """Words of which it begins with one; a search for them is faster than one for the pattern."""
    holds: tuple[str, ...] = ()
    """Words of which it has one, further on."""

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Find what has this shape; the pattern is compiled when it is first of use."""
        for word in self.begins:
            at = text.find(word)
            while at >= 0:
                match = _compiled(self.pattern).match(text, at)
                if match is not None:
                    yield match
                at = text.find(word, at + 1 if match is None else match.end())
        if not self.begins and (not self.holds or any(word in text for word in self.holds)):
            yield from _compiled(self.pattern).finditer(text)


_compiled: Final = functools.cache(re.compile)


def _prefixed(
    name: str,
    prefixes: tuple[str, ...],
    body: str,
    length: str,
    *,
    accept: Callable[[str], bool] | None = None,
    alone: bool = False,
) -> Rule:
    """A rule for tokens made of a fixed prefix and a run of characters."""
    plain = _any_of(prefixes)
    begun = dict.fromkeys(re.escape(prefix[:n]) for prefix in prefixes for n in range(len(prefix) - 1, 2, -1))
    least = re.match(r"\{(\d+)", length)
    hint_length = min(int(least[1]), 20) if least else 1
    return Rule(
        name,
        hint=rf"{plain}[{body}]{{{hint_length}}}",
        pattern=rf"{_STARTS_ALONE if alone else _STARTS}{plain}[{body}]{length}(?![{'+/=' if alone else ''}{body}])",
        opening=rf"{_BEFORE}(?:{'|'.join([rf'{plain}[{body}]*', *begun])})",
        accept=accept,
        begins=prefixes,
    )


def _any_of(words: tuple[str, ...]) -> str:
    return re.escape(words[0]) if len(words) == 1 else f"(?:{'|'.join(map(re.escape, words))})"


def _random_looking(secret: str) -> bool:
    """Tell a key from a hyphenated phrase such as ``sk-learn-estimators-in-python-3``."""
    tail = secret.split("-", 1)[-1]
    known = ("proj-", "svcacct-", "admin-", "service-", "or-v1-")
    if tail.startswith(known):
        return True
    if not any(c.isdigit() for c in tail):
        return False
    return any(c.isupper() for c in tail) or max(map(len, re.split(r"[-_]", tail))) >= 12


def _has_digit(secret: str) -> bool:
    return any(c.isdigit() for c in secret)


def _is_mixed(secret: str) -> bool:
    return _has_digit(secret) and secret != secret.lower() and secret != secret.upper()


def _has_private_key(base64_text: str) -> bool:
    """Tell a private key in base64 from a certificate: both begin as PEM does."""
    return any(word in base64_text for word in _PRIVATE_KEY_IN_BASE64)


def _is_user(secret: str) -> bool:
    """Tell a token before a URL's host from a user's name: ``git@`` is one."""
    return len(secret) >= 8 and (_has_digit(secret) or _is_mixed(f"{secret}1"))


def _is_basic(secret: str) -> bool:
    """Basic credentials are base64 of ``user:password``; "Basic understanding" is not."""
    try:
        plain = base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return ":" in plain and plain.isprintable()


_NEEDS: Final[dict[str, Callable[[str], bool] | None]] = {"": None, "digit": _has_digit, "mixed": _is_mixed}
_PRIVATE_KEY_IN_BASE64: Final = ("UFJJVkFURSBLRVkt", "QUklWQVRFIEtFWS", "BSSVZBVEUgS0VZ")
"""PRIVATE KEY- as base64 has it, for each of the three places where it can begin."""

_USER_IN_URL: Final = r"(?::/|:\\)[/\\]*/[^/@\" \t\r\n]{0,512}@"

_WORD: Final = "A-Za-z0-9_"
_SLUG: Final = "A-Za-z0-9_-"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "private_key",
        "PRIVATE KEY",
        r"(?s:-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:(?!-----BEGIN ).){0,65536}?-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"|[A-Za-z0-9+/=\s\\]*))",
        r"-{3,5}|-----B[^-]*-{0,5}[^-]*(?:-{1,5}[^-]*-{0,4})?",
    ),
    _prefixed("anthropic_key", ("sk-ant-",), _SLUG, "{16,}"),
    _prefixed("openai_key", ("sk-",), _SLUG, "{16,}", accept=_random_looking),
    _prefixed("openai_session_key", ("sess-",), "A-Za-z0-9", "{20,}", accept=_has_digit),
    _prefixed("openai_ephemeral_key", ("ek_",), _WORD, "{20,}", accept=_has_digit),
    _prefixed("aws_key_id", ("AKIA", "ASIA"), "A-Z0-9", "{16}"),
    _prefixed("github_token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "A-Za-z0-9", "{30,}"),
    _prefixed("github_token", ("github_pat_",), _WORD, "{22,}"),
    _prefixed("gitlab_token", ("glpat-",), _SLUG, "{16,}"),
    _prefixed("slack_token", tuple(f"xox{kind}-" for kind in "abeoprs"), "A-Za-z0-9-", "{10,}"),
    _prefixed("slack_token", ("xapp-",), "A-Za-z0-9-", "{10,}", accept=_has_digit),
    _prefixed("google_key", ("AIza",), _SLUG, "{35,}"),
    _prefixed("google_token", ("ya29.",), _SLUG, "{20,}"),
    _prefixed("stripe_key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_"), "A-Za-z0-9", "{10,}"),
    _prefixed("stripe_key", ("whsec_",), "A-Za-z0-9+/", "{20,}"),
    _prefixed("npm_token", ("npm_",), "A-Za-z0-9", "{30,}"),
    _prefixed("huggingface_token", ("hf_",), "A-Za-z0-9", "{20,}"),
    _prefixed("groq_key", ("gsk_",), "A-Za-z0-9", "{20,}"),
    _prefixed("xai_key", ("xai-",), "A-Za-z0-9", "{20,}"),
    _prefixed("pypi_token", ("pypi-AgE",), _SLUG, "{20,}"),
    *(
        _prefixed(
            each.rule, each.prefixes, each.body, each.length, accept=_NEEDS[each.needs], alone=each.alone
        )
        for each in PROVIDERS
    ),
    Rule(
        "private_key",
        "|".join(_PRIVATE_KEY_IN_BASE64),
        rf"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]*(?:{'|'.join(_PRIVATE_KEY_IN_BASE64)})[A-Za-z0-9+/]*={{0,2}}"
        rf"(?:(?:\s|\\[nr])+[A-Za-z0-9+/]{{40,}}={{0,2}})*",
        r"LS0(?:t[A-Za-z0-9+/=]*)?",
        holds=_PRIVATE_KEY_IN_BASE64,
    ),
    Rule(
        "sendgrid_key",
        r"SG\.[A-Za-z0-9_-]{16}",
        rf"{_STARTS}SG\.[A-Za-z0-9_-]{{16,}}\.[A-Za-z0-9_-]{{16,}}",
        rf"{_BEFORE}SG\.[A-Za-z0-9_.-]*",
        begins=("SG.",),
    ),
    Rule(
        "telegram_token",
        r":AA[A-Za-z0-9_-]{30}",
        r"(?<![0-9])[0-9]{6,12}:AA[A-Za-z0-9_-]{30,}",
        r"[0-9]{6,12}(?::(?:A(?:A[A-Za-z0-9_-]*)?)?)?",
        holds=(":AA",),
    ),
    Rule(
        "discord_token",
        r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
        rf"{_STARTS}[MNO][A-Za-z0-9_-]{{23,25}}\.[A-Za-z0-9_-]{{6}}\.[A-Za-z0-9_-]{{27,}}",
        rf"{_BEFORE}[MNO][A-Za-z0-9_-]{{8,25}}(?:\.[A-Za-z0-9_-]{{0,6}}(?:\.[A-Za-z0-9_-]*)?)?",
        accept=_has_digit,
    ),
    Rule(
        "webhook_url",
        r"api/webhooks/|hooks\.slack\.com/|/webhookb2/",
        r"(?:/api/webhooks/[0-9]+/|hooks\.slack\.com/(?:services|workflows|triggers)/|/webhookb2/)"
        r"(?P<secret>[A-Za-z0-9_/@+-]{20,})",
        r"(?:/api/webhooks/|hooks\.slack\.com/|/webhookb2/)[^\s\"'<>\\]*",
    ),
    Rule(
        "azure_client_secret",
        r"Q~[A-Za-z0-9_~.-]{30}",
        r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{30,36}",
        r"[A-Za-z0-9_~.]{3}[0-9]Q(?:~[A-Za-z0-9_~.-]*)?",
        holds=("Q~",),
    ),
    Rule(
        "onepassword_key",
        r"A3-[A-Z0-9]{6}-[A-Z0-9]{6}",
        rf"{_STARTS}A3-[A-Z0-9]{{6}}-(?:[A-Z0-9]{{11}}|[A-Z0-9]{{6}}-[A-Z0-9]{{5}})(?:-[A-Z0-9]{{5}}){{3}}",
        rf"{_BEFORE}A3-[A-Z0-9-]*",
        begins=("A3-",),
    ),
    Rule(
        "airtable_token",
        r"pat[A-Za-z0-9]{14}\.[0-9a-f]{32}",
        rf"{_STARTS}pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}}",
        rf"{_BEFORE}pat[A-Za-z0-9]*(?:\.[0-9a-f]*)?",
        begins=("pat",),
    ),
    Rule(
        "harness_token",
        r"(?:pat|sat)\.[A-Za-z0-9_-]{22}\.",
        rf"{_STARTS}[ps]at\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9]{{24}}\.[A-Za-z0-9]{{20}}",
        rf"{_BEFORE}[ps]at\.[A-Za-z0-9_.-]*",
        begins=("pat.", "sat."),
    ),
    Rule(
        "hubspot_token",
        r"pat-(?:na|eu|ap)",
        rf"{_STARTS}pat-(?:na|eu|ap)[0-9]-[0-9a-f-]{{36}}",
        rf"{_BEFORE}pat-[a-z0-9-]*",
        begins=("pat-",),
    ),
    Rule(
        "plaid_token",
        r"access-(?:sandbox|development|production)-",
        rf"{_STARTS}access-(?:sandbox|development|production)-[0-9a-f-]{{36}}",
        rf"{_BEFORE}access-[a-z0-9-]*",
        begins=("access-",),
    ),
    Rule(
        "terraform_token",
        r"\.atlasv1\.",
        rf"{_STARTS}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{40,}}",
        rf"{_BEFORE}[A-Za-z0-9]{{14}}\.[A-Za-z0-9_.=-]*",
        holds=(".atlasv1.",),
    ),
    Rule(
        "authress_key",
        r"\.acc[_-][a-z0-9-]{10}",
        rf"{_STARTS}(?:sc|ext|scauth|authress)_[A-Za-z0-9]{{5,30}}\.[A-Za-z0-9]{{4,6}}\.acc[_-][a-z0-9-]{{10,32}}"
        r"\.[A-Za-z0-9+/_=-]{30,120}",
        rf"{_BEFORE}(?:sc|ext|scauth|authress)_[A-Za-z0-9]{{5,30}}\.[A-Za-z0-9+/_.=-]*",
        begins=("sc_", "ext_", "scauth_", "authress_"),
    ),
    Rule(
        "resend_key",
        r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20}",
        rf"{_STARTS}re_[A-Za-z0-9]{{8}}_[A-Za-z0-9]{{20,}}",
        rf"{_BEFORE}re_[A-Za-z0-9_]*",
        accept=_is_mixed,
        begins=("re_",),
    ),
    Rule(
        "dropbox_token",
        r"sl\.[A-Za-z0-9_-]{64}",
        rf"{_STARTS}sl\.[A-Za-z0-9_-]{{120,}}",
        rf"{_BEFORE}sl\.[A-Za-z0-9_-]*",
        begins=("sl.",),
    ),
    Rule(
        "mailchimp_key",
        r"-us[12]",
        r"(?<![0-9A-Za-z_-])[0-9a-f]{32}-us[0-9]{1,2}(?![0-9A-Za-z_-])",
        rf"{_BEFORE}[0-9a-f]{{32}}(?:-(?:u(?:s[0-9]*)?)?)?",
        holds=("-us1", "-us2"),
    ),
    Rule(
        "maxmind_key",
        r"_mmk",
        rf"{_STARTS}[A-Za-z0-9]{{6}}_[A-Za-z0-9]{{29}}_mmk",
        rf"{_BEFORE}[A-Za-z0-9]{{6}}_[A-Za-z0-9]{{8,29}}_?m?m?",
        holds=("_mmk",),
    ),
    Rule(
        "jwt",
        r"eyJ[A-Za-z0-9_-]{4,}\.eyJ",
        r"eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,3}",
        r"eyJ[A-Za-z0-9_.-]*",
    ),
    Rule(
        "bearer",
        r"(?i:bearer)[ \t]+[A-Za-z0-9._~+/=-]{12}",
        r"(?i:bearer)[ \t]+(?P<secret>[A-Za-z0-9._~+/=-]{12,})",
        r"(?i:bearer)[ \t]*[A-Za-z0-9._~+/=-]*",
        accept=_has_digit,
    ),
    Rule(
        "basic_auth",
        r"(?i:basic)[ \t]+[A-Za-z0-9+/]{8}",
        r"(?i:basic)[ \t]+(?P<secret>[A-Za-z0-9+/]{8,}={0,2})",
        r"(?i:basic)[ \t]+[A-Za-z0-9+/]*=?",
        accept=_is_basic,
    ),
    Rule(
        "url_credentials",
        _USER_IN_URL,
        r"://(?P<secret>[^\s/@:\"'<>\\]{0,256}:[^\s/@\"'<>\\]{1,256})(?=@)",
        r"://[^\s/@\"'<>\\]*",
    ),
    Rule(
        "url_credentials",
        _USER_IN_URL,
        r"(?:https?|wss?|ssh|git)(?:\+[a-z]{2,5})?://(?P<secret>[^\s/@:\"'<>\\{}$]{8,512})(?=@)",
        r"://[^\s/@\"'<>\\]*",
        accept=_is_user,
    ),
    Rule(
        "url_signature",
        r"(?i:sig|signature|security-token)=[^& \t\r\n\"]{16}",
        (
            r"[?&;](?i:sig|x-amz-signature|x-amz-security-token|x-goog-signature)="
            r"(?P<secret>[^&;\s\"'<>\\#]{16,})"
        ),
        r"[?&;](?i:sig|x-amz-signature|x-amz-security-token|x-goog-signature)=[^&;\s\"'<>\\#]*",
    ),
    Rule(
        "connection_string",
        r"(?i:;[ \t\r\n]*(?:password|pwd)|accountkey|sharedaccesskey)[ \t\r\n]*=",
        (r"(?:;\s*(?i:password|pwd)|(?i:accountkey|sharedaccesskey))\s*=\s*(?P<secret>[^;\s\"'<>\\]+)"),
        r"(?:;\s*(?i:password|pwd)|(?i:accountkey|sharedaccesskey))\s*=\s*[^;\s\"'<>\\]*",
    ),
)

# "\u00xx" and "\/" may hide any part of a secret from a test that reads escaped text.
_ESCAPED_ASCII: Final = r"\\u00[2-7]"

_HINTS: Final = tuple(dict.fromkeys(rule.hint for rule in RULES))
HINT: Final = "|".join([*_HINTS, f"(?i:{NAME_HINT})", VARIABLE_HINT, CONFIGURED_HINT, _ESCAPED_ASCII])
"""What could be a secret, or name one; in the dialect of ``fast_test``."""


def fast_test(pattern: str) -> Callable[[str | bytes], bool]:
    """Compile a pattern that both dialects know into a test of whole texts, UTF-8 or strings."""
    test = bytes_test(pattern)
    # A lone surrogate has no UTF-8, and the validator would answer no for the whole text.
    return lambda text: test(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))


def bytes_test(pattern: str) -> Callable[[bytes], bool]:
    """Compile a pattern that both dialects know into a test of UTF-8; what is no UTF-8 is not looked at."""
    if pydantic_core is None:
        found = re.compile(pattern.replace(r"\z", r"\Z")).search
        return lambda data: found(data.decode("utf-8", "replace")) is not None
    schema = pydantic_core.core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
    return pydantic_core.SchemaValidator(schema).isinstance_python


_suspicious = bytes_test(HINT)
_TOGETHER: Final = 16
_GROUPS: Final = [
    (bytes_test("|".join(rule.hint for rule in group)), group)
    for group in (RULES[n : n + _TOGETHER] for n in range(0, len(RULES), _TOGETHER))
]


def rules_for(text: str) -> list[Rule]:
    """Give the rules that may find something in a text.

    Example:
        >>> "aws_key_id" in [rule.name for rule in rules_for("AKIAIOSFODNN7EXAMPLE")]
        True
    """
    data = text.encode("utf-8", "replace")
    return [rule for test, group in _GROUPS if test(data) for rule in group]


_MEDIA: Final = b";base64,"
_LONG_RUN: Final = 16 * 1024
_AROUND: Final = 512
_NOT_IN_MEDIA: Final = b"-_.:= \t\r\n\\"
"""Each shape, and each name with its value, has one of these in it; but three shapes of letters and digits, which
are none where a letter or a digit stands before them."""

_letters_only: Final = bytes_test("[+/](?:AKIA|ASIA|AIza)")


def _without_media(data: bytes) -> bytes:
    """Leave out the middle of long media in base64, where no rule finds anything: it holds no punctuation.

    Both ends stay, so that what lies across them is seen; so does a run that could hold one of the few secrets
    which are letters and digits throughout.
    """
    kept: list[bytes] = []
    done = 0
    at = data.find(_MEDIA)
    only_letters: bool | None = None
    while at >= 0:
        begin = at + len(_MEDIA)
        end = data.find(b'"', begin)
        if end < 0:
            end = len(data)
        first, last = begin + _AROUND, end - _AROUND
        # Looked through where it lies: a copy of so much costs more than looking.
        if end - begin >= _LONG_RUN and not any(data.find(byte, first, last) >= 0 for byte in _NOT_IN_MEDIA):
            if only_letters is None:
                only_letters = _letters_only(data)
            if only_letters:
                break
            kept.append(data[done:first])
            done = last
        at = data.find(_MEDIA, end)
    return b"".join([*kept, data[done:]]) if kept else data


def suspicious(text: str | bytes) -> bool:
    """Say whether a secret could be in a text; most often not, at about 1 ns a byte.

    Args:
        text: UTF-8 bytes or a string, JSON-escaped or not.

    Example:
        >>> suspicious('{"usage": {"input_tokens": 12}}'), suspicious('{"api_key": "x"}')
        (False, True)
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return _suspicious(_without_media(data) if len(data) > _LONG_RUN else data)
