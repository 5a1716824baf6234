"""Secrets in JSON: the values of secret-named keys, and secret shapes in every string, however deep.

A string that is itself JSON (``arguments``, many tool outputs) is walked too, and written again compactly
when something in it was replaced. What becomes of a string depends on nothing but the string, so a text is
the same text wherever it is sent again; only the value under a secret's name depends on the name.
"""

from __future__ import annotations

import itertools
import json
from typing import Final

from tfclient.redaction.configured import is_argument, is_flag
from tfclient.redaction.marks import JSON, Mark, child, mark, placeholder
from tfclient.redaction.names import (
    NAMES_OF_PAIRS,
    VALUES_OF_PAIRS,
    is_schema,
    names_no_secret,
    secret_header,
    secret_name,
)
from tfclient.redaction.shapes import suspicious
from tfclient.redaction.text import scrub
from tfclient.redaction.wire import STRUCTURAL

_NESTED: Final = 16
"""How often JSON in a string in JSON is opened; deeper, it is read as text."""

# Keys here are tokens of a text, or numbers of tokens.
_ROWS: Final = frozenset({"top_logprobs", "logit_bias"})
_NAMES: Final = NAMES_OF_PAIRS.split("|")
_VALUES: Final = VALUES_OF_PAIRS.split("|")
_MCP: Final = frozenset({"server_url", "server_label", "connector_id"})


class NotJSON(ValueError):
    """A text that JSON does not describe, or only at a depth nobody writes."""


class _Repeated(dict[str, JSON]):
    """An object that names a member twice; ``lost`` holds the values that the later ones replaced."""

    lost: list[tuple[str, JSON]]


def _members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeated = _Repeated(members)
    repeated.lost = [(key, value) for key, value in pairs if members[key] is not value]
    return repeated


def parse(text: str) -> JSON:
    """Read JSON.

    Raises:
        NotJSON: The text is something else.
    """
    try:
        return json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise NotJSON(str(error)) from None


def dump(value: JSON) -> str:
    """Write JSON compactly; lone surrogates, which have no UTF-8, as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def without_secrets(value: JSON, path: str, marks: list[Mark], nested: int = 0) -> JSON:
    """Give a JSON value with its secrets replaced.

    Args:
        value: What ``json.loads`` gives.
        path: The path of ``value``, for the marks.
        marks: Taken further by one mark for each replacement.
        nested: How many strings were opened on the way here.

    Raises:
        RecursionError: The value is nested too deep for Python.

    Example:
        >>> marks = []
        >>> without_secrets({"args": '{"api_key": "abc"}'}, "body", marks)
        {'args': '{"api_key":"<redacted:key:api_key>"}'}
        >>> marks[0]["path"]
        'body.args|json.api_key'
    """
    if isinstance(value, str):
        return secretless_string(value, path, marks, nested)
    if isinstance(value, list):
        clean = [without_secrets(item, f"{path}[{n}]", marks, nested) for n, item in enumerate(value)]
        _arguments(value, clean, path, marks)
        return clean
    if isinstance(value, dict):
        return _object(value, path, marks, nested)
    return value


def _arguments(value: list[JSON], clean: list[JSON], path: str, marks: list[Mark]) -> None:
    """Replace what follows ``--token`` and its like in the arguments of a command."""
    for n, (option, argument) in enumerate(itertools.pairwise(value), 1):
        if isinstance(option, str) and isinstance(argument, str) and option.startswith("--"):
            rule = is_flag(option)
            if rule is not None and clean[n] == argument and is_argument(argument):
                marks.append(mark(f"{path}[{n}]", rule, "replaced", argument))
                clean[n] = placeholder(rule)


def _object(
    value: dict[str, JSON], path: str, marks: list[Mark], nested: int, under: str | None = None
) -> dict[str, JSON]:
    """Walk an object; ``under`` is the rule of the secret's name that the object stands under, if any."""
    clean: dict[str, JSON] = {}
    lost = value.lost if isinstance(value, _Repeated) else []
    pair = _pair(value)
    for key, member in (*lost, *value.items()):
        kept_key = scrub(key, lambda rule, was: marks.append(mark(path, rule, "replaced", was)))
        at = child(path, kept_key)
        while kept_key != key and kept_key in clean:
            kept_key += "'"
        rule = secret_name(key) or under
        if rule is None and pair is not None and key == pair[0]:
            rule = pair[1]
        if key in _ROWS and isinstance(member, (dict, list)):
            clean[kept_key] = member
        elif rule is None and key.lower().endswith("headers") and isinstance(member, (dict, list)):
            clean[kept_key] = _headers(member, at, marks, nested, all_of_them=_is_mcp(value))
        elif rule is None and key.lower() == "auth" and isinstance(member, (dict, list)):
            clean[kept_key] = _named(member, key, "key:auth", at, marks, nested=nested)
        elif rule is None or (key == "token" and "logprob" in value):
            clean[kept_key] = without_secrets(member, at, marks, nested)
        else:
            clean[kept_key] = _named(member, key, rule, at, marks, nested=nested)
    return clean


