"""What may be written down: one choke point between what is seen and what is stored.

Four modes: ``"secrets"`` (the default) replaces credentials and keeps readable text; ``"content"`` keeps
structure and hashes; ``None`` keeps everything but the secrets in headers and URLs; a function decides text by
text. Every change yields a mark. Nothing here ever touches what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tfclient.redaction.marks import JSON, Mark, mark
from tfclient.redaction.plain import as_json
from tfclient.redaction.policies import (
    AsTold,
    Everything,
    Mode,
    Policy,
    WithoutContent,
    WithoutSecrets,
    clean_text,
)
from tfclient.redaction.stream import StreamRedactor, clean_bytes
from tfclient.redaction.text import scrub
from tfclient.redaction.wire import collect_headers, strip_url

__all__ = ["Mark", "Redactor", "StreamRedactor"]


class Redactor:
    """Says what of an exchange may be kept.

    Make one with :meth:`from_setting`. It holds no state and may be shared by threads.

    Attributes:
        mode: ``"secrets"``, ``"content"``, ``"none"`` or ``"custom"``.
        looks: Says whether anything in some UTF-8 could have to change; no means it is kept as it is.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.mode: Mode = policy.mode
        self.looks: Callable[[bytes], bool] = policy.looks

    @classmethod
    def from_setting(cls, setting: str | Callable[[str, str], str | None] | None = "secrets") -> Redactor:
        """Make the redactor for a setting.

        Args:
            setting: ``"secrets"``, ``"content"``, ``None`` or ``"none"``, or a function from path and text to
                the text to keep (None drops it, as does an exception).

        Raises:
            ValueError: The setting is none of these.

        Example:
            >>> Redactor.from_setting("content").mode
            'content'
        """
        if setting is None or setting == "none":
            return cls(Everything())
        if setting == "secrets":
            return cls(WithoutSecrets())
        if setting == "content":
            return cls(WithoutContent())
        if callable(setting):
            return cls(AsTold(setting))
        raise ValueError(
            f'redact={setting!r} is not a redaction setting: use "secrets", "content", '
            "None to keep everything, or a function from path and text to the text to keep."
        )

    def body(self, data: bytes, content_type: str | None, where: str) -> tuple[str | None, list[Mark]]:
        """Give what may be kept of a whole body.

        Args:
            data: The body, its content encoding undone.
            content_type: Its content type, if known.
            where: ``"request.body"`` or ``"response.body"``; paths in the marks start with it.

        Returns:
            The text, or None when the bytes are not UTF-8 (see :meth:`binary`), and the marks.

        Example:
            >>> Redactor.from_setting().body(b'{"api_key": "x"}', "application/json", "request.body")[0]
            '{"api_key":"<redacted:key:api_key>"}'
        """
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None, []
        if not self.looks(data):
            return text, []
        marks: list[Mark] = []
        if content_type is not None and content_type.startswith("text/event-stream"):
            stream = StreamRedactor(self._policy, content_type, where)
            first, marks = stream.feed(data)
            last, more = stream.flush()
            return "".join(piece for piece in (first, last) if isinstance(piece, str)), marks + more
        return clean_text(self._policy, text, where, marks), marks

    def binary(self, data: bytes, where: str) -> tuple[str | dict[str, str], list[Mark]]:
        r"""Give what may be kept of a body that is no text.

        Returns:
            ``{"base64": …}``, or where no content is kept the text that stands for it; and the marks.

        Example:
            >>> Redactor.from_setting().binary(b"\xff", "request.body")[0]
            {'base64': '/w=='}
        """
        marks: list[Mark] = []
        return clean_bytes(self._policy, data, where, marks), marks

    def stream(self, content_type: str | None = None, where: str = "response.body") -> StreamRedactor:
        """Make a redactor for a body that comes in chunks.

        Args:
            content_type: Its content type; without one, the first bytes tell.
            where: The path of the body, for the marks.
        """
        return StreamRedactor(self._policy, content_type, where)

    def headers(
        self, raw: Iterable[tuple[bytes | str, bytes | str]], where: str = "headers"
    ) -> tuple[dict[str, str], list[Mark]]:
        """Give headers by lower-cased name, without credentials, repeated ones joined by a comma.

        Example:
            >>> sent = [(b"X-Request-Id", b"req_1"), (b"Authorization", b"Bearer x")]
            >>> Redactor.from_setting(None).headers(sent)[0]
            {'x-request-id': 'req_1'}
        """
        headers, marks = collect_headers(raw, where)
        kept = {
            name: self._policy.header(name, value, f"{where}.{name}", marks)
            for name, value in headers.items()
        }
        return kept, marks

    def url(self, url: str, where: str = "url") -> tuple[str, list[Mark]]:
        """Give a URL without credentials.

        Example:
            >>> Redactor.from_setting(None).url("https://me:pw@example.com/v1?api-key=x&api-version=1")[0]
            'https://<redacted:url_credentials>@example.com/v1?api-key=<redacted:query:api-key>&api-version=1'
        """
        stripped, marks = strip_url(url, where)
        return scrub(stripped, lambda rule, was: marks.append(mark(where, rule, "replaced", was))), marks

    @staticmethod
    def plain(value: object) -> JSON:
        """Give a Python value as JSON has it, as ``value`` does, before anything in it is redacted."""
        return as_json(value)

    def value(self, value: object, where: str = "value") -> tuple[JSON, list[Mark]]:
        """Give what may be kept of a Python value, as JSON has it; other objects as their ``repr``.

        Args:
            value: What a tool took or gave, an annotation, metadata.
            where: Its path, for the marks.

        Example:
            >>> Redactor.from_setting().value({"password": "hunter2", "n": 1})[0]
            {'password': '<redacted:key:password>', 'n': 1}
        """
        marks: list[Mark] = []
        return self._policy.own(as_json(value), where, marks), marks
