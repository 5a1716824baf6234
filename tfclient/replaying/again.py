"""One recorded request, changed or not, sent again: no program, no tools run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from attrs import evolve, frozen
from openai import Stream

from tfclient import playing
from tfclient.errors import ReplayRefused, SettingError
from tfclient.replaying.differences import Difference, differences
from tfclient.replaying.meaning import unfolded
from tfclient.replaying.places import place_in, shown
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from tfclient.replaying.places import Place
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.tape import Tape

_HOSTS: Final = ("api.openai.com", "localhost", "127.0.0.1", "[::1]")
_AZURE: Final = (".openai.azure.com", ".cognitiveservices.azure.com")

_PLACEHOLDER: Final = "<redacted:"


@frozen
class Asked:
    """A recorded request that can be sent again, and its body as it is to be now."""

    tape: Tape
    recorded: Recorded
    step_id: str
    body: dict[str, Any]

    @property
    def before(self) -> dict[str, Any]:
        """The body as it was recorded."""
        return json.loads(self.recorded.body or b"{}")  # type: ignore[no-any-return]

    @property
    def changes(self) -> list[Difference]:
        """What is different about it now."""
        return list(differences(unfolded(self.before), unfolded(self.body)))

    @property
    def has_placeholders(self) -> bool:
        """Whether something in it was redacted when it was recorded, and is sent so."""
        return _PLACEHOLDER in compact(self.body).decode()

    def with_value(self, place: str, value: Any) -> Asked:
        """Return it with a value put at a place, such as ``input[0].content``.

        Raises:
            SettingError: that names no place.
            ReplayRefused: it has no such place.
        """
        try:
            body = _put(self.body, place_in(place), value)
        except LookupError:
            reason = f"there is no {shown(place_in(place))} to be set in its request"
            raise ReplayRefused(f"{self.step_id} of {self.tape.name}", reason) from None
        return evolve(self, body=body)

    def with_prompt(self, text: str) -> Asked:
        """Return it with another prompt: what the user said last.

        Raises:
            ReplayRefused: nobody said anything in it.
        """
        for name in ("input", "messages", "prompt"):
            said = self.body.get(name)
            if isinstance(said, str):
                return evolve(self, body={**self.body, name: text})
            items: list[Any] = list(said) if isinstance(said, list) else []
            for n in reversed(range(len(items))):
                if isinstance(items[n], dict) and items[n].get("role") == "user":
                    items[n] = {**items[n], "content": text}
                    return evolve(self, body={**self.body, name: items})
        raise ReplayRefused(
            self.tape.shown(self.recorded.exchange_id), "no user says anything in that request"
        )


def asked_in(tape: Tape, step_id: str) -> Asked:
    """Return the request of a model call.

    Raises:
        ReplayRefused: the journal does not hold all of it.
    """
    names = [name for name, step in tape.steps.items() if step == step_id]
    found = next((each for each in tape.attempts if each.exchange_id in names), None)
    if found is None:
        raise ReplayRefused(tape.name, f"{step_id} sent no request")
    try:
        body = json.loads(found.body or b"")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ReplayRefused(f"{step_id} of {tape.name}", "its request is no JSON that was kept whole")
    return Asked(tape, found, step_id, body)


def credentials(asked: Asked) -> dict[str, Any]:
    """Return what a client is to be made with, so that it may ask where the request was sent; nothing if that is all.

    Raises:
        ReplayRefused: the key would go to somebody who is not known.
    """
    key = os.environ.get("AZURE_OPENAI_API_KEY") if _is_azure(_checked_url(asked)) else None
    return {"api_key": key, "default_headers": {"api-key": key}} if key else {}


def send(asked: Asked, client: Any, title: str) -> tuple[str, Exception | None]:
    """Send a request to where it was sent; return the session that records it, and the SDK's error if it failed.

    Args:
        asked: the request.
        client: a ``TracedOpenAI`` for this.
        title: of the session.

    Raises:
        ReplayRefused: the key would go to somebody who is not known.
    """
    url = _checked_url(asked)
    playing.turn_on()
    client._tf_replay = _Again(asked)  # noqa: SLF001 - one of ours
    streams = bool(asked.body.get("stream"))
    error: Exception | None = None
    with client, client.session(title=title) as session:
        try:
            reply: Any = client.request(
                object,
                _options(asked, url),
                stream=streams,
                stream_cls=Stream[object] if streams else None,
            )
            for _ in reply if streams else ():
                pass
        except Exception as raised:  # noqa: BLE001 - whatever the SDK makes of the answer, it is recorded
            error = raised
    session.wait(30)
    return session.id, error


def _options(asked: Asked, url: str) -> Any:
    from openai._models import FinalRequestOptions

    return FinalRequestOptions.construct(method=asked.recorded.method.lower(), url=url, json_data=asked.body)


def _checked_url(asked: Asked) -> str:
    url = asked.recorded.url
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    base = urlsplit(os.environ.get("OPENAI_BASE_URL") or os.environ.get("AZURE_OPENAI_ENDPOINT") or "")
    if _PLACEHOLDER in url:
        raise ReplayRefused(
            f"{asked.step_id} of {asked.tape.name}", "part of the URL that it was sent to was redacted"
        )
    known = host in _HOSTS or _is_azure(url) or host == (base.hostname or "").lower()
    if not known:
        # A recording may come from anywhere, and the key is yours.
        reason = f"it was sent to {host}: set OPENAI_BASE_URL to that, if your key is to go there"
        raise ReplayRefused(f"{asked.step_id} of {asked.tape.name}", reason)
    # What was asked for over a socket is asked for over HTTP: the same is there.
    return re.sub(r"\Aws(s?)://", r"http\1://", url)


def _is_azure(url: str) -> bool:
    return (urlsplit(url).hostname or "").lower().endswith(_AZURE)


def _put(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    part, rest = place[0], place[1:]
    if isinstance(value, dict) and isinstance(part, str):
        return {**value, part: _put(value.get(part, {} if rest else None), rest, new)}
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return [_put(each, rest, new) if n == part else each for n, each in enumerate(value)]
    raise LookupError(part)


class _Again:
    """Says in the session of a request where that was recorded; the request itself goes live."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def about(self) -> dict[str, Any]:
        tape = self._asked.tape
        about = {
            "kind": "again",
            "session_id": tape.session_id,
            "head": tape.head,
            "until": self._asked.step_id,
        }
        return {name: value for name, value in about.items() if value is not None}

    left = about

    def recorded_in(self, session_id: str) -> None:
        pass

    def asking(self, parent: Callable[..., Any]) -> Callable[..., Any]:
        return parent

    asking_async = sending = sending_async = asking


def value_in(text: str) -> Any:
    """Return the JSON value of a text; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def split(typed: str) -> tuple[str, Any]:
    """Return place and value of ``PATH=JSON``.

    Raises:
        SettingError: there is no ``=`` in it.
    """
    place, equals, value = typed.partition("=")
    if not equals:
        raise SettingError("--set", typed, "PATH=JSON, such as temperature=0")
    return place, value_in(value)
