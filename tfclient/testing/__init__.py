"""Recorded-cassette tests: the pytest plugin, and what a test asks of its session."""
