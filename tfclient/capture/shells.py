"""The two seams as a client has them: sync and async around whatever the parent does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.capture import seams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tfclient.capture.seams import Recorded


def request(
    client: Recorded, parent: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Make a call of the program's, seen."""
    # pytest shows the program's lines, as without a recorder.
    __tracebackhide__ = True
    call = seams.begin(client, args, kwargs)
    token = seams.enter(call)
    try:
        result = parent(*args, **kwargs)
    except BaseException as error:
        if call is not None:
            call.failed(error)
        raise
    finally:
        seams.leave(token)
    seams.returned(call)
    return result


async def request_async(
    client: Recorded, parent: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Make a call of the program's, seen."""
    __tracebackhide__ = True
    call = seams.begin(client, args, kwargs)
    token = seams.enter(call)
    try:
        result = await parent(*args, **kwargs)
    except BaseException as error:
        if call is not None:
            call.failed(error)
        raise
    finally:
        seams.leave(token)
    seams.returned(call)
    return result


def send(parent: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Send one request of a call, seen."""
    exchange = seams.sent(args, kwargs)
    if exchange is None:
        return parent(*args, **kwargs)
    try:
        response = parent(*args, **kwargs)
    except BaseException as error:
        exchange.failed(error)
        raise
    seams.answered(exchange, response)
    return response


async def send_async(
    parent: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Send one request of a call, seen."""
    exchange = seams.sent(args, kwargs)
    if exchange is None:
        return await parent(*args, **kwargs)
    try:
        response = await parent(*args, **kwargs)
    except BaseException as error:
        exchange.failed(error)
        raise
    seams.answered(exchange, response)
    return response
