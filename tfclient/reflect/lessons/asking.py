"""The notetaker as a program uses it, and a model that it may ask: somebody else's code, with an end to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.errors import SettingError

if TYPE_CHECKING:
    from tfclient.reflect.lessons.book import Taken
    from tfstore.store import Store

SECONDS: Final = 120.0
"""How long a model may take for one session."""


@frozen
class Notetaker:
    r"""Notes what sessions teach; with a model also what that says of them, as far as it holds.

    Args:
        model: is given a session as text and gives back lines, each of which cites the steps that it rests on, as in
            ``[4.7]``. A line that cites none or one that is not there, or quotes what does not stand there, is
            dropped and told. It runs in a thread of its own. Without it no model is asked.
        skip_tools: names of tools from whose answers nothing is learnt.
        seconds: how long the model may take for one session; what takes longer is left behind.

    Raises:
        SettingError: ``seconds`` is no time.
        TypeError: the model cannot be called.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Session
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", status="closed"))
        >>> Notetaker(model=lambda text: "- nothing is wrong [9.9]").note(store, ["sess_1"]).troubles
        ['Of the model\'s notes, "nothing is wrong [9.9]" was dropped: there is no step 9.9.']
    """

    model: Callable[[str], object] | None = None
    skip_tools: Collection[str] = ()
    seconds: float = SECONDS

    def __attrs_post_init__(self) -> None:
        if (
            isinstance(self.seconds, bool)
            or not isinstance(self.seconds, int | float)
            or not 0 < self.seconds < 1e6
        ):
            raise SettingError("seconds", self.seconds, "a number of seconds, more than 0")
        if self.model is not None and not callable(self.model):
            raise TypeError(
                f"model must be a function that is given a text and gives one back, not {self.model!r}"
            )

    def note(self, store: Store, session_ids: Iterable[str]) -> Taken:
        """Note what sessions teach; doing it again changes nothing but what a model says anew.

        Args:
            store: where they are, and where it is noted.
            session_ids: whole ids.

        Raises:
            UnknownSession, CorruptDocument, NewerDocument: one of the sessions cannot be read.
            LearningsUnreadable, NewerLearnings: what there is cannot be read; nothing was changed.
            StoreUnusable: it cannot be written.
        """
        from tfclient.reflect.lessons.book import Book

        model = None if self.model is None else bounded(self.model, self.seconds)
        return Book(store).note(session_ids, self.skip_tools, model)


def bounded(model: Callable[[str], object], seconds: float) -> Callable[[str], object]:
    """Return a function that gives what another does, if it does within so many seconds, and else raises.

    Python has no way to stop it: what takes too long goes on in a thread that nothing waits for.
    """

    def ask(text: str) -> object:
        given: list[object] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                given.append(model(text))
            except BaseException as error:  # noqa: BLE001 - told to whoever asked
                raised.append(error)

        thread = threading.Thread(target=run, name="tfclient-notes", daemon=True)
        thread.start()
        thread.join(seconds)
        if given:
            return given[0]
        if raised:
            error = raised[0]
            raise error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
        raise TimeoutError(f"it took more than {seconds:g} s")

    return ask
