"""A session given to its program again, offline: tapes, what is compared, and what answers."""
