"""What the terminal draws: one module a view."""
