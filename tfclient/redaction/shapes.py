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
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tfclient.redaction.names import NAME_HINT

try:
    import pydantic_core
except ImportError:  # pydantic 1
    pydantic_core = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

# A secret starts where no letter, digit, '-' or '_' stands before it. In text that is still JSON-escaped the
# character before may be the tail of an escape: the n of "\n", or four hex digits.
_ESCAPES: Final = (r"\\[nrtbf]", r"\\u[0-9A-Fa-f]{4}")


class Rule(NamedTuple):
    """One shape of secret."""

    name: str
    hint: str
    pattern: re.Pattern[str]
    opening: str
    """What may still grow into a match, at the end of a text that goes on; in both dialects."""
    accept: Callable[[str], bool] | None = None


def _prefixed(
    name: str,
    prefix: str,
    body: str,
    length: str,
    *,
    like: str | None = None,
    accept: Callable[[str], bool] | None = None,
) -> Rule:
    """A rule for tokens made of a fixed prefix and a run of characters.

    ``like`` is a pattern for this prefix and its kin, so that they share a hint.
    """
    plain = re.escape(prefix)
    before = "|".join([rf"(?<![A-Za-z0-9_-]{plain})", *(rf"(?<={escape}{plain})" for escape in _ESCAPES)])
    begun = "|".join(re.escape(prefix[:n]) for n in range(len(prefix) - 1, 2, -1))
    least = re.match(r"\{(\d+)", length)
    hint_length = min(int(least[1]), 16) if least else 1
    return Rule(
        name,
        hint=rf"{like or re.escape(prefix)}[{body}]{{{hint_length}}}",
        # The literal goes first and the look-behind after it: `re` then skips ahead to the literal.
        pattern=re.compile(rf"{plain}(?:{before})[{body}]{length}(?![{body}])"),
        opening=rf"{plain}[{body}]*{'|' + begun if begun else ''}",
        accept=accept,
    )


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


def _is_basic(secret: str) -> bool:
    """Basic credentials are base64 of ``user:password``; "Basic understanding" is not."""
    try:
        plain = base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return ":" in plain and plain.isprintable()


