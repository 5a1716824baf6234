"""Where and how to record: by argument, else by environment variable, else by default.

A wrong argument is the caller's mistake and raises at once. A wrong environment variable may come from far
away and must not stop a program: it is said once in the log, and the default holds.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tfclient.errors import SettingError
from tfclient.signals import let_pass
from tfclient.stores_nearby import DEFAULT, store_upwards

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("tfclient")

RedactSetting: TypeAlias = str | Callable[..., Any] | None
"""``"secrets"``, ``"content"``, ``None`` (keep everything), or a callable (see ``tfclient.redaction``)."""

REDACT_MODES: Final = ("secrets", "content")

AudioSetting: TypeAlias = Literal["count", "hash", "keep"]

AUDIO_MODES: Final[tuple[AudioSetting, ...]] = ("count", "hash", "keep")
"""What is kept of the audio that goes over sockets: how much there was, its digest, or all of it."""

LEAST_PAYLOAD: Final = 1000
"""Bytes that a cap on payloads leaves at least: ids and names are no payload."""

_DEFAULT: Final = DEFAULT

_A_FOLDER: Final = "the path of a folder"

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""How an address begins; as a ``Path`` it has lost one of its slashes."""

_A_CAP: Final = "a number of bytes or a size such as '256KB', at least 1KB"

_A_DATABASE: Final = "an address such as 'postgresql://user@host/name'"
_AN_ADDRESS: Final = "an address such as 'http://127.0.0.1:4318'"
_ADDRESS: Final = re.compile(r"https?://[^\s/]+\S*")

_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*([kKMGT]?)i?B?")
_POWERS: Final = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class _NotGiven(Enum):
    TOKEN = "not given"  # noqa: S105 - no credential


NOT_GIVEN: Final = _NotGiven.TOKEN
"""Stands for an argument that was left out where ``None`` means something."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one recorder.

    ``directory`` is the store's folder, ``idle_minutes`` the idleness after which a session ends (0: never),
    ``fsync`` forces every journal entry to the disk itself, ``deltas`` keeps stream deltas in the document,
    ``audio`` says what is kept of audio that goes over sockets, ``max_payload`` is how many bytes the document keeps of
    one value (None: all), ``stacks`` keeps the whole stack of the exception that ends a session, ``notes`` has what a
    session teaches noted when it ends, ``capture_raw`` keeps bodies as they are, apart and for a while, ``export`` and
    ``sync`` are where sessions are sent as they close.
    """

    directory: Path
    enabled: bool = True
    redact: RedactSetting = "secrets"
    idle_minutes: float = 30.0
    fsync: bool = False
    deltas: bool = False
    max_payload: int | None = None
    stacks: bool = False
    notes: bool = False
    capture_raw: bool = False
    # It may hold a password: not shown.
    export: str | None = field(default=None, repr=False)
    sync: str | None = field(default=None, repr=False)
    audio: AudioSetting = "count"

    @classmethod
    def resolve(
        cls,
        directory: str | os.PathLike[str] | None = None,
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
        environ: Mapping[str, str] = os.environ,
    ) -> Settings:
        """Return the settings that these arguments and the environment give.

        Args:
            directory: the store's folder; else ``THOUGHTFLOW_DIR``, else ``./.thoughtflow``.
            redact: what is kept of secrets and text; else ``THOUGHTFLOW_REDACT`` (``none`` keeps everything).
            idle_minutes: else ``THOUGHTFLOW_IDLE_MINUTES``, else 30; 0 is never.
            enabled: else not ``THOUGHTFLOW_DISABLED``.
            fsync: else ``THOUGHTFLOW_FSYNC``.
            deltas: keep stream deltas in the document.
            stacks: keep the whole stack of the exception that ends a session.
            notes: note what sessions teach when they end; else ``THOUGHTFLOW_NOTES``.
            capture_raw: keep bodies as they are, too; only with ``THOUGHTFLOW_ALLOW_RAW=1``.
            audio: ``"count"``, ``"hash"`` or ``"keep"``; else ``THOUGHTFLOW_AUDIO``, else ``"count"``.
            max_payload: bytes that the document keeps of one value, or a size such as ``"256KB"``; else
                ``THOUGHTFLOW_MAX_PAYLOAD``; None keeps everything.
            export: the address that sessions are sent to as they close; else ``THOUGHTFLOW_EXPORT``.
            sync: the address of the database that sessions are sent to as they close; else ``THOUGHTFLOW_SYNC``.
            environ: the environment.

        Raises:
            SettingError: an argument has a value that it cannot have.
            TypeError: an argument has a type that it cannot have.

        Example:
            >>> Settings.resolve("/tmp/traces", environ={"THOUGHTFLOW_IDLE_MINUTES": "5"}).idle_minutes
            5.0
        """
        return cls(
            directory=_directory(directory, environ),
            enabled=_flag("enabled", enabled, default=not _env_flag("THOUGHTFLOW_DISABLED", environ)),
            redact=_env_redact(environ) if isinstance(redact, _NotGiven) else _redact(redact),
            idle_minutes=_env_idle(environ) if idle_minutes is None else _idle(idle_minutes),
            fsync=_flag("fsync", fsync, default=_env_flag("THOUGHTFLOW_FSYNC", environ)),
            deltas=_flag("deltas", deltas, default=False),
            stacks=_flag("stacks", stacks, default=False),
            notes=_flag("notes", notes, default=_env_flag("THOUGHTFLOW_NOTES", environ)),
            capture_raw=_flag("capture_raw", capture_raw, default=False) and _raw_allowed(environ),
            audio=_env_audio(environ) if audio is None else _audio(audio),
            max_payload=_env_cap(environ) if isinstance(max_payload, _NotGiven) else _cap(max_payload),
            export=_env_address("THOUGHTFLOW_EXPORT", _address, _AN_ADDRESS, environ)
            if export is None
            else _address(export),
            sync=_env_address("THOUGHTFLOW_SYNC", _database, _A_DATABASE, environ)
            if sync is None
            else _database(sync),
        )


