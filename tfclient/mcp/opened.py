"""The store that a server reads, which may not be there yet when the server starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from tfclient.errors import SettingError
from tfclient.opening import finish_left, open_to_read
from tfstore.errors import StoreNotFound, StoreUnusable
from tfstore.meant import find_session, on_disk

if TYPE_CHECKING:
    from tfstore.document.documents import Session
    from tfstore.document.notes import Note
    from tfstore.protocols import Reading
    from tfstore.store import Store


@frozen
class Found:
    """A session, what people noted on it, and sentences on what of it may be missing."""

    session: Session
    notes: Sequence[Note] = ()
    troubles: Sequence[str] = ()


@define
class Opened:
    """A store by its path; what processes left in it that died meanwhile is finished before it is read.

    Args:
        path: as it was typed; None for the one that is meant here.
    """

    path: str | os.PathLike[str] | None = None
    _store: Reading | None = field(init=False, default=None)

    def store(self) -> Reading:
        """Return the store.

        Raises:
            SettingError, StoreUnusable: it cannot be one.
            StoreNotFound: there is none yet.
        """
        store = self._store
        here = None if store is None else on_disk(store)
        if store is None or (here is not None and not here.paths.exists()):
            self._store = opened = open_to_read(self.path)
            return opened
        if here is not None:
            finish_left(here)
        return store

    def folder(self) -> Store:
        """Return the store, for what only a folder keeps: what sessions taught.

        Raises:
            SettingError: it is no folder; and as ``store``.
        """
        store = self.store()
        here = on_disk(store)
        if here is None:
            raise SettingError("store", store.where, "a folder: what sessions taught is kept in one")
        return here

    def check(self) -> StoreNotFound | None:
        """Return that there is no store yet, if that is so.

        Raises:
            SettingError, StoreUnusable: there can be none.
        """
        try:
            self.store()
        except StoreNotFound as missing:
            return missing
        return None

    def session(self, typed: str) -> Found:
        """Return the session that is meant: ``last``, an id, or the start of one or of its last part.

        Raises:
            StoreError: there is none, several are meant, or it cannot be read.
        """
        from tfclient.finishing.recovery import damage_of

        store = self.store()
        session_id = find_session(store, typed.strip())
        here = on_disk(store)
        damage = None if here is None else damage_of(here, session_id)
        troubles = [] if damage is None else [f"this may not be all of the session: {damage}"]
        session = store.get(session_id)
        try:
            noted = store.noting.read(session_id)
        except StoreUnusable as error:
            return Found(session, (), [*troubles, str(error)])
        return Found(session, noted.notes, [*troubles, *noted.troubles(session_id)])
