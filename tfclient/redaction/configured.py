r"""Secrets as configuration, command lines and code have them: known by a name, and by how they stand beside it.

A value needs no digit here, where its place says enough: behind a header's name up to the end of the line, behind
``--token``, in quotes behind ``password =``. What only stands in for a value is left: ``YOUR_KEY``, ``string``,
``args.token``. All of it may be escaped, as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tfclient.redaction.names import (
    ENDS,
    SPELLED,
    TAILS,
    names_no_secret,
    secret_header,
    secret_name,
)

Span = tuple[int, int, str]

_VALUE: Final = r"[^\s\"'<>;&,()\[\]{}\\$*`|]"
_END: Final = r"(?=[ \t]*(?:[\r\n\"'<\\]|\Z))"
_NEW_LINE: Final = r"(?:\r?\n|(?:\\r)?\\n)"
_AT_LINE: Final = r"(?:\A|(?<=[\r\n\"'])|(?<=\\n)|(?<=\\r))"
_GAP: Final = r"(?:[ \t\r\n]|\\+[nrt])*"

# What stands where a value will be, or says of what kind it is.
_NO_VALUE: Final = re.compile(
    r"(?i:strings?|required|optional|user|users?name|passwords?|passphrase|secrets?|tokens?|api[-_ ]?keys?|headers?|"
    r"bearer|basic|digest|example|authentication|authorization|credentials?|undefined|null|none|nil|true|false|"
    r"function|boolean|integer|number|objects?|values?|placeholder|redacted|hidden|masked|incorrect|invalid|"
    r"mismatch|your[-_ ].*|my[-_ ].*|x{3,}|\.{3}|here|text|varchar.*)"
    r"|[A-Z][A-Z_]*|[A-Z][a-z]+(?:[A-Z][a-z]+)*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[*•.x_-]+|%.*|-.*|[\d.]+"
    r"|(?:~|\.{0,2})/.*|id=.*"
)

# At the start of a line, and up to its end: `X-Vault-Token: …`, in `curl -H "…"` and in lists of such.
_HEADER: Final = re.compile(
    rf"(?:{_AT_LINE}|(?<=[ \t]))(?P<name>[A-Za-z][A-Za-z0-9-]{{2,60}}+):[ \t]*"
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z-]{{1,19}})[ \t]+)?(?P<secret>{_VALUE}{{8,1024}}+){_END}"
)
# `spring.datasource.password=…`, `jwt_secret=…`: no space around the sign, up to the end of the line.
_PROPERTY: Final = re.compile(
    rf"(?:{_AT_LINE}|(?<=[ \t:/]))(?P<name>[A-Za-z0-9_.-]{{0,64}}(?:{SPELLED}|{TAILS}|authtoken))"
    rf"=(?P<secret>{_VALUE}{{8,1024}}+){_END}",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(
    rf"(?P<name>{SPELLED}|{TAILS})[ \t]*(?:=>|:=|[:=])[ \t]*(?P<q>\\{{0,31}}[\"'])"
    r"(?P<secret>[^\"'\\\s]{8,1024}+)(?P=q)",
    re.IGNORECASE,
)
_LEFT: Final = re.compile(r"[A-Za-z0-9_.-]{0,48}\Z")

# `--token …`, `--api-key=…`, `"--password", "…"`.
_BETWEEN: Final = rf"(?:=|[ \t]+|(?P<esc>\\{{0,31}})[\"']{_GAP},{_GAP}(?P=esc)[\"'])"
_FLAG: Final = re.compile(
    rf"(?<![A-Za-z0-9-])--(?P<name>[A-Za-z][A-Za-z0-9_-]{{1,40}}+){_BETWEEN}"
    rf"\\*[\"']?(?P<secret>(?!-){_VALUE}{{6,1024}}+)"
)
_FLAGS: Final = frozenset({"token", "password", "passwd", "passphrase", "secret", "pat", "pass", "pwd"})
FLAG_ALONE: Final = re.compile(r"--([A-Za-z][A-Za-z0-9_-]{1,40})")

# `ENV DB_PASSWORD …` of a Dockerfile, `setx` and fish's `set -x`.
_SET: Final = re.compile(
    rf"(?:{_AT_LINE}|(?<=[ \t]))(?:ENV|ARG|setx|set[ \t]+-[gU]?x)[ \t]+(?P<name>[A-Z][A-Z0-9_]{{1,64}}+)[ \t]+"
    rf"\\*[\"']?(?P<secret>{_VALUE}{{4,1024}}+)"
)
# `- name: DB_PASSWORD` and on the next line `value: …`, as Kubernetes has it.
_YAML_PAIR: Final = re.compile(
    rf"\bname:[ \t]*\\*[\"']?(?P<name>[A-Za-z0-9_.-]{{1,64}}+)\\*[\"']?[ \t]*{_NEW_LINE}[ \t]*value:[ \t]*"
    r"\\*[\"']?(?P<secret>[^\s\"'\\]{4,1024}+)"
)
# A key with nothing before or behind it, letters and digits mixed: `    token: …` of a kubeconfig.
_YAML: Final = re.compile(
    rf"{_AT_LINE}[ \t]*(?:-[ \t]+)?(?:token|secret):[ \t]+(?P<secret>{_VALUE}{{16,1024}}+){_END}",
    re.IGNORECASE,
)
_MIXED: Final = re.compile(r"(?s:(?=.*[0-9])(?=.*[A-Za-z]))")

_ELEMENT: Final = re.compile(
    rf"<(?P<name>[A-Za-z0-9_.:-]{{0,48}}{ENDS})>(?P<secret>[^<>\s\"\\]{{4,1024}}+)</", re.IGNORECASE
)
_ATTRIBUTES: Final = re.compile(
    r"(?:key|name)=\\*[\"'](?P<name>[A-Za-z0-9_.:-]{1,64}+)\\*[\"'][ \t]+value=(?P<q>\\*[\"'])"
    r"(?P<secret>[^\"'\\<>]{4,1024}+)(?P=q)",
    re.IGNORECASE,
)
_SQL: Final = re.compile(
    r"(?:password|identified[ \t]+by)[ \t]+(?P<q>\\*['])(?P<secret>[^'\\\s]{6,1024}+)(?P=q)", re.IGNORECASE
)
_CURL: Final = re.compile(
    r"[ \t](?:(?:-u|--user)(?:[ \t]+|=)?\\*[\"']?[A-Za-z0-9._@%+-]{1,64}+:(?P<secret>[^\s\"'\\:/,;()]{4,1024}+)"
    r"|(?:-b|--cookie)(?:[ \t]+|=)\\*[\"']?(?P<cookie>[A-Za-z0-9_.-]{1,64}+=[^\"'\\\r\n]{6,1024}+))"
)
_LOGIN: Final = re.compile(
    rf"(?:\blogin(?:[ \t]|{_NEW_LINE})+\S{{1,128}}+(?:[ \t]|{_NEW_LINE})+password[ \t]+|\bsshpass[ \t]+-p[ \t]*)"
    rf"\\*[\"']?(?P<secret>[^\s\"'\\]{{4,1024}}+)"
)

HINT: Final = (
    r"--[A-Za-z0-9_-]{0,40}(?i:token|pass|pwd|secret|key|pat)[=\\\"' \t]|_(?:TOKEN|PASS|PWD|KEY|AUTH|PAT|JWT)"
    r"(?:[\"' \t\r\n]|\\)|(?i:identified[ \t]+by)|sshpass|curl|(?i:token|secret|auth)>|value="
)
"""What stands where one of these could be and no other hint is; in the dialect of ``fast_test``."""

# In words of other scripts a word's boundary is looked for a thousand times as long: there is none here.
OPENING: Final = (
    rf"[A-Za-z][A-Za-z0-9-]{{0,48}}(?i:token|key|secret|auth|authorization|password|jwt|credential)s?:[ \t]*"
    r"[^\r\n\"'<\\]*"
    rf"|(?i:(?:{SPELLED}|{TAILS})[ \t]*(?:=>|:=|[:=])[ \t]*(?:\\*[\"'])?[^\"'\\\s]*)"
    rf"|--[A-Za-z0-9_-]{{0,40}}(?i:token|pass|passw[a-z]*|pwd|secret|key|pat)"
    rf"(?:=|[ \t]+|\\*[\"']{_GAP},{_GAP}\\*[\"'])?"
    rf"\\*[\"']?{_VALUE}*"
    rf"|(?:ENV|ARG|setx|set[ \t]+-[gU]?x)[ \t]+[A-Z][A-Z0-9_]{{0,64}}[ \t]+\\*[\"']?{_VALUE}*"
    rf"|name:[ \t]*\\*[\"']?[A-Za-z0-9_.-]{{0,64}}\\*[\"']?[ \t]*"
    rf"(?:{_NEW_LINE}[ \t]*(?:value:[ \t]*\\*[\"']?[^\s\"'\\]*)?)?"
    rf"|(?i:token|secret):[ \t]+{_VALUE}*"
    rf"|(?i:<[A-Za-z0-9_.:-]{{0,48}}{ENDS}>[^<>\s\"\\]*)(?:<)?"
    r"|(?i:(?:key|name)=\\*[\"'][A-Za-z0-9_.:-]{1,64}\\*[\"'][ \t]+value=\\*[\"']?[^\"'\\<>]*)"
    r"|(?i:(?:password|identified[ \t]+by)[ \t]+\\*'?[^'\\\s]*)"
    r"|[ \t](?:-u|--user|-b|--cookie)(?:[ \t]+|=)?\\*[\"']?[^\"'\\\r\n]*"
    rf"|login(?:[ \t]|{_NEW_LINE})+\S{{1,128}}(?:[ \t]|{_NEW_LINE})+password[ \t]+\\*[\"']?[^\s\"'\\]*"
    r"|sshpass[ \t]+-p[ \t]*\\*[\"']?[^\s\"'\\]*"
)
"""What may still become one of these, at the end of a text that goes on."""


def _rule(name: str) -> str | None:
    rule = secret_name(name)
    return rule or (f"key:{name.lower().replace('-', '_')}" if "-" in name and secret_header(name) else None)


def is_flag(name: str) -> str | None:
    """Give the rule for an option of a command whose argument is a secret: ``--api-key``, ``--token``.

    Example:
        >>> is_flag("--api-key"), is_flag("--max-tokens")
        ('key:api_key', None)
    """
    match = FLAG_ALONE.fullmatch(name)
    return None if match is None else _flag_rule(match[1])


def _flag_rule(name: str) -> str | None:
    words = re.split(r"[-_]", name.lower())
    return secret_name(name) or (f"key:{'_'.join(words)}" if words[-1] in _FLAGS else None)


def is_argument(value: str) -> bool:
    """Tell the argument of such an option from the next option, and from what stands in for one."""
    return len(value) >= 6 and not value.startswith("-") and _is_secret("", value)


def _is_secret(name: str, value: str) -> bool:
    return not names_no_secret(name, value) and _NO_VALUE.fullmatch(value.rstrip(".:!?") or ".") is None


def _found(
    match: re.Match[str], name: str, rule: str | None, group: str = "secret"
) -> Iterator[tuple[int, Span]]:
    if rule is not None and _is_secret(name, match[group]):
        yield match.start(), (*match.span(group), rule)


def headers(text: str) -> Iterator[tuple[int, Span]]:
    for match in _HEADER.finditer(text):
        name = match["name"]
        is_credential = "authorization" in name.lower()
        if is_credential or (match["scheme"] is None and ("-" in name) and secret_header(name)):
            yield from _found(match, name, _rule(name) or "key:authorization")


def properties(text: str) -> Iterator[tuple[int, Span]]:
    for match in _PROPERTY.finditer(text):
        # A name in code is no value of another: `password=new_password`.
        if re.fullmatch(rf"[A-Za-z]\w*{ENDS}", match["secret"], re.IGNORECASE) is None:
            yield from _found(match, match["name"], _rule(match["name"]))


def quoted(text: str) -> Iterator[tuple[int, Span]]:
    for match in _QUOTED.finditer(text):
        left = _LEFT.search(text[max(0, match.start() - 48) : match.start()])
        name = (left[0] if left else "") + match["name"]
        yield from _found(match, name, _rule(name))


def flags(text: str) -> Iterator[tuple[int, Span]]:
    for match in _FLAG.finditer(text):
        yield from _found(match, match["name"], _flag_rule(match["name"]))


def variables(text: str) -> Iterator[tuple[int, Span]]:
    for pattern in (_SET, _YAML_PAIR, _ELEMENT, _ATTRIBUTES):
        for match in pattern.finditer(text):
            yield from _found(match, match["name"], _rule(match["name"]))
    for match in _YAML.finditer(text):
        if _MIXED.match(match["secret"]):
            yield from _found(match, "token", "key:token")


def commands(text: str) -> Iterator[tuple[int, Span]]:
    for pattern in (_SQL, _LOGIN):
        for match in pattern.finditer(text):
            yield from _found(match, "password", "key:password")
    if "curl" in text:
        for match in _CURL.finditer(text):
            if match["cookie"]:
                yield from _found(match, "cookie", "key:cookie", "cookie")
            else:
                yield from _found(match, "password", "basic_auth")


FINDERS: Final = (
    (headers, rf"(?i:{ENDS}:)"),
    (properties, r"(?i:[a-z]=)"),
    (quoted, rf"(?i:(?:{SPELLED}|{TAILS})[ \t]*[:=])"),
    (flags, "--[A-Za-z]"),
    (variables, rf"(?i:{ENDS}\\*[\"']?(?:[ \t\r\n>]|\\))|(?i:token|secret):"),
    (commands, r"(?i:password[ \t]|identified[ \t]+by)|sshpass|curl"),
)
"""What finds them, each with a pattern that says whether it is worth trying."""
