"""A browser, and a page's server."""

from tests.view.conftest import browser, page, serve_store, watched

__all__ = ["browser", "page", "serve_store", "watched"]
