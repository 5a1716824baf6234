"""Which run a call belongs to, and what it continues."""
