"""Documents as a TinyDB table, to be read."""
