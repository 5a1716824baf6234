"""What a reader of one agent's logs gives: the entries of a session, and what it passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from tfclient.importing.logs.lines import Line
from tfclient.redaction import Redactor
from tfstore.journal.entries import Entry

Json = dict[str, Any]

_NAME: Final = 60
_KINDS: Final = 30


@frozen
class About:
    """What a log is of: its agent, the thread's own id, when it began; ``parent`` is the thread that it came of.

    ``forked`` says that it begins with what the parent had said until then.
    """

    agent: str
    thread: str
    began: int
    title: str | None = None
    metadata: Json = field(factory=dict[str, Any])
    parent: str | None = None
    forked: bool = False


@define
class PassedOver:
    """What of a log became nothing: kinds of lines, and lines that do not parse."""

    kinds: Counter[str] = field(factory=Counter[str])
    unreadable: list[int] = field(factory=list[int])
    """The numbers of the first of them."""
    unread: int = 0

    def kind(self, name: str) -> None:
        """Count a line of a kind that adds nothing, or that nobody knows."""
        shown = "".join(each if each.isprintable() else "?" for each in name[:_NAME])
        self.kinds[shown if shown in self.kinds or len(self.kinds) < _KINDS else "others"] += 1

    def line(self, line: Line) -> None:
        """Count a line that is no good."""
        self.unread += 1
        if len(self.unreadable) < 10:
            self.unreadable.append(line.number)

    def told(self) -> Json:
        """Return it as the journal has it; nothing where there is none."""
        told: Json = {"passed_over": dict(sorted(self.kinds.items()))} if self.kinds else {}
        return told | ({"unreadable": self.unread, "lines": self.unreadable} if self.unread else {})


class Reader(Protocol):
    """Reads the logs of one agent."""

    def take(self, line: Line) -> Iterator[Entry]:
        """Take the next line."""
        ...

    def end(self) -> Iterator[Entry]:
        """The log ends here, for now."""
        ...


def parts_of(content: Any) -> list[Json]:
    """Return a message's content as a list of its parts."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    listed = content if isinstance(content, list) else [] if content is None else [content]
    return [each if isinstance(each, dict) else {"type": "text", "text": str(each)} for each in listed]


def text_in(content: Any) -> str:
    """Return the text of a message's content, its parts joined by newlines."""
    texts = (part.get("text") for part in parts_of(content))
    return "\n".join(text for text in texts if isinstance(text, str))


def dict_in(value: Any, name: str) -> Json:
    """Return a member that is an object, an empty one where it is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def redacted(redactor: Redactor, value: Json) -> Json:
    """Return metadata without secrets."""
    kept, _ = redactor.value(value, "metadata")
    return kept if isinstance(kept, dict) else {}
