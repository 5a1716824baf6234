"""A session's part of a store in one file, to be passed on."""
