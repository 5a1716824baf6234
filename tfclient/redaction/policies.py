"""The four answers to "what may be kept": no secrets, no content, everything, or what a function says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from tfclient.redaction.content import hashed_text, without_content
from tfclient.redaction.fragments import clean_fragment
from tfclient.redaction.marks import JSON, Mark, child, mark, placeholder
from tfclient.redaction.shapes import suspicious
from tfclient.redaction.text import scrub
from tfclient.redaction.walk import NotJSON, dump, parse, secretless_string, without_secrets
from tfclient.redaction.wire import STRUCTURAL
from tfclient.signals import let_pass

Mode: TypeAlias = Literal["secrets", "content", "none", "custom"]


class Policy(Protocol):
    """What is done to a text, a JSON document and a program's own values."""

    mode: Mode

    def looks(self, text: bytes | str) -> bool:
        """Say whether anything in a text could have to change; no means it is kept unread."""
        ...

    def text(self, text: str, path: str, marks: list[Mark]) -> str:
        """Give what is kept of a text that is not JSON."""
        ...

    def document(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        """Give what is kept of a message of the API."""
        ...

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        """Give what is kept of a program's own value."""
        ...

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:
        """Give what is kept of a header that is no credential."""
        ...


class WithoutSecrets:
    """Readable text stays, secrets go."""

    mode: Mode = "secrets"
    looks = staticmethod(suspicious)

    def text(self, text: str, path: str, marks: list[Mark]) -> str:
        return scrub(text, lambda rule, was: marks.append(mark(path, rule, "replaced", was)))

    def document(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        return without_secrets(value, path, marks)

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        return without_secrets(value, path, marks)

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:  # noqa: ARG002
        return secretless_string(value, path, marks)


class WithoutContent:
    """Structure stays, every text becomes its hash."""

    mode: Mode = "content"

    def looks(self, text: bytes | str) -> bool:
        return bool(text)

    def text(self, text: str, path: str, marks: list[Mark]) -> str:
        return hashed_text(text, path, marks)

    def document(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        return without_content(value, path, marks)

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        return without_content(value, path, marks, keep_structure=False)

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:
        if STRUCTURAL.fullmatch(name):
            return secretless_string(value, path, marks)
        return hashed_text(value, path, marks)


class Everything:
    """All is kept but secrets in headers and URLs."""

    mode: Mode = "none"

    def looks(self, text: bytes | str) -> bool:  # noqa: ARG002
        return False

    def text(self, text: str, path: str, marks: list[Mark]) -> str:  # noqa: ARG002
        return text

    def document(self, value: JSON, path: str, marks: list[Mark]) -> JSON:  # noqa: ARG002
        return value

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:  # noqa: ARG002
        return value

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:  # noqa: ARG002
        return secretless_string(value, path, marks)


class AsTold:
    """A function of the user's decides on every text; one that raises lets nothing through."""

    mode: Mode = "custom"

    def __init__(self, decide: Callable[[str, str], str | None]) -> None:
        self._decide = decide

    def looks(self, text: bytes | str) -> bool:
        return bool(text)

    def text(self, text: str, path: str, marks: list[Mark]) -> str:
        try:
            kept: object = self._decide(path, text)
        except Exception as error:  # noqa: BLE001 - the user's function; what it cannot judge is dropped
            let_pass(error)
            return self._dropped(f"custom:{type(error).__name__}", text, path, marks)
        if kept is None:
            return self._dropped("custom", text, path, marks)
        if not isinstance(kept, str):
            return self._dropped(f"custom:returned_{type(kept).__name__}", text, path, marks)
        kept = str.__str__(kept)
        if kept != text:
            marks.append(mark(path, "custom", "replaced", text))
        return kept

    @staticmethod
    def _dropped(rule: str, text: str, path: str, marks: list[Mark]) -> str:
        marks.append(mark(path, rule, "dropped", text))
        return placeholder(rule)

    def document(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        if isinstance(value, str):
            return self.text(value, path, marks)
        if isinstance(value, list):
            return [self.document(item, f"{path}[{n}]", marks) for n, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self.document(member, child(path, key), marks) for key, member in value.items()}
        return value

    def own(self, value: JSON, path: str, marks: list[Mark]) -> JSON:
        return self.document(value, path, marks)

    def header(self, name: str, value: str, path: str, marks: list[Mark]) -> str:
        kept = secretless_string(value, path, marks)
        return kept if STRUCTURAL.fullmatch(name) else self.text(kept, path, marks)


def clean_text(policy: Policy, text: str, path: str, marks: list[Mark]) -> str:
    """Give what a policy keeps of a whole text, as a document when it is JSON.

    Where nothing had to change, it is the very same text, not the document written again.
    """
    found: list[Mark] = []
    try:
        if text.startswith(","):
            rewritten = clean_fragment(text, lambda value: policy.document(value, path, found))
        else:
            rewritten = dump(policy.document(parse(text), path, found))
    except (NotJSON, RecursionError):
        return policy.text(text, path, marks)
    marks += found
    return rewritten if found else text
