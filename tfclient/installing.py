"""Recording clients that the program does not make itself: the two seams, on the SDK's own base clients.

They are looked up there at each call, so that neither the order of imports matters nor when a client was made, and
every client is of the class that it was. A traced client goes on recording into its own recorder, once.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from tfclient import playing
from tfclient.capture import shells
from tfclient.capture.borrowed import Gone, base_clients, base_resources
from tfclient.capture.sockets.of_frameworks import look
from tfclient.capture.sockets.seam import connected
from tfclient.client import _Traced
from tfclient.health import Health
from tfclient.recorder import Recorder, checked
from tfstore.disk import fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["install", "tracing", "uninstall"]

_lock: Final = fork.lock()


class _InForce:
    """A recorder for clients that have none of their own, until ``over``."""

    __slots__ = ("outer", "over", "recorder")

    def __init__(self, recorder: Recorder, outer: _InForce | None = None) -> None:
        self.recorder = recorder
        self.outer = outer
        self.over = False


_installed: _InForce | None = None
_asked = False
"""Whether the program has said what it wants installed."""

_blocks: list[_InForce] = []
"""What ``tracing()`` has put in force anywhere, the latest last."""

_here: ContextVar[_InForce | None] = ContextVar("tfclient_tracing", default=None)

_undo: list[Callable[[], None]] = []
"""What takes the seams off again; empty while they are not there."""

_looks: WeakSet[Health] = WeakSet()
"""What is to be told of frameworks that open sockets themselves, also of those imported later."""

_put = 0
"""How often they were put on: those of before may be left inside of what somebody has put around them."""


def install(recorder: Recorder | None = None) -> Recorder:
    """Record every client of this process, whoever made it and when; return the recorder.

    Harmless when repeated: without an argument it returns the recorder that is in force.

    Args:
        recorder: what records them, in place of an earlier one; else a new ``Recorder()``.

    Raises:
        TypeError: it is no recorder.

    Example:
        >>> import tempfile, tfclient
        >>> recorder = tfclient.install(tfclient.Recorder(tempfile.mkdtemp()))
        >>> tfclient.install() is recorder
        True
        >>> tfclient.uninstall()
    """
    global _asked, _installed  # noqa: PLW0603 - one for the process
    given = checked(recorder)
    fork.import_hooks()
    with _lock:
        present = _installed
        if present is None or (given is not None and given is not present.recorder):
            present = _installed = _InForce(given or Recorder())
        _asked = True
        _put_on(present.recorder)
        return present.recorder


def install_once(directory: Path) -> None:
    """Install a recorder of this store, unless something has been installed before, and perhaps undone since."""
    with _lock:
        if not _asked:
            install(Recorder(directory))


def uninstall() -> None:
    """Undo ``install``: clients are recorded no longer, and the SDK is as it was. Harmless when repeated."""
    global _asked, _installed
    with _lock:
        _installed, _asked = None, True
        _take_off()


@contextlib.contextmanager
def tracing(recorder: Recorder | None = None) -> Iterator[Recorder]:
    """Record what clients do inside a ``with`` block, whoever made them; gives the recorder.

    Blocks nest, and hold for tasks and ``copy_context`` threads that are started inside. Another thread that is
    started inside, and knows no context, is recorded by what is installed, else by the latest block.

    Args:
        recorder: what records them; else the one in force, else a new one, whose session ends with the block.

    Raises:
        TypeError: it is no recorder.

    Example:
        >>> import tempfile, tfclient
        >>> with tfclient.tracing(tfclient.Recorder(tempfile.mkdtemp())) as recorder:
        ...     with tfclient.tracing() as same:
        ...         same is recorder
        True
    """
    outer, made = _in_force(), None
    chosen = checked(recorder) or (outer.recorder if outer is not None else None)
    if chosen is None:
        chosen = made = Recorder()
    block = _InForce(chosen, _here.get())
    with _lock:
        _blocks.append(block)
        _put_on(chosen)
    token = _here.set(block)
    try:
        yield chosen
    finally:
        # A generator may leave in another context than it entered in: then the block is over there all the same.
        with contextlib.suppress(ValueError, RuntimeError):
            _here.reset(token)
        with _lock:
            block.over = True
            _blocks.remove(block)
            _take_off()
        if made is not None:
            made.end_session()


def _in_force() -> _InForce | None:
    block = _here.get()
    while block is not None:
        if not block.over:
            return block
        block = block.outer
    return _installed or next(iter(_blocks[-1:]), None)


def _for(client: object, put: int | None = None) -> _InForce | None:
    """What records this client here and now; None for one that has a recorder of its own."""
    return None if isinstance(client, _Traced) or (put is not None and put != _put) else _in_force()


def _recorder_of(client: object, put: int | None = None) -> Recorder | None:
    block = _for(client, put)
    return None if block is None else block.recorder


def _put_on(recorder: Recorder) -> None:
    global _put  # noqa: PLW0603 - one for the process
    atexit.unregister(_look_again)
    atexit.register(_look_again)
    _looks.add(recorder.health)
    recorder.health.looks = look
    look(recorder.health)
    if _undo:
        return
    _put += 1
    try:
        sync, asynchronous = base_clients()
    except Gone as gone:
        recorder.health.not_seen("What clients do that are not traced themselves", str(gone))
        return
    for base, watched in ((sync, _watched), (asynchronous, _watched_async)):
        for name, function in watched(vars(base)["request"], vars(base)["_send_request"]).items():
            _replace(base, name, function)
        if waits := getattr(base, "_calculate_retry_timeout", None):
            _replace(base, "_calculate_retry_timeout", _unless_played(waits))
    for resource in base_resources():
        _watch_connections(resource)


def _look_again() -> None:
    """See what has been imported meanwhile that passes by: nobody is told of an import."""
    for health in list(_looks):
        health.look()


def _take_off() -> None:
    if _installed is None and not _blocks:
        _look_again()
        for health in list(_looks):
            health.looks = None
        _looks.clear()
        atexit.unregister(_look_again)
        while _undo:
            _undo.pop()()


def _replace(owner: type[Any], name: str, ours: Any) -> None:
    theirs = vars(owner).get(name)

    def undo() -> None:
        # What somebody has put around ours since stays, with ours in it, which does nothing any more.
        if vars(owner).get(name) is not ours:
            return
        if theirs is None:
            delattr(owner, name)
        else:
            setattr(owner, name, theirs)

    _undo.append(undo)
    setattr(owner, name, ours)


def _watched(request: Callable[..., Any], send: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    put = _put

    @functools.wraps(request)
    def watched_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        block = _for(self, put)
        if block is None:
            return request(self, *args, **kwargs)
        parent: Callable[..., Any] = functools.partial(request, self)
        if playing.on and (player := playing.player_for()) is not None:
            parent = player.asking(parent)
        return shells.request(block, parent, args, kwargs)

    @functools.wraps(send)
    def watched_send(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _for(self, put) is None:
            return send(self, *args, **kwargs)
        parent: Callable[..., Any] = functools.partial(send, self)
        if playing.on and (player := playing.player_for()) is not None:
            parent = player.sending(parent)
        return shells.send(parent, args, kwargs)

    return {"request": watched_request, "_send_request": watched_send}


def _watched_async(request: Callable[..., Any], send: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    put = _put

    @functools.wraps(request)
    async def watched_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        block = _for(self, put)
        if block is None:
            return await request(self, *args, **kwargs)
        parent: Callable[..., Any] = functools.partial(request, self)
        if playing.on and (player := playing.player_for()) is not None:
            parent = player.asking_async(parent)
        return await shells.request_async(block, parent, args, kwargs)

    @functools.wraps(send)
    async def watched_send(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _for(self, put) is None:
            return await send(self, *args, **kwargs)
        parent: Callable[..., Any] = functools.partial(send, self)
        if playing.on and (player := playing.player_for()) is not None:
            parent = player.sending_async(parent)
        return await shells.send_async(parent, args, kwargs)

    return {"request": watched_request, "_send_request": watched_send}


def _watch_connections(base: type[Any]) -> None:
    """Watch what resources connect: those that are there, and those whose modules are imported later."""
    put = _put

    def watch(resource: type[Any]) -> None:
        connect = vars(resource).get("connect")
        if not callable(connect):
            return

        @functools.wraps(connect)
        def watched_connect(self: Any, *args: Any, **kwargs: Any) -> Any:
            theirs = connect.__get__(self)
            return connected(theirs, self._client, functools.partial(_recorder_of, put=put), args, kwargs)

        _replace(resource, "connect", watched_connect)

    def begun(cls: type[Any], /, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)
        if put == _put and _undo:
            watch(cls)

    _replace(base, "__init_subclass__", classmethod(begun))
    known = [base]
    while known:
        resource = known.pop()
        known += resource.__subclasses__()
        watch(resource)


def _unless_played(waits: Callable[..., float]) -> Callable[..., float]:
    @functools.wraps(waits)
    def calculated(self: Any, *args: Any, **kwargs: Any) -> float:
        return 0.0 if playing.on and playing.just_played.get() else waits(self, *args, **kwargs)

    return calculated
