"""Entries in, session document out: no clock, no disk, no network."""
