"""Why a step says what it says: what was there before it, where its words come from, what was missing. Pure."""
