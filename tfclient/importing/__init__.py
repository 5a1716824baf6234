"""Sessions from recordings that others made."""
