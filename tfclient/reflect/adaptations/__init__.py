"""Changes of instructions: proposed by models or people, confirmed by people, given out, compared from the record."""
