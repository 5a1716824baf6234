"""Commands for what goes to somebody else, and comes from there."""