def bytes_in(text: str) -> int | None:
    """Return the bytes that a size stands for, thousands to the kilo; None where it is no size.

    Example:
        >>> bytes_in("256KB"), bytes_in("1.5GB"), bytes_in("4000"), bytes_in("much")
        (256000, 1500000000, 4000, None)
    """
    found = _SIZE.fullmatch(text.strip())
    return None if found is None else int(float(found[1]) * _POWERS[found[2]])


def redaction_here(environ: Mapping[str, str] = os.environ) -> RedactSetting:
    """Return the redaction setting of whoever writes to a store without a recorder: ``THOUGHTFLOW_REDACT``."""
    return _env_redact(environ)


def directory_to_read(
    directory: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return the folder of the store to be read: that of ``Settings.resolve``, but no other in place of a wrong one.

    Raises:
        SettingError: the argument, or ``THOUGHTFLOW_DIR``, cannot be a folder.
    """
    name = "dir"
    if directory is None:
        name, directory = "THOUGHTFLOW_DIR", environ.get("THOUGHTFLOW_DIR") or _default()
    if not os.fspath(directory) or "\0" in os.fspath(directory):
        raise SettingError(name, directory, _A_FOLDER)
    if _SCHEME.match(os.fspath(directory)):
        # Taken for a path, it would become a folder of that name.
        raise _no_folder(name, os.fspath(directory))
    path = Path(directory)
    try:
        path = path.expanduser()
        # Now, not at the first call: a program that changes its directory keeps one store.
        return Path(os.path.normpath(_here() / path))  # links are the user's choice
    except (OSError, RuntimeError):
        return path


def _no_folder(name: str, address: str) -> SettingError:
    from tfstore.postgres.address import is_address, without_password

    expected = f"{_A_FOLDER}, or postgresql://host/name to read what was sent there"
    if is_address(address):
        expected = (
            f"{_A_FOLDER}: nothing is recorded into a database. `tfclient sync` sends it what a folder holds"
        )
    return SettingError(name, without_password(address), expected)


def _directory(directory: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Path:
    try:
        return directory_to_read(directory, environ)
    except SettingError as error:
        if directory is not None:
            raise
        _complain(error.name, str(error.value), error.expected, _DEFAULT)
        return directory_to_read(_default())


def _default() -> Path:
    """Return the store that is used where none is named: the nearest one, from here upwards, else one made here."""
    try:
        return store_upwards(Path.cwd()) or Path(_DEFAULT)
    except OSError:
        return Path(_DEFAULT)
    except Exception as error:  # noqa: BLE001 - whatever it raises
        let_pass(error)
        # A detector of blocking calls, on an event loop.
        return _SEEN_AT_FIRST or Path(_DEFAULT)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise
    except Exception as error:
        let_pass(error)
        if _STARTED_IN is None:
            raise
        # A detector of blocking calls, on an event loop.
        return _STARTED_IN


def _started_in() -> Path | None:
    with contextlib.suppress(Exception):
        return Path.cwd()
    return None


_STARTED_IN: Final = _started_in()


def _seen_at_first() -> Path | None:
    with contextlib.suppress(Exception):
        return None if _STARTED_IN is None else store_upwards(_STARTED_IN)
    return None


_SEEN_AT_FIRST: Final = _seen_at_first()


def _flag(name: str, value: object, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def _redact(value: object) -> RedactSetting:
    if value is None or callable(value):
        return value
    if not isinstance(value, str):
        raise TypeError(f"redact must be 'secrets', 'content', None or a callable, not {value!r}")
    if value not in REDACT_MODES:
        raise SettingError("redact", value, "'secrets', 'content', None or a callable")
    return value


def _idle(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"idle_minutes must be a number of minutes, not {value!r}")
    if not math.isfinite(value) or value < 0:
        raise SettingError("idle_minutes", value, "a number of minutes, 0 for never")
    return float(value)


def _cap(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"max_payload must be {_A_CAP}, or None, not {value!r}")
    size = bytes_in(value) if isinstance(value, str) else value
    if size is None or size < LEAST_PAYLOAD:
        raise SettingError("max_payload", value, f"{_A_CAP}; None keeps everything")
    return size


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"export must be {_AN_ADDRESS}, not a {type(value).__name__}")
    if _ADDRESS.fullmatch(value) is None:
        # What was given may hold a password.
        raise SettingError("export", "…", _AN_ADDRESS)
    return value


def _database(value: object) -> str:
    from tfstore.errors import DatabaseUnusable
    from tfstore.postgres.address import Address

    if not isinstance(value, str):
        raise TypeError(f"sync must be {_A_DATABASE}, not a {type(value).__name__}")
    try:
        Address.of(value)
    except DatabaseUnusable as error:
        raise SettingError("sync", "…", f"{_A_DATABASE} ({error.reason})") from None
    return value


def _env_address(
    name: str, read: Callable[[object], str], expected: str, environ: Mapping[str, str]
) -> str | None:
    value = environ.get(name, "").strip()
    if not value:
        return None
    try:
        return read(value)
    except SettingError:
        # It may hold a password.
        _complain(name, "…", expected, "not given")
        return None


def _env_redact(environ: Mapping[str, str]) -> RedactSetting:
    value = environ.get("THOUGHTFLOW_REDACT", "").strip().lower()
    if not value or value in REDACT_MODES:
        return value or "secrets"
    if value in {"none", "off"}:
        return None
    _complain("THOUGHTFLOW_REDACT", value, "secrets, content or none", "secrets")
    return "secrets"


def _env_idle(environ: Mapping[str, str]) -> float:
    value = environ.get("THOUGHTFLOW_IDLE_MINUTES", "").strip()
    if not value:
        return 30.0
    try:
        return _idle(float(value))
    except ValueError:
        _complain("THOUGHTFLOW_IDLE_MINUTES", value, "a number of minutes, 0 for never", "30")
        return 30.0


def _audio(value: Any) -> AudioSetting:
    for mode in AUDIO_MODES:
        if mode == value:
            return mode
    raise SettingError("audio", value, "'count', 'hash' or 'keep'")


def _env_audio(environ: Mapping[str, str]) -> AudioSetting:
    value = environ.get("THOUGHTFLOW_AUDIO", "").strip().lower()
    try:
        return _audio(value) if value else "count"
    except SettingError:
        _complain("THOUGHTFLOW_AUDIO", value, "count, hash or keep", "count")
        return "count"


def _env_cap(environ: Mapping[str, str]) -> int | None:
    value = environ.get("THOUGHTFLOW_MAX_PAYLOAD", "").strip()
    if not value or value.lower() in {"none", "off"}:
        return None
    try:
        return _cap(value)
    except ValueError:
        _complain("THOUGHTFLOW_MAX_PAYLOAD", value, f"{_A_CAP}, or none", "none")
        return None


def _env_flag(name: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(name, "").strip().lower()
    if value in {"", "0", "false", "no", "off"}:
        return False
    if value not in {"1", "true", "yes", "on"}:
        _complain(name, value, "1 or 0", "1")
    return True


def _raw_allowed(environ: Mapping[str, str]) -> bool:
    value = environ.get("THOUGHTFLOW_ALLOW_RAW", "").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value not in {"", "0", "false", "no", "off"}:
        # Not as of other switches: a doubt is no permission.
        _complain("THOUGHTFLOW_ALLOW_RAW", value, "1 or 0", "0")
    return False


def tell_one_switch(*, asked: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Say, once, that only one of the two switches of raw mode is on."""
    if asked == _raw_allowed(environ):
        return
    one, other = "capture_raw=True", "THOUGHTFLOW_ALLOW_RAW=1"
    one, other = (one, other) if asked else (other, one)
    if ("raw", one) not in _told:
        _told.add(("raw", one))
        _log.warning(
            "%s alone records nothing raw: that takes %s too. What is recorded is redacted, as ever.",
            one,
            other,
        )


def raw_days(environ: Mapping[str, str] = os.environ) -> float:
    """Return for how many days raw bodies are kept: ``THOUGHTFLOW_RAW_DAYS``, else 3.

    Example:
        >>> raw_days({}), raw_days({"THOUGHTFLOW_RAW_DAYS": "0.5"})
        (3.0, 0.5)
    """
    from tfstore.disk.raw_folder import KEPT_DAYS

    value = environ.get("THOUGHTFLOW_RAW_DAYS", "").strip()
    if not value:
        return KEPT_DAYS
    with contextlib.suppress(ValueError):
        days = float(value)
        if math.isfinite(days) and days > 0:
            return days
    _complain("THOUGHTFLOW_RAW_DAYS", value, "a number of days", f"{KEPT_DAYS:g}")
    return KEPT_DAYS


_told: set[tuple[str, str]] = set()


def _complain(name: str, value: str, expected: str, instead: str) -> None:
    if (name, value) not in _told:
        _told.add((name, value))
        _log.warning("%s=%s cannot be used: give %s. Taken as %s.", name, value, expected, instead)
