"""Secrets that are known by a name beside them, in text that is not JSON as a whole.

A cut body, prose around an object, a Python dict, a piece of a stream; a ``.env`` file, a log, the headers of a
``curl`` command, a URL, a form. What is JSON is walked instead (see :mod:`tfclient.redaction.walk`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from tfclient.redaction import configured
from tfclient.redaction.names import (
    ENDS,
    NAMES_OF_PAIRS,
    SPELLED,
    TAILS,
    VALUES_OF_PAIRS,
    names_no_secret,
    schema_begins,
    secret_header,
    secret_name,
)
from tfclient.redaction.shapes import fast_test

Span = tuple[int, int, str]
"""Where a secret starts and ends, and its rule."""

_SPACE: Final = r"(?:[ \t\r\n]|\\+[nrt])*"
_BEFORE: Final = r"[A-Za-z0-9_.-]{0,48}"
_LONGEST: Final = 1 << 16

# "api_key": "…" at any depth of escaping, or "credentials": {…}. The value ends at the first quote that is
# escaped as deeply as the opening one, or with the text.
_QUOTED: Final = re.compile(
    rf"(?P<q>[\"'])(?P<name>{_BEFORE}{ENDS})(?P<esc>\\{{0,31}})(?P=q){_SPACE}:{_SPACE}"
    r"(?:(?P=esc)(?P<v>[\"'])|(?P<open>[\[{]))",
    re.IGNORECASE,
)
# A row of log-probabilities, not a credential.
_LOGPROB: Final = re.compile(r"\\*[\"']\s*,\s*\\*[\"'](?:logprob|bytes)")

# "name": "DB_PASSWORD", "value": "…", with no more than a few members between.
_PAIR: Final = re.compile(
    rf"[\"'](?:{NAMES_OF_PAIRS})(?P<esc>\\{{0,31}})(?P<q>[\"']){_SPACE}:{_SPACE}(?P=esc)(?P=q)"
    rf"(?P<name>[A-Za-z0-9_.-]{{1,64}})(?P=esc)(?P=q)"
    rf"(?P<then>(?:{_SPACE},{_SPACE}(?P=esc)(?P=q)[A-Za-z_]{{1,32}}(?P=esc)(?P=q){_SPACE}:{_SPACE}"
    rf"(?:(?P=esc)(?P=q)[^\"'\\]{{0,256}}(?P=esc)(?P=q)|[a-z0-9.]{{1,32}})){{0,3}}?"
    rf"{_SPACE},{_SPACE}(?P=esc)(?P=q)(?:{VALUES_OF_PAIRS})(?P=esc)(?P=q){_SPACE}:{_SPACE}(?P=esc)(?P<v>[\"']))?",
    re.IGNORECASE,
)
# The other way round.
_VALUE: Final = re.compile(
    rf"[\"'](?:{VALUES_OF_PAIRS})(?P<esc>\\{{0,31}})(?P<q>[\"']){_SPACE}:{_SPACE}(?P=esc)(?P<v>[\"'])",
    re.IGNORECASE,
)
_COMMA: Final = re.compile(rf"{_SPACE},{_SPACE}\\*\Z")

# api_key: abc123, x-vault-token=…: only values with a digit in them and no call or attribute. The rest of the
# name stands before the match: looked for from its start, every word of a text would be tried.
_BARE: Final = r"[^\s\"'<>;&,()\[\]{}\\$*`|]"
_WITH_DIGIT: Final = rf"(?P<secret>(?={_BARE}{{0,256}}[0-9]){_BARE}{{6,}})(?![(\[*]|{_BARE})"
_ASSIGNED: Final = re.compile(
    rf"(?:(?P<name>{SPELLED})[ \t]*[:=][ \t]*|(?P<tail>{TAILS})(?:=|:[ \t]*))(?:\\*[\"'])?{_WITH_DIGIT}",
    re.IGNORECASE,
)
_LEFT: Final = re.compile(rf"{_BEFORE}\Z")
# With or without a scheme: "Authorization: token abc123".
_AUTHORIZATION: Final = re.compile(
    rf"authorization\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?(?:[a-z-]{{2,20}}[ \t]+)?{_WITH_DIGIT}",
    re.IGNORECASE,
)
_COOKIE: Final = re.compile(
    r"cookie2?[ \t]*:[ \t]*(?P<secret>[A-Za-z0-9_.$-]{1,128}=[^\r\n\"'<>\\]+)", re.IGNORECASE
)
_PARAMETER: Final = re.compile(
    rf"(?:\A(?=\S*\Z)|[?&;])(?P<name>[A-Za-z0-9_.\[\]-]{{0,48}}{ENDS})=(?P<secret>(?![{{$]|%[^0-9A-F])[^&;\s\"'<>\\#]{{4,}})",
    re.IGNORECASE,
)
# A field of a form, up to the boundary.
_LINE_END: Final = r"(?:\r?\n|(?:\\r)?\\n)"
_FIELD: Final = re.compile(
    rf"form-data;[ \t]*name=\\*[\"'](?P<name>[A-Za-z0-9_.\[\]-]{{1,64}})\\*[\"']"
    rf"(?:(?!{_LINE_END}).){{0,256}}{_LINE_END}(?:(?!{_LINE_END}).{{1,256}}?{_LINE_END}){{0,4}}{_LINE_END}",
    re.IGNORECASE,
)
_BOUNDARY: Final = re.compile(rf"{_LINE_END}--")

_OF_VARIABLES: Final = (
    "SECRET_KEY_BASE|TOKEN|SECRETS?|PASS|PASSWORD|PASSWD|PASSPHRASE|PWD|KEY|AUTH|PAT|JWT|CREDENTIALS?|COOKIE"
)
# DB_PASS=…, TOKEN="…", JWT_SECRET: … with nothing behind it: a variable is a secret whatever its value.
_VARIABLE: Final = re.compile(
    rf"(?P<name>(?:{_OF_VARIABLES})(?:_?[0-9]{{1,2}}|_(?:PROD|PRODUCTION|DEV|DEVELOPMENT|TEST|STAGING|LIVE))?)"
    r"(?:(?P<quoted>[ \t]*[:=][ \t]*)(?P<esc>\\{0,31})(?P<v>[\"'])"
    rf"|(?P<colon>:[ \t]+|=)(?P<secret>{_BARE}+)(?P<end>[ \t]*(?:[\r\n]|\\[nr]|\Z))?(?![(\[{{]|{_BARE}))"
)
_NAME_LEFT: Final = re.compile(
    r"(?:(?<![a-z.$-])|(?<=\\[nrt]))[A-Z][A-Z0-9_]{0,63}\Z|\A\Z|(?<=[^A-Za-z0-9_$])\Z|(?<=\\[nrt])\Z"
)
_NO_VALUE: Final = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|nil|undefined|[0-9]{1,4}[.,:]?|your[-_ ].*|x{3,}|[.…]+|[$<{[%].*"
    r"|(?:os|process|self|settings|config|secrets|env|environ|import)[.\[].*|)",
    re.IGNORECASE | re.DOTALL,
)


@functools.cache
def _of_object(esc: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(esc)}(?P<v>[\"'])|[\[\]{{}}]")


@functools.cache
def _quotes(quote: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\\)\\*{quote}")


def _string_end(text: str, start: int, esc: str, quote: str) -> int:
    """Say where a string ends whose opening quote is escaped so deeply: at its closing quote, or with the text."""
    deep = len(esc)
    for match in _quotes(quote).finditer(text, start, start + _LONGEST):
        count = len(match[0]) - 1
        if count <= deep:
            return match.end() - 1 - count
        # Each level of JSON in a string doubles the backslashes, and adds one to the quote.
        level = deep
        while level:
            count = (count - 1) // 2
            level //= 2
        if count % 2 == 0:
            return match.end() - 1 - deep
    return len(text)


def _inside(text: str, start: int, esc: str) -> tuple[list[tuple[int, int]], int]:
    """Give the texts in an object or a list, but for the names in it, and where it ends."""
    found: list[tuple[int, int]] = []
    depth, at = 1, start
    pattern = _of_object(esc)
    while depth:
        match = pattern.search(text, at)
        if match is None:
            return found, len(text)
        at = match.end()
        if match["v"] is None:
            depth += 1 if match[0] in "[{" else -1
            continue
        end = _string_end(text, at, esc, match["v"])
        after = end + len(esc) + 1
        if _COLON.match(text, after) is None and not names_no_secret("", text[at:end]):
            found.append((at, end))
        at = after
    return found, at


_COLON: Final = re.compile(rf"{_SPACE}:")


def _quoted(text: str) -> Iterator[tuple[int, Span]]:
    at = 0
    while (match := _QUOTED.search(text, at)) is not None:
        at = match.end()
        rule = secret_name(match["name"])
        if match["open"]:
            if (rule or match["name"].lower() == "auth") and not schema_begins(text, at):
                spans, at = _inside(text, at, match["esc"])
                yield from ((match.start(), (*span, rule or "key:auth")) for span in spans)
                if at == len(text):
                    yield match.start(), (at, at, rule or "key:auth")
        elif rule is not None:
            end = _string_end(text, at, match["esc"], match["v"])
            if _LOGPROB.match(text, end) is None and not names_no_secret(match["name"], text[at:end]):
                yield match.start(), (at, end, rule)
                at = end
            elif end == len(text):
                yield match.start(), (end, end, rule)


def _pairs(text: str) -> Iterator[tuple[int, Span]]:
    for match in _PAIR.finditer(text):
        if not _named(match["name"]):
            continue
        rule = _rule(match["name"])
        if match["then"]:
            start, begun = match.end(), match.start()
            end = _string_end(text, start, match["esc"], match["v"])
        else:
            before = _before_comma(text, match.start())
            if before is None:
                continue
            begun, start, end = before
        if not names_no_secret(match["name"], text[start:end]):
            yield begun, (start, end, rule)


def _before_comma(text: str, end: int) -> tuple[int, int, int] | None:
    """Give the value that stands directly before a name."""
    for match in _VALUE.finditer(text, max(0, end - 4096), end):
        start = match.end()
        close = _string_end(text, start, match["esc"], match["v"])
        if close < end and _COMMA.match(text, close + len(match["esc"]) + 1, end):
            return match.start(), start, close
    return None


def _named(name: str) -> bool:
    return secret_name(name) is not None or ("-" in name and secret_header(name))


def _rule(name: str) -> str:
    return secret_name(name) or f"key:{name.lower().replace('-', '_')}"


def _assigned(text: str) -> Iterator[tuple[int, Span]]:
    for match in _ASSIGNED.finditer(text):
        name, start = match["name"] or match["tail"], match.start()
        left = _LEFT.search(text[max(0, start - 48) : start])
        rule = secret_name((left[0] if left else "") + name)
        if rule is not None and not names_no_secret(name, match["secret"]):
            yield match.start(), (*match.span("secret"), rule)
    for pattern, rule in ((_AUTHORIZATION, "key:authorization"), (_COOKIE, "key:cookie")):
        yield from ((match.start(), (*match.span("secret"), rule)) for match in pattern.finditer(text))


def _parameters(text: str) -> Iterator[tuple[int, Span]]:
    for match in _PARAMETER.finditer(text):
        if secret_header(match["name"]) and _is_value(match["name"], match["secret"]):
            yield match.start(), (*match.span("secret"), _rule(match["name"]))


def _fields(text: str) -> Iterator[tuple[int, Span]]:
    at = 0
    while (match := _FIELD.search(text, at)) is not None:
        at = start = match.end()
        if _named(match["name"]):
            boundary = _BOUNDARY.search(text, at)
            at = len(text) if boundary is None else boundary.start()
            if not names_no_secret(match["name"], text[start:at]):
                yield match.start(), (start, at, _rule(match["name"]))


def _variables(text: str) -> Iterator[tuple[int, Span]]:
    at = 0
    while (match := _VARIABLE.search(text, at)) is not None:
        at = match.end()
        left = _NAME_LEFT.search(text[max(0, match.start() - 64) : match.start()])
        name = None if left is None else left[0] + match["name"]
        rule = None if name is None else secret_name(name)
        if name is None or rule is None:
            at = match.end("name")
        elif match["v"]:
            end = _string_end(text, at, match["esc"], match["v"])
            if _is_value(name, text[at:end], in_code=match["quoted"].startswith((" ", "\t"))):
                yield match.start(), (at, end, rule)
                at = end
            elif end == len(text):
                yield match.start(), (end, end, rule)
        elif (match["colon"] == "=" or ("_" in name and match["end"] is not None)) and _is_value(
            name, match["secret"]
        ):
            yield match.start(), (*match.span("secret"), rule)


def _is_value(name: str, value: str, *, in_code: bool = False) -> bool:
    """Tell a secret from what a variable of that name may else be; a constant in code is more often something else."""
    if _NO_VALUE.fullmatch(value) or names_no_secret(name, value):
        return False
    if not in_code:
        return True
    if " " in value or len(value) < 6:
        return False
    return (
        name.endswith(("PASS", "PASSWORD", "PASSWD", "SECRET"))
        or _LETTERS_AND_DIGITS.search(value) is not None
    )


_LETTERS_AND_DIGITS: Final = re.compile(r"(?s:(?=.*[0-9])(?=.*[A-Za-z]))")

_FINDERS: Final = (
    (_quoted, fast_test(rf"(?i:{ENDS}\\*[\"']{_SPACE}:)")),
    (_pairs, fast_test(rf"(?i:{ENDS}\\*[\"']{_SPACE}[,}}\]])")),
    (_assigned, fast_test(rf"(?i:(?:{SPELLED}|{TAILS}|authorization|cookie2?)\\*[\"']?[ \t]*[:=])")),
    (_parameters, fast_test(rf"(?i:{ENDS}=)")),
    (
        _variables,
        fast_test(rf"(?:{_OF_VARIABLES})(?:_?[A-Z0-9]{{1,11}})?[ \t]*[:=]"),
    ),
    (_fields, fast_test(r"(?i:form-data;[ \t]*name=)")),
    *((find, fast_test(pattern)) for find, pattern in configured.FINDERS),
)


def find_named(text: str) -> Iterator[tuple[int, Span]]:
    r"""Find the values in a text that a name makes secrets.

    Returns:
        For each, where the name starts; and start, end and rule of the value. A value that could still come, at
        the end of the text, is an empty one there.

    Example:
        >>> [span for _, span in find_named("export DB_PASS=horse\n")]
        [(15, 20, 'key:db_pass')]
    """
    for find, is_worth_trying in _FINDERS:
        if is_worth_trying(text):
            yield from find(text)


# What may still become one of them, at the end of a text that goes on.
OPENING: Final = (
    rf"(?i:(?:{SPELLED}|{TAILS})[ \t]*[:=][ \t]*\\*[\"']?[^\s\"'<>;&,()\[\]{{}}\\]*)"
    r"|(?i:(?:authorization|cookie2?)\\*[\"']?[ \t]*[:=][^\r\n]*)"
    rf"|(?i:[?&;][A-Za-z0-9_.-]*{ENDS}=[^&;\s\"'<>\\#]*)"
    rf"|(?i:[\"'](?:{VALUES_OF_PAIRS})\\*[\"'][ \t]*:[^}}]{{0,128}})"
    rf"|(?:{_OF_VARIABLES})(?:_?[A-Z0-9]{{1,11}})?[ \t]*[:=][ \t]*[^\s\"'<>]*"
    rf"|{configured.OPENING}"
)
