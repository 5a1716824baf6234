"""Keeping a store well: deleting, pruning, verifying, the doctor."""
