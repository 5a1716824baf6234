"""Bytes on this machine: paths, files, locks, blobs."""
