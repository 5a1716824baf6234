"""Installing itself with the first client of a program: for ``THOUGHTFLOW_INSTALL=1`` and ``tfclient run``.

A program that never imports ``openai`` pays nothing for it, and whatever goes wrong is told in the log: the program
has not asked for it. Two steps, since that import may be made by a module of ours, which is then not ready itself:
when ``openai`` is there its clients are watched, and when the first one is made the seams are put on.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

VARIABLE: Final = "THOUGHTFLOW_INSTALL"


def if_wanted() -> None:
    """Do it if the environment asks for it. The line in the wheel's ``.pth`` file calls this."""
    if os.environ.get(VARIABLE, "").strip().lower() not in {"", "0", "false", "no", "off"}:
        install_when_imported()


def install_when_imported() -> None:
    """Call ``tfclient.install()`` as soon as ``openai`` is there: now, or when it is first imported."""
    if "openai" in sys.modules:
        with _told():
            _install(_store())
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds nothing but ``openai``, once, where the others find it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "openai":
            return None
        for finder in list(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
                    return spec
        return None


class _Loader:
    """Loads a module as its own loader does, and installs behind it."""

    def __init__(self, loader: Loader, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Whoever asks the module for its loader, as for its data, gets its own.
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _watch_clients()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _watch_clients() -> None:
    """Install with the first client that is made, and where the store is to be according to this moment."""
    with _told():
        from tfclient.capture.borrowed import base_clients

        directory = _store()
        for base in base_clients():
            base.__init__ = _installing(base, base.__init__, directory)


def _installing(base: type[Any], original: Callable[..., None], directory: Path) -> Callable[..., None]:
    @functools.wraps(original)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        # Somebody may have put another function around this one meanwhile, and goes on calling it.
        if vars(base).get("__init__") is made:
            base.__init__ = original
        with _told():
            _install(directory)
        original(self, *args, **kwargs)

    return made


def _store() -> Path:
    from tfclient.settings import Settings

    return Settings.resolve().directory


def _install(directory: Path) -> None:
    from tfclient.installing import install_once

    install_once(directory)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the program goes on
        import logging

        logging.getLogger("tfclient").warning(
            "Nothing is being recorded: tfclient could not install itself (%s: %s).",
            type(error).__name__,
            error,
        )