_WORD: Final = "A-Za-z0-9_"
_SLUG: Final = "A-Za-z0-9_-"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "private_key",
        "PRIVATE KEY",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:(?!-----BEGIN ).){0,65536}?-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
            r"|[A-Za-z0-9+/=\s\\]*)",
            re.DOTALL,
        ),
        r"-{3,5}|-----B[^-]*-{0,5}[^-]*(?:-{1,5}[^-]*-{0,4})?",
    ),
    _prefixed("anthropic_key", "sk-ant-", _SLUG, "{16,}", like=re.escape("sk-")),
    _prefixed("openai_key", "sk-", _SLUG, "{16,}", accept=_random_looking),
    _prefixed("openai_session_key", "sess-", "A-Za-z0-9", "{20,}", accept=_has_digit),
    _prefixed("openai_ephemeral_key", "ek_", _WORD, "{20,}", accept=_has_digit),
    *(_prefixed("aws_key_id", f"A{kind}IA", "A-Z0-9", "{16}", like="A[KS]IA") for kind in "KS"),
    *(_prefixed("github_token", f"gh{kind}_", "A-Za-z0-9", "{30,}", like="gh[pousr]_") for kind in "pousr"),
    _prefixed("github_token", "github_pat_", _WORD, "{22,}"),
    _prefixed("gitlab_token", "glpat-", _SLUG, "{16,}"),
    *(_prefixed("slack_token", f"xox{kind}-", "A-Za-z0-9-", "{10,}", like="xox[a-z]-") for kind in "abeoprs"),
    _prefixed("slack_token", "xapp-", "A-Za-z0-9-", "{10,}", accept=_has_digit),
    _prefixed("google_key", "AIza", _SLUG, "{35,}"),
    _prefixed("google_token", "ya29.", _SLUG, "{20,}"),
    *(
        _prefixed("stripe_key", f"{kind}_{mode}_", "A-Za-z0-9", "{10,}", like="[sr]k_(?:live|test)_")
        for kind in ("sk", "rk")
        for mode in ("live", "test")
    ),
    _prefixed("stripe_key", "whsec_", "A-Za-z0-9+/", "{20,}"),
    _prefixed("npm_token", "npm_", "A-Za-z0-9", "{30,}"),
    _prefixed("huggingface_token", "hf_", "A-Za-z0-9", "{20,}"),
    _prefixed("groq_key", "gsk_", "A-Za-z0-9", "{20,}"),
    _prefixed("xai_key", "xai-", "A-Za-z0-9", "{20,}"),
    _prefixed("pypi_token", "pypi-AgE", _SLUG, "{20,}"),
    Rule(
        "jwt",
        r"eyJ[A-Za-z0-9_-]{4,}\.eyJ",
        re.compile(r"eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,3}"),
        r"eyJ[A-Za-z0-9_.-]*",
    ),
    Rule(
        "bearer",
        r"(?i:bearer)[ \t]+[A-Za-z0-9._~+/=-]{12}",
        re.compile(r"(?i:bearer)[ \t]+(?P<secret>[A-Za-z0-9._~+/=-]{12,})"),
        r"(?i:bearer)[ \t]*[A-Za-z0-9._~+/=-]*",
        accept=_has_digit,
    ),
    Rule(
        "basic_auth",
        r"(?i:basic)[ \t]+[A-Za-z0-9+/]{8}",
        re.compile(r"(?i:basic)[ \t]+(?P<secret>[A-Za-z0-9+/]{8,}={0,2})"),
        r"(?i:basic)[ \t]+[A-Za-z0-9+/]*=?",
        accept=_is_basic,
    ),
    Rule(
        "url_credentials",
        r":\\*/\\*/[^/@\" \t\r\n]{0,512}@",
        re.compile(r"://(?P<secret>[^\s/@:\"'<>\\]{0,256}:[^\s/@\"'<>\\]{1,256})(?=@)"),
        r"://[^\s/@\"'<>\\]*",
    ),
    Rule(
        "url_signature",
        r"(?i:sig|signature|security-token)=[^& \t\r\n\"]{16}",
        re.compile(
            r"[?&;](?i:sig|x-amz-signature|x-amz-security-token|x-goog-signature)="
            r"(?P<secret>[^&;\s\"'<>\\#]{16,})"
        ),
        r"[?&;](?i:sig|x-amz-signature|x-amz-security-token|x-goog-signature)=[^&;\s\"'<>\\#]*",
    ),
    Rule(
        "connection_string",
        r"(?i:;[ \t]*(?:password|pwd)|accountkey|sharedaccesskey)[ \t]*=",
        re.compile(
            r"(?:;\s*(?i:password|pwd)|(?i:accountkey|sharedaccesskey))\s*=\s*(?P<secret>[^;\s\"'<>\\]+)"
        ),
        r"(?:;\s*(?i:password|pwd)|(?i:accountkey|sharedaccesskey))\s*=\s*[^;\s\"'<>\\]*",
    ),
)

# "\u00xx" and "\/" may hide any part of a secret from a test that reads escaped text.
_ESCAPED_ASCII: Final = r"\\u00[2-7]"

_HINTS: Final = tuple(dict.fromkeys(rule.hint for rule in RULES))
HINT: Final = "|".join([*_HINTS, f"(?i:{NAME_HINT})", _ESCAPED_ASCII])
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


_IN_GROUPS: Final = 1024
"""Characters above which several small tests, each of which the engine does with vector instructions, are faster
than one of everything."""

_LONG_S_AND_KELVIN: Final = ("\u017f".encode(), "\u212a".encode())
"""Letters that are an s and a k to a pattern that ignores case, and not to ``bytes.lower``."""

_suspicious = bytes_test(HINT)
_exact_hints: Final = [hint for hint in _HINTS if "(?i:" not in hint]
_folded_hints: Final = [hint.replace("(?i:", "(?:") for hint in _HINTS if "(?i:" in hint]
_prefixes: Final = bytes_test("|".join(_exact_hints[:11]))
_more_prefixes: Final = bytes_test("|".join(_exact_hints[11:19]))
_others: Final = bytes_test("|".join([*_exact_hints[19:], _ESCAPED_ASCII]))
_names: Final = bytes_test(NAME_HINT)
_folded: Final = bytes_test("|".join(_folded_hints))


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
    if len(data) < _IN_GROUPS or pydantic_core is None:
        return _suspicious(data)
    if len(data) > _LONG_RUN:
        data = _without_media(data)
    if not data.isascii() and any(letter in data for letter in _LONG_S_AND_KELVIN):
        return _suspicious(data)
    if _prefixes(data) or _more_prefixes(data) or _others(data):
        return True
    folded = data.lower()
    return _names(folded) or _folded(folded)
