"""The page: sessions in a browser, served to this machine only or written as one file.

Needs the extra ``tfclient[view]``; without it, importing this works and calling says what to install.
"""

from __future__ import annotations

from tfclient.view.error_pages import ExtraMissing, PortInUse, ViewError
from tfclient.view.page import html_file
from tfclient.view.server import serve

__all__ = ["ExtraMissing", "PortInUse", "ViewError", "html_file", "serve"]
