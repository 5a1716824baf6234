"""The server's tools as a client in the same process calls them, and a store of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from attrs import frozen
from mcp import Client

from tests.projection.recorded import FOLDER, project_recording
from tfclient.importing.cassette import find_cassettes, read_cassette
from tfclient.mcp.opened import Opened
from tfclient.mcp.server import server_for
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

HUNDRED = 100


@frozen
class Told:
    """What a tool answered."""

    text: str
    failed: bool


def talk(root: Path, conversation: Callable[[Client], Awaitable[Any]], *, propose: bool = False) -> Any:
    """Return what comes of a conversation with the server of a store."""

    async def run() -> Any:
        async with Client(server_for(Opened(root), propose=propose)) as client:
            return await conversation(client)

    return anyio.run(run)


async def told(client: Client, tool: str, /, **arguments: Any) -> Told:
    """Call a tool."""
    result: Any = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert result.structured_content is None
    return Told(content.text, bool(result.is_error))


def ask(root: Path, tool: str, /, **arguments: Any) -> Told:
    """Call one tool of the server of a store."""
    result: Told = talk(root, lambda client: told(client, tool, **arguments))
    return result


def store_of_recordings(root: Path) -> Store:
    """A store of a hundred recordings of real traffic, as different as they come."""
    store = Store(root, create=True)
    for number, path in enumerate(sorted(find_cassettes(FOLDER))[::7][:HUNDRED]):
        name = f"sess_20261101T{number // 60:02}{number % 60:02}00Z_{number:08x}"
        store.put(project_recording(name, read_cassette(path)).session)
    return store
