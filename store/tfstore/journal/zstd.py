"""zstd with bounds, by a binding that no HTTP client looks for.

httpx asks servers for zstd wherever `zstandard` can be imported, httpx2, urllib3 and others where `backports.zstd`
can: installing one of them would change what every client of the environment sends. So it is the standard library's
from Python 3.14 on, where they have it anyway, and pyzstd's before, up to the version that is one of those two.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if sys.version_info >= (3, 14):
    from compression import zstd

    Parameter = zstd.CompressionParameter
    _LEVEL, _WINDOW, _LONG, _CHECKSUM, _LARGEST = (
        Parameter.compression_level,
        Parameter.window_log,
        Parameter.enable_long_distance_matching,
        Parameter.checksum_flag,
        zstd.DecompressionParameter.window_log_max,
    )
    _OPTIONS: Final = "options"
    _PLEDGE: Final = "set_pledged_input_size"
else:
    import pyzstd as zstd

    Parameter = zstd.CParameter
    _LEVEL, _WINDOW, _LONG, _CHECKSUM, _LARGEST = (
        Parameter.compressionLevel,
        Parameter.windowLog,
        Parameter.enableLongDistanceMatching,
        Parameter.checksumFlag,
        zstd.DParameter.windowLogMax,
    )
    _OPTIONS: Final = "level_or_option"
    _PLEDGE: Final = "_set_pledged_input_size"

if TYPE_CHECKING:
    from typing import BinaryIO

ZstdError: Final[type[Exception]] = zstd.ZstdError

_BLOCK: Final = 64 * 1024


def compressor(size: int, *, level: int, window_log: int) -> Any:
    """Return what compresses ``size`` bytes into one frame: ``compress`` piece by piece, then ``flush``.

    Example:
        >>> import io
        >>> made = compressor(3, level=1, window_log=10)
        >>> Frame(io.BytesIO(made.compress(b"abc") + made.flush()), window_log=10).read(1000)
        b'abc'
    """
    options = {_LEVEL: level, _WINDOW: window_log, _LONG: int(window_log > 20), _CHECKSUM: 1}
    made = zstd.ZstdCompressor(**{_OPTIONS: options})  # type: ignore[arg-type]
    getattr(made, _PLEDGE)(size)
    return made


class Frame:
    """The content of the one frame that a file begins with, unpacked as it is read."""

    def __init__(self, packed: BinaryIO, *, window_log: int) -> None:
        self._packed = packed
        options: Any = {_LARGEST: window_log}
        self._unpacker = zstd.ZstdDecompressor(**{_OPTIONS.removeprefix("level_or_"): options})

    def read(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes, none at the frame's end.

        Raises:
            ZstdError: it is damaged, or asks for a larger window.
        """
        unpacker = self._unpacker
        while not unpacker.eof:
            packed = self._packed.read(_BLOCK) if unpacker.needs_input else b""
            if unpacker.needs_input and not packed:
                break
            if data := unpacker.decompress(packed, limit):
                return data
        return b""

    @property
    def is_whole(self) -> bool:
        """Whether its end has been read."""
        return bool(self._unpacker.eof)

    @property
    def unused(self) -> bytes:
        """What was read of the file behind the frame's end."""
        unused: bytes = self._unpacker.unused_data
        return unused
