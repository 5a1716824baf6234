r"""What is replaced only where somebody asks for it, when a session is passed on: file paths and e-mail addresses.

Nothing here runs while a program is recorded. A text is judged by itself, as everywhere, so that the same text is the
same text wherever it is sent again. JSON in a string is opened, and written again compactly where something in it was
replaced; where a text is a piece of JSON only, as the deltas of arguments are, a letter that belongs to an escape
(the n of ``\n``) is no part of what follows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from attrs import define

from tfclient.redaction.marks import JSON, Mark, child, mark, placeholder
from tfclient.redaction.walk import NotJSON, dump, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tfclient.redaction.policies import Mode

Asked = Literal["paths", "emails"]

_NESTED: Final = 16
_HIDING: Final = ("\\/", "\\u00")
"""Escapes that some servers write for a slash or an @."""

_ESCAPE: Final = r"(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})"

_EMAIL: Final = re.compile(
    rf"(?:{_ESCAPE}|(?<![\w.%+\\-]))[\w.%+-]{{1,64}}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,62}})\.){{1,8}}[A-Za-z]{{2,24}}(?![\w-])"
)

# Of a path, what stands between two slashes. Names of people's own folders may have blanks in them.
_NAME: Final = r"[^\s/\\\"'`<>|:;,(){}\[\]*?]+"
_OWN_FOLDER: Final = rf"(?:home|Users)[/\\]+{_NAME}(?:[ ]{_NAME}){{0,3}}(?=[/\\])"
_PATH: Final = re.compile(
    rf"(?:{_ESCAPE}|(?<![\w.~/\\@+-]))(?:file://)?(?:"
    rf"~?/(?:{_OWN_FOLDER}|{_NAME})(?:/{_NAME})+/?|~/{_NAME}"
    rf"|[A-Za-z]:(?:\\+|/)(?:{_OWN_FOLDER}|{_NAME})(?:(?:\\+|/){_NAME})*"
    rf"|\\\\+{_NAME}(?:\\+{_NAME})+)"
)

_PATTERNS: Final[dict[Asked, tuple[str, str, re.Pattern[str]]]] = {
    "emails": ("email", "@", _EMAIL),
    "paths": ("path", "", _PATH),
}
"""Of each: the rule that marks name, what a text without it need not be searched for, the pattern."""


@define
class WithoutAsked:
    """The policy that replaces what was asked for, and nothing else."""

    asked: Collection[Asked]
    mode: Mode = "custom"

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Return ``(start, end, rule)`` of what is to be replaced in a text, in order, not overlapping.

        Example:
            >>> WithoutAsked(["emails", "paths"]).find("ada@example.com has /home/ada/notes.txt")
            [(0, 15, 'email'), (20, 39, 'path')]
        """
        spans: list[tuple[int, int, str]] = []
        for each in self.asked:
            rule, holds, pattern = _PATTERNS[each]
            if holds in text:
                spans += [(*match.span(), rule) for match in pattern.finditer(text)]
        return list(_without_overlaps(sorted(spans, key=lambda span: (span[0], -span[1]))))

    def looks(self, text: bytes | str) -> bool:
        """Say whether anything in a text could have to change; in JSON also what an escape hides from a search."""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return any(escape in text for escape in _HIDING) or bool(self.find(text))

    def text(self, text: str, path: str, marks: list[Mark]) -> str:
        """Give what is kept of a text that is not JSON."""
        parts: list[str] = []
        at = 0
        for start, end, rule in self.find(text):
            marks.append(mark(path, rule, "replaced", text[start:end]))
            parts += (text[at:start], placeholder(rule))
            at = end
        return "".join([*parts, text[at:]]) if at else text

    def document(self, value: JSON, path: str, marks: list[Mark], nested: int = 0) -> JSON:
        """Give what is kept of a JSON value."""
        if isinstance(value, str):
            return self._string(value, path, marks, nested)
        if isinstance(value, list):
            return [self.document(item, f"{path}[{n}]", marks, nested) for n, item in enumerate(value)]
        if isinstance(value, dict):
            clean: dict[str, JSON] = {}
            for key, member in value.items():
                kept = self.text(key, path, marks)
                while kept != key and kept in clean:
                    kept += "'"
                clean[kept] = self.document(member, child(path, kept), marks, nested)
            return clean
        return value

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        """Give what is kept of a program's own value."""
        return self.document(value, path, marks)

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:  # noqa: ARG002
        """Give what is kept of a header."""
        return self.text(value, path, marks)

    def _string(self, text: str, path: str, marks: list[Mark], nested: int) -> str:
        if not self.looks(text):
            return text
        if nested < _NESTED and text.lstrip()[:1] in ("{", "[", '"'):
            try:
                value = parse(text)
            except NotJSON:
                return self.text(text, path, marks)
            found: list[Mark] = []
            clean = self.document(value, f"{path}|json", found, nested + 1)
            marks += found
            return dump(clean) if found else text
        return self.text(text, path, marks)


def _without_overlaps(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    done = 0
    for start, end, rule in spans:
        if start >= done:
            yield start, end, rule
            done = end
