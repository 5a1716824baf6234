"""What texts are put together of that may hold a secret across pieces, or just not."""

from __future__ import annotations

from typing import Final

PIECES: Final = [
    *(" word", "sk", "-", "sk-pro", "j-abcdefghij", "0123456789abcdef", "AK", "IA", "IOSFODNN7", "EXAMPLE"),
    *(" ", "pass", "word", ": ", "hunter22", '"', "\\", "\n", "\t", "é", "\u2028"),
    *("eyJ", "hbGciOi", ".eyJzdWI", ".x", "Bearer", "-----BEGIN RSA PRIVATE", " KEY-----", "MIIE"),
    *("https://me:pw", "@host", "", "token", "x" * 200),
]
