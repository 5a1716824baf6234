"""A test's session, with questions to ask of it; all that the document has is there too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.testing.flow import flow_of
from tfstore.reading.plain_text import clean
from tfstore.reading.step_text import text_of

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Session, Step

_FAILED = frozenset({"tool_error"})


class ToldRun:
    """A run of the session: what its document has, and ``prompt``, ``answer``, ``tool_calls``."""

    def __init__(self, run: Run) -> None:
        self.document = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self.document, name)

    @property
    def prompt(self) -> str:
        """What was asked."""
        return self.document.input_text

    @property
    def answer(self) -> str:
        """The last answer; empty where there was none."""
        said = [step for step in self.document.steps if step.label == "assistant_message"]
        return text_of(said[-1]) if said else ""

    @property
    def tool_calls(self) -> list[Step]:
        """The calls of tools that were asked for, in order."""
        return [step for step in self.document.steps if step.label == "tool_call"]


class ToldSession:
    """The session of a test.

    ``document`` is what was recorded, its attributes are here too; ``path`` is where it lies.

    Example:
        >>> from tfstore.document.documents import Session
        >>> told = ToldSession(Session("sess_1", title="A trial"))
        >>> told.title, told.tool_calls, told.answer
        ('A trial', [], '')
    """

    def __init__(self, session: Session, path: Any = None) -> None:
        self.document = session
        self.path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self.document, name)

    @property
    def runs(self) -> list[ToldRun]:
        """Its runs."""
        return [ToldRun(run) for run in self.document.runs]

    @property
    def answer(self) -> str:
        """The last answer of all."""
        return next((run.answer for run in reversed(self.runs) if run.answer), "")

    @property
    def tool_calls(self) -> list[Step]:
        """The calls of tools that were asked for, in order."""
        return [step for run in self.runs for step in run.tool_calls]

    @property
    def tool_errors(self) -> list[Step]:
        """The outputs of tools that were errors."""
        return [step for run in self.document.runs for step in run.steps if step.label in _FAILED]

    @property
    def flow(self) -> str:
        """What happened, as text without ids, times and tokens."""
        return flow_of(self.document)

    def assert_called_tool(self, name: str, arguments: Any = None, *, times: int | None = None) -> None:
        """Assert that a tool was called.

        Args:
            name: the tool's.
            arguments: with these; None: whichever.
            times: so often exactly; None: at least once.

        Raises:
            AssertionError: it was not; the message says what was called.
        """
        __tracebackhide__ = True
        found = [
            step
            for step in self.tool_calls
            if step.tool_name == name
            and (arguments is None or step.payload_started.get("arguments") == arguments)
        ]
        if len(found) == times or (times is None and found):
            return
        wanted = name if arguments is None else f"{name}({arguments!r})"
        often = "never" if not found else f"{len(found)} times"
        expected = "" if times is None else f", not {times} times"
        called = [f"{step.tool_name}({step.payload_started.get('arguments')!r})" for step in self.tool_calls]
        told = f"{wanted} was called {often}{expected}. Called were: {', '.join(called) or 'no tools'}."
        raise AssertionError(clean(told))

    def __repr__(self) -> str:
        return f"<session {self.document.session_id} of this test>"
