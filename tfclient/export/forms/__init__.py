"""A session in the forms of other tools: each a function from the session to text or rows, which knows no command."""