def _pair(value: dict[str, JSON]) -> tuple[str, str] | None:
    """Give the key of the value in ``{"name": "DB_PASSWORD", "value": …}``, and its rule."""
    if len(value) < 2:
        return None
    lowered = {key.lower(): key for key in value}
    held = next((lowered[key] for key in _VALUES if key in lowered), None)
    name = next((value[lowered[key]] for key in _NAMES if key in lowered), None)
    if held is None or not isinstance(name, str):
        return None
    rule = secret_name(name) or (f"key:{name.lower()}" if "-" in name and secret_header(name) else None)
    return None if rule is None else (held, rule)


def _is_mcp(value: dict[str, JSON]) -> bool:
    return value.get("type") == "mcp" or not _MCP.isdisjoint(value)


def _headers(headers: JSON, path: str, marks: list[Mark], nested: int, *, all_of_them: bool) -> JSON:
    """Walk headers, an object or a list of pairs; those that are sent to a tool's server are all its secrets."""

    def named(name: JSON, value: JSON, at: str) -> JSON:
        if not isinstance(name, str):
            return without_secrets(value, at, marks, nested)
        if not secret_header(name) and (not all_of_them or STRUCTURAL.fullmatch(name.lower())):
            return _object({name: value}, path, marks, nested)[name]
        return _named(value, name, f"header:{name.lower()}", at, marks, nested=nested)

    if isinstance(headers, dict):
        return {name: named(name, value, child(path, name)) for name, value in headers.items()}
    clean = without_secrets(headers, path, marks, nested)
    for n, pair in enumerate(clean):
        if isinstance(pair, list) and len(pair) == 2:
            pair[1] = named(pair[0], pair[1], f"{path}[{n}][1]")
        elif isinstance(pair, dict) and {"name", "value"} <= pair.keys():
            pair["value"] = named(pair["name"], pair["value"], f"{path}[{n}].value")
    return clean


def _named(member: JSON, key: str, rule: str, path: str, marks: list[Mark], *, nested: int) -> JSON:
    """Give what stands under a secret's name: no string or integer below it stays, unless it is a schema."""
    if isinstance(member, dict):
        return _object(member, path, marks, nested, None if is_schema(member) else rule)
    if isinstance(member, list):
        return [
            _named(item, key, rule, f"{path}[{n}]", marks, nested=nested) for n, item in enumerate(member)
        ]
    if isinstance(member, bool) or not isinstance(member, (str, int)):
        return member
    if isinstance(member, str) and names_no_secret(key, member):
        return member
    marks.append(mark(path, rule, "replaced", str(member)))
    return placeholder(rule)


def secretless_string(text: str, path: str, marks: list[Mark], nested: int = 0) -> str:
    """Give a string with its secrets replaced, looking into it when it is JSON."""
    if not suspicious(text):
        return text
    if nested < _NESTED and text.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = parse(text)
        except NotJSON:
            pass
        else:
            found: list[Mark] = []
            clean = without_secrets(value, f"{path}|json", found, nested + 1)
            marks += found
            return dump(clean) if found else text
    return scrub(text, lambda rule, was: marks.append(mark(path, rule, "replaced", was)))
