"""Connections that break: whoever deletes or prunes is gone before a statement, and so is its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tfstore.postgres import connecting


class Died(BaseException):
    """Whoever was at it is gone."""


def dying_at(statement: int) -> Callable[..., Any]:
    """Return what connects, and breaks the connection before that statement, whatever it is."""
    count = 0
    execute = psycopg.Cursor.execute

    def counted(self: Any, *arguments: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == statement:
            self.connection.pgconn.finish()
            raise Died
        return execute(self, *arguments, **more)

    def connected(*arguments: Any, **more: Any) -> Any:
        connection = connecting.connect(*arguments, **more)
        # This connection's statements, and nobody else's.
        connection.cursor_factory = type("Dying", (psycopg.Cursor,), {"execute": counted})
        connection.server_cursor_factory = psycopg.ServerCursor
        return connection

    return connected
