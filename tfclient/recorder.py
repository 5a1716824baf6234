"""The recorder: what a program holds and asks. What it writes is made in ``capture``, where in ``sessions``."""

from __future__ import annotations

import functools
import os
import platform
import sys
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet, finalize, ref

import openai

from tfclient.health import Health
from tfclient.sessions.handle import SessionHandle
from tfclient.sessions.sessions import Sessions
from tfclient.settings import NOT_GIVEN, AudioSetting, RedactSetting, Settings, _NotGiven, tell_one_switch
from tfclient.stats import Counters, Stats
from tfstore.disk.fork import importing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfclient.event import Event
    from tfclient.sessions.state import SessionState

__all__ = ["Recorder"]


class Recorder:
    """Records what clients do into one store; clients that share a recorder share its sessions.

    Every argument has an environment variable, for when it is left out.

    Args:
        dir: the store's folder (``THOUGHTFLOW_DIR``, else ``./.thoughtflow``); made when first needed.
        redact: ``"secrets"`` (the default) replaces secrets, ``"content"`` keeps hashes and lengths of texts,
            ``None`` keeps everything but credentials, a callable decides (``THOUGHTFLOW_REDACT``).
        idle_minutes: idleness after which a session ends, 0 for never (``THOUGHTFLOW_IDLE_MINUTES``, else 30).
        enabled: False records nothing (``THOUGHTFLOW_DISABLED=1``).
        fsync: True forces every entry to the disk itself, against power failure (``THOUGHTFLOW_FSYNC=1``).
        deltas: True keeps the deltas of streams in the document.
        stacks: True keeps the whole stack of the exception that ends a session, not its last frames only.
        notes: True notes what a session teaches about its tools when it ends, in the background, as ``tfclient notes``
            does (``THOUGHTFLOW_NOTES=1``).
        capture_raw: True keeps bodies of requests and responses as they were on the wire, and stacks of failed calls,
            too, apart and for three days (``THOUGHTFLOW_RAW_DAYS``). Only where ``THOUGHTFLOW_ALLOW_RAW=1`` allows it.
        audio: what is kept of audio that goes over sockets: ``"count"`` (the default) how much there was, ``"hash"``
            its digest, ``"keep"`` all of it, as files of sound (``THOUGHTFLOW_AUDIO``). No secret is looked for in
            it, and with ``redact="content"`` it is only counted.
        max_payload: how many bytes the document keeps of one value, a number or a size such as ``"256KB"``; None
            keeps everything (``THOUGHTFLOW_MAX_PAYLOAD``, else None). The journal keeps the whole.
        export: an address that takes OpenTelemetry's spans: each session is sent there when it ends, in the background,
            as ``tfclient export`` does (``THOUGHTFLOW_EXPORT``).
        sync: a team's database, ``postgresql://user@host/name``: each session is sent there when it ends, in the
            background, as ``tfclient sync`` does (``THOUGHTFLOW_SYNC``).
        on_event: a function that is told what happens, each an ``Event``: turns that start and are complete, tools that
            are called and answered. It runs on the recorder's thread, within a second or so, never in a call.

    Raises:
        SettingError: an argument has a value that it cannot have (a ``ValueError``).
        TypeError: an argument has a type that it cannot have.

    Example:
        >>> import tempfile
        >>> recorder = Recorder(tempfile.mkdtemp(), idle_minutes=5)
        >>> recorder.health.ok, recorder.stats().calls
        (True, 0)
    """

    def __init__(
        self,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - the word that fits
        *,
        redact: RedactSetting | _NotGiven = NOT_GIVEN,
        idle_minutes: float | None = None,
        enabled: bool | None = None,
        fsync: bool | None = None,
        deltas: bool = False,
        stacks: bool = False,
        notes: bool | None = None,
        capture_raw: bool | None = None,
        audio: AudioSetting | None = None,
        max_payload: int | str | _NotGiven | None = NOT_GIVEN,
        export: str | None = None,
        sync: str | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        if on_event is not None and not callable(on_event):
            raise TypeError(f"on_event must be a function, not {on_event!r}")
        self.settings: Final = Settings.resolve(
            dir,
            redact=redact,
            idle_minutes=idle_minutes,
            enabled=enabled,
            fsync=fsync,
            deltas=deltas,
            stacks=stacks,
            notes=notes,
            capture_raw=capture_raw,
            audio=audio,
            max_payload=max_payload,
            export=export,
            sync=sync,
        )
        if self.settings.enabled:
            tell_one_switch(asked=capture_raw is True)
        # Its patterns take longer to compile than all the rest of this package to import.
        with importing:
            from tfclient.redaction import Redactor, header_plans  # noqa: F401

        self.clients: Final[WeakSet[Any]] = WeakSet()
        """What the clients that record with it hold of it, for as long as they are open."""
        self.health: Final = Health()
        self._counters = Counters()
        self.sessions: Final = Sessions(
            self.settings,
            health=self.health,
            counters=self._counters,
            redactor=Redactor.from_setting(self.settings.redact),
            runtime=_runtime,
            on_event=on_event,
        )
        if self.sessions.keeps_audio != self.settings.audio:
            self.health.not_seen(
                "The audio of WebSockets", 'redact="content" keeps no content; it is counted'
            )
        if not self.settings.enabled:
            self.health.degrade(
                "disabled", "recording is switched off (enabled=False or THOUGHTFLOW_DISABLED)"
            )
        # Not at exit: then all open sessions are ended in order, by `idle_and_exit`.
        finalize(self, self.sessions.end_soon).atexit = False

    @property
    def enabled(self) -> bool:
        """Whether anything is recorded."""
        return self.settings.enabled

    @property
    def current(self) -> SessionHandle | None:
        """The session that a call made here and now would belong to, if one is open."""
        state = self.sessions.current()
        return None if state is None else self._handle(state)

    def session(
        self,
        *,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002
    ) -> SessionHandle:
        """Make a session for what runs inside its ``with`` block.

        Args:
            title: what people find it by; else its first prompt.
            metadata: the program's own tags.
            id: its id; one that exists already is continued.

        Raises:
            InvalidSessionId: the id cannot be a file name.
        """
        return self._handle(self.sessions.new(title, metadata, id))

    def end_session(self) -> SessionHandle | None:
        """End the current session and return it, or None; its files are written in the background.

        Where recording is off there always is one, without files.
        """
        handle = self.current
        if handle is None and not self.enabled:
            # A program goes on with it as if there were files: `client.end_session().path`.
            handle = self.session()
        if handle is not None:
            handle.end()
        return handle

    def stats(self) -> Stats:
        """Return what was done so far, in numbers; it costs next to nothing."""
        counters = self._counters
        writers = [state.writer for state in self.sessions.open()]
        return Stats(
            calls=counters.calls,
            entries=counters.entries,
            bytes=counters.closed_bytes + sum(writer.size for writer in writers),
            lost=counters.lost,
            write_median_us=counters.percentile(0.5),
            write_p99_us=counters.percentile(0.99),
            backlog=sum(writer.backlog for writer in writers),
            faults=self.health.faults,
            drift=counters.drift,
        )

    def _handle(self, state: SessionState) -> SessionHandle:
        handle = None if state.handle is None else state.handle()
        if handle is None:
            handle = SessionHandle(self.sessions, state)
            # It may know a client, and that this recorder; which would then never be gone.
            state.handle = ref(handle)
        return handle

    def __repr__(self) -> str:
        return f"Recorder({str(self.settings.directory)!r}{'' if self.enabled else ', enabled=False'})"


def checked(recorder: object) -> Recorder | None:
    """Return what was given as a recorder.

    Raises:
        TypeError: it is something else.
    """
    if recorder is not None and not isinstance(recorder, Recorder):
        raise TypeError(f"recorder must be a tfclient.Recorder, not {recorder!r}")
    return recorder


@functools.cache
def _runtime_once(pid: int) -> dict[str, Any]:
    return {
        "tfclient": _version(),
        "openai": openai.__version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "pid": pid,
    }


def _runtime() -> dict[str, Any]:
    return dict(_runtime_once(os.getpid()))


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tfclient")
    except PackageNotFoundError:
        return "unknown"
