"""Tools that yield: measured from their first step to their last, and current while they run and no longer.

Between two steps the program runs that reads them, perhaps in another context: its calls are not the tool's.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from tfclient.capture.tools import ToolCall

    _Started = Callable[[tuple[Any, ...], dict[str, Any]], ToolCall]

_KEPT: Final = 1000
"""Items that are recorded of what one run yields; of the others, how many there were."""


def measured_generator(started: _Started, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a generator function, or an asynchronous one, with each of its runs recorded; its nature stays.

    Args:
        started: makes the tool call, of the arguments.
        function: the function.
    """
    made = _asynchronous if inspect.isasyncgenfunction(function) else _synchronous
    return functools.wraps(function)(made(started, function))


def _synchronous(started: _Started, function: Callable[..., Any]) -> Callable[..., Any]:
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


def _asynchronous(started: _Started, function: Callable[..., Any]) -> Callable[..., Any]:
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
