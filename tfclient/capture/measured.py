"""The program's own functions, decorated: each call of one is a tool call, and nothing else about it changes.

One that yields is measured from its first step to its last, and is the current tool while it runs and no longer:
between two steps the program runs that reads it, perhaps in another context, and its calls are not the tool's.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from tfclient.capture.tools import ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from tfclient.recorder import Recorder
    from tfclient.sessions.state import SessionState

    _Started = Callable[[tuple[Any, ...], dict[str, Any]], ToolCall]

P = ParamSpec("P")
R = TypeVar("R")

_KEPT: Final = 1000
"""Items that are recorded of what one run yields; of the others, how many there were."""


def measured(
    recorder: Callable[[], Recorder],
    function: Callable[P, R],
    name: str | None = None,
    bound: SessionState | None = None,
) -> Callable[P, R]:
    """Return the function, with each of its calls recorded; its signature, name and nature stay.

    Args:
        recorder: gives what records it.
        function: any function; a coroutine function stays one, and so does one that yields.
        name: the tool's name; the function's own by default.
        bound: the session that its calls belong to, if that is not the current one.
    """
    called = name or getattr(function, "__name__", type(function).__name__)

    def started(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ToolCall:
        arguments = _arguments(function, args, kwargs)
        return ToolCall(recorder(), name=called, arguments=arguments, bound=bound)

    for yields, made in (
        (inspect.isgeneratorfunction, _yielding),
        (inspect.isasyncgenfunction, _yielding_async),
    ):
        if yields(function):
            return cast("Callable[P, R]", functools.wraps(function)(made(started, function)))
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def measured_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            with started(args, kwargs) as tool:
                tool.result = result = await function(*args, **kwargs)
            return result

        return cast("Callable[P, R]", measured_async)

    @functools.wraps(function)
    def measured_sync(*args: P.args, **kwargs: P.kwargs) -> R:
        with started(args, kwargs) as tool:
            result = function(*args, **kwargs)
            tool.result = result
        return result

    return measured_sync


def _yielding(started: _Started, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        run = _Run(started(args, kwargs))
        steps = function(*args, **kwargs)
        step = functools.partial(steps.send, None)
        try:
            while True:
                with run.tool.entered():
                    item = step()
                run.yielded(item)
                try:
                    sent = yield item
                    step = functools.partial(steps.send, sent)
                except GeneratorExit:
                    with run.tool.entered():
                        steps.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    step = functools.partial(steps.throw, error)
        except StopIteration as stop:
            run.returned(stop.value)
            return stop.value
        except BaseException as error:
            run.broke(error)
            raise

    return measured


def _yielding_async(started: _Started, function: Callable[..., Any]) -> Callable[..., Any]:
    async def measured(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        run = _Run(started(args, kwargs))
        steps = function(*args, **kwargs)
        step = functools.partial(steps.asend, None)
        try:
            while True:
                with run.tool.entered():
                    item = await step()
                run.yielded(item)
                try:
                    sent = yield item
                    step = functools.partial(steps.asend, sent)
                except GeneratorExit:
                    with run.tool.entered():
                        await steps.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    step = functools.partial(steps.athrow, error)
        except StopAsyncIteration:
            run.returned(None)
        except BaseException as error:
            run.broke(error)
            raise

    return measured


class _Run:
    """One run of a tool that yields, and what it has yielded."""

    def __init__(self, tool: ToolCall) -> None:
        self.tool = tool
        self._items: list[Any] = []
        self._count = 0
        tool.begin()

    def yielded(self, item: Any) -> None:
        self._count += 1
        if self.tool.id is not None and self._count <= _KEPT:
            with self.tool.sessions.health.guard("tool", f"recording what tool {self.tool.name} yields"):
                # As it is now: whoever reads it may change it, and need not find it held.
                self._items.append(self.tool.sessions.redactor.plain(item))

    def returned(self, value: Any) -> None:
        self._end(None, value)

    def broke(self, error: BaseException) -> None:
        # A generator that is closed is how a program stops reading.
        self._end(None if isinstance(error, GeneratorExit) else error, None)

    def _end(self, error: BaseException | None, value: Any) -> None:
        more = self._count - len(self._items)
        items = [*self._items, *([f"<{more} more>"] if more else [])]
        self.tool.result = items if value is None else {"yielded": items, "returned": value}
        self.tool.end(error)


def _arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        # Wrong arguments: the function itself will say so. No signature: a builtin.
        return {"args": list(args), **kwargs}
    return {key: value for key, value in bound.arguments.items() if key not in {"self", "cls"}}
