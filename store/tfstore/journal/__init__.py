"""The append-only record: entries, segments, archives, and reading them."""
